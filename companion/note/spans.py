"""Spans within lines: where inline code, comments and formulas begin and end."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from companion.note.blocks import Line, LineKind

_RUN = re.compile(r"`+")


class CodeSpans:
    """Finds the end of inline code by a text's runs of backticks (CommonMark 6.1)."""

    def __init__(self, text: str) -> None:
        self.text = text

    def end_of(self, start: int, end: int) -> int:
        """Return the end of the code opened by the backticks text[start:end]; `end` if none is."""
        same_length = self._runs.get(end - start, [])
        following = bisect_left(same_length, end)
        return same_length[following] + end - start if following < len(same_length) else end

    def mask(self, pattern: re.Pattern[str]) -> str:
        """Return the text, of the same length, with `!` in place of what pattern matches.

        A match of its group `run` opens inline code, which is masked to its end.
        """
        parts, position = list[str](), 0
        while match := pattern.search(self.text, position):
            end = self.end_of(*match.span()) if match["run"] else match.end()
            parts += self.text[position : match.start()], "!" * (end - match.start())
            position = end
        return "".join(parts) + self.text[position:]

    @cached_property
    def _runs(self) -> dict[int, list[int]]:
        """The starts of the runs by their length, so that time is linear in the text's length."""
        runs: dict[int, list[int]] = {}
        for run in _RUN.finditer(self.text):
            runs.setdefault(len(run[0]), []).append(run.start())
        return runs


_OPENING = re.compile(r"\\.|(?P<code>`+)|(?P<open>%%|<!--|\$\$)")
_CLOSING = {"%%": "%%", "<!--": "-->", "$$": "$$"}


class OpenComment(NamedTuple):
    """An open comment or formula. closing: what closes it. depth: the number of quotes it is in."""

    kind: LineKind
    closing: str
    depth: int


class CommentScanner:
    """Finds the comments and formulas in a note's lines, in order, and which one is open."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.open: OpenComment | None = None
        self._lines = lines
        self._last = {
            closing: max((line.start for line in lines if closing in line.text), default=-1)
            for closing in ("-->", "$$")
        }

    def is_open_in(self, line: Line) -> bool:
        """Return whether the line begins inside a comment or formula. One ends with its quote."""
        if self.open:
            depth = line.text[: len(line.text) - len(line.text.lstrip(" \t>"))].count(">")
            if depth < self.open.depth:
                self.open = None
        return self.open is not None

    def read_inside(self, line: Line) -> Line:
        """Return a line that begins inside a comment or formula, with the part that is in it."""
        assert self.open is not None
        kind, closing, depth = self.open
        end = line.text.find(closing) + len(closing)
        is_open = end < len(closing)
        if not is_open:
            self.open = None
        line = line._replace(kind=kind, depth=depth, continued=depth)
        if kind == "math":
            return line
        hidden = ((0, len(line.text) if is_open else end),)
        return line._replace(hidden=hidden, is_open=is_open)

    def find(self, line: Line, index: int) -> Iterator[tuple[int, int]]:
        """Yield the spans of the line's comments; open one that continues below.

        index: of the line.
        """
        code = CodeSpans(line.text)
        unclosed: set[str] = set()
        position = line.content
        while match := _OPENING.search(line.text, position):
            position = match.end()
            if match["code"]:
                position = code.end_of(*match.span())
            if not (opening := match["open"]) or opening in unclosed:
                continue
            closing = _CLOSING[opening]
            end = line.text.find(closing, position)
            if end >= 0:
                position = end + len(closing)
            elif self._continues(line, index, opening, match.start()):
                kind: LineKind = "math" if opening == "$$" else "comment"
                self.open = OpenComment(kind, closing, line.depth)
                position = len(line.text)
            else:
                unclosed.add(opening)
                continue
            if opening != "$$":
                yield match.start(), position

    def _continues(self, line: Line, index: int, opening: str, start: int) -> bool:
        """Return whether what opens at start, and is not closed in its line, continues below."""
        if opening == "%%":
            return True
        is_first = start == line.content
        is_closed = self._last[_CLOSING[opening]] > line.start
        if opening == "<!--":
            return is_first or is_closed
        if is_first or not is_closed:
            return is_closed
        for below in range(index + 1, len(self._lines)):  # `$$` must follow in the paragraph
            text = self._lines[below].text
            if "$$" in text or not text.strip(" \t>"):
                return "$$" in text
        return False
