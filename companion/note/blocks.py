"""One line of a note's body, with what it is."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

LineKind = Literal["blank", "text", "heading", "rule", "code", "comment", "math", "html"]

HEADING = re.compile(r"(#{1,6})(?=[ \t]|$)")
# Words, tags, links, quotes, emphasis.
_PLAIN_START = re.compile(
    r" {0,3}(?:[^\W\d_]|[^\x00-\x7f]|\d+(?![\d.)])|#[^\s#]|[\"'(]|!?\[\["
    r"|\[(?!!)[^\[\]]*\]\(|[*_]{1,3}(?=[^\s*_]))(?!.*::)"
)
_CLOSING_SIGNS = re.compile(r"(?:^|(?<=[ \t]))#+$")


def is_plain_start(text: str) -> bool:
    """Return whether text surely means the same at the start of a line and within one.

    Signs of lists, quotes, tables, HTML and code do not, nor block ids and Dataview's `key:: v`.
    """
    return bool(_PLAIN_START.match(text))


class Line(NamedTuple):
    """One line of a note's body.

    start, end, next: offsets in the note's text (characters): of the line, of its end, of
    the next line. text: the line without its end. content: where in `text` the content
    begins, after quote signs, list markers and blanks. depth: how many quotes the line
    stands in by signs of its own. kept: how many of them go on from the line above.
    begins: a block begins in it that is no paragraph, a list item or a quote for one, so it is
    never more of the paragraph above, however that is quoted.
    level: of a heading, 1 to 6; only headings outside of quotes and lists are any.
    hidden: parts of `text` that lie in comments. is_open: a comment goes on below.
    """

    start: int
    end: int
    next: int
    text: str
    content: int = 0
    depth: int = 0
    kept: int = 0
    kind: LineKind = "blank"
    level: int = 0
    hidden: tuple[tuple[int, int], ...] = ()
    is_open: bool = False
    begins: bool = False

    @property
    def prefix(self) -> str:
        """The quote signs, list markers and blanks before the content."""
        return self.text[: self.content]

    @property
    def shown(self) -> str:
        """The line without what lies in comments."""
        if not self.hidden:
            return self.text
        edges = [0, *(edge for span in self.hidden for edge in span), len(self.text)]
        return "".join(self.text[edges[i] : edges[i + 1]] for i in range(0, len(edges), 2))

    @property
    def title(self) -> str:
        """The words of a heading."""
        words = self.shown.strip(" \t")
        if not (signs := HEADING.match(words)):
            return words
        return _CLOSING_SIGNS.sub("", words[signs.end() :].strip(" \t")).strip(" \t")


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


_NAMES = (
    "address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|"
    "dialog|dir|div|dl|dt|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|"
    "header|hr|html|iframe|legend|li|link|main|menu|menuitem|nav|noframes|ol|optgroup|option|p|"
    "param|search|section|summary|table|tbody|td|tfoot|th|thead|title|tr|track|ul"
)
_TO_BLANK_LINE = re.compile(rf"</?(?:{_NAMES})(?=[ \t>]|/>|$)", re.IGNORECASE)
_VALUE = r"(?:\"[^\"]*\"|'[^']*'|[^\s\"'=<>`]+)"
_ATTRIBUTE = rf"[ \t]+[a-z_:][\w.:-]*(?:[ \t]*=[ \t]*{_VALUE})?"
_ONE_TAG = re.compile(
    rf"<(?:/[a-z][a-z0-9-]*|[a-z][a-z0-9-]*(?:{_ATTRIBUTE})*[ \t]*/?)[ \t]*>[ \t]*$",
    re.IGNORECASE | re.ASCII,
)
_TO_CLOSING = (
    (r"<(?:script|pre|style|textarea)(?=[ \t>]|$)", r"</(?:script|pre|style|textarea)>"),
    (r"<\?", r"\?>"),
    (r"<!\[CDATA\[", r"\]\]>"),
    (r"<![a-z]", r">"),
)
_OPENING = [
    (re.compile(opening, re.IGNORECASE), re.compile(closing, re.IGNORECASE))
    for opening, closing in _TO_CLOSING
]


class HtmlBlock(NamedTuple):
    """An HTML block that is open. closing: what its last line holds; None: a blank line ends it."""

    closing: re.Pattern[str] | None


def find_html(text: str, position: int, in_paragraph: bool) -> HtmlBlock | None:
    """Return the HTML block that begins at position; comments are none (see outline.py).

    in_paragraph: it would interrupt a paragraph, which a lone tag of another name cannot.
    """
    if not text.startswith("<", position):
        return None
    for opening, closing in _OPENING:
        if opening.match(text, position):
            return HtmlBlock(closing)
    if _TO_BLANK_LINE.match(text, position):
        return HtmlBlock(None)
    return HtmlBlock(None) if not in_paragraph and _ONE_TAG.match(text, position) else None
