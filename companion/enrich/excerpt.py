"""A note's text, cut to what a model may read, so that every section is represented."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

from companion.enrich.words import find_sentence_ends
from companion.llm.pricing import estimate_tokens
from companion.note.blocks import Line
from companion.note.sanitize import visible_lines
from companion.note.sanitize_inline import without_links

CUT = "(cut here)"
"""What stands in an excerpt where something of the note is left out."""


class _ExcerptBlock(NamedTuple):
    """The text between two blank lines outside code. lines: where it is in the outline."""

    text: str
    lines: range


@dataclass
class _ExcerptSection:
    """A heading, if any, and the blocks below it up to the next one. lines: of both.

    taken: what the excerpt has of each block, by its number: all of it, or its beginning.
    """

    heading: str | None
    lines: range
    blocks: list[_ExcerptBlock]
    taken: dict[int, str] = field(default_factory=dict)

    def render(self) -> Iterable[str]:
        if self.heading is not None:
            yield self.heading
        is_cut = False
        for number, block in enumerate(self.blocks):
            if text := self.taken.get(number, ""):
                yield text
                is_cut = False
            if text != block.text and not is_cut:
                yield CUT
                is_cut = True

    def next_block(self) -> int | None:
        """Return the number of the first block that is not taken; None: all are."""
        return next((n for n in range(len(self.blocks)) if n not in self.taken), None)


def excerpt(lines: Sequence[Line], budget: int | None, places: Sequence[int] = ()) -> str:
    """Return the note's text, without comments and what a reader cannot see; links as words.

    budget: about how many tokens it may take; None: any number. A text that is too long keeps
    its headings, and the first blocks of all sections before the second ones of any. places: lines
    of the outline; up to half of the budget goes first to the blocks nearest to them in their
    section.
    """
    whole = _visible(lines)
    if budget is None or estimate_tokens(whole) <= budget:
        return whole
    sections = list(_sections(lines))
    left = budget - sum(_cost(each.heading or "") + _cost(CUT) for each in sections)
    if left < budget // 2:  # more headings than text: the prompt lists them elsewhere
        blocks = [block for each in sections for block in each.blocks]
        sections = [_ExcerptSection(None, range(len(lines)), blocks)]
        left = budget - _cost(CUT)
    most = left // (2 * len(places)) if places else 0
    for line in places:
        left -= sum(_take_near(each, line, most) for each in sections if line in each.lines)
    _take(sections, left)
    return "\n\n".join(part for each in sections for part in each.render())


def _take_near(section: _ExcerptSection, line: int, most: int) -> int:
    """Take the blocks of the section nearest to the line, while they fit; return what they cost."""

    def distance(number: int) -> int:
        lines = section.blocks[number].lines
        return max(lines.start - line, line - lines.stop + 1, 0)

    spent = 0
    for number in sorted(range(len(section.blocks)), key=distance):
        block = section.blocks[number].text
        cost = _cost(block) + _cost(CUT)  # something beside it may be cut
        if spent + cost > most:
            break
        section.taken[number] = block
        spent += cost
    return spent


def _take(sections: Sequence[_ExcerptSection], left: int) -> None:
    """Take the first block of each section, then the second ones, while they fit."""
    open_sections = list(sections)
    while open_sections:
        for each in tuple(open_sections):
            number = each.next_block()
            if number is None:
                open_sections.remove(each)
                continue
            block = each.blocks[number].text
            if _cost(block) > left:
                each.taken[number] = _opening(block, left)
                left -= _cost(each.taken[number])
                open_sections.remove(each)
                continue
            left -= _cost(block)
            each.taken[number] = block


def _opening(block: str, budget: int) -> str:
    """Return the block's first whole lines or sentences that fit; empty where none does."""
    ends = list(find_sentence_ends(block))
    ends += [place for place, sign in enumerate(block) if sign == "\n"]
    ends = [0, *sorted(ends)]
    fitting = bisect_right(ends, budget, lo=1, key=lambda end: _cost(block[:end]))
    return block[: ends[fitting - 1]].rstrip()


def _sections(lines: Sequence[Line]) -> Iterable[_ExcerptSection]:
    starts = [number for number, line in enumerate(lines) if line.kind == "heading"]
    for start, stop in pairwise([None, *starts, len(lines)]):
        assert stop is not None
        heading = None if start is None else _visible([lines[start]])
        within = range(0 if start is None else start, stop)
        yield _ExcerptSection(heading, within, _blocks(lines, within[start is not None :]))


def _blocks(lines: Sequence[Line], within: range) -> list[_ExcerptBlock]:
    """Return the blocks within these lines."""
    blocks: list[_ExcerptBlock] = []
    first = within.start
    for number in (*within, within.stop):
        is_over = number == within.stop
        if is_over or not (lines[number].text.strip() or lines[number].kind == "code"):
            if (text := _visible(lines[first:number])).strip():
                blocks.append(_ExcerptBlock(text, range(first, number)))
            first = number + 1
    return blocks


def _visible(lines: Sequence[Line]) -> str:
    """Return the lines as a reader sees them: of links and embeds, the words."""
    texts = (
        line.visible if line.kind == "code" else without_links(line.visible)
        for line in lines
        if line.kind != "comment"
    )
    return "\n".join(visible_lines("\n".join(texts).strip("\n")))


def _cost(text: str) -> int:
    return estimate_tokens(text) + 1 if text else 0
