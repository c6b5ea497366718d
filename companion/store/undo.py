"""Take one change back, in whole or in part, and leave all later edits of the note."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from companion.errors import NoteChanged, NoteRefused
from companion.note.edit import apply_edits
from companion.note.text import split_lines
from companion.store.inverse import Inverse, find_inverse, find_parts
from companion.store.journal import Change, Journal, NewChange, write_note
from companion.store.moves import find_unrecorded, follow_moves
from companion.vault.files import NoteFile, read_file, stat_note
from companion.vault.write import read_note

_TELLING_LENGTH = 40  # characters put in by a change; with fewer, other notes may hold the same
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


def make_undo(change: Change, inverse: Inverse, run: str) -> NewChange:
    """Return the change that takes the given one back."""
    return NewChange(run, change.path, "undo", inverse.edits, undoes=change.id, parts=inverse.parts)


def locate_note(root: Path, journal: Journal, change: Change) -> Change:
    """Return the change with the current path of its note, as far as it can be found.

    A moved note is found by its bytes; if it was edited too, or a new note has its name, by the
    lines that the change inserted, if exactly one note that is not in the journal has them. Raises
    JournalError.
    """
    now = journal.change(change.id) or change
    if not stat_note(root, now.path):
        follow_moves(root, journal)
        now = journal.change(change.id) or change
    file = stat_note(root, now.path)
    text = _read_text(root, file) if file else ""
    if file and (_longest_line(now) in text or _is_same(journal, now, file, text)):
        return now
    holders = list(_find_holders(root, journal, now))
    # An older copy, too, holds what the user has removed from the note.
    if len(holders) == 1 and (not file or _is_another(text, _read_text(root, holders[0]))):
        journal.move(now.path, holders[0].path)
    return journal.change(change.id) or change


def _read_text(root: Path, file: NoteFile) -> str:
    with suppress(OSError):
        return (read_file(f"{root}/{file.path}", file.size) or b"").decode(errors="replace")
    return ""


def _longest_line(change: Change) -> str:
    """Return the first line of the longest text that is left of the change."""
    inserted = (change.edits[part].text.strip() for part in change.remaining_parts)
    return max(inserted, key=len, default="").partition("\n")[0].strip()


def _is_same(journal: Journal, change: Change, file: NoteFile, text: str) -> bool:
    """Return whether the file with this text is the change's note, by what else was in that.

    This is quick: to look for the note elsewhere, all others are read.
    """
    images = journal.images(change.id)
    has_rest = images is not None and not _is_another(text, images[1].decode())
    return has_rest or bool(file.size and not text)  # it cannot be read now


def _is_another(text: str, other: str) -> bool:
    """Return whether no telling line of the other text is in this one, and there is one."""
    telling = [line.strip() for line in split_lines(other) if len(line) >= _TELLING_LENGTH]
    return bool(telling) and not any(line in text for line in telling)


def _find_holders(root: Path, journal: Journal, change: Change) -> Iterator[NoteFile]:
    """Yield the notes that are not in the journal and hold all of the change."""
    inserted = [change.edits[part].text.strip() for part in change.remaining_parts]
    if sum(map(len, inserted)) < _TELLING_LENGTH:
        return
    for file in find_unrecorded(root, journal.notes.all()):
        text = _read_text(root, file)
        if _longest_line(change) in text:
            with suppress(NoteChanged):
                if find_inverse(journal, change, text):
                    yield file
