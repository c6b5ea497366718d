"""The text of a note that prompts show: what a model may read, and whether that is enough.

A text that is too long is cut so that every section is represented.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import NamedTuple

from companion.enrich.context.extractive import extract_sentence
from companion.enrich.context.sentences import is_self_description
from companion.language.statements import read_passages
from companion.language.words import find_sentence_ends, plain_text, width
from companion.llm.endpoint import estimate_tokens
from companion.note.markdown import Line
from companion.note.parsed_note import ParsedNote, find_title
from companion.note.sanitize import visible_lines
from companion.note.sanitize_inline import without_links
from companion.note.tags import has_only_tags
from companion.prompts import PromptContext

# Letters; a Chinese sign counts as 2.5.
_LITTLE_TEXT = 100  # of a note that says hardly more than its title
_ENOUGH = 160  # about a subject, under which a small model's callout would mostly be made up
_PROPERTIES = 240  # of the properties that stand for a text, at most
_LONGEST_VALUE = 60  # of one of their values
# What says nothing of the subject: dates, addresses, long numbers, file names.
_NO_WORDS = re.compile(r"https?:|www\.|@|\d{5}|\d{4}-\d\d|[/\\.][a-z]{2,4}$", re.IGNORECASE)
_YEAR = re.compile(r"[12]\d{3}")
# Properties that are filled, that the prompt shows elsewhere, or that programs set.
_NOT_OF_SUBJECT = """
description aliases alias tags tag cssclass cssclasses publish permalink ai status id uid cover
image icon banner template layout lang created updated modified date
"""
_NO_SUBJECT = frozenset(_NOT_OF_SUBJECT.split())

LEFT_OUT = "(cut here)"
"""The mark in an excerpt where something from the note is left out."""


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

    def take_near(self, line: int, most: int) -> int:
        """Take the blocks nearest to the line, while they fit; return what they cost."""

        def distance(number: int) -> int:
            lines = self.blocks[number].lines
            return max(lines.start - line, line - lines.stop + 1, 0)

        spent = 0
        for number in sorted(range(len(self.blocks)), key=distance):
            block = self.blocks[number].text
            cost = _cost(block) + _cost(LEFT_OUT)  # something beside it may be cut
            if spent + cost > most:
                break
            self.taken[number] = block
            spent += cost
        return spent

    def render(self) -> Iterable[str]:
        if self.heading is not None:
            yield self.heading
        is_cut = False
        for number, block in enumerate(self.blocks):
            if text := self.taken.get(number, ""):
                yield text
                is_cut = False
            if text != block.text and not is_cut:
                yield LEFT_OUT
                is_cut = True


def excerpt(lines: Sequence[Line], budget: int | None, places: Sequence[int] = ()) -> str:
    """Return the note's text, without comments and what a reader cannot see; links as words.

    budget: about how many tokens it may take; None: any number. A text that is too long keeps its
    headings, and the first blocks of all sections before the second ones of any. places: lines of
    the outline; up to half of the budget goes first to the blocks nearest to them in their section.
    """
    whole = _visible(lines)
    if budget is None or estimate_tokens(whole) <= budget:
        return whole
    sections = list(_find_sections(lines))
    tokens_free = budget - sum(_cost(each.heading or "") + _cost(LEFT_OUT) for each in sections)
    if tokens_free < budget // 2:  # more headings than text: the prompt lists them elsewhere
        blocks = [block for each in sections for block in each.blocks]
        sections = [_ExcerptSection(None, range(len(lines)), blocks)]
        tokens_free = budget - _cost(LEFT_OUT)
    most = tokens_free // (2 * len(places)) if places else 0
    for line in places:
        tokens_free -= sum(each.take_near(line, most) for each in sections if line in each.lines)
    _take(sections, tokens_free)
    return "\n\n".join(part for each in sections for part in each.render())


def _take(sections: Sequence[_ExcerptSection], tokens: int) -> None:
    """Take the first block of each section, then the second ones, while they fit.

    Of the first block that does not fit, the whole lines or sentences that fit are taken.
    """
    ahead = [[n for n in range(len(s.blocks)) if n not in s.taken] for s in sections]
    for rank in range(max(map(len, ahead), default=0)):
        for each, numbers in zip(sections, ahead, strict=True):
            if rank >= len(numbers):
                continue
            number = numbers[rank]
            block = each.blocks[number].text
            if _cost(block) > tokens:
                lines = [place for place, sign in enumerate(block) if sign == "\n"]
                ends = [0, *sorted([*find_sentence_ends(block), *lines])]
                fitting = bisect_right(ends, tokens, lo=1, key=lambda end: _cost(block[:end]))
                block = block[: ends[fitting - 1]].rstrip()
                numbers.clear()
            each.taken[number] = block
            tokens -= _cost(block)


def _find_sections(lines: Sequence[Line]) -> Iterator[_ExcerptSection]:
    starts = [number for number, line in enumerate(lines) if line.kind == "heading"]
    for start, stop in pairwise([-1, *starts, len(lines)]):
        heading = _visible([lines[start]]) if start >= 0 else None
        section = _ExcerptSection(heading, range(max(start, 0), stop), [])
        first = start + 1
        for number in range(first, stop + 1):
            if number < stop and (lines[number].text.strip() or lines[number].kind == "code"):
                continue
            if (text := _visible(lines[first:number])).strip():
                section.blocks.append(_ExcerptBlock(text, range(first, number)))
            first = number + 1
        yield section


def _visible(lines: Sequence[Line]) -> str:
    """Return the lines as a reader sees them: links and embeds as their words."""
    texts = (
        line.visible if line.kind == "code" else without_links(line.visible)
        for line in lines
        if line.kind != "comment"
    )
    return "\n".join(visible_lines("\n".join(texts).strip("\n")))


def _cost(text: str) -> int:
    return estimate_tokens(text) + 1 if text else 0


def add_text(context: PromptContext, parsed: ParsedNote, prose: str) -> PromptContext:
    """Return the context with the note's text; with properties, too, if there is hardly any."""
    properties = subject_properties(parsed) if width(prose) < _LITTLE_TEXT else ()
    return replace(context, prose=prose, properties=properties)


