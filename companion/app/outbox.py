"""The outbox at work: an open note is changed by its editor, a closed one here."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import replace

from companion.app.decider import Decider
from companion.app.editor_edits import find_change_to_undo, plan_row
from companion.app.engine.circuit_breaker import back_off
from companion.app.problem import code_of
from companion.app.types.changes import EditsInPart
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.note_writer import NoteValues, NoteWriter
from companion.enrich.result import Result, new_run
from companion.enrich.workspace import Workspace
from companion.errors import (
    ChangeNotInNote,
    CompanionError,
    NoteBusy,
    NoteChanged,
    NoteError,
    NoteRefused,
    NoteUnwritable,
    NotThere,
    UsageError,
)
from companion.note.editor_text import require_utf8
from companion.store.change import Change
from companion.store.outbox_store import NOT_OPEN, OutboxRow, Request, TextHashes
from companion.store.proposal import ProposalState
from companion.store.recovery import confirm_made_offers
from companion.store.undo import Undone, locate_note, undo_change
from companion.vault.files import is_vault_there
from companion.vault.paths import fold_path, spelled_path
from companion.vault.write import read_note

PATIENCE = 30.0  # seconds that a run waits for an editor to make its edits
LOOK = 1.0  # seconds between two checks whether notes are still open
REPORTED = 20.0  # seconds from the start until editors have reported which notes they show
IN_EDITOR = "open in Obsidian; it is accepted there when you pause, or here once the note is closed"
NOT_TAKEN = (
    f"open in Obsidian, where nobody took the edits within {PATIENCE:.0f} s; they are made there "
    "when you pause, or here once it is closed"
)
CANCELLED = "cancelled in Obsidian"
EDITS_DELETED = "its edits were deleted: the note is left alone now, or you deleted its stored text"
_WRITE = 2.0  # seconds that a write has to end when the daemon stops
_RACES = 2  # tries after one in which somebody else wrote
_WAITS = 5.0, 3600.0  # seconds until a note is tried again: the first wait, and the longest
_log = logging.getLogger(__name__)


class Outbox:
    """The edits of one vault that are for editors to make. Safe to use from any thread.

    context: returns the current names and callout styles of the vault. is_open: whether an editor
    has the note at that path open. record_write: called after each write, with path and bytes.
    clock: returns the Unix time. decider: decides on proposals, and leaves edits to this outbox.
    """

    def __init__(
        self,
        space: Workspace,
        context: Callable[[], VaultContext],
        is_open: Callable[[str], bool],
        record_write: Callable[[str, bytes], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._space = space
        self._store = space.journal.outbox
        self._proposals = space.journal.proposals
        self.decider = Decider(space, context, self._accept, self.undo, self._store.withdraw)
        self.is_open = is_open
        self._record_write = record_write
        self._clock = clock
        self._begun = clock()
        self._has_rows = True  # perhaps
        self._tries: dict[int, tuple[int, float]] = {}  # by row: tries that failed, and the next
        # by row: the row as it was added, and whom to tell its outcome
        self._told: dict[int, tuple[OutboxRow, Callable[[OutboxRow], None]]] = {}
        self._changed = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._serve, name="outbox", daemon=True)

    def undo(self, change: Change, run: str | None = None) -> Undone | OutboxRow:
        """Undo the change, except the parts that were edited since.

        If the note is open, that is left to its editor, and its row is returned. run: None: a new
        one. Raises NoteError.
        """
        run = run or new_run()
        if change.state == "done":
            change = locate_note(self._space.root, self._space.journal, change)
            if self.is_open(change.path):
                return self._add(Request(change.path, run, undoes=change.id))
        return self._undo_in_file(change, run)

    def fill(
        self, writer: NoteWriter, values: NoteValues, tell: Callable[[OutboxRow], None]
    ) -> Result | None:
        """Write the values that a run has for a note, and return the result.

        If the note is open, that is left to its editor, and None is returned; tell is called with
        the row once it is over, or the run has waited long enough. Raises as NoteWriter.write.
        """
        if not self.is_open(values.job.path):
            return writer.write(values)
        deadline = self._clock() + PATIENCE
        row = self._request(writer, values, deadline)
        self._told[row.id] = row, tell
        self._changed.set()
        return None

    def cancel(self, id_: int) -> None:
        """Withdraw a row because the user does not want its edits. Raises NotThere."""
        self._store.step(self.row(id_).id, "withdraw", reason=CANCELLED)
        self._changed.set()

    def drop(self, run: str) -> None:
        """Withdraw the rows that the run waits for; nobody is notified."""
        for row in self._store.open_rows():
            if row.run == run and row.id in self._told:
                del self._told[row.id]
                self._store.step(row.id, "withdraw")

    def row(self, id_: int) -> OutboxRow:
        """Return the row of that id. Raises NotThere."""
        if row := self._store.get(id_):
            return row
        raise NotThere(f"there are no edits {id_} in the outbox")

    def rows_of(self, paths: Collection[str]) -> list[OutboxRow]:
        """Return the open rows of these notes, with paths spelled as the client does."""
        if not (self._has_rows and paths):
            return []
        spelled = {fold_path(path): path for path in paths}
        return [
            replace(row, path=path)
            for row in self._store.open_rows()
            if (path := spelled.get(fold_path(row.path)))
        ]

    def give(self, id_: int, text: str) -> EditsInPart:
        """Return the edits of a row for the text that an editor shows now.

        Raises NotThere; NoteError if they are no longer to be made, or have no place in it.
        """
        row = self.row(id_)
        require_utf8(text)
        if row.is_open and row.offer and row.offer.is_in(text):  # its confirmation got lost
            self._store.confirm(row.id, row.offer.hashes, event="find")
        row = self.row(id_)
        if not row.is_open:
            raise NoteRefused(NOT_OPEN, row.path)
        try:
            until = self._clock() + PATIENCE
            return plan_row(self._space, self.decider, row, text, until)
        except NoteError as error:
            proposals = self._proposals.get_all(row.proposals)
            if not any(each.state == "open" for each in proposals):  # of an undo, there are none
                self._withdraw(row, error)
            raise

    def confirm(
        self, id_: int, base_sha256: str, new_sha256: str, moved_to: str | None = None
    ) -> int:
        """Record that an editor made the edits of a row; return the id of the change.

        A second call returns the same id. moved_to: the note's present path, if it was moved.

        Raises UsageError if there were no such edits, or no note is at moved_to; JournalError.
        """
        moved_to = moved_to and spelled_path(self._space.root, moved_to)
        hashes = TextHashes(base_sha256, new_sha256)
        change = self._store.confirm(self.row(id_).id, hashes, moved_to)
        if change is None:
            raise UsageError(
                "no edits were offered that make this text of that one; ask for them again"
            )
        self._changed.set()
        return change

    def settle(self, paths: Collection[str] | None = None) -> None:
        """Record edits that editors made without confirming them. paths: the notes; None: all."""
        confirm_made_offers(self._space.root, self._space.journal, paths)

    def start(self) -> None:
        """Start to make the edits that wait, once their notes are closed."""
        self._thread.start()

    def stop(self) -> None:
        """Begin nothing more; waiting edits are made after the next start."""
        self._stopped = True
        self._changed.set()
        if self._thread.is_alive():
            self._thread.join(_WRITE)

    def wake(self) -> None:
        """Check the notes again now: some may be closed."""
        if self._has_rows:
            self._changed.set()

    def look(self) -> float | None:
        """Make the edits of notes that are now closed; return the seconds until the next check.

        None: nothing waits. Raises JournalError.
        """
        rows = self._store.open_rows()
        self._has_rows = bool(rows)
        self._tries = {row.id: self._tries[row.id] for row in rows if row.id in self._tries}
        if self._clock() >= self._begun + REPORTED and is_vault_there(self._space.root):
            for row in rows:
                if not self._stopped and not self.is_open(row.path):
                    self._make(row)
        self._tell()
        return LOOK if rows or self._told else None

    def _serve(self) -> None:
        pause: float | None = LOOK
        while not self._stopped:
            self._changed.wait(pause)
            self._changed.clear()
            try:
                pause = None if self._stopped else self.look()
            except CompanionError as error:
                _log.warning("what waits for open notes is put off: %s", error)
                pause = _WAITS[0]

    def _accept(self, writer: NoteWriter, values: NoteValues) -> Result:
        """Write the accepted values; if the note is open, leave them to its editor.

        Until the editor has made the edits, the proposals are open, including those that were
        refused or rejected.
        """
        path = values.job.path
        if self.is_open(path):
            self._request(writer, values, 0.0, values.states)
            return Result(path, "proposed", IN_EDITOR)
        result = writer.write(values)
        self._record(result)
        return result

    def _request(
        self,
        writer: NoteWriter,
        values: NoteValues,
        deadline: float,
        states: Sequence[ProposalState] = (),
    ) -> OutboxRow:
        """Add a row for these values. states: as in OutboxStore.add."""
        path, by, remark = values.job.path, values.decided_by, "; ".join(values.new_values)
        request = Request(path, writer.run, None, values.ids, by, deadline, remark)
        return self._add(request, states)

    def _record(self, result: Result) -> None:
        if result.change is not None:
            self._record_write(result.path, result.new.encode("utf-8"))

    def _tell(self) -> None:
        """Notify those who wait for rows that are over, or that have waited long enough."""
        for id_, (added, tell) in list(self._told.items()):
            row = self._store.get(id_) or replace(added, state="withdrawn", reason=EDITS_DELETED)
            if row.is_open and self._clock() < row.deadline:
                continue
            if self._told.pop(id_, None):
                tell(row)

    def _add(self, request: Request, states: Sequence[ProposalState] = ()) -> OutboxRow:
        row = self._store.add(request, states)
        self._has_rows = True
        self._changed.set()
        return row

    def _make(self, row: OutboxRow) -> None:
        """Make the edits of a row in its note, which is closed; or later, if that may help."""
        tries, next_try = self._tries.get(row.id, (0, 0.0))
        if self._clock() < next_try:
            return
        if row.state == "given":
            self.settle([row.path])
            self._store.step(row.id, "miss")
        try:
            if self.row(row.id).is_open:
                self._make_in_file(row)
        except NoteError as error:
            if _may_pass(error, tries):
                self._put_off(row, tries, error.reason)
            else:
                self._withdraw(row, error)
        except CompanionError:
            raise
        except Exception as error:  # a bug: the other notes must not suffer from it
            self._put_off(row, tries, f"unexpected {type(error).__name__}; please report it")

    def _put_off(self, row: OutboxRow, tries: int, reason: str) -> None:
        _log.info("%s: put off: %s", row.path, reason)
        self._tries[row.id] = tries + 1, self._clock() + back_off(tries + 1, *_WAITS)

    def _make_in_file(self, row: OutboxRow) -> None:
        if row.undoes is not None:
            self._undo_in_file(find_change_to_undo(self._space, row), row.run)
            return
        result = self.decider.write(row)
        self._record(result)
        self._store.step(row.id, "write", change=result.change)

    def _withdraw(self, row: OutboxRow, error: NoteError) -> None:
        _log.info("%s: left alone; companion scan says why", row.path)
        self._store.step(row.id, "withdraw", reason=error.reason, code=code_of(error))

    def _undo_in_file(self, change: Change, run: str) -> Undone:
        self._space.refresh()
        undone = undo_change(self._space.root, self._space.journal, change, run)
        with suppress(NoteError):
            data = read_note(self._space.root, undone.path, settle=0).data
            self._record_write(undone.path, data)
        # a query ends the transaction: other processes see it as done
        self._space.journal.change(undone.change)
        return undone


def _may_pass(error: NoteError, tries: int) -> bool:
    """Return whether another try may help: a note that is just being saved may differ then."""
    if isinstance(error, NoteBusy | NoteUnwritable):
        return True
    return (
        tries < _RACES and isinstance(error, NoteChanged) and not isinstance(error, ChangeNotInNote)
    )
