"""A note's prose, cut to what a model may read: by its structure, so that every part is heard."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from companion.llm.forecast import estimate_tokens
from companion.note.inert_line import without_links
from companion.note.line import Line
from companion.note.visible import visible_lines

CUT = "(cut here)"
"""What stands in an excerpt where something of the note is left out."""

_SENTENCE_END = re.compile(r"[.!?…](?=\s)|[。！？]")


@dataclass
class _Section:
    """A heading, if any, and the blocks below it up to the next one. taken: how many are shown."""

    heading: str | None
    blocks: list[str]
    taken: int = 0
    part: str = field(default="")

    def show(self) -> Iterable[str]:
        if self.heading is not None:
            yield self.heading
        yield from self.blocks[: self.taken]
        if self.part:
            yield self.part
        if self.taken < len(self.blocks):
            yield CUT


def excerpt(lines: Sequence[Line], budget: int | None) -> str:
    """Return the note's prose, without comments and what a reader cannot see; links as words.

    budget: about the tokens it may take; None: all of it. Where it is too long, the headings
    stay, and the openings of all sections come before what follows in any of them.
    """
    whole = _visible(lines)
    if budget is None or estimate_tokens(whole) <= budget:
        return whole
    sections = [_Section(heading, blocks) for heading, blocks in _sections(lines)]
    left = budget - sum(_cost(each.heading or "") + _cost(CUT) for each in sections)
    if left < budget // 2:  # more headings than text: they are told apart, in the prompt's frame
        sections = [_Section(None, [block for each in sections for block in each.blocks])]
        left = budget - _cost(CUT)
    _take(sections, left)
    return "\n\n".join(part for each in sections for part in each.show())


def _take(sections: Sequence[_Section], left: int) -> None:
    """Take the first block of each section, then the second ones, while they fit."""
    open_sections = [each for each in sections if each.blocks]
    while open_sections:
        for each in tuple(open_sections):
            block = each.blocks[each.taken]
            if _cost(block) > left:
                each.part = _opening(block, left)
                left -= _cost(each.part)
                open_sections.remove(each)
                continue
            left -= _cost(block)
            each.taken += 1
            if each.taken == len(each.blocks):
                open_sections.remove(each)


def _opening(block: str, budget: int) -> str:
    """Return the block's first whole lines or sentences that fit; empty where none does."""
    ends = [match.end() for match in _SENTENCE_END.finditer(block)]
    ends += [place for place, sign in enumerate(block) if sign == "\n"]
    fitting = takewhile(lambda end: _cost(block[:end]) <= budget, sorted(ends))
    return block[: max(fitting, default=0)].rstrip()


def _sections(lines: Sequence[Line]) -> Iterable[tuple[str | None, list[str]]]:
    heading: str | None = None
    own: list[Line] = []
    for line in lines:
        if line.kind != "heading":
            own.append(line)
            continue
        yield heading, _blocks(own)
        heading, own = _visible([line]), []
    yield heading, _blocks(own)


def _blocks(lines: Sequence[Line]) -> list[str]:
    """Return what blank lines part, outside code."""
    blocks: list[list[Line]] = [[]]
    for line in lines:
        if line.text.strip() or line.kind == "code":
            blocks[-1].append(line)
        else:
            blocks.append([])
    return [text for block in blocks if (text := _visible(block)).strip()]


def _visible(lines: Sequence[Line]) -> str:
    shown = "\n".join(_read(line) for line in lines if line.kind != "comment")
    return "\n".join(visible_lines(shown.strip("\n")))


def _read(line: Line) -> str:
    """Return the line as a reader sees it: of links and embeds, the words."""
    return line.shown if line.kind == "code" else without_links(line.shown)


def _cost(text: str) -> int:
    return estimate_tokens(text) + 1 if text else 0
