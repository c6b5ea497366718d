"""Quotes and list items around a line: which go on, which begin (CommonMark 5.1, 5.2)."""

from __future__ import annotations

import re

# Deeper ones count as text: no note has them, and time must not grow with depth times length.
_DEEPEST = 100
_CODE_INDENT = 4
_MARKER = re.compile(r"(?:[-*+]|(\d{1,9})[.)])(?=[ \t]|$)")
_QUOTE = 0


class Cursor:
    """A place in a line: in characters, and in columns of blanks (tab stops are 4 apart)."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self._column = 0
        self._rest_of_tab = 0
        self._last = len(text.rstrip(" \t"))

    @property
    def is_blank(self) -> bool:
        """Whether only blanks follow."""
        return self.is_blank_from(self.position)

    @property
    def next(self) -> int:
        """Where the next character stands that is no blank."""
        position = self.position
        while self.text[position : position + 1] in (" ", "\t"):
            position += 1
        return position

    @property
    def following(self) -> str:
        """The next character that is no blank; empty at the end."""
        return self.text[self.next : self.next + 1]

    @property
    def is_indented(self) -> bool:
        """Whether what follows is as far in as indented code."""
        return not self.is_blank and self.indent(_CODE_INDENT) == _CODE_INDENT

    def is_blank_from(self, position: int) -> bool:
        """Whether only blanks follow position."""
        return position >= self._last

    def indent(self, most: int) -> int:
        """Return how many columns of blanks follow, up to `most`."""
        columns = self._rest_of_tab
        position = self.position
        while columns < most and self.text[position : position + 1] in (" ", "\t"):
            is_tab = self.text[position] == "\t"
            columns += 4 - (self._column + columns) % 4 if is_tab else 1
            position += 1
        return min(columns, most)

    def skip(self, columns: int) -> None:
        """Go over columns of blanks, which are there; part of a tab may be left."""
        while columns > 0:
            if not self._rest_of_tab:
                is_tab = self.text[self.position] == "\t"
                self._rest_of_tab = 4 - self._column % 4 if is_tab else 1
                self.position += 1
            step = min(columns, self._rest_of_tab)
            self._rest_of_tab -= step
            self._column += step
            columns -= step

    def skip_blanks(self) -> None:
        """Go to the first character that is no blank, or to the end."""
        while columns := self.indent(_CODE_INDENT):
            self.skip(columns)

    def skip_mark(self, length: int) -> None:
        """Go over the characters of a quote sign or list marker."""
        self.position += length
        self._column += length


class Containers:
    """The quotes and list items that are open: of an item the width of its indent, of a quote 0."""

    def __init__(self) -> None:
        self._open: list[int] = []

    def __len__(self) -> int:
        return len(self._open)

    def depth(self, count: int) -> int:
        """Return how many of the outermost `count` are quotes."""
        return self._open[:count].count(_QUOTE)

    def close(self, count: int) -> None:
        """Close all but the outermost `count`."""
        del self._open[count:]

    def follow(self, cursor: Cursor) -> int:
        """Return how many go on in this line; the cursor moves behind their signs."""
        for count, width in enumerate(self._open):
            if width == _QUOTE:
                if not _take_quote(cursor):
                    return count
            elif not cursor.is_blank:
                if cursor.indent(width) < width:
                    return count
                cursor.skip(width)
        return len(self._open)

    def begin(self, cursor: Cursor, kept: int, in_paragraph: bool) -> bool:
        """Open the quote or list item that begins here, after the outermost `kept`, if one does.

        in_paragraph: it would interrupt a paragraph, which only some list items can.
        """
        if kept >= _DEEPEST or cursor.is_blank or cursor.is_indented:
            return False
        width = _QUOTE if _take_quote(cursor) else _take_marker(cursor, in_paragraph)
        if width is None:
            return False
        self._open[kept:] = [width]
        return True


def _take_quote(cursor: Cursor) -> bool:
    """Go over the quote sign that stands here, and one blank after it; return whether it does."""
    if cursor.is_indented or cursor.following != ">":
        return False
    cursor.skip_blanks()
    cursor.skip_mark(1)
    cursor.skip(cursor.indent(1))
    return True


def _take_marker(cursor: Cursor, in_paragraph: bool) -> int | None:
    """Go over the list marker that stands here; return the width of the item's indent."""
    indent = cursor.indent(_CODE_INDENT)
    marker = _MARKER.match(cursor.text, cursor.next)
    if not marker:
        return None
    is_empty = cursor.is_blank_from(marker.end())
    if in_paragraph and (is_empty or marker[1] not in (None, "1")):
        return None
    cursor.skip_blanks()
    cursor.skip_mark(len(marker[0]))
    gap = cursor.indent(_CODE_INDENT + 1)
    if is_empty or gap > _CODE_INDENT:
        gap = 1
    cursor.skip(cursor.indent(gap))
    return indent + len(marker[0]) + gap
