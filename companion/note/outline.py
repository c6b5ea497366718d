"""What each line of a note's body is: text, heading, rule, code, comment, formula, HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile
from typing import NamedTuple

from companion.note.blocks import HEADING, Containers, Cursor, HtmlBlock, Line, LineKind, find_html
from companion.note.spans import Hiding
from companion.note.tags import has_only_tags
from companion.note.text import NoteText

_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")
_PLAIN = re.compile(r"(?:[^\W\d_][^\\`%<$]*)?")
_RULE = re.compile(r"([-*_])[ \t]*(?:\1[ \t]*){2,}$")
_UNDERLINE = re.compile(r"(?:=+|-+)[ \t]*$")
_FENCE = re.compile(r"(`{3,})[^`]*$|(~{3,})")


class _Fence(NamedTuple):
    """A code fence that is open."""

    signs: str


def read_outline(note: NoteText) -> list[Line]:
    """Return the lines of the note's body, each with what it is.

    The rules are CommonMark's (chapters 4 and 5), and Obsidian's for comments (`%%`) and formulas
    (`$$`). A comment opened by `%%`, or by `<!--` at a line's start, and never closed hides all
    that follows. Tags alone over `---` stay a line of tags: people rule off the top of a note
    so, though CommonMark calls it a heading.

    Raises NoteRefused when the properties are never closed.
    """
    return _Scanner(list(_split(note))).read()


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
        self.hiding = Hiding(lines)
        self.in_paragraph = False

    def read(self) -> list[Line]:
        for line in self.raw:
            is_inside = self.hiding.is_open_in(line)
            self.lines.append(self._inside(line) if is_inside else self._line(line))
        return self.lines

    def _inside(self, line: Line) -> Line:
        """Return a line that begins inside a comment or formula.

        Where a comment ends, what follows it in the line is no beginning of anything.
        """
        line = self.hiding.go_on(line)
        if line.is_open or line.kind == "math":
            return line
        end = line.hidden[0][1]
        self.in_paragraph = line.text[:end].endswith("%%")
        content = len(line.text) - len(line.text[end:].lstrip(" \t"))
        kind: LineKind = "text" if self.in_paragraph else "html"
        return self._hide(line._replace(content=content, kind=kind))

    def _line(self, line: Line) -> Line:
        """Return a line that begins outside of comments and formulas."""
        if not (self.containers or self.block) and _PLAIN.fullmatch(line.text):  # most are
            self.in_paragraph = bool(line.text)
            return line._replace(kind="text") if line.text else line
        cursor = Cursor(line.text)
        kept = self.containers.follow(cursor)
        line = line._replace(kept=self.containers.depth(kept), depth=self.containers.depth(kept))
        if self.block and kept == len(self.containers):
            return self._in_block(line, cursor)
        self.block = None
        if cursor.is_blank:
            return self._blank(line, kept)
        return self._begin(line, cursor, kept)

    def _in_block(self, line: Line, cursor: Cursor) -> Line:
        """Return a line of code between fences, or of an HTML block."""
        line = line._replace(content=cursor.position)
        if isinstance(self.block, _Fence):
            tail = line.text[cursor.next :].rstrip(" \t")
            is_closing = tail.startswith(self.block.signs) and not tail.strip(tail[:1])
            if is_closing and not cursor.is_indented:
                self.block = None
            return line._replace(kind="code")
        assert self.block is not None
        closing = self.block.closing
        if closing is None and cursor.is_blank:
            self.block = None
            return line._replace(content=len(line.text))
        if closing and closing.search(line.text, cursor.position):
            self.block = None
        return self._hide(line._replace(kind="html"))

    def _blank(self, line: Line, kept: int) -> Line:
        """Return a blank line: it ends paragraphs, quotes, and items with nothing in them yet."""
        above = self.lines[-1] if self.lines else line
        is_item = above.kind == "blank" and above.prefix.strip(" \t>")
        self.containers.close(kept - 1 if is_item and kept == len(self.containers) else kept)
        self.in_paragraph = False
        return line._replace(content=len(line.text))

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
        line = line._replace(content=cursor.position, depth=depth)
        if is_indented:
            self.in_paragraph = more
            line = self._hide(line._replace(kind="text")) if more else line._replace(kind="code")
        else:
            line = self._leaf(line, count, more, inside)
        if not (more and self.in_paragraph):  # else it is lazy: the quotes above stay open
            self.containers.close(count)
        return line._replace(begins=count > kept or not self.in_paragraph)

    def _leaf(self, line: Line, count: int, more: bool, inside: bool) -> Line:
        """Return a line whose containers are known, by what its content begins with."""
        text, at = line.text, line.content
        self.in_paragraph = False
        if at == len(text):
            return line
        if inside and _UNDERLINE.match(text, at) and self._underline(line, count):
            return line._replace(kind="rule")
        if _RULE.match(text, at):
            return line._replace(kind="rule")
        if fence := _FENCE.match(text, at):
            self.block = _Fence(fence[1] or fence[2])
            return line._replace(kind="code")
        if heading := HEADING.match(text, at):
            level = 0 if count else len(heading[1])
            return self._hide(line._replace(kind="heading" if level else "text", level=level))
        if html := find_html(text, at, more):
            self.block = None if html.closing and html.closing.search(text, at) else html
            return self._hide(line._replace(kind="html"))
        self.in_paragraph = not text.startswith("<!--", at)
        return self._hide(line._replace(kind="text" if self.in_paragraph else "html"))

    def _underline(self, line: Line, count: int) -> bool:
        """Make the line above a heading (setext), if it has words; return whether it has."""
        above = self.lines[-1]
        if above.kind != "text":
            return False
        rules_off = _RULE.match(line.text, line.content) and self._are_tags_above()
        if not count and not rules_off:
            level = 1 if line.text.startswith("=", line.content) else 2
            self.lines[-1] = above._replace(kind="heading", level=level)
        return True

    def _are_tags_above(self) -> bool:
        """Whether the paragraph that ends above holds nothing but tags."""
        paragraph = takewhile(lambda line: line.kind == "text", reversed(self.lines))
        return all(map(has_only_tags, paragraph))

    def _hide(self, line: Line) -> Line:
        """Return the line with its comments known; what is not closed in it stays open."""
        found = self.hiding.find(line, len(self.lines))
        line = line._replace(hidden=(*line.hidden, *found))
        if line.hidden and not line.shown.strip(" \t>"):
            line = line._replace(kind="comment")
        if not (span := self.hiding.open):
            return line
        if span.kind == "comment":
            return line._replace(is_open=True)
        return line._replace(kind="math") if line.text.startswith("$$", line.content) else line


def _is_rule(cursor: Cursor) -> bool:
    """Whether a rule stands at the cursor, rather than a list item."""
    return not cursor.is_indented and bool(_RULE.match(cursor.text, cursor.next))


def _is_underline(cursor: Cursor) -> bool:
    """Whether what would underline a heading stands at the cursor, rather than a list item."""
    return not cursor.is_indented and bool(_UNDERLINE.match(cursor.text, cursor.next))
