"""Take a change back, byte for byte, and leave everything that came later."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from hashlib import sha256
from itertools import pairwise, product
from pathlib import Path
from typing import NamedTuple

from companion.errors import ChangeGone, NoteChanged, NoteRefused
from companion.note.edit import Edit, EditLost, apply_edits, rebase
from companion.note.editor import EditorText
from companion.note.text import BOM
from companion.vault.journal import Change, Journal, NewChange
from companion.vault.write import Snapshot, read_note, write_note

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
    snapshot = _read(root, change.path)
    text = snapshot.data.decode("utf-8")
    edits = find_inverse(journal, change, text)
    new = apply_edits(text, edits).encode("utf-8")
    undo = NewChange(run, change.path, "undo", edits, undoes=change.id)
    return write_note(snapshot, new, journal, undo)


def _read(root: Path, path: str) -> Snapshot:
    """Return the note. Raises as read_note, and says what to do where it was moved."""
    try:
        return read_note(root, path)
    except NoteChanged as error:
        if (root / path).exists():
            raise
        what_to_do = "if it was moved, move it back under this name to undo"
        raise NoteChanged(f"{error.reason}; {what_to_do}", path) from None


def find_inverse(journal: Journal, change: Change, text: str) -> list[Edit]:
    """Return the edits that take the change out of text, a later state of its note.

    Text and change may differ in line ends and byte order mark, as a file and what an editor
    shows of it do. What is put back gets the line ends of text then; else it is exact.

    Raises ChangeGone when nothing of the change is left in text, NoteChanged when the lines that
    it stands on were edited since.
    """
    try:
        return _find_inverse(journal, change, text)
    except EditLost:
        raise _why_lost(journal, change, text) from None


def find_inverse_in_editor(journal: Journal, change: Change, editor_text: str) -> list[Edit]:
    """Return the edits that take the change out of what an editor shows, with offsets in that.

    The change may have been made to the file or to an editor's text. Nothing that an editor
    does not show is put in: no `\\r`, no byte order mark. A text that has such is not an
    editor's but the file's, and gets back exactly what the change replaced.

    Raises ChangeGone when nothing of the change is left in text, NoteChanged when the lines that
    it stands on were edited since.
    """
    shown = EditorText.of(editor_text)
    if shown.text != editor_text:
        return find_inverse(journal, change, editor_text)
    try:
        return shown.from_file(_find_inverse(journal, change, editor_text))
    except EditLost:
        raise _why_lost(journal, change, editor_text) from None


def _why_lost(journal: Journal, change: Change, text: str) -> NoteChanged:
    if _is_gone(journal, change, _show(text)):
        reason = f"change {change.id} is not in the note any more; there is nothing to take back"
        return ChangeGone(reason, change.path)
    reason = (
        f"the lines of change {change.id} were edited since, so it cannot be taken back "
        "exactly; remove by hand what you do not want"
    )
    return NoteChanged(reason, change.path)


def _is_gone(journal: Journal, change: Change, shown: str) -> bool:
    """Whether nothing of the change is left in what an editor shows, as after the editor's undo.

    Either it could be made again where it stood, or no line that it put in stands there more often
    than before; the first lines of callouts are all alike and do not count.
    """
    images = journal.images(change.id)
    before = EditorText.of(images[0].decode("utf-8") if images else "")
    put_in = [line.strip(" \t>") for edit in change.edits for line in _show(edit.text).split("\n")]
    telling = [line for line in put_in if line and not line.casefold().startswith("[!ai]")]
    if telling and all(shown.count(line) <= before.text.count(line) for line in telling):
        return True
    if not images:
        return False
    try:
        rebase(before.from_file(change.edits), before.text, shown)
    except EditLost:
        return False
    return True


def _find_inverse(journal: Journal, change: Change, text: str) -> list[Edit]:
    if _hash(text) == change.after_sha256:
        return change.inverse_edits()
    shown = EditorText.of(text)
    if (inverse := _match_shown(change, shown.text)) is not None:
        return shown.to_file(inverse)
    images = journal.images(change.id)
    past: _Image | _Pieces = _Pieces.of(change)
    if images:
        past = _Image(change.inverse_edits(), images[1].decode("utf-8"))
    ways: list[Callable[[], list[Edit]]] = [
        lambda: past.take_out(text),
        lambda: shown.to_file(past.shown().take_out(shown.text)),
    ]
    # where they do not fit, one of them is an editor's: line ends of the other would get in
    first, second = ways if past.may_fit(text) else reversed(ways)
    try:
        return first()
    except EditLost:
        return second()


def _match_shown(change: Change, shown: str) -> list[Edit] | None:
    """Return the inverse edits for what an editor shows if all of it is as the change left it."""
    for mark, newline in product(("", BOM), ("\n", "\r\n", "\r")):
        after = mark + shown.replace("\n", newline)
        if _hash(after) == change.after_sha256:
            return EditorText.of(after).from_file(change.inverse_edits())
    return None


class _Image(NamedTuple):
    """What is known of a change while its images are kept: the whole text after it."""

    inverse: Sequence[Edit]
    text_after: str

    def may_fit(self, text: str) -> bool:
        """Whether the change may have been made to a text with the line ends of this one."""
        if "\r" not in text:
            return "\r" not in self.text_after
        return "\r" in self.text_after or any("\r" in edit.text for edit in self.inverse)

    def shown(self) -> _Image:
        """Return the same as an editor shows it. Raises EditLost when it cannot be shown."""
        view = EditorText.of(self.text_after)
        return _Image(view.from_file(self.inverse), view.text)

    def take_out(self, text: str) -> list[Edit]:
        """Return the edits that take the change out of text. Raises EditLost."""
        return rebase(self.inverse, self.text_after, text)


class _Piece(NamedTuple):
    """What one edit replaced, and what it put between left and right."""

    left: str
    text: str
    right: str
    replaced: str

    def shown(self) -> _Piece:
        """Return the same as an editor shows it. Raises EditLost when it cannot be shown."""
        piece = _Piece(*(_show(part) for part in self))
        for mine, theirs in ((self.text, piece.text), (self.replaced, piece.replaced)):
            if _show(self.left + mine + self.right) != piece.left + theirs + piece.right:
                raise EditLost("the change made half of a line end")
        return piece


class _Pieces(NamedTuple):
    """What is known of a change for good: for every edit, the lines it touches."""

    pieces: Sequence[_Piece]

    @classmethod
    def of(cls, change: Change) -> _Pieces:
        edits = zip(change.edits, change.replaced, change.around, strict=True)
        return cls([_Piece(left, edit.text, right, old) for edit, old, (left, right) in edits])

    def may_fit(self, text: str) -> bool:
        """Whether the change may have been made to a text with the line ends of this one."""
        return ("\r" in text) == any("\r" in part for piece in self.pieces for part in piece)

    def shown(self) -> _Pieces:
        """Return the same as an editor shows it. Raises EditLost when it cannot be shown."""
        return _Pieces([piece.shown() for piece in self.pieces])

    def take_out(self, text: str) -> list[Edit]:
        """Return the edits that put back what was replaced, where their lines stand once in text.

        Raises EditLost.
        """
        found = []
        for left, inserted, right, replaced in self.pieces:
            start = _find_lines(text, left + inserted + right) + len(left)
            end = start + len(inserted)
            if _is_open(left + replaced + right) and _is_open(text[end + len(right) :][:1]):
                raise EditLost("text follows where the last line of the note goes back")
            found.append(Edit(start, end, replaced))
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


def _is_open(text: str) -> bool:
    """Whether text has something in it, and no line end after it."""
    return bool(text) and not text.endswith(("\r", "\n"))


def _show(text: str) -> str:
    return EditorText.of(text).text


def _hash(text: str) -> str:
    return sha256(text.encode("utf-8")).hexdigest()
