"""The text of a note that prompts show, cut so that every section is represented."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from companion.enrich.settings import NEVER_TAGS
from companion.language.words import find_sentence_ends, letters, width
from companion.llm.endpoint import estimate_tokens
from companion.note.markdown import Line
from companion.note.note import ParsedNote, find_title
from companion.note.safe_line import without_links
from companion.note.safe_text import visible_lines
from companion.note.tags import has_only_tags
from companion.prompts import PromptContext

LEFT_OUT = "(cut here)"
"""The mark in an excerpt where something from the note is left out."""

# Letters; a Chinese sign counts as 2.5.
_LITTLE_TEXT = 100  # of a note that says hardly more than its title
_PROPERTIES = 240  # of the properties that stand for a text, at most
_LONGEST_VALUE = 60  # of one of their values
_HEADINGS = 400  # of the list of headings, which are in the note's text, too
_NAMES = 400  # of the aliases, and as many of the tags

# What says nothing of the subject: dates, addresses, long numbers, file names.
_NO_WORDS = re.compile(r"https?:|www\.|@|\d{5}|\d{4}-\d\d|[/\\.][a-z]{2,4}$", re.IGNORECASE)
_BLANKS = re.compile(r"\n(?:[ \t]*\n){2,}")
_YEAR = re.compile(r"[12]\d{3}")
# Properties that are filled, that the prompt shows elsewhere, or that programs set.
_NOT_OF_SUBJECT = """
description aliases alias tags tag cssclass cssclasses publish permalink ai status id uid cover
image icon banner template layout lang created updated modified date
"""
_NO_SUBJECT = frozenset(_NOT_OF_SUBJECT.split())


class _Block(NamedTuple):
    """A heading, or the text between two blank lines. line: its first. rank: in its section."""

    text: str
    line: int
    rank: int

    @property
    def cost(self) -> int:
        """The tokens that it takes, with the blank line below it."""
        return estimate_tokens(self.text) + 1


def excerpt(lines: Sequence[Line], budget: int | None, places: Sequence[int] = ()) -> str:
    """Return the note's text, without comments and what a reader cannot see; links as words.

    budget: about how many tokens it may take; None: any number. A text that is too long keeps its
    headings, if they take less than half, and the first blocks of all sections before the second
    ones of any. places: lines, of which the blocks nearest to them go first, up to half the budget.
    """
    whole = _visible(lines)
    if budget is None or estimate_tokens(whole) <= budget:
        return whole
    blocks = list(_find_blocks(lines))
    headings = [each for each in blocks if each.rank == 0]
    if sum(each.cost for each in headings) > budget // 2:  # the prompt lists them elsewhere
        blocks, headings = [each for each in blocks if each.rank], []
    gap = estimate_tokens(LEFT_OUT) + 1
    budget -= gap + sum(each.cost + gap for each in headings)
    taken = {each: each.text for each in headings}

    def distance(block: _Block) -> int:
        return min(abs(block.line - place) for place in places)

    room = budget // 2
    for block in sorted(blocks, key=distance) if places else ():
        room -= block.cost + gap
        if room < 0:
            break
        taken[block] = block.text
        budget -= block.cost + gap
    for block in sorted(blocks, key=lambda each: each.rank):
        if block not in taken and (text := _cut(block, budget)):
            taken[block] = text
            budget -= estimate_tokens(text) + 1
    return "\n\n".join(_render(blocks, taken))


def _cut(block: _Block, tokens: int) -> str:
    """Return the block, or its whole lines or sentences that fit; empty if none does."""
    if block.cost <= tokens:
        return block.text
    text = block.text
    breaks = (place for place, sign in enumerate(text) if sign == "\n")
    ends = [0, *sorted([*find_sentence_ends(text), *breaks])]
    fitting = bisect_right(ends, tokens - 1, lo=1, key=lambda n: estimate_tokens(text[:n]))
    return text[: ends[fitting - 1]].rstrip()


def _render(blocks: Iterable[_Block], taken: Mapping[_Block, str]) -> Iterator[str]:
    is_cut = False
    for block in blocks:
        if text := taken.get(block, ""):
            yield text
            is_cut = False
        if text != block.text and not is_cut:
            yield LEFT_OUT
            is_cut = True


def _find_blocks(lines: Sequence[Line]) -> Iterator[_Block]:
    first = rank = 0
    for number in range(len(lines) + 1):
        line = lines[number] if number < len(lines) else None
        if line and line.kind != "heading" and (line.text.strip() or line.kind == "code"):
            continue
        if (text := _visible(lines[first:number])).strip():
            rank += 1
            yield _Block(text, first, rank)
        if line and line.kind == "heading":
            rank = 0
            yield _Block(_visible([line]), number, rank)
        first = number + 1


def _visible(lines: Sequence[Line]) -> str:
    """Return the lines as a reader sees them: links and embeds as their words, no lines of tags."""
    texts = (
        line.visible if line.kind == "code" else without_links(line.visible)
        for line in lines
        if line.kind != "comment" and not has_only_tags(line)
    )
    return _BLANKS.sub("\n\n", "\n".join(visible_lines("\n".join(texts).strip("\n"))))


def make_prompt_context(
    parsed: ParsedNote,
    path: str,
    vocabulary: Mapping[str, Sequence[str]],
    language: str | None = None,
) -> PromptContext:
    """Return what a prompt shows of the note, except its text, or properties in its place.

    language: what to write in; None: the note's own.
    """
    title = find_title(parsed, path)
    tags = (*parsed.properties.tags, *parsed.likely_tags)
    return PromptContext(
        title=title,
        headings=_headings(parsed),
        aliases=take_first(
            [each for each in parsed.properties.aliases if each != title and "/" not in each]
        ),
        tags=take_first([tag for tag in dict.fromkeys(tags) if not _is_mark(tag)]),
        vocabulary=vocabulary,
        language=language,
    )


def add_text(context: PromptContext, parsed: ParsedNote, prose: str) -> PromptContext:
    """Return the context with the note's text; with properties, too, if there is hardly any.

    The text does not begin with the title again, and headings are listed only if it lacks some.
    """
    properties = subject_properties(parsed) if width(prose) < _LITTLE_TEXT else ()
    is_cut = any(heading not in prose for heading in context.headings)
    headings = context.headings if is_cut else ()
    first, _, rest = prose.strip().partition("\n")
    if first.startswith("# ") and letters(first) == letters(context.title):
        prose = rest.lstrip("\n")
    return replace(context, prose=prose, properties=properties, headings=headings)


def _is_mark(tag: str) -> bool:
    return tag.partition("/")[0].casefold() in NEVER_TAGS


def subject_properties(parsed: ParsedNote) -> list[str]:
    """Return the properties that describe the subject, for a note with hardly any text.

    Words and years, each property as `artist: Paul Chambers`.
    """
    parts = []
    for name, value in parsed.properties.values.items():
        items = value if isinstance(value, list) else [value]
        texts = (without_links(item).strip() for item in items if isinstance(item, str))
        words = [text for text in texts if _YEAR.fullmatch(text) or _is_words(text)]
        if words and name.casefold() not in _NO_SUBJECT:
            parts.append(f"{name}: {', '.join(words)}")
    return take_first(parts, _PROPERTIES)


def _is_words(text: str) -> bool:
    has_letters = any(map(str.isalpha, text)) and width(text) <= _LONGEST_VALUE
    return has_letters and not _NO_WORDS.search(text)


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
