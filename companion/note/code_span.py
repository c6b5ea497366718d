"""Inline code in one line."""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import cached_property

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
