"""The edits that take a change out of a later state of its note, all of it or what is found."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from hashlib import sha256
from itertools import pairwise, product
from typing import NamedTuple, TypeVar

from companion.errors import ChangeGone, NoteChanged
from companion.note.edit import Edit, EditLost, rebase
from companion.note.editor import EditorText
from companion.note.text import BOM
from companion.vault.journal import Change, Journal

T = TypeVar("T")


class Inverse(NamedTuple):
    """What takes a change out of a text. parts: of which of its edits. left: what of it
    stays, as Change.name_parts has it, and reason: why."""

    edits: list[Edit]
    parts: tuple[int, ...]
    left: list[str]
    reason: str


def find_inverse(journal: Journal, change: Change, text: str) -> list[Edit]:
    """Return the edits that take all that stands of the change out of text.

    text: a later state of its note. Text and change may differ in line ends and byte order mark,
    as a file and what an editor shows of it do. What is put back gets the line ends of text then;
    else it is exact.

    Raises ChangeGone when nothing of the change is left in text, NoteChanged when lines that it
    stands on were edited since.
    """
    inverse = find_parts(journal, change, text)
    if inverse.left:
        raise NoteChanged(inverse.reason, change.path)
    return inverse.edits


def find_parts(journal: Journal, change: Change, text: str) -> Inverse:
    """Return the edits that take what was not edited since out of text, as find_inverse does.

    Raises ChangeGone when nothing of it is left in text, NoteChanged when all of it was edited.
    """

    def find(parts: Sequence[int]) -> list[Edit]:
        return _find_inverse(journal, change, text, parts)

    return _find_parts(journal, change, text, find)


def find_parts_in_editor(journal: Journal, change: Change, editor_text: str) -> Inverse:
    """Return the edits that take the change out of what an editor shows, with offsets in that.

    The change may have been made to the file or to an editor's text. Nothing that an editor
    does not show is put in: no `\\r`, no byte order mark. A text that has such is not an
    editor's but the file's, and gets back exactly what the change replaced.

    Raises as find_parts.
    """
    shown = EditorText.of(editor_text)
    if shown.text != editor_text:
        return find_parts(journal, change, editor_text)

    def find(parts: Sequence[int]) -> list[Edit]:
        return shown.from_file(_find_inverse(journal, change, editor_text, parts))

    return _find_parts(journal, change, editor_text, find)


def _find_parts(
    journal: Journal, change: Change, text: str, find: Callable[[Sequence[int]], list[Edit]]
) -> Inverse:
    """Return what find gives for all that stands of the change, or else for what it finds of it."""
    parts = change.standing
    with suppress(EditLost):
        return Inverse(find(parts), tuple(parts), [], "")
    found = [part for part in parts if _is_found(find, part)]
    left = change.name_parts(part for part in parts if part not in found)
    reason = _say_edited(change, left if found else [])
    try:
        if found:
            return Inverse(find(found), tuple(found), left, reason)
    except EditLost:  # each has a place, but in another order
        pass
    if not found and not change.taken and _is_gone(journal, change, _show(text)):
        reason = f"change {change.id} is not in the note any more; there is nothing to take back"
        raise ChangeGone(reason, change.path)
    raise NoteChanged(_say_edited(change, []), change.path)


def _is_found(find: Callable[[Sequence[int]], list[Edit]], part: int) -> bool:
    try:
        return bool(find([part]))
    except EditLost:
        return False


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


def _say_edited(change: Change, left: Sequence[str]) -> str:
    """Return why the change, or what is left of it, cannot be taken back."""
    if left:
        return (
            f"of change {change.id} stays what was edited, moved or taken out since: "
            f"{', '.join(left)}; remove by hand what you do not want"
        )
    return (
        f"the lines of change {change.id} were edited since, so it cannot be taken back "
        "exactly; remove by hand what you do not want"
    )


def _find_inverse(journal: Journal, change: Change, text: str, parts: Sequence[int]) -> list[Edit]:
    """Return the edits that take these parts of the change out of text. Raises EditLost."""
    inverse = _pick(change.inverse_edits(), parts)
    if _hash(text) == change.after_sha256:
        return inverse
    shown = EditorText.of(text)
    if (after := _match_shown(change, shown.text)) is not None:
        return shown.to_file(EditorText.of(after).from_file(inverse))
    images = journal.images(change.id)
    past: _Image | _Pieces = _Pieces.of(change, parts)
    if images:
        past = _Image(inverse, images[1].decode("utf-8"))
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


def _pick(items: Iterable[T], parts: Sequence[int]) -> list[T]:
    every = list(items)
    return [every[part] for part in parts]


def _match_shown(change: Change, shown: str) -> str | None:
    """Return the text as the change left it, if that is all of what an editor shows; else None."""
    for mark, newline in product(("", BOM), ("\n", "\r\n", "\r")):
        after = mark + shown.replace("\n", newline)
        if _hash(after) == change.after_sha256:
            return after
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
    def of(cls, change: Change, parts: Sequence[int]) -> _Pieces:
        edits = _pick(zip(change.edits, change.replaced, change.around, strict=True), parts)
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
