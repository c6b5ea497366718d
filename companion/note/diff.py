"""Diffs: the lines that two texts have in common, a unified diff, and what edits change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher, unified_diff
from typing import Literal, NamedTuple

from companion.note.text import split_lines

_MAX_COMPARISONS = 2_000_000  # of lines, for each run that is found


class CommonLines(NamedTuple):
    """a[a:a + size] == b[b:b + size], counted in lines."""

    a: int
    b: int
    size: int


def align(a: Sequence[str], b: Sequence[str]) -> list[CommonLines]:
    """Return runs of lines that a and b have in common, in order.

    The same lines at both ends, and between them what difflib finds. Texts that would take too
    long have no lines in common there. If a run could end earlier or later, as before a blank line
    inserted next to another, it ends later.
    """
    size = min(len(a), len(b))
    top = next((n for n in range(size) if a[n] != b[n]), size)
    end = next((n for n in range(size - top) if a[-1 - n] != b[-1 - n]), size - top)
    a_middle, b_middle = a[top : len(a) - end], b[top : len(b) - end]
    in_a, in_b = Counter(a_middle), Counter(b_middle)
    runs = [CommonLines(0, 0, top)]
    if sum(count * in_b[line] for line, count in in_a.items()) <= _MAX_COMPARISONS:
        matcher = SequenceMatcher(None, a_middle, b_middle, autojunk=False)
        runs += [CommonLines(top + i, top + j, n) for i, j, n in matcher.get_matching_blocks()]
    runs.append(CommonLines(len(a) - end, len(b) - end, end))
    return _slide(a, b, _join(runs))


def slide_up(a: Sequence[str], b: Sequence[str], runs: Sequence[CommonLines]) -> list[CommonLines]:
    """Return the runs of align, each ending as early as it could."""
    return _mirror(a, b, _slide(a[::-1], b[::-1], _mirror(a, b, runs)))


def _join(runs: Sequence[CommonLines]) -> list[CommonLines]:
    """Return the runs, without empty ones, joining those that are adjacent in both texts."""
    joined: list[CommonLines] = []
    for run in runs:
        last = joined[-1] if joined else CommonLines(0, 0, 0)
        if (last.a + last.size, last.b + last.size) == (run.a, run.b) and joined:
            joined[-1] = CommonLines(last.a, last.b, last.size + run.size)
        elif run.size:
            joined.append(run)
    return joined


def _slide(a: Sequence[str], b: Sequence[str], runs: Sequence[CommonLines]) -> list[CommonLines]:
    """Return the runs, each extended by the first lines of the next run where that is possible.

    It is if lines were only inserted, or only deleted, between the two runs, and these begin with
    the same lines as the next run.
    """
    slid = [CommonLines(0, 0, 0)]
    for run in runs:
        previous = slid[-1]
        i, j = previous.a + previous.size, previous.b + previous.size
        size = 0
        if i == run.a or j == run.b:
            lines, gap, start = (b, j, run.b) if i == run.a else (a, i, run.a)
            while size < run.size and lines[gap + size] == lines[start + size]:
                size += 1
        slid[-1] = CommonLines(previous.a, previous.b, previous.size + size)
        slid.append(CommonLines(run.a + size, run.b + size, run.size - size))
    return _join(slid)


def _mirror(a: Sequence[str], b: Sequence[str], runs: Sequence[CommonLines]) -> list[CommonLines]:
    """Return the runs as they are in both texts reversed."""
    return [
        CommonLines(len(a) - run.a - run.size, len(b) - run.b - run.size, run.size)
        for run in reversed(runs)
    ]


def diff_lines(path: str, old: str, new: str) -> list[str]:
    """Return the lines of a unified diff, each with its end."""
    before, after = split_lines(old), split_lines(new)
    lines = []
    for line in unified_diff(before, after, f"a/{path}", f"b/{path}"):
        ended = line.endswith(("\n", "\r"))
        lines.append(line if ended else f"{line}\n\\ No newline at end of file\n")
    return lines


Mark = Literal["=", "+", "-", "…"]


class Part(NamedTuple):
    """A part of a diff: kept (=), added (+), taken out (-), or lines that are left out (…)."""

    mark: Mark
    text: str


def show_edits(old: str, edits: Iterable[tuple[int, int, str]], context: int = 2) -> list[Part]:
    """Return what the edits of old change, with that many whole lines before and after each.

    edits: start, end and new text of each.
    """
    parts: list[Part] = []
    at, head = 0, -1
    for start, end, new in sorted(edits):
        parts += _keep(old[at:start], head, context)
        parts += Part("-", old[start:end]), Part("+", new)
        # the rest of a line that was edited is no line of its own
        at, head = end, context + (not (new or old[start:end]).endswith(("\r", "\n")))
    parts += _keep(old[at:], head, -1)
    return [part for part in parts if part.text or part.mark == "…"]


def _keep(text: str, head: int, tail: int) -> list[Part]:
    """Return the first and last lines between two edits; -1: no edit is there."""
    lines = split_lines(text)
    first = max(head, 0)
    last = len(lines) - tail - (not text.endswith(("\r", "\n"))) if tail >= 0 else len(lines)
    if last <= first:
        return [Part("=", text)]
    return [Part("=", "".join(lines[:first])), Part("…", ""), Part("=", "".join(lines[last:]))]
