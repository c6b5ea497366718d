"""Take a change back, byte for byte, and leave everything that came later."""

from __future__ import annotations

import re
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

from companion.errors import NoteChanged, NoteRefused
from companion.note.edit import Edit, EditLost, apply_edits, rebase
from companion.vault.journal import Change, Journal, NewChange
from companion.vault.write import read_note, write_note

_WHY_NOT = {
    "pending": "is not finished; it is recovered when Companion starts next",
    "undone": "was taken back already",
    "abandoned": "was never made",
}


def undo_change(root: Path, journal: Journal, change: Change, run: str) -> int:
    """Take the change out of its note; return the id of the change that did it.

    That is one of the kind `undo`, made by `run`; undoing it makes the change again.

    Raises NoteRefused when there is nothing to take back, NoteChanged when the note was edited
    where the change stands, or was moved, and as write_note.
    """
    if change.state != "done":
        by = f" by change {change.undone_by}" if change.undone_by else ""
        raise NoteRefused(f"change {change.id} {_WHY_NOT[change.state]}{by}", change.path)
    snapshot = read_note(root, change.path)
    text = snapshot.data.decode("utf-8")
    edits = find_inverse(journal, change, text)
    new = apply_edits(text, edits).encode("utf-8")
    undo = NewChange(run, change.path, "undo", edits, undoes=change.id)
    return write_note(snapshot, new, journal, undo)


def find_inverse(journal: Journal, change: Change, text: str) -> list[Edit]:
    """Return the edits that take the change out of text, a later state of its note.

    Raises NoteChanged when the lines that the change stands on were edited since.
    """
    if sha256(text.encode("utf-8")).hexdigest() == change.after_sha256:
        return change.inverse_edits()
    try:
        images = journal.images(change.id)
        if images is None:
            return _search(change, text)
        return rebase(change.inverse_edits(), images[1].decode("utf-8"), text)
    except EditLost:
        reason = (
            f"the lines of change {change.id} were edited since, so it cannot be taken back "
            "exactly; remove by hand what you do not want"
        )
        raise NoteChanged(reason, change.path) from None


def _search(change: Change, text: str) -> list[Edit]:
    """Return the inverse edits without the text after: where their lines stand once in text."""
    found = []
    for edit, replaced, (left, right) in zip(
        change.edits, change.replaced, change.around, strict=True
    ):
        start = _find_lines(text, left + edit.text + right) + len(left)
        found.append(Edit(start, start + len(edit.text), replaced))
    if any(second.start < first.end for first, second in pairwise(found)):
        raise EditLost("the edits changed their order")
    return found


def _find_lines(text: str, lines: str) -> int:
    """Return the offset of the only place where text has these whole lines."""
    end = "" if lines.endswith(("\r", "\n")) else r"(?![^\r\n])"
    places = [m.start() for m in re.finditer(rf"(?<![^\r\n])(?={re.escape(lines)}{end})", text)]
    if len(places) != 1 or not lines.strip():
        raise EditLost("its lines stand nowhere, or in several places")
    return places[0]
