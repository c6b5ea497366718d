"""Diffs: the lines that two texts have in common, a unified diff, and one word by word."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher, unified_diff
from typing import Any, Literal, NamedTuple

from companion.note.text import split_lines

_MAX_COMPARISONS = 1_000_000  # of lines, some 0.3 s


class CommonLines(NamedTuple):
    """a[a:a + size] == b[b:b + size], counted in lines."""

    a: int
    b: int
    size: int


class _Range(NamedTuple):
    """a[a:a_end] and b[b:b_end], counted in lines."""

    a: int
    a_end: int
    b: int
    b_end: int


def align(a: Sequence[str], b: Sequence[str]) -> list[CommonLines]:
    """Return the runs of lines that a and b have in common, in order, each as long as possible.

    First the same lines at both ends; then the lines that each has once, which divide the rest
    into small ranges ("patience diff", https://bramcohen.livejournal.com/73318.html); in ranges
    without such lines, the fewest changes (E. W. Myers, "An O(ND) Difference Algorithm and Its
    Variations", 1986). Ranges that would take too long are not compared and count as changed.

    If a run could end earlier or later, as before a blank line inserted next to another, it ends
    later.
    """
    budget = _MAX_COMPARISONS + 20 * (len(a) + len(b))
    runs: list[CommonLines] = []
    todo = [_Range(0, len(a), 0, len(b))]
    while todo:
        middle = _strip_ends(a, b, todo.pop(), runs)
        a_lines, b_lines = a[middle.a : middle.a_end], b[middle.b : middle.b_end]
        budget -= len(a_lines) + len(b_lines)
        if budget < 0 or set(a_lines).isdisjoint(b_lines):
            continue
        if anchors := _find_anchors(a_lines, b_lines):
            starts = [(middle.a, middle.b), *((middle.a + i, middle.b + j) for i, j in anchors)]
            stops = [*starts[1:], (middle.a_end, middle.b_end)]
            todo += [_Range(i, k, j, m) for (i, j), (k, m) in zip(starts, stops, strict=True)]
        else:
            common, cost = _match_most(a_lines, b_lines, budget)
            runs += [CommonLines(middle.a + run.a, middle.b + run.b, run.size) for run in common]
            budget -= cost
    return _slide(a, b, _join(sorted(runs)))


def slide_up(a: Sequence[str], b: Sequence[str], runs: Sequence[CommonLines]) -> list[CommonLines]:
    """Return the runs of align, each ending as early as it could."""
    return _mirror(a, b, _slide(a[::-1], b[::-1], _mirror(a, b, runs)))


def _strip_ends(
    a: Sequence[str], b: Sequence[str], here: _Range, runs: list[CommonLines]
) -> _Range:
    """Return the range without the common lines at its ends, which are added to runs."""
    size = min(here.a_end - here.a, here.b_end - here.b)
    top = 0
    while top < size and a[here.a + top] == b[here.b + top]:
        top += 1
    end = 0
    while end < size - top and a[here.a_end - 1 - end] == b[here.b_end - 1 - end]:
        end += 1
    middle = _Range(here.a + top, here.a_end - end, here.b + top, here.b_end - end)
    runs += CommonLines(here.a, here.b, top), CommonLines(middle.a_end, middle.b_end, end)
    return middle


def _find_anchors(a: Sequence[str], b: Sequence[str]) -> list[tuple[int, int]]:
    """Return the longest sequence of (i, j), both ascending, of lines that a and b have once."""
    in_a, in_b = Counter(a), Counter(b)
    places = {line: j for j, line in enumerate(b) if in_b[line] == 1}
    piles: list[int] = []  # the lowest j that a sequence of each length ends with
    ends: list[tuple[int, int, Any]] = []  # of each: its last i and j, and the chain before it
    for i, line in enumerate(a):
        if in_a[line] == 1 and line in places:
            at = bisect_left(piles, j := places[line])
            chain = i, j, ends[at - 1] if at else None
            piles[at : at + 1], ends[at : at + 1] = [j], [chain]
    row = []
    link = ends[-1] if ends else None
    while link:
        i, j, link = link
        row.append((i, j))
    return row[::-1]


def _match_most(a: Sequence[str], b: Sequence[str], budget: int) -> tuple[list[CommonLines], int]:
    """Return the most lines in common, or none if that takes too long; and the comparisons made.

    reached[k]: how far in a the path on the diagonal k = i - j gets with so many changes.
    """
    reached, trace, cost = {1: 0}, [], 0
    for changes in range(len(a) + len(b) + 1):
        trace.append(reached.copy())
        for k in range(-changes, changes + 1, 2):
            before = _came_from(reached, k, changes)
            start = i = reached[before] + (before < k)
            while i < len(a) and i - k < len(b) and a[i] == b[i - k]:
                i += 1
            reached[k] = i
            cost += 1 + i - start
            if i >= len(a) and i - k >= len(b):
                return _trace_back(trace, len(a), len(b)), cost
        if cost > budget:
            break
    return [], cost


def _came_from(reached: dict[int, int], k: int, changes: int) -> int:
    """Return the diagonal from which the path comes to k with the last change.

    From k + 1 it inserts a line of b, from k - 1 it deletes a line of a.
    """
    above = k == -changes or (k != changes and reached[k - 1] < reached[k + 1])
    return k + 1 if above else k - 1


def _trace_back(trace: Sequence[dict[int, int]], i: int, j: int) -> list[CommonLines]:
    runs = []
    for changes in range(len(trace) - 1, -1, -1):
        reached, k = trace[changes], i - j
        before = _came_from(reached, k, changes)
        start = reached[before] + (before < k)
        runs.append(CommonLines(start, start - k, i - start))
        i, j = reached[before], reached[before] - before
    return runs


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
_WORD = re.compile(r"[\r\n]+|[^\S\r\n]+|\w+|[^\w\s]")
_MOST_WORDS = 4_000  # of a part that are compared one by one; SequenceMatcher is quadratic


class Part(NamedTuple):
    """A part of a diff: kept (=), added (+), taken out (-), or lines that are left out (…)."""

    mark: Mark
    text: str


_CONTEXT = 2  # lines before and after what differs


def diff_words(old: str, new: str, context: int = _CONTEXT) -> list[Part]:
    """Return the parts that differ, word by word, with some lines before and after each."""
    a, b = split_lines(old), split_lines(new)
    parts: list[Part] = []
    at_a = at_b = 0
    for start_a, start_b, size in [*align(a, b), (len(a), len(b), 0)]:
        parts += _compare("".join(a[at_a:start_a]), "".join(b[at_b:start_b]))
        at_a, at_b = start_a + size, start_b + size
        # of the same lines, those that are far from any difference are left out
        head = context if start_a or start_b else 0
        tail = 0 if (at_a, at_b) == (len(a), len(b)) else context
        if size > head + tail:
            above, below = a[start_a : start_a + head], a[at_a - tail : at_a]
            parts += Part("=", "".join(above)), Part("…", ""), Part("=", "".join(below))
        else:
            parts.append(Part("=", "".join(a[start_a:at_a])))
    return [part for part in parts if part.text or part.mark == "…"]


def _compare(old: str, new: str) -> Iterator[Part]:
    a, b = _WORD.findall(old), _WORD.findall(new)
    if not (a and b) or len(a) + len(b) > _MOST_WORDS:
        yield from _changed(old, new)
        return
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    for tag, start_a, end_a, start_b, end_b in matcher.get_opcodes():
        before, after = "".join(a[start_a:end_a]), "".join(b[start_b:end_b])
        yield from [Part("=", before)] if tag == "equal" else _changed(before, after)


def _changed(old: str, new: str) -> list[Part]:
    return [part for part in (Part("-", old), Part("+", new)) if part.text]
