"""A note's text as an editor has it, and edits converted between that and the file's text.

Obsidian's editor is CodeMirror 6, which takes `\\r\\n`, `\\r` and `\\n` for line ends when it is
given a text (`DefaultSplit` in @codemirror/state) and returns the text with `\\n` alone.
A byte order mark is dropped earlier, when the file is decoded to a JavaScript string
(https://encoding.spec.whatwg.org/#utf-8-decode).
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from companion.errors import NoteRefused
from companion.note.edits import Edit, EditLost, Place, apply_edits, find_place
from companion.note.text import BOM, NoteText

_NEWLINE = re.compile(r"\r\n|\r|\n")
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class EditorText:
    """A file's text as an editor has it: without byte order mark, every line end a `\\n`.

    Offsets count characters (code points), of `text` or of `file_text`, as each method says.
    """

    file_text: str
    text: str

    @classmethod
    def of(cls, file_text: str) -> EditorText:
        """Return the editor's text for a file's text."""
        return cls(file_text, _NEWLINE.sub("\n", file_text.removeprefix(BOM)))

    def to_file(self, edits: Iterable[Edit]) -> list[Edit]:
        """Return the edits of `text` as edits of `file_text`, in ascending order.

        An editor has of the edited file what the edits make of `text`; everything else in the
        file stays. Line ends in the new text are those used around the place
        (NoteText.newline_at), except that no lone `\\r` is put before a `\\n`, where the two
        would become one line end. A U+FEFF that the edits put first is a byte order mark.

        Raises ValueError if an edit is outside `text`.
        """
        ordered = sorted(edits, key=lambda e: (e.start, e.end))
        moved: list[Edit] = []
        for index, edit in enumerate(ordered):
            if not 0 <= edit.start <= edit.end <= len(self.text):
                length = len(self.text)
                raise ValueError(f"{edit} is outside the text, which has {length} characters")
            start, end = (self._pairs.widen(at) + self._bom_length for at in edit[:2])
            last = self._character_before(start, moved)
            touching = index + 1 < len(ordered) and ordered[index + 1].start == edit.end
            following = "" if touching else self.file_text[end : end + 1]
            newline = NoteText(self.file_text).newline_at(start) if "\r" in self.file_text else "\n"
            text = _NEWLINE.sub(newline, edit.text)
            if last == "\r" and text.startswith("\n"):
                text = f"\r{text}"
            if following == "\n" and (text or last).endswith("\r"):
                text = f"{text}\n" if text else "\r"
            moved.append(Edit(start, end, text))
        return moved

    def from_file(self, edits: Iterable[Edit]) -> list[Edit]:
        """Return the edits of `file_text` as edits of `text`.

        They make of `text` what an editor has of the edited file.

        Raises EditLost if there are none, because an edit splits a `\\r\\n` or makes one.
        """
        edits = list(edits)
        moved = []
        for edit in edits:
            start, end = (self._pairs.narrow(max(0, at - self._bom_length)) for at in edit[:2])
            text = edit.text if edit.start else edit.text.removeprefix(BOM)
            moved.append(Edit(start, end, _NEWLINE.sub("\n", text)))
        if EditorText.of(apply_edits(self.file_text, edits)).text != apply_edits(self.text, moved):
            raise EditLost("an edit changes half of a line end")
        return moved

    @cached_property
    def _bom_length(self) -> int:
        return len(BOM) if self.file_text.startswith(BOM) else 0

    @cached_property
    def _pairs(self) -> _Pairs:
        """The `\\r\\n` in the file, each one character of `text`."""
        line_ends = re.finditer(r"\r\n", self.file_text)
        return _Pairs([m.start() - self._bom_length - index for index, m in enumerate(line_ends)])

    def _character_before(self, start: int, moved: Sequence[Edit]) -> str:
        """Return the character before start, an offset in the file, after the edits in moved."""
        for edit in reversed(moved):
            if edit.end < start:
                break
            if edit.text:
                return edit.text[-1]
            start = edit.start
        return self.file_text[max(0, start - 1) : start]


class Utf16Edit(NamedTuple):
    """Replace [start, end) with text. Offsets count UTF-16 code units, as in JavaScript.

    place: what the edit belongs to, as find_place returns it.
    """

    start: int
    end: int
    text: str
    place: Place | None = None


def to_utf16(text: str, edits: Iterable[Edit]) -> list[Utf16Edit]:
    """Return the edits of text with offsets that count UTF-16 code units."""
    pairs = _Pairs([m.start() for m in _ASTRAL.finditer(text)])

    def widen(edit: Edit) -> Utf16Edit:
        place = find_place(text, edit)
        if place:
            place = place._replace(start=pairs.widen(place.start), end=pairs.widen(place.end))
        return Utf16Edit(pairs.widen(edit.start), pairs.widen(edit.end), edit.text, place)

    return [widen(edit) for edit in edits]


def require_utf8(text: str) -> None:
    """Raise NoteRefused, with the line, if text cannot be encoded as UTF-8.

    JSON and JavaScript allow half of a surrogate pair in a string; UTF-8 (RFC 3629, section 3)
    does not.
    """
    if surrogate := _SURROGATE.search(text):
        reason = (
            "the text holds half of a character (a lone surrogate, "
            f"U+{ord(surrogate.group()):04X}), which no file can hold; delete it"
        )
        raise NoteRefused(reason, line=NoteText(text).line_number(surrogate.start()))


class _Pairs(NamedTuple):
    """The ascending places of characters of a text that are two each in another text."""

    places: list[int]

    def widen(self, offset: int) -> int:
        """Return the offset in the other text."""
        return offset + bisect_left(self.places, offset)

    def narrow(self, offset: int) -> int:
        """Return the offset in the first text: for one inside of a pair, that of the pair."""
        return offset - bisect_left(
            range(len(self.places)), offset, key=lambda i: self.places[i] + i
        )
