"""Inline code in one line."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from companion.note.blocks import Line, LineKind

_RUN = re.compile(r"`+")


class CodeSpans:
    """The runs of backticks in a text, to find where inline code ends (CommonMark 6.1)."""

    def __init__(self, text: str) -> None:
        self.text = text

    def end_of(self, start: int, end: int) -> int:
        """Return where the code ends that the run text[start:end] opens; `end`: it opens none."""
        alike = self._runs.get(end - start, [])
        following = bisect_left(alike, end)
        return alike[following] + end - start if following < len(alike) else end

    @cached_property
    def _runs(self) -> dict[int, list[int]]:
        """Where the runs of each length start: so a long line takes no longer than it is."""
        runs: dict[int, list[int]] = {}
        for run in _RUN.finditer(self.text):
            runs.setdefault(len(run[0]), []).append(run.start())
        return runs


_HIDING = re.compile(r"\\.|(?P<code>`+)|(?P<open>%%|<!--|\$\$)")
_CLOSING = {"%%": "%%", "<!--": "-->", "$$": "$$"}


class HiddenSpan(NamedTuple):
    """A comment or formula that is open: what closes it, and in how many quotes it stands."""

    kind: LineKind
    closing: str
    depth: int


class Hiding:
    """Finds the comments of a note's lines, one line after the other; remembers what is open."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self.open: HiddenSpan | None = None
        self._lines = lines
        self._last = {
            closing: max((line.start for line in lines if closing in line.text), default=-1)
            for closing in ("-->", "$$")
        }

    def is_open_in(self, line: Line) -> bool:
        """Return whether the line begins inside a comment or formula; a quote ends with its own."""
        if self.open:
            signs = line.text[: len(line.text) - len(line.text.lstrip(" \t>"))].count(">")
            if signs < self.open.depth:
                self.open = None
        return self.open is not None

    def go_on(self, line: Line) -> Line:
        """Return a line that begins inside: all of it, or up to where it is closed."""
        assert self.open is not None
        kind, closing, depth = self.open
        end = line.text.find(closing) + len(closing)
        is_open = end < len(closing)
        if not is_open:
            self.open = None
        line = line._replace(kind=kind, depth=depth, kept=depth)
        if kind == "math":
            return line
        hidden = ((0, len(line.text) if is_open else end),)
        return line._replace(hidden=hidden, is_open=is_open)

    def find(self, line: Line, index: int) -> Iterator[tuple[int, int]]:
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
            elif self._goes_on(line, index, opening, match.start()):
                kind: LineKind = "math" if opening == "$$" else "comment"
                self.open = HiddenSpan(kind, closing, line.depth)
                position = len(line.text)
            else:
                unclosed.add(opening)
                continue
            if opening != "$$":
                yield match.start(), position

    def _goes_on(self, line: Line, index: int, opening: str, start: int) -> bool:
        """Whether what is opened at start, and not closed in its line, is open below."""
        if opening == "%%":
            return True
        is_first = start == line.content
        is_closed = self._last[_CLOSING[opening]] > line.start
        if opening == "<!--":
            return is_first or is_closed
        return is_closed and (is_first or self._closes_in_paragraph(index))

    def _closes_in_paragraph(self, index: int) -> bool:
        """Whether the paragraph goes on to a line with `$$`."""
        for below in range(index + 1, len(self._lines)):
            text = self._lines[below].text
            if "$$" in text or not text.strip(" \t>"):
                return "$$" in text
        return False
