"""The outline of a note's body: the kind of each line, such as text or code, and its sections.

A section is the lines under a heading, up to the next heading of any level.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile
from typing import NamedTuple

from companion.errors import NoteRefused
from companion.note.blocks import HEADING, Containers, Cursor, HtmlBlock, Line, LineKind, find_html
from companion.note.mentions import joins_letters
from companion.note.tags import has_only_tags
from companion.note.text import CommentScanner, NoteText, split_lines

_PLAIN_TEXT = re.compile(r"(?:(?:[^\W\d_]|#[^\s#\\`%<$])[^\\`%<$]*)?")  # or a tag, or nothing
_PLAIN_HEADING = re.compile(r"(#{1,6})[ \t][^\\`%<$]*")
# Nothing in it is tried twice, or a long line would take hundreds of bytes of memory a character.
_RULE = re.compile(r"([-*_])[ \t]*+(?:\1[ \t]*+){2,}+$")
_UNDERLINE = re.compile(r"(?:=++|-++)[ \t]*+$")
_FENCE = re.compile(r"(`{3,})[^`]*$|(~{3,})")


def read_outline(note: NoteText) -> list[Line]:
    """Return the lines of the note's body, each with its kind and its place among the blocks.

    The rules are CommonMark's (chapters 4 and 5), and Obsidian's for comments (`%%`) and formulas
    (`$$`). A comment opened by `%%`, or by `<!--` at a line's start, and never closed hides all
    that follows. A line of only tags above `---` stays a line of tags, although CommonMark makes
    it a heading: people separate the top of a note this way.

    Raises NoteRefused when the properties are never closed.
    """
    lines = []
    start = note.body_start
    for line in split_lines(note.body):
        text = line.rstrip("\r\n")
        lines.append(Line(start, start + len(text), start + len(line), text))
        start += len(line)
    return _Scanner(lines).read()


class _Scanner:
    """Reads lines in order, keeping track of the open containers, block and comment."""

    def __init__(self, lines: list[Line]) -> None:
        self.raw = lines
        self.lines: list[Line] = []
        self.containers = Containers()
        # What is open: an HTML block, or the backticks or tildes of a code fence.
        self.block: str | HtmlBlock | None = None
        self.comments = CommentScanner(lines)
        self.in_paragraph = False

    def read(self) -> list[Line]:
        comments = self.comments
        for line in self.raw:
            is_inside = comments.open and comments.is_open_in(line)
            self.lines.append(self._inside(line) if is_inside else self._line(line))
        return self.lines

    def _inside(self, line: Line) -> Line:
        """Return a line that begins inside a comment or formula.

        What follows the end of a comment in its line cannot start a block.
        """
        line = self.comments.read_inside(line)
        if line.is_open or line.kind == "math":
            return line
        end = line.hidden[0][1]
        self.in_paragraph = line.text[:end].endswith("%%")
        content = len(line.text) - len(line.text[end:].lstrip(" \t"))
        kind: LineKind = "text" if self.in_paragraph else "html"
        return self._hide(line._replace(content=content, kind=kind))

    def _line(self, line: Line) -> Line:
        """Return a line that begins outside of comments and formulas."""
        if not (self.containers or self.block):  # most lines
            if _PLAIN_TEXT.fullmatch(line.text):
                self.in_paragraph = bool(line.text)
                return line._replace(kind="text") if line.text else line
            if heading := _PLAIN_HEADING.fullmatch(line.text):
                self.in_paragraph = False
                return line._replace(kind="heading", level=len(heading[1]), starts_block=True)
        cursor = Cursor(line.text)
        continued = self.containers.follow(cursor)
        if depth := self.containers.depth(continued):
            line = line._replace(continued=depth, depth=depth)
        if self.block and continued == len(self.containers):
            return self._in_block(line, cursor)
        self.block = None
        if not cursor.is_blank:
            return self._begin(line, cursor, continued)
        # A blank line ends paragraphs, quotes, and list items that are still empty.
        above = self.lines[-1] if self.lines else line
        is_empty_item = above.kind == "blank" and above.prefix.strip(" \t>")
        ends_item = is_empty_item and continued == len(self.containers)
        self.containers.close(continued - 1 if ends_item else continued)
        self.in_paragraph = False
        return line._replace(content=len(line.text))

    def _in_block(self, line: Line, cursor: Cursor) -> Line:
        """Return a line of code between fences, or of an HTML block."""
        line = line._replace(content=cursor.position)
        if isinstance(self.block, str):
            tail = line.text[cursor.next :].rstrip(" \t")
            is_closing = tail.startswith(self.block) and not tail.strip(tail[:1])
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

    def _begin(self, line: Line, cursor: Cursor, continued: int) -> Line:
        """Return a line that is not blank, opening the containers that start in it.

        continued: the number of containers that continue from the line above.
        """
        count = continued
        may_continue = self.in_paragraph  # the line may continue the paragraph above
        inside = may_continue and continued == len(self.containers)
        while not (_is_at(_RULE, cursor) or (inside and _is_at(_UNDERLINE, cursor))):
            if not self.containers.begin(cursor, count, inside):
                break
            count += 1
            may_continue = inside = False
        is_indented = cursor.is_indented
        cursor.skip_blanks()
        depth = self.containers.depth(count)
        line = line._replace(content=cursor.position, depth=depth)
        if is_indented:
            self.in_paragraph = may_continue
            line = line._replace(kind="text" if may_continue else "code")
            line = self._hide(line) if may_continue else line
        else:
            line = self._leaf(line, count, may_continue, inside)
        # A lazy continuation line leaves the quotes above open (CommonMark 5.1).
        if not (may_continue and self.in_paragraph):
            self.containers.close(count)
        starts_block = count > continued or not self.in_paragraph
        return line._replace(starts_block=True) if starts_block else line

    def _leaf(self, line: Line, count: int, may_continue: bool, inside: bool) -> Line:
        """Return a line whose containers are known, with the kind that its content has.

        count: of containers. may_continue: it may continue the paragraph above. inside: that
        paragraph is in the same containers.
        """
        text, at = line.text, line.content
        self.in_paragraph = False
        if at == len(text):
            return line
        if inside and _UNDERLINE.match(text, at) and self._underline(line, count):
            return line._replace(kind="rule")
        if _RULE.match(text, at):
            return line._replace(kind="rule")
        if fence := _FENCE.match(text, at):
            self.block = fence[1] or fence[2]
            return line._replace(kind="code")
        if heading := HEADING.match(text, at):
            level = 0 if count else len(heading[1])
            return self._hide(line._replace(kind="heading" if level else "text", level=level))
        if html := find_html(text, at, may_continue):
            self.block = None if html.closing and html.closing.search(text, at) else html
            return self._hide(line._replace(kind="html"))
        self.in_paragraph = not text.startswith("<!--", at)
        return self._hide(line._replace(kind="text" if self.in_paragraph else "html"))

    def _underline(self, line: Line, count: int) -> bool:
        """Make the line above a heading (setext), if it is text; return whether it is."""
        above = self.lines[-1]
        if above.kind != "text":
            return False
        paragraph = takewhile(lambda line: line.kind == "text", reversed(self.lines))
        is_below_tags = _RULE.match(line.text, line.content) and all(map(has_only_tags, paragraph))
        if not count and not is_below_tags:
            level = 1 if line.text.startswith("=", line.content) else 2
            self.lines[-1] = above._replace(kind="heading", level=level)
        return True

    def _hide(self, line: Line) -> Line:
        """Return the line with its comments; one that is not closed in the line stays open."""
        if comments := tuple(self.comments.find(line, len(self.lines))):
            line = line._replace(hidden=(*line.hidden, *comments))
        if line.hidden and not line.visible.strip(" \t>"):
            line = line._replace(kind="comment")
        if not (span := self.comments.open):
            return line
        if span.kind == "comment":
            return line._replace(is_open=True)
        return line._replace(kind="math") if line.text.startswith("$$", line.content) else line


def _is_at(pattern: re.Pattern[str], cursor: Cursor) -> bool:
    """Return whether the pattern matches at the cursor, which is not at indented code."""
    return not cursor.is_indented and bool(pattern.match(cursor.text, cursor.next))


class Section(NamedTuple):
    """A section, identified by its heading. heading: its text in any case, with or without `#`.

    at: which of the headings with this text it is, counted from 1. of: how many there are. While
    that number stays the same, the section is identified, whatever else changes in the note.
    is_whole: the heading has no other text; if false, its first words are enough, unless another
    heading has only these.
    """

    heading: str
    at: int = 1
    of: int = 1
    is_whole: bool = True


class HeadingNotFound(NoteRefused):
    """The note does not have the section's heading, or not the expected number of such headings."""


