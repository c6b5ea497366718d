"""The edits that an editor gets for a row of the outbox, in the text that it shows."""

from __future__ import annotations

from companion.app.decider import Decider
from companion.app.types.base import EditShape
from companion.app.types.changes import EditsInPart, OfferShape
from companion.enrich.workspace import Workspace
from companion.errors import NoteRefused
from companion.note.edit import apply_edits
from companion.note.editor_text import to_utf16
from companion.store.change import Change, NewChange
from companion.store.inverse import find_parts
from companion.store.outbox_store import OutboxRow
from companion.store.undo import locate_note, make_undo, require_made


def plan_row(
    space: Workspace, decider: Decider, row: OutboxRow, text: str, deadline: float
) -> EditsInPart:
    """Return the edits of a row for the text that an editor shows, once they are on the disk.

    deadline: as in OutboxStore.offer. Raises NoteError, JournalError.
    """
    if row.undoes is not None:
        return _plan_undo(space, row, text)
    result, change = decider.plan_acceptance(row, text)
    offer = _offer(space, row, change, result.old, result.new, deadline=deadline)
    return EditsInPart(offer=offer, left=[], reason=None)


def find_change_to_undo(space: Workspace, row: OutboxRow) -> Change:
    """Return the change that a row takes back. Raises NoteRefused if it no longer exists."""
    change = space.journal.change(row.undoes or 0)
    if change is None:
        raise NoteRefused("its change is no longer in the journal", row.path)
    return change


def _plan_undo(space: Workspace, row: OutboxRow, text: str) -> EditsInPart:
    change = find_change_to_undo(space, row)
    change = locate_note(space.root, space.journal, change)
    require_made(change)
    inverse = find_parts(space.journal, change, text, in_editor=True)
    undo = make_undo(change, inverse, row.run)
    after = apply_edits(text, inverse.edits)
    offer = _offer(space, row, undo, text, after, inverse.reason)
    return EditsInPart(offer=offer, left=inverse.remaining, reason=inverse.reason)


def _offer(
    space: Workspace,
    row: OutboxRow,
    change: NewChange,
    before: str,
    after: str,
    reason: str = "",
    deadline: float = 0.0,
) -> OfferShape:
    old, new = before.encode("utf-8"), after.encode("utf-8")
    hashes = space.journal.outbox.offer(row.id, change, old, new, reason, deadline)
    edits = list(map(EditShape.model_validate, to_utf16(before, change.edits)))
    return OfferShape(edits=edits, base_sha256=hashes.before, new_sha256=hashes.after)
