"""What a prompt shows of a note and of its vault, but for the note's text; see excerpt."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import accumulate
from pathlib import PurePosixPath

from companion.enrich.extractive import extract_sentence, is_self_description
from companion.enrich.words import width
from companion.llm.pricing import estimate_tokens
from companion.note.callouts import SECTION, TOP, Styles, commonest_style
from companion.note.link_names import LinkNames, without_extension
from companion.note.links import Links
from companion.note.parsed_note import ParsedNote
from companion.note.sanitize_inline import without_links
from companion.note.tags import has_only_tags
from companion.note.title import find_title
from companion.prompts import Field, PromptContext
from companion.vault.files import NoteFile
from companion.vault.index import Scan

_OFFERED = 60  # values of a vocabulary that a prompt offers at most
_OFFERED_TOKENS = 100  # about what they may take together
_LIKELY = 8  # values of similar notes that come first


class VaultContext:
    """The names, the vocabularies and the callout styles of a vault, from one scan of it."""

    def __init__(self, scan: Scan) -> None:
        self._scan = scan

    @property
    def scan(self) -> Scan:
        """The scan that it is from."""
        return self._scan

    def names(self, path: str) -> LinkNames:
        """Return what links in the note at path may point to.

        Those in a private note may point to private notes; others must not tell of these.
        """
        return self._all_names if path in self.withheld else self._open_names

    @cached_property
    def _all_names(self) -> LinkNames:
        return LinkNames(self._titles())

    @cached_property
    def _open_names(self) -> LinkNames:
        return LinkNames(self._titles(), self.withheld) if self.withheld else self._all_names

    def _titles(self) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        return ((path, _title(path), aliases) for path, aliases in self._scan.names())

    @cached_property
    def withheld(self) -> frozenset[str]:
        """The paths of the notes of which no other note may tell; see Scan.withheld_notes."""
        return self._scan.withheld_notes()

    @cached_property
    def links(self) -> Links:
        """Who links where. The first use may read notes."""
        return Links(self._scan.link_targets(), self._all_names)

    def may_tell(self, path: str) -> bool:
        """Return whether other notes may be told what the note says."""
        facts = self._scan.notes.get(path)
        return facts is not None and facts.skipped is None and path not in self.withheld

    def file_of(self, path: str) -> NoteFile:
        """Return the note's file, as the scan saw it."""
        return self._scan.files[path]

    def neighbours(self, path: str, text: str) -> frozenset[str]:
        """Return the notes that text, the note at path, links to, or that link to it; no `.md`."""
        found = (*self.links.linked_in(text, path), *self.links.linking_to(path))
        return frozenset(map(without_extension, found))

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
        """How its AI callouts begin most often; the built-in styles where it has too few."""
        default = Styles()
        return Styles(
            commonest_style(self._scan.styles(TOP), default.top),
            commonest_style(self._scan.styles(SECTION), default.section),
        )

    @cached_property
    def paths(self) -> Sequence[str]:
        """The paths of the vault's notes."""
        return [path for path, _ in self._scan.names()]

    def vocabulary(
        self,
        fields: Sequence[Field],
        path: str,
        text: str,
        likely: Mapping[str, Sequence[str]] | None = None,
    ) -> Mapping[str, Sequence[str]]:
        """Return the values in use for each of the fields that chooses from them, by its name.

        likely: those that similar notes have, by field, which come first; then those whose words
        are in the text, then the most used ones. path: the note's; what only private notes use is
        not offered to others.
        """
        words = text.casefold()
        chosen = {}
        for field in fields:
            if field.vocabulary == "vault" and field.property:
                used = self._usage_counts(field.property, path in self.withheld)
                ranked = sorted(used, key=lambda v: (not _occurs(v, words), -used[v], v))
                first = [v for v in (likely or {}).get(field.name, ()) if v in used][:_LIKELY]
                ranked = list(dict.fromkeys([*first, *ranked]))
                chosen[field.name] = _limit_tokens(ranked[:_OFFERED])
        return chosen

    def property_values(self, name: str, of_all: bool) -> Mapping[str, Sequence[str]]:
        """Return the values of the property by the paths of the notes that have any.

        of_all: of private notes, too.
        """
        return {
            path: found
            for path, facts in self._scan.notes.items()
            if (found := facts.values.get(name)) and (of_all or path not in self.withheld)
        }

    def is_used(self, field: Field, value: str) -> bool:
        """Return whether a note has the value in the field's property; case does not matter."""
        used = self._usage_counts(field.property or "", of_all=True)
        return value.casefold() in (each.casefold() for each in used)

    def _usage_counts(self, name: str, of_all: bool) -> Mapping[str, int]:
        """Return how many notes use each value of the property; of_all: private ones, too."""
        key = name, of_all or not self.withheld
        if key not in self._counted:
            without = () if key[1] else self.withheld
            self._counted[key] = self._scan.vocabulary(name, without)
        return self._counted[key]

    @cached_property
    def _counted(self) -> dict[tuple[str, bool], Mapping[str, int]]:
        return {}


