"""What each line of a note's body is: text, heading, rule, code, comment, formula, HTML."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice, takewhile
from typing import NamedTuple

from companion.note.code_span import CodeSpans
from companion.note.container import Containers, Cursor
from companion.note.html_block import HtmlBlock, find_html
from companion.note.line import HEADING, Kind, Line
from companion.note.tag import has_only_tags
from companion.note.text import NoteText

_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")
_RULE = re.compile(r"([-*_])[ \t]*(?:\1[ \t]*){2,}$")
_UNDERLINE = re.compile(r"(?:=+|-+)[ \t]*$")
_FENCE = re.compile(r"(`{3,})[^`]*$|(~{3,})")
_HIDING = re.compile(r"\\.|(?P<code>`+)|(?P<open>%%|<!--|\$\$)")
_CLOSING = {"%%": "%%", "<!--": "-->", "$$": "$$"}


class _Fence(NamedTuple):
    """A code fence that is open."""

    signs: str


class _Span(NamedTuple):
    """A comment or formula that is open: what closes it, and in how many quotes it stands."""

    kind: Kind
    closing: str
    depth: int


def read_outline(note: NoteText) -> list[Line]:
    """Return the lines of the note's body, each with what it is.

    The rules are CommonMark's (chapters 4 and 5), and Obsidian's for comments (`%%`) and formulas
    (`$$`). A comment opened by `%%`, or by `<!--` at a line's start, and never closed hides all
    that follows. Tags alone over `---` stay a line of tags: people rule off the top of a note
    so, though CommonMark calls it a heading.

    Raises NoteRefused when the properties are never closed.
    """
    return _Scanner(list(_split(note))).read()


def prose(lines: Iterable[Line]) -> str:
    """Return the text of the lines without comments; lines end with `\\n`."""
    return "\n".join(line.shown for line in lines if line.kind != "comment").strip("\n")


def _split(note: NoteText) -> Iterator[Line]:
    position = note.body_start
    while position < len(note.text):
        match = _LINE.match(note.text, position)
        assert match is not None
        yield Line(position, match.end(1), match.end(), match[1])
        position = match.end()


class _Scanner:
    """Reads lines one after the other; remembers what is open."""

    def __init__(self, lines: list[Line]) -> None:
        self.raw = lines
        self.lines: list[Line] = []
        self.containers = Containers()
        self.block: _Fence | HtmlBlock | None = None
        self.span: _Span | None = None
        self.in_paragraph = False
        self.last = {
            closing: max((line.start for line in lines if closing in line.text), default=-1)
            for closing in ("-->", "$$")
        }

    def read(self) -> list[Line]:
        for line in self.raw:
            self.lines.append(self._within(line) or self._line(line))
        return self.lines

    def _within(self, line: Line) -> Line | None:
        """Return a line that begins inside a comment or formula; None where none is open."""
        if not self.span:
            return None
        kind, closing, depth = self.span
        signs = line.text[: len(line.text) - len(line.text.lstrip(" \t>"))].count(">")
        if signs < depth:  # the quote has ended, and what was open in it
            self.span = None
            return None
        line = replace(line, kind=kind, depth=depth, kept=depth)
        end = line.text.find(closing)
        if end < 0:
            hidden = ((0, len(line.text)),) if kind == "comment" else ()
            return replace(line, hidden=hidden, is_open=kind == "comment")
        self.span = None
        return line if kind == "math" else self._after_comment(line, end + len(closing))

    def _after_comment(self, line: Line, end: int) -> Line:
        """Return a line in which a comment ends; what follows is no beginning of anything."""
        self.in_paragraph = line.text[:end].endswith("%%")
        content = len(line.text) - len(line.text[end:].lstrip(" \t"))
        kind: Kind = "text" if self.in_paragraph else "html"
        return self._hide(replace(line, content=content, kind=kind, hidden=((0, end),)))

    def _line(self, line: Line) -> Line:
        """Return a line that begins outside of comments and formulas."""
        cursor = Cursor(line.text)
        kept = self.containers.follow(cursor)
        line = replace(line, kept=self.containers.depth(kept), depth=self.containers.depth(kept))
        if self.block and kept == len(self.containers):
            return self._in_block(line, cursor)
        self.block = None
        if cursor.is_blank:
            return self._blank(line, kept)
        return self._begin(line, cursor, kept)

    def _in_block(self, line: Line, cursor: Cursor) -> Line:
        """Return a line of code between fences, or of an HTML block."""
        line = replace(line, content=cursor.position)
        if isinstance(self.block, _Fence):
            tail = line.text[cursor.next :].rstrip(" \t")
            is_closing = tail.startswith(self.block.signs) and not tail.strip(tail[:1])
            if is_closing and not cursor.is_indented:
                self.block = None
            return replace(line, kind="code")
        assert self.block is not None
        closing = self.block.closing
        if closing is None and cursor.is_blank:
            self.block = None
            return replace(line, content=len(line.text))
        if closing and closing.search(line.text, cursor.position):
            self.block = None
        return self._hide(replace(line, kind="html"))

    def _blank(self, line: Line, kept: int) -> Line:
        """Return a blank line: it ends paragraphs, quotes, and items with nothing in them yet."""
        above = self.lines[-1] if self.lines else line
        is_item = above.kind == "blank" and above.prefix.strip(" \t>")
        self.containers.close(kept - 1 if is_item and kept == len(self.containers) else kept)
        self.in_paragraph = False
        return replace(line, content=len(line.text))

    def _begin(self, line: Line, cursor: Cursor, kept: int) -> Line:
        """Return a line of which is known what goes on: see what else begins in it."""
        count = kept
        more = self.in_paragraph  # could the line be more of the paragraph above?
        inside = more and kept == len(self.containers)
        while not (_is_rule(cursor) or (inside and _is_underline(cursor))):
            if not self.containers.begin(cursor, count, inside):
                break
            count += 1
            more = inside = False
        is_indented = cursor.is_indented
        cursor.skip_blanks()
        depth = self.containers.depth(count)
        line = replace(line, content=cursor.position, depth=depth)
        if is_indented:
            self.in_paragraph = more
            line = self._hide(replace(line, kind="text")) if more else replace(line, kind="code")
        else:
            line = self._leaf(line, count, more, inside)
        if not (more and self.in_paragraph):  # else it is lazy: the quotes above stay open
            self.containers.close(count)
        return line

    def _leaf(self, line: Line, count: int, more: bool, inside: bool) -> Line:
        """Return a line whose containers are known, by what its content begins with."""
        text, at = line.text, line.content
        self.in_paragraph = False
        if at == len(text):
            return line
        if inside and _UNDERLINE.match(text, at) and self._underline(line, count):
            return replace(line, kind="rule")
        if _RULE.match(text, at):
            return replace(line, kind="rule")
        if fence := _FENCE.match(text, at):
            self.block = _Fence(fence[1] or fence[2])
            return replace(line, kind="code")
        if heading := HEADING.match(text, at):
            level = 0 if count else len(heading[1])
            return self._hide(replace(line, kind="heading" if level else "text", level=level))
        if html := find_html(text, at, more):
            self.block = None if html.closing and html.closing.search(text, at) else html
            return self._hide(replace(line, kind="html"))
        self.in_paragraph = not text.startswith("<!--", at)
        return self._hide(replace(line, kind="text" if self.in_paragraph else "html"))

    def _underline(self, line: Line, count: int) -> bool:
        """Make the line above a heading (setext), if it has words; return whether it has."""
        above = self.lines[-1]
        if above.kind != "text":
            return False
        rules_off = _RULE.match(line.text, line.content) and self._are_tags_above()
        if not count and not rules_off:
            level = 1 if line.text.startswith("=", line.content) else 2
            self.lines[-1] = replace(above, kind="heading", level=level)
        return True

    def _are_tags_above(self) -> bool:
        """Whether the paragraph that ends above holds nothing but tags."""
        paragraph = takewhile(lambda line: line.kind == "text", reversed(self.lines))
        return all(map(has_only_tags, paragraph))

    def _hide(self, line: Line) -> Line:
        """Return the line with its comments known; what is not closed in it stays open."""
        line = replace(line, hidden=(*line.hidden, *self._find_comments(line)))
        if line.hidden and not line.shown.strip(" \t>"):
            line = replace(line, kind="comment")
        if not self.span:
            return line
        if self.span.kind == "comment":
            return replace(line, is_open=True)
        return replace(line, kind="math") if line.text.startswith("$$", line.content) else line

    def _find_comments(self, line: Line) -> Iterator[tuple[int, int]]:
        """Yield the parts in comments; open what goes on below."""
        code = CodeSpans(line.text)
        unclosed: set[str] = set()
        position = line.content
        while match := _HIDING.search(line.text, position):
            position = match.end()
            if match["code"]:
                position = code.end_of(*match.span())
            if not (opening := match["open"]) or opening in unclosed:
                continue
            closing = _CLOSING[opening]
            end = line.text.find(closing, position)
            if end >= 0:
                position = end + len(closing)
            elif self._goes_on(line, opening, match.start()):
                kind: Kind = "math" if opening == "$$" else "comment"
                self.span = _Span(kind, closing, line.depth)
                position = len(line.text)
            else:
                unclosed.add(opening)
                continue
            if opening != "$$":
                yield match.start(), position

    def _goes_on(self, line: Line, opening: str, start: int) -> bool:
        """Whether what is opened at start, and not closed in its line, is open below."""
        if opening == "%%":
            return True
        is_first = start == line.content
        is_closed = self.last[_CLOSING[opening]] > line.start
        if opening == "<!--":
            return is_first or is_closed
        return is_closed and (is_first or self._closes_in_paragraph())

    def _closes_in_paragraph(self) -> bool:
        for below in islice(self.raw, len(self.lines) + 1, None):
            if "$$" in below.text or not below.text.strip(" \t>"):
                return "$$" in below.text
        return False


def _is_rule(cursor: Cursor) -> bool:
    """Whether a rule stands at the cursor, rather than a list item."""
    return not cursor.is_indented and bool(_RULE.match(cursor.text, cursor.next))


def _is_underline(cursor: Cursor) -> bool:
    """Whether what would underline a heading stands at the cursor, rather than a list item."""
    return not cursor.is_indented and bool(_UNDERLINE.match(cursor.text, cursor.next))
