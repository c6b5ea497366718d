"""The outbox at work: open notes are changed by their editor, closed ones here."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from typing import NamedTuple

from companion.app.problem import code_of
from companion.enrich.run import new_run
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
from companion.note.edit import apply_edits
from companion.note.editor_text import Utf16Edit, require_utf8, to_utf16
from companion.store.change import Change, NewChange
from companion.store.inverse import find_parts_in_editor
from companion.store.moves import locate_note
from companion.store.outbox import NOT_OPEN, OfferId, OutboxRow, Request
from companion.store.recover import confirm_made_offers
from companion.store.undo import Undone, make_undo, require_made, undo_change
from companion.vault.files import is_vault_there
from companion.vault.paths import fold_path
from companion.vault.write import read_note

LOOK = 1.0  # seconds between two checks whether notes are still open
REPORTED = 20.0  # seconds from the start until editors have reported which notes they show
_RACES = 2  # tries after one that somebody else wrote meanwhile
_WAITS = 5.0, 3600.0  # seconds until a note is tried again: the first wait, and the longest
_log = logging.getLogger(__name__)


class ClientEdits(NamedTuple):
    """Edits for an editor to make. Offsets count UTF-16 code units of the text before.

    base_sha256, new_sha256: hashes of the text before and after, encoded as UTF-8.
    """

    edits: Sequence[Utf16Edit]
    base_sha256: str
    new_sha256: str


class EditsInPart(NamedTuple):
    """Edits that may leave something. left: what of a change stays, and reason: why; see Undone."""

    edits: ClientEdits
    left: list[str]
    reason: str


class Outbox:
    """The edits of one vault that are for editors to make. Safe to use from any thread.

    is_open: whether an editor has the note at that path open. record_write: is told of each write,
    with path and bytes. clock: returns the Unix time.
    """

    def __init__(
        self,
        space: Workspace,
        is_open: Callable[[str], bool],
        record_write: Callable[[str, bytes], None],
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._space = space
        self._store = space.journal.outbox
        self._is_open = is_open
        self._record_write = record_write
        self._clock = clock
        self._begun = clock()
        self._has_rows = True  # perhaps
        self._tries: dict[int, tuple[int, float]] = {}  # by row: tries that failed, and the next
        self._changed = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._serve, name="outbox", daemon=True)

    # --- edits for who asks for them alone

    def offer(
        self, key: str, change: NewChange, before: str, after: str, reason: str = ""
    ) -> ClientEdits:
        """Return the edits of a change that a client may make, once they are on the disk.

        key, reason: as in OutboxStore.offer. The offsets of change.edits count characters of
        `before`. Raises JournalError.
        """
        old, new = before.encode("utf-8"), after.encode("utf-8")
        _, *hashes = self._store.offer(key, change, old, new, reason)
        return ClientEdits(to_utf16(before, change.edits), *hashes)

    def confirm(
        self, key: str, base_sha256: str, new_sha256: str, moved_to: str | None = None
    ) -> int:
        """Record that a client made the edits; return the id of the change in the journal.

        key: that of a row, or as in offer. A second call returns the same id. moved_to: the note's
        present path, if it was moved.

        Raises UsageError if there were no such edits, and JournalError.
        """
        number = self._store.confirm(OfferId(key, base_sha256, new_sha256), moved_to)
        if number is None:
            raise UsageError(
                "no edits were offered that make this text of that one; ask for them again"
            )
        return number

    def settle(self, paths: Collection[str] | None = None) -> None:
        """Record edits that clients made without confirming them. paths: the notes; None: all."""
        confirm_made_offers(self._space.root, self._space.journal, paths)

    def offer_undo(self, change: Change, text: str) -> EditsInPart:
        """Return the edits that undo the change in a text in an editor. Raises NoteError."""
        require_utf8(text)
        return self._plan_undo(f"change {change.id}", change, text, new_run())

    # --- edits that are to be made, by whoever can

    def undo(
        self, change: Change, run: str | None = None, *, even_open: bool = False
    ) -> Undone | OutboxRow:
        """Undo the change, except the parts that were edited since.

        In a note that is open, unless even_open, that is left to its editor: the row of it is
        returned. run: that the undo belongs to; None: a new one.

        Raises NoteError if it cannot be undone.
        """
        run = run or new_run()
        if change.state == "done" and not even_open:
            change = locate_note(self._space.root, self._space.journal, change)
            if self._is_open(change.path):
                return self._add(Request(change.path, run, undoes=change.id))
        return self._undo_in_file(change, run)

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
            row._replace(request=row.request._replace(path=path))
            for row in self._store.open_rows()
            if (path := spelled.get(fold_path(row.path)))
        ]

    def give(self, id_: int, text: str) -> EditsInPart:
        """Return the edits of a row for the text that an editor shows now.

        Raises NotThere; NoteError if they are not to be made any more, or have no place in it.
        """
        row = self.row(id_)
        require_utf8(text)
        if row.is_open and row.offer and row.offer.is_in(text):  # its confirmation got lost
            self._store.confirm(row.offer.name, event="find")
        row = self.row(id_)
        if not row.is_open or row.request.undoes is None:
            raise NoteRefused(NOT_OPEN, row.path)
        try:
            return self._plan_undo(row.key, self._require(row), text, row.request.run)
        except NoteError as error:
            self._withdraw(row, error)
            raise

    def start(self) -> None:
        """Start to do what waits, once its note is closed."""
        self._thread.start()

    def stop(self) -> None:
        """Begin nothing more; what waits is done after the next start."""
        self._stopped = True
        self._changed.set()

    def wake(self) -> None:
        """Look at the notes again now: some may be closed."""
        if self._has_rows:
            self._changed.set()

    def look(self) -> float | None:
        """Do what waits for notes that are closed; return the seconds until the next look.

        None: nothing waits. Raises JournalError.
        """
        rows = self._store.open_rows()
        self._has_rows = bool(rows)
        self._tries = {row.id: self._tries[row.id] for row in rows if row.id in self._tries}
        if self._clock() >= self._begun + REPORTED and is_vault_there(self._space.root):
            for row in rows:
                if not self._stopped and not self._is_open(row.path):
                    self._make(row)
        return LOOK if rows else None

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

    def _add(self, request: Request) -> OutboxRow:
        row = self._store.add(request)
        self._has_rows = True
        self._changed.set()
        return row

    def _make(self, row: OutboxRow) -> None:
        """Make the edits of a row in its note, which is closed; later, where that may help."""
        tries, next_try = self._tries.get(row.id, (0, 0.0))
        if self._clock() < next_try:
            return
        if row.state == "given":
            self.settle([row.path])
            self._store.step(row.id, "miss")
        try:
            if self.row(row.id).is_open:
                self._undo_in_file(self._require(row), row.request.run)
        except NoteError as error:
            if not _may_pass(error, tries):
                self._withdraw(row, error)
                return
            _log.info("%s: put off: %s", row.path, error.reason)
            first, longest = _WAITS
            self._tries[row.id] = tries + 1, self._clock() + min(first * 2**tries, longest)

    def _withdraw(self, row: OutboxRow, error: NoteError) -> None:
        _log.info("%s: left alone; companion scan says why", row.path)
        self._store.step(row.id, "withdraw", reason=error.reason, code=code_of(error))

    def _require(self, row: OutboxRow) -> Change:
        change = self._space.journal.change(row.request.undoes or 0)
        if change is None:
            raise NoteRefused("its change is not in the journal any more", row.path)
        return change

    def _plan_undo(self, key: str, change: Change, text: str, run: str) -> EditsInPart:
        require_made(change)
        change = locate_note(self._space.root, self._space.journal, change)
        inverse = find_parts_in_editor(self._space.journal, change, text)
        undo, after = make_undo(change, inverse, run), apply_edits(text, inverse.edits)
        edits = self.offer(key, undo, text, after, inverse.reason)
        return EditsInPart(edits, inverse.left, inverse.reason)

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
    """Return whether another try may help: a note that is just being saved may be another then."""
    if isinstance(error, NoteBusy | NoteUnwritable):
        return True
    return (
        tries < _RACES and isinstance(error, NoteChanged) and not isinstance(error, ChangeNotInNote)
    )
