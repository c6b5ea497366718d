"""Word diffs: what a new text adds to an old one and takes from it, for people to read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

from companion.note.line_diff import align
from companion.note.text import split_lines

Mark = Literal["=", "+", "-", "…"]
_CONTEXT = 2  # lines before and after what differs
_WORD = re.compile(r"[\r\n]+|[^\S\r\n]+|\w+|[^\w\s]")
_MOST_WORDS = 4_000  # of a part that are compared one by one; SequenceMatcher is quadratic


class Part(NamedTuple):
    """A part of a diff: kept (=), added (+), taken out (-), or lines that are left out (…)."""

    mark: Mark
    text: str


def diff_words(old: str, new: str) -> list[Part]:
    """Return the parts that differ, word by word, with two lines before and after each."""
    a, b = split_lines(old), split_lines(new)
    parts: list[Part] = []
    at_a = at_b = 0
    for start_a, start_b, size in [*align(a, b), (len(a), len(b), 0)]:
        parts += _compare("".join(a[at_a:start_a]), "".join(b[at_b:start_b]))
        at_a, at_b = start_a + size, start_b + size
        is_last = (at_a, at_b) == (len(a), len(b))
        parts += _shorten(a[start_a:at_a], is_first=not (start_a or start_b), is_last=is_last)
    return parts


def _shorten(lines: Sequence[str], *, is_first: bool, is_last: bool) -> Iterator[Part]:
    """Yield the lines that are the same, without those that are far from any difference."""
    head = 0 if is_first else _CONTEXT
    tail = 0 if is_last else _CONTEXT
    if len(lines) <= head + tail:
        if lines:
            yield Part("=", "".join(lines))
        return
    if head:
        yield Part("=", "".join(lines[:head]))
    yield Part("…", "")
    if tail:
        yield Part("=", "".join(lines[-tail:]))


def _compare(old: str, new: str) -> Iterator[Part]:
    if not old or not new:
        yield from (Part("-", old),) if old else (Part("+", new),) if new else ()
        return
    a, b = _WORD.findall(old), _WORD.findall(new)
    if len(a) + len(b) > _MOST_WORDS:
        yield from (Part("-", old), Part("+", new))
        return
    matcher = SequenceMatcher(None, a, b, autojunk=False)
    for _, start_a, end_a, start_b, end_b in matcher.get_opcodes():
        before, after = "".join(a[start_a:end_a]), "".join(b[start_b:end_b])
        if before == after:
            yield Part("=", before)
        else:
            yield from (Part("-", before),) if before else ()
            yield from (Part("+", after),) if after else ()