def find_heading(lines: Sequence[Line], section: Section) -> int:
    """Return the index of the section's heading among the lines.

    Raises HeadingNotFound if there is no such heading, or not as many as expected.
    """
    heading = section.heading
    headings = _find_headings(lines)
    matches = [i for i in headings if _fold(lines[i].title) == _fold(heading)]
    if not matches and not section.is_whole:
        matches = [i for i in headings if _begins_with(_fold(lines[i].title), _fold(heading))]
        if len(matches) > 1:
            several = f"{len(matches)} headings begin with “{heading}”: {_name(lines, matches)}"
            raise HeadingNotFound(f"{several}; write out the one you mean")
    if len(matches) == section.of:
        return matches[section.at - 1]
    if section.of > 1:
        was = f"{len(matches)} headings read “{heading}” now, and {section.of} did before"
        raise HeadingNotFound(f"{was}; ask again for the one you mean")
    if matches:
        raise HeadingNotFound(f"{len(matches)} headings read “{heading}”; make them differ")
    names = _name(lines, headings)
    raise HeadingNotFound(f"no heading reads “{heading}”; it has {names or 'none'}")


def name_section(lines: Sequence[Line], section: Section) -> Section:
    """Return the section, identified by all of its heading. Raises HeadingNotFound."""
    if section.is_whole:
        return section
    return Section(lines[find_heading(lines, section)].title)


def section_at(note: NoteText, lines: Sequence[Line], line: int) -> Section:
    """Return the section that a line of the note is in; a heading is in its own section.

    line: its number in the whole note, counted from 1.

    Raises NoteRefused if no heading is at the line or above it.
    """
    headings = _find_headings(lines)
    above = [i for i in headings if note.line_number(lines[i].start) <= line]
    if not above:
        raise NoteRefused(f"line {line} stands below no heading")
    title = lines[above[-1]].title
    same = [i for i in headings if _fold(lines[i].title) == _fold(title)]
    return Section(title, same.index(above[-1]) + 1, len(same))


def _find_headings(lines: Sequence[Line]) -> list[int]:
    return [i for i, line in enumerate(lines) if line.kind == "heading"]


def _name(lines: Sequence[Line], headings: Sequence[int]) -> str:
    return ", ".join(f"“{lines[i].title}”" for i in headings)


def _begins_with(title: str, words: str) -> bool:
    """Return whether the title begins with these whole words, and has more."""
    begins = words and title.startswith(words)
    return bool(begins) and not joins_letters(words[-1], title[len(words)])


def _fold(heading: str) -> str:
    return heading.strip().lstrip("#").strip().casefold()