def find_too_little(parsed: ParsedNote, context: PromptContext, small_model: str) -> str:
    """Return why a small model has too little text to write a callout; empty if it has enough.

    What counts is what the note and those that link to it say, without headings, tags, AI callouts
    and the title. What the note links to is another subject.

    small_model: its name.
    """
    subject = f"“{context.title}”" if context.title else "its subject"
    answers = parsed.callout_lines
    own = (
        without_links(line.visible[line.content :]).strip()
        for number, line in enumerate(parsed.lines)
        if line.kind in ("text", "code", "math", "html")
        and number not in answers
        and not has_only_tags(line)
    )
    width_shown = sum(map(width, (*own, *context.properties, *context.backlinks)))
    if width_shown < _ENOUGH:
        return (
            f"no callout: the note and those that link to it say too little about {subject} for a"
            f" small model such as {small_model}; add a line of text, or choose a larger model"
        )
    return ""


def read_subject_texts(parsed: ParsedNote, context: PromptContext) -> list[str]:
    """Return the text about the subject, from the note and others, without headings."""
    passages = (each for each in read_passages(parsed) if each.kind != "heading")
    others = (*subject_properties(parsed), *context.backlinks, *context.linked)
    texts = (plain_text(each.text, captions=True) for each in passages)
    return [*filter(None, texts), *others]


def subject_properties(parsed: ParsedNote) -> list[str]:
    """Return the properties that describe the subject, for a note with hardly any text.

    Words and years, each property as `artist: Paul Chambers`.
    """
    parts = []
    for name, value in parsed.properties.values.items():
        items = value if isinstance(value, list) else [value]
        texts = (without_links(item).strip() for item in items if isinstance(item, str))
        words = [
            text
            for text in texts
            if _YEAR.fullmatch(text)
            or (
                any(map(str.isalpha, text))
                and not _NO_WORDS.search(text)
                and width(text) <= _LONGEST_VALUE
            )
        ]
        if words and name.casefold() not in _NO_SUBJECT:
            parts.append(f"{name}: {', '.join(words)}")
    return take_first(parts, _PROPERTIES)


# Letters at most; a Chinese sign counts as 2.5.
_OPENING = 240  # of the sentence that describes the note: it comes in addition to the note's text
_HEADINGS = 400  # of the list of headings, which are in the note's text, too
_NAMES = 400  # of the aliases, and as many of the tags


def make_prompt_context(
    parsed: ParsedNote,
    path: str,
    vocabulary: Mapping[str, Sequence[str]],
    language: str | None = None,
    whole: ParsedNote | None = None,
) -> PromptContext:
    """Return what a prompt shows of the note, except its text, or properties in its place.

    language: what to write in; None: the note's own. whole: the note with what it embeds.
    """
    title = find_title(parsed, path)
    own = extract_sentence(whole or parsed, title, _OPENING)
    opening = own.text if own and width(own.text) <= _OPENING else None
    return PromptContext(
        title=title,
        headings=_headings(parsed),
        aliases=take_first(parsed.properties.aliases),
        tags=take_first(parsed.properties.tags),
        vocabulary=vocabulary,
        language=language,
        opening=opening,
        self_description=opening if opening and is_self_description(opening) else None,
    )


def _headings(parsed: ParsedNote) -> list[str]:
    """Return the note's headings; if there are too many, those of the upper levels."""
    headings = [(line.level, without_links(line.title)) for line in parsed.lines if line.level]
    for deepest in sorted({level for level, _ in headings}, reverse=True):
        titles = [title for level, title in headings if level <= deepest]
        if sum(map(width, titles)) <= _HEADINGS:
            return titles
    return []


def take_first(names: Sequence[str], letters: int = _NAMES) -> list[str]:
    """Return the first names, with at most that many letters together."""
    first_names, letters_free = [], float(letters)
    for name in names:
        length = width(name) + 2  # the comma
        if length <= letters_free:
            first_names.append(name)
            letters_free -= length
    return first_names