def _limit_tokens(values: Sequence[str]) -> list[str]:
    """Return the first values that a prompt has room for, one at least."""
    costs = accumulate(estimate_tokens(value) + 1 for value in values)  # 1: the comma
    fitting = sum(cost <= _OFFERED_TOKENS for cost in costs)
    return list(values[: max(1, fitting)])


def _occurs(value: str, words: str) -> bool:
    return value.rpartition("/")[2].replace("-", " ").replace("_", " ").casefold() in words


def _title(path: str) -> str:
    return PurePosixPath(path).stem


LITTLE_TEXT = 100
"""Letters of a note's text under which it says hardly more than its title."""

ENOUGH = 160
"""Letters about a subject under which a small model's callout would mostly be made up."""

# Letters at most; a Chinese sign counts as 2.5.
_OPENING = 240  # of the sentence that describes the note: it comes in addition to the note's text
_HEADINGS = 400  # of the list of headings, which are in the note's text, too
_NAMES = 400  # of the aliases, and as many of the tags
_PROPERTIES = 240  # of the properties that stand for a text
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


def make_prompt_context(
    parsed: ParsedNote,
    path: str,
    vocabulary: Mapping[str, Sequence[str]],
    language: str | None = None,
) -> PromptContext:
    """Return what a prompt shows of the note, but for its text and the properties in its place.

    language: what to write in; None: the note's own.
    """
    title = find_title(parsed, PurePosixPath(path).stem)
    opening = extract_sentence(parsed, title, _OPENING)
    if opening and width(opening) > _OPENING:
        opening = None
    return PromptContext(
        title=title,
        headings=_headings(parsed),
        aliases=_take_first(parsed.properties.aliases),
        tags=_take_first(parsed.properties.tags),
        vocabulary=vocabulary,
        language=language,
        opening=opening,
        self_description=opening if opening and is_self_description(opening) else None,
    )


def count_known(parsed: ParsedNote, context: PromptContext) -> float:
    """Return how many letters the note and those that link to it say of its subject.

    Without headings, tags, AI callouts and the title. What the note links to is another subject.
    """
    answers = {n for each in parsed.callouts for n in range(each.first, each.last + 1)}
    own = (
        without_links(line.visible[line.content :])
        for number, line in enumerate(parsed.lines)
        if line.kind in ("text", "code", "math", "html")
        and number not in answers
        and not has_only_tags(line)
    )
    told = (*context.properties, *context.backlinks)
    return sum(map(width, (*map(str.strip, own), *told)))


def subject_properties(parsed: ParsedNote) -> list[str]:
    """Return what the note's properties say of its subject, for a note with hardly any text.

    Words and years, each property as `artist: Paul Chambers`.
    """
    found = [
        f"{name}: {', '.join(words)}"
        for name, value in parsed.properties.values.items()
        if name.casefold() not in _NO_SUBJECT and (words := list(_subject_words(value)))
    ]
    return _take_first(found, _PROPERTIES)


def _subject_words(value: object) -> Iterator[str]:
    for item in value if isinstance(value, list) else [value]:
        text = without_links(item).strip() if isinstance(item, str) else ""
        is_word = any(map(str.isalpha, text)) and not _NO_WORDS.search(text)
        if (is_word and width(text) <= _LONGEST_VALUE) or _YEAR.fullmatch(text):
            yield text


def _headings(parsed: ParsedNote) -> list[str]:
    """Return the note's headings; of too many, those of the upper levels."""
    found = [(line.level, without_links(line.title)) for line in parsed.lines if line.level]
    for deepest in sorted({level for level, _ in found}, reverse=True):
        kept = [title for level, title in found if level <= deepest]
        if sum(map(width, kept)) <= _HEADINGS:
            return kept
    return []


def _take_first(names: Sequence[str], letters: int = _NAMES) -> list[str]:
    """Return the names that fit into so many letters together, the first ones first."""
    kept, left = [], float(letters)
    for name in names:
        length = width(name) + 2  # the comma
        if length <= left:
            kept.append(name)
            left -= length
    return kept
