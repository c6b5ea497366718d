"""Lines of a note's body, and the Markdown blocks they belong to: quotes, list items, HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, NamedTuple

LineKind = Literal["blank", "text", "heading", "rule", "code", "comment", "math", "html"]

HEADING = re.compile(r"(#{1,6})(?=[ \t]|$)")
# Words, tags, links, quotation marks, emphasis.
_PLAIN_START = re.compile(
    r" {0,3}(?:[^\W\d_]|[^\x00-\x7f]|\d+(?![\d.)])|#[^\s#]|[\"'(]|!?\[\["
    r"|\[(?!!)[^\[\]]*\]\(|[*_]{1,3}(?=[^\s*_]))(?!.*::)"
)
_CLOSING_HASHES = re.compile(r"(?:^|(?<=[ \t]))#+$")


def is_plain_start(text: str) -> bool:
    """Return whether text certainly means the same at the start of a line as within one.

    Markers of lists, quotes, tables, HTML and code do not, nor do block ids and Dataview's `key::
    v`.
    """
    return bool(_PLAIN_START.match(text))


def fill_spans(text: str, spans: Iterable[tuple[int, int]], char: str) -> str:
    """Return text with char, or nothing if that is empty, for every character of the spans."""
    parts: list[str] = []
    position = 0
    for start, end in sorted(spans):
        parts += text[position:start], char * (end - start)
        position = end
    return "".join(parts) + text[position:]


class Line(NamedTuple):
    """One line of a note's body.

    start, end, next: offsets in the note's text (characters): of the line, of its end, of
    the next line. text: the line without its end. content: where in `text` the content
    begins, after `>`, list markers and blanks. depth: the number of quotes that the line is
    marked as being in. continued: how many of these quotes continue from the line above.
    starts_block: a block other than a paragraph starts in this line, such as a list item or a
    quote, so the line does not continue the paragraph above, however that is quoted.
    level: of a heading, 1 to 6; headings in quotes and lists have none and count as text.
    hidden: the parts of `text` that are comments. is_open: a comment continues below.
    """

    start: int
    end: int
    next: int
    text: str
    content: int = 0
    depth: int = 0
    continued: int = 0
    kind: LineKind = "blank"
    level: int = 0
    hidden: tuple[tuple[int, int], ...] = ()
    is_open: bool = False
    starts_block: bool = False

    @property
    def prefix(self) -> str:
        """The `>`, list markers and blanks before the content."""
        return self.text[: self.content]

    @property
    def visible(self) -> str:
        """The line without its comments."""
        return fill_spans(self.text, self.hidden, "") if self.hidden else self.text

    @property
    def title(self) -> str:
        """The text of a heading, without `#`."""
        text = self.visible.strip(" \t")
        if not (hashes := HEADING.match(text)):
            return text
        return _CLOSING_HASHES.sub("", text[hashes.end() :].strip(" \t")).strip(" \t")


# Deeper containers count as text: no note has them, and time must not grow as depth times length.
_MAX_DEPTH = 100
_CODE_INDENT = 4
_MARKER = re.compile(r"(?:[-*+]|(\d{1,9})[.)])(?=[ \t]|$)")
_BLANKS = re.compile(r"[ \t]*+")
_QUOTE = 0


