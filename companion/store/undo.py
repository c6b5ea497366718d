"""Take one change back, in whole or in part, and leave all later edits of the note."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from companion.errors import NoteChanged, NoteRefused
from companion.note.edits import apply_edits
from companion.store.inverse import Inverse, find_parts
from companion.store.journal import Change, Journal, write_note
from companion.store.moves import follow_moves
from companion.vault.write import read_note

_WHY_NOT = {
    "pending": "is not finished; it is recovered when Companion starts next",
    "undone": "was taken back already",
    "abandoned": "was never made",
}


class Undone(NamedTuple):
    """The outcome of taking back a change, or a part of it.

    change: the id of the new change that takes it back. path: of the note. remaining: the
    parts of the old change that stay, as Change.name_parts returns them. reason: why they stay.
    """

    change: int
    path: str
    remaining: list[str]
    reason: str


def undo_change(root: Path, journal: Journal, change: Change, run: str) -> Undone:
    """Take the change out of its note, even if the note was moved; what the user edited remains.

    This is a change of the kind `undo`, which can be undone itself.

    Raises NoteRefused if there is nothing to take back, NoteChanged if all of it was edited or the
    note cannot be found, and the same as write_note.
    """
    change = locate_note(root, journal, change)
    require_made(change)
    try:
        snapshot = read_note(root, change.path)
    except NoteChanged as error:
        if (root / change.path).exists():
            raise
        what_to_do = "if it was moved and edited, move it back under this name to undo"
        raise NoteChanged(f"{error.reason}; {what_to_do}", change.path) from None
    text = snapshot.data.decode("utf-8")
    inverse = find_parts(journal, change, text)
    new = apply_edits(text, inverse.edits).encode("utf-8")
    undo = make_undo(change, inverse, run)
    return Undone(
        write_note(snapshot, new, journal, undo), undo.path, inverse.remaining, inverse.reason
    )


def require_made(change: Change) -> None:
    """Raise NoteRefused unless there is something to take back."""
    if change.state != "done":
        by = f" by change {change.undone_by}" if change.undone_by else ""
        raise NoteRefused(f"change {change.id} {_WHY_NOT[change.state]}{by}", change.path)


def make_undo(change: Change, inverse: Inverse, run: str) -> Change:
    """Return the change that takes the given one back."""
    return Change(run, change.path, "undo", inverse.edits, undoes=change.id, parts=inverse.parts)


def locate_note(root: Path, journal: Journal, change: Change) -> Change:
    """Return the change with the current path of its note, if it was moved. Raises JournalError."""
    if not os.path.lexists(root / change.path):
        follow_moves(root, journal)
    return journal.change(change.id) or change
