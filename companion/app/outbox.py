"""The outbox at work: an open note is changed by its editor, a closed one here.

Which notes are open is in the journal's database, so that it works alike in every process.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Sequence
from dataclasses import replace

from companion.app.problem import code_of
from companion.app.types.base import EditShape
from companion.app.types.changes import OfferShape
from companion.enrich.apply import Editor, File, apply
from companion.enrich.job import Result, new_run
from companion.enrich.workspace import Workspace
from companion.errors import (
    ChangeNotInNote,
    NoteBusy,
    NoteChanged,
    NoteError,
    NoteRefused,
    NoteUnwritable,
    NotThere,
    UsageError,
)
from companion.note.editor_text import require_utf8, to_utf16
from companion.note.edits import Edit, apply_edits
from companion.store.changes import Change
from companion.store.outbox import NOT_OPEN, OutboxRow, TextHashes
from companion.store.proposals import Proposal, ProposalState
from companion.store.recovery import confirm_made_offers, holds
from companion.store.undo import (
    Undone,
    find_parts,
    locate_note,
    make_undo,
    require_made,
    undo_change,
)
from companion.vault.files import is_vault_there
from companion.vault.paths import fold_path, spelled_path

PATIENCE = 30.0  # seconds that a run waits for an editor to make its edits
IN_EDITOR = "open in Obsidian; it is accepted there when you pause, or here once the note is closed"
NOT_TAKEN = (
    f"open in Obsidian, where nobody took the edits within {PATIENCE:.0f} s; they are made there "
    "when you pause, or here once it is closed"
)
CANCELLED = "cancelled in Obsidian"
EDITS_DELETED = "its edits were deleted: the note is left alone now, or you deleted its stored text"
_LOOK = 0.2  # seconds between two looks whether an editor made the edits
_NEXT_TRY = 60.0  # seconds until a note that could not be written is tried again
_log = logging.getLogger(__name__)


class Outbox:
    """The edits of one vault that are for editors to make. Safe to use from any thread."""

    def __init__(self, space: Workspace) -> None:
        self._space = space
        self._store = space.journal.outbox
        self._proposals = space.journal.proposals
        self.is_open = space.journal.presence.is_open
        self.withdraw = self._store.withdraw
        self._next_tries: dict[int, float] = {}  # by row, Unix time

    def undo(self, change: Change, run: str | None = None) -> Undone | OutboxRow:
        """Undo the change, except the parts that were edited since.

        If the note is open, that is left to its editor, and its row is returned. run: None: a new
        one. Raises NoteError.
        """
        run = run or new_run()
        if change.state == "done":
            change = locate_note(self._space.root, self._space.journal, change)
            if self.is_open(change.path):
                return self._store.add(OutboxRow(change.path, run, undoes=change.id))
        return self._undo_in_file(change, run)

    def fill(
        self, space: Workspace, path: str, proposals: Sequence[Proposal], by: str, into: File
    ) -> Result:
        """Write the values that a run has for a note, as apply does, and return the result.

        If the note is open, its editor writes them, which is waited for; what it does not take in
        time goes on waiting.
        """
        if into.dry_run or not self.is_open(path):
            return apply(space, path, proposals, by, into)
        row = self._request(path, proposals, by, into.run, time.time() + PATIENCE)
        while row.is_open and time.time() < row.deadline:
            if into.cancelled.wait(_LOOK):
                self._store.end(row.id, "withdrawn")
            row = self._store.get(row.id) or replace(row, state="withdrawn", reason=EDITS_DELETED)
        change = space.journal.change(row.change) if row.change else None
        if change is None:
            return Result(row.path, "skipped", row.reason or NOT_TAKEN, waiting=tuple(proposals))
        filled = tuple(each for each in proposals if each.id in change.proposals)
        rest = tuple(each for each in proposals if each not in filled)
        return Result(change.path, "enriched", filled=filled, waiting=rest, change=change.id)

    def cancel(self, id_: int) -> None:
        """Withdraw a row because the user does not want its edits. Raises NotThere."""
        self._store.end(self.row(id_).id, "withdrawn", reason=CANCELLED)

    def row(self, id_: int) -> OutboxRow:
        """Return the row of that id. Raises NotThere."""
        if row := self._store.get(id_):
            return row
        raise NotThere(f"there are no edits {id_} in the outbox")

    def rows_of(self, paths: Collection[str]) -> list[OutboxRow]:
        """Return the open rows of these notes, with paths spelled as the client does."""
        spelled = {fold_path(path): path for path in paths}
        return [
            replace(row, path=path)
            for row in (self._store.open_rows() if paths else ())
            if (path := spelled.get(fold_path(row.path)))
        ]

    def give(self, id_: int, text: str) -> OfferShape:
        """Return the edits of a row for the text that an editor shows now.

        Raises NotThere; NoteError if they are no longer to be made, or have no place in it.
        """
        row = self.row(id_)
        require_utf8(text)
        if row.state == "given":
            journal = self._space.journal
            for change in journal.offered():
                if change.outbox == id_ and holds(journal, change, text):
                    journal.done(change.id)  # its confirmation got lost
            row = self.row(id_)
        if not row.is_open:
            raise NoteRefused(NOT_OPEN, row.path)
        try:
            return self._plan(row, text)
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
        return change

    def settle(self, paths: Collection[str] | None = None) -> None:
        """Record edits that editors made without confirming them. paths: the notes; None: all."""
        confirm_made_offers(self._space.root, self._space.journal, paths)

    def make_closed(self) -> list[OutboxRow]:
        """Make the edits of notes that are now closed; return their rows. Raises JournalError."""
        rows = self._store.open_rows()
        if not (rows and is_vault_there(self._space.root)):
            return []
        now = time.time()
        closed = [row for row in rows if not self.is_open(row.path)]
        for row in closed:
            if self._next_tries.get(row.id, 0.0) <= now:
                self._make(row)
        return list(filter(None, (self._store.get(row.id) for row in closed)))

    def _make(self, row: OutboxRow) -> None:
        """Make the edits of a row in its note, which is closed; or later, if that may help."""
        if row.state == "given":
            self.settle([row.path])
            self._store.end(row.id, "waiting")
        try:
            if self.row(row.id).is_open:
                self._make_in_file(row)
        except NoteError as error:
            was_tried = row.id in self._next_tries
            if isinstance(error, NoteBusy | NoteUnwritable) or (
                isinstance(error, NoteChanged)
                and not isinstance(error, ChangeNotInNote)
                and not was_tried  # a note that is just being saved may differ then
            ):
                _log.info("%s: put off: %s", row.path, error.reason)
                self._next_tries[row.id] = time.time() + _NEXT_TRY
            else:
                self._withdraw(row, error)

    def _make_in_file(self, row: OutboxRow) -> None:
        if row.undoes is not None:
            self._undo_in_file(self._find_change(row), row.run)
            return
        into, proposals = File(row.run), self._proposals_of(row)
        result = apply(self._space, row.path, proposals, row.decided_by, into)
        if result.change is None:
            raise NoteRefused(result.reason, result.path)
        self._store.end(row.id, "made", change=result.change)

    def _withdraw(self, row: OutboxRow, error: NoteError) -> None:
        _log.info("%s: left alone; companion scan says why", row.path)
        self._store.end(row.id, "withdrawn", reason=error.reason, code=code_of(error))

    def _undo_in_file(self, change: Change, run: str) -> Undone:
        self._space.refresh()
        return undo_change(self._space.root, self._space.journal, change, run)

    def accept(
        self, space: Workspace, path: str, proposals: Sequence[Proposal], by: str, into: File
    ) -> Result:
        """Write the accepted values; if the note is open, leave them to its editor.

        Until the editor has made the edits, the proposals are open, including those that were
        refused or rejected.
        """
        if not self.is_open(path):
            return apply(space, path, proposals, by, into)
        self._request(path, proposals, by, into.run, 0.0, {each.state for each in proposals})
        why_not = {each.id: IN_EDITOR for each in proposals}
        return Result(path, "proposed", IN_EDITOR, waiting=tuple(proposals), why_not=why_not)

    def _request(
        self,
        path: str,
        proposals: Sequence[Proposal],
        by: str,
        run: str,
        deadline: float,
        states: Collection[ProposalState] = (),
    ) -> OutboxRow:
        """Add a row for these values. states: as in OutboxStore.add."""
        ids = tuple(each.id for each in proposals)
        return self._store.add(OutboxRow(path, run, None, ids, by, deadline), list(states))

    def _proposals_of(self, row: OutboxRow) -> list[Proposal]:
        """Return the proposals of a row that are open. Raises NoteRefused if none is."""
        proposals = self._proposals.get_all(row.proposals)
        if waiting := [each for each in proposals if each.state == "open"]:
            return waiting
        raise NoteRefused("none of it is wanted any more", row.path)

    def _find_change(self, row: OutboxRow) -> Change:
        """Return the change that a row takes back. Raises NoteRefused if it no longer exists."""
        change = self._space.journal.change(row.undoes or 0)
        if change is None:
            raise NoteRefused("its change is no longer in the journal", row.path)
        return change

    def _plan(self, row: OutboxRow, text: str) -> OfferShape:
        """Return the edits of a row for the text that an editor shows, once they are on the disk.

        Raises NoteError, JournalError.
        """
        if row.undoes is not None:
            return self._plan_undo(row, text)
        into = Editor(row.id, text, row.run, deadline=time.time() + PATIENCE)
        result = apply(self._space, row.path, self._proposals_of(row), row.decided_by, into)
        if into.hashes is None:
            raise NoteRefused(result.reason, result.path)
        return _show(text, result.edits, into.hashes)

    def _plan_undo(self, row: OutboxRow, text: str) -> OfferShape:
        journal = self._space.journal
        change = locate_note(self._space.root, journal, self._find_change(row))
        require_made(change)
        inverse = find_parts(journal, change, text, in_editor=True)
        undo = make_undo(change, inverse, row.run)
        old, new = text.encode("utf-8"), apply_edits(text, inverse.edits).encode("utf-8")
        hashes = self._store.offer(row.id, undo, old, new, inverse.reason)
        return _show(text, undo.edits, hashes)


def _show(text: str, edits: Sequence[Edit], hashes: TextHashes) -> OfferShape:
    """Return the edits of the text as editors get them."""
    shown = list(map(EditShape.model_validate, to_utf16(text, edits)))
    return OfferShape(edits=shown, base_sha256=hashes.before, new_sha256=hashes.after)