class Cursor:
    """A position in a line, counted in characters and in columns (tab stops are 4 apart).

    next: the position of the next character that is not a blank. end: that of the blanks at the
    end of the line.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = self._column = self._rest_of_tab = 0
        self._has_tabs = "\t" in text  # without any, a column is a character
        self.end = len(text.rstrip(" \t"))
        self.skip_mark(0)

    @property
    def is_blank(self) -> bool:
        """Whether only blanks follow the cursor."""
        return self.position >= self.end

    @property
    def is_indented(self) -> bool:
        """Whether what follows is indented enough to be indented code."""
        return self.position < self.end and self.indent(_CODE_INDENT) == _CODE_INDENT

    def indent(self, most: int) -> int:
        """Return how many columns of blanks follow, up to `most`."""
        if not self._has_tabs:
            return min(self.next - self.position, most)
        columns = self._rest_of_tab
        position = self.position
        while columns < most and self.text[position : position + 1] in (" ", "\t"):
            is_tab = self.text[position] == "\t"
            columns += 4 - (self._column + columns) % 4 if is_tab else 1
            position += 1
        return min(columns, most)

    def skip(self, columns: int) -> None:
        """Move over that many columns of blanks, which must be there; part of a tab may remain."""
        if not self._has_tabs:
            self.position += columns
            return
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
        """Move to the first character that is not a blank, or to the end."""
        if not self._has_tabs:
            self.position = self.next
            return
        while columns := self.indent(_CODE_INDENT):
            self.skip(columns)

    def skip_mark(self, length: int) -> None:
        """Move over the characters of a `>` or list marker."""
        self.position += length
        self._column += length
        blanks = _BLANKS.match(self.text, self.position)
        self.next = blanks.end() if blanks else self.position  # it always matches


class Containers:
    """The quotes and list items that are open, from the outside in (CommonMark 5)."""

    def __init__(self) -> None:
        self._open: list[int] = []  # the width of a list item's indent; 0 for a quote

    def __len__(self) -> int:
        return len(self._open)

    def depth(self, count: int) -> int:
        """Return how many of the outermost `count` are quotes."""
        return self._open[:count].count(_QUOTE)

    def close(self, count: int) -> None:
        """Close all containers but the outermost `count`."""
        del self._open[count:]

    def follow(self, cursor: Cursor) -> int:
        """Return how many containers continue in this line; move the cursor past their markers."""
        for count, width in enumerate(self._open):
            if width == _QUOTE:
                if not _take_quote(cursor):
                    return count
            elif not cursor.is_blank:
                if cursor.indent(width) < width:
                    return count
                cursor.skip(width)
        return len(self._open)

    def begin(self, cursor: Cursor, continued: int, in_paragraph: bool) -> bool:
        """Open the quote or list item that starts at the cursor; return whether there is one.

        continued: the number of containers it is in. in_paragraph: it would interrupt a
        paragraph, which only some list items can (CommonMark 5.2).
        """
        if continued >= _MAX_DEPTH or cursor.is_blank or cursor.is_indented:
            return False
        width = _QUOTE if _take_quote(cursor) else _take_marker(cursor, in_paragraph)
        if width is None:
            return False
        self._open[continued:] = [width]
        return True


def _take_quote(cursor: Cursor) -> bool:
    """Move over the `>` at the cursor and one blank after it; return whether there is one."""
    if cursor.is_indented or not cursor.text.startswith(">", cursor.next):
        return False
    cursor.skip_blanks()
    cursor.skip_mark(1)
    cursor.skip(cursor.indent(1))
    return True


def _take_marker(cursor: Cursor, in_paragraph: bool) -> int | None:
    """Move over the list marker at the cursor, if any; return the width of the item's indent."""
    indent = cursor.indent(_CODE_INDENT)
    marker = _MARKER.match(cursor.text, cursor.next)
    if not marker:
        return None
    is_empty = marker.end() >= cursor.end
    if in_paragraph and (is_empty or marker[1] not in (None, "1")):
        return None
    cursor.skip_blanks()
    cursor.skip_mark(len(marker[0]))
    gap = cursor.indent(_CODE_INDENT + 1)
    if is_empty or gap > _CODE_INDENT:
        gap = 1
    cursor.skip(cursor.indent(gap))
    return indent + len(marker[0]) + gap


_BLOCK_TAGS = (
    "address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd|details|"
    "dialog|dir|div|dl|dt|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]|head|"
    "header|hr|html|iframe|legend|li|link|main|menu|menuitem|nav|noframes|ol|optgroup|option|p|"
    "param|search|section|summary|table|tbody|td|tfoot|th|thead|title|tr|track|ul"
)
_TO_BLANK_LINE = re.compile(rf"</?(?:{_BLOCK_TAGS})(?=[ \t>]|/>|$)", re.IGNORECASE)
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
    """An open HTML block. closing: what its last line contains; None: a blank line ends it."""

    closing: re.Pattern[str] | None


def find_html(text: str, position: int, in_paragraph: bool) -> HtmlBlock | None:
    """Return the HTML block that starts at position, other than a comment (see CommentScanner).

    in_paragraph: it would interrupt a paragraph, which a single tag of another name cannot
    (CommonMark 4.6, condition 7).
    """
    if not text.startswith("<", position):
        return None
    for opening, closing in _OPENING:
        if opening.match(text, position):
            return HtmlBlock(closing)
    if _TO_BLANK_LINE.match(text, position):
        return HtmlBlock(None)
    return HtmlBlock(None) if not in_paragraph and _ONE_TAG.match(text, position) else None
