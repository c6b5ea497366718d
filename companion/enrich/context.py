"""What is known of the whole vault while one of its notes is worked on: names and usage."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from pathlib import PurePosixPath

from companion.enrich.extractive import is_self_description, own_sentence
from companion.enrich.words import width
from companion.llm.pricing import estimate_tokens
from companion.note.callouts import SECTION, TOP, Styles, commonest_style
from companion.note.links import LinkNames
from companion.note.parsed_note import ParsedNote
from companion.note.sanitize_inline import without_links
from companion.note.title import find_title
from companion.prompts import Field
from companion.prompts import PromptContext as Shown
from companion.vault.index import Scan

_OFFERED = 60  # values of a vocabulary that a prompt offers at most
_OFFERED_TOKENS = 100  # about what they may take together


class VaultContext:
    """The names, the vocabularies and the styles of a vault, from one scan of it."""

    def __init__(self, scan: Scan) -> None:
        self._scan = scan

    @cached_property
    def names(self) -> LinkNames:
        """What links may point to."""
        return LinkNames((path, _title(path), aliases) for path, aliases in self._scan.names())

    @cached_property
    def taken(self) -> frozenset[str]:
        """All titles and aliases, casefolded: none of them is a good alias of another note."""
        taken = set()
        for path, aliases in self._scan.names():
            taken.add(_title(path).casefold())
            taken.update(alias.casefold() for alias in aliases)
        return frozenset(taken)

    @cached_property
    def styles(self) -> Styles:
        """How its AI callouts begin most often; where it has too few, how ours do."""
        ours = Styles()
        return Styles(
            commonest_style(self._scan.styles(TOP), ours.top),
            commonest_style(self._scan.styles(SECTION), ours.section),
        )

    @cached_property
    def paths(self) -> Sequence[str]:
        """The paths of the vault's notes."""
        return [path for path, _ in self._scan.names()]

    def vocabulary(self, fields: Sequence[Field], text: str) -> Mapping[str, Sequence[str]]:
        """Return the values in use for each of the fields that chooses from them, by its name.

        Those whose words stand in text come first, then the most used ones.
        """
        words = text.casefold()
        chosen = {}
        for field in fields:
            if field.vocabulary == "vault" and field.property:
                used = self._vocabularies(field.property)
                chosen[field.name] = _fitting(_rank(used, words)[:_OFFERED])
        return chosen

    def is_used(self, field: Field, value: str) -> bool:
        """Whether a note has the value in the field's property; case does not matter."""
        used = self._vocabularies(field.property or "")
        return value.casefold() in (each.casefold() for each in used)

    def _vocabularies(self, name: str) -> Mapping[str, int]:
        if name not in self._counted:
            self._counted[name] = self._scan.vocabulary(name)
        return self._counted[name]

    @cached_property
    def _counted(self) -> dict[str, Mapping[str, int]]:
        return {}


def _rank(used: Mapping[str, int], words: str) -> list[str]:
    return sorted(used, key=lambda value: (not _occurs(value, words), -used[value], value))


def _fitting(values: Sequence[str]) -> list[str]:
    """Return the first values that a prompt has room for, one at least."""
    costs = accumulate(estimate_tokens(value) + 1 for value in values)  # 1: the comma
    fitting = sum(cost <= _OFFERED_TOKENS for cost in costs)
    return list(values[: max(1, fitting)])


def _occurs(value: str, words: str) -> bool:
    return value.rpartition("/")[2].replace("-", " ").replace("_", " ").casefold() in words


def _title(path: str) -> str:
    return PurePosixPath(path).stem


LITTLE = 100
"""Letters of a note's text that are hardly more than its title."""

_OPENING = 240  # characters of the sentence that the note says of itself
_WIDEST = 240  # letters of it, a Chinese sign for 2.5: it is shown beside the note, so it costs
_HEADINGS = 400  # letters of the headings told apart, which stand in the prose, too
_NAMES = 400  # letters of the aliases, and as many of the tags
_PROPERTIES = 240  # letters of the properties that stand for a text
_LONGEST = 60  # letters of one that names something
# What says nothing of the subject: other fields, dates, addresses, long numbers, what plugins set.
_NO_WORDS = re.compile(r"https?:|www\.|@|\d{5}|\d{4}-\d\d|[/\\.][a-z]{2,4}$", re.IGNORECASE)
_YEAR = re.compile(r"[12]\d{3}")
_OTHERS = """
description aliases alias tags tag cssclass cssclasses publish permalink ai status id uid cover
image icon banner template layout lang created updated modified date
"""
_OTHER = frozenset(_OTHERS.split())


def show_note(
    view: ParsedNote,
    path: str,
    vocabulary: Mapping[str, Sequence[str]],
    language: str | None = None,
) -> Shown:
    """Return what a prompt shows of the note beside its prose: title, headings, all that is known.

    language: what to write in; None: the note's own.
    """
    title = find_title(view, PurePosixPath(path).stem)
    opening = own_sentence(view, title, _OPENING)
    if opening and width(opening) > _WIDEST:
        opening = None
    headings = _headings(view)
    return Shown(
        title=title,
        headings=headings,
        aliases=_first(view.properties.aliases),
        tags=_first(view.properties.tags),
        vocabulary=vocabulary,
        language=language,
        opening=opening,
        self_description=opening if opening and is_self_description(opening) else None,
    )


def telling_properties(view: ParsedNote) -> list[str]:
    """Return what the note's properties say of its subject, for a note with hardly a text.

    Words and years, each property as `artist: Paul Chambers`; not the fields that are filled, nor
    what programs set.
    """
    found = [
        f"{name}: {', '.join(words)}"
        for name, value in view.properties.values.items()
        if name.casefold() not in _OTHER and (words := list(_words(value)))
    ]
    return _first(found, _PROPERTIES)


def _words(value: object) -> Iterator[str]:
    for item in value if isinstance(value, list) else [value]:
        text = without_links(item).strip() if isinstance(item, str) else ""
        is_word = any(map(str.isalpha, text)) and not _NO_WORDS.search(text)
        if (is_word and width(text) <= _LONGEST) or _YEAR.fullmatch(text):
            yield text


def _headings(view: ParsedNote) -> list[str]:
    """Return the note's headings; of many, those of the upper levels."""
    found = [(line.level, without_links(line.title)) for line in view.lines if line.level]
    for deepest in sorted({level for level, _ in found}, reverse=True):
        kept = [title for level, title in found if level <= deepest]
        if sum(map(width, kept)) <= _HEADINGS:
            return kept
    return []


def _first(names: Sequence[str], room: int = _NAMES) -> list[str]:
    """Return the first of the names, as many as have room: so many letters."""
    kept, left = [], float(room)
    for name in names:
        length = width(name) + 2  # the comma
        if length <= left:
            kept.append(name)
            left -= length
    return kept
