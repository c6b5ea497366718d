"""What a prompt shows of a note and of its vault, but for the note's text; see excerpt."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import accumulate, islice
from pathlib import Path, PurePosixPath

from companion.enrich.extractive import extract_sentence, is_self_description, read_paragraphs
from companion.enrich.language import find_language
from companion.enrich.words import width
from companion.errors import NoteError
from companion.llm.pricing import estimate_tokens
from companion.note.callouts import SECTION, TOP, Styles, commonest_style
from companion.note.links import LinkNames
from companion.note.parsed_note import ParsedNote
from companion.note.sanitize_inline import without_links
from companion.note.text import NoteText
from companion.note.title import find_title
from companion.prompts import Field, PromptContext
from companion.vault.index import Scan

_OFFERED = 60  # values of a vocabulary that a prompt offers at most
_OFFERED_TOKENS = 100  # about what they may take together


class VaultContext:
    """The names, the vocabularies and the callout styles of a vault, from one scan of it."""

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

    def vocabulary(self, fields: Sequence[Field], text: str) -> Mapping[str, Sequence[str]]:
        """Return the values in use for each of the fields that chooses from them, by its name.

        Those whose words are in the text come first, then the most used ones.
        """
        words = text.casefold()
        chosen = {}
        for field in fields:
            if field.vocabulary == "vault" and field.property:
                used = self._usage_counts(field.property)
                ranked = sorted(used, key=lambda v: (not _occurs(v, words), -used[v], v))
                chosen[field.name] = _limit_tokens(ranked[:_OFFERED])
        return chosen

    def is_used(self, field: Field, value: str) -> bool:
        """Return whether a note has the value in the field's property; case does not matter."""
        used = self._usage_counts(field.property or "")
        return value.casefold() in (each.casefold() for each in used)

    def _usage_counts(self, name: str) -> Mapping[str, int]:
        if name not in self._counted:
            self._counted[name] = self._scan.vocabulary(name)
        return self._counted[name]

    @cached_property
    def _counted(self) -> dict[str, Mapping[str, int]]:
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


_SAMPLE = 12  # notes of a folder, or of the vault, whose language is looked at
_LARGEST = 200_000  # bytes of one


class NoteLanguages:
    """The languages of the notes of one vault; from any thread.

    A note that is too short to tell gets the language of most notes beside it, else of most notes
    of the vault. paths: of its notes, with `/`.
    """

    def __init__(self, root: Path, paths: Sequence[str]) -> None:
        self._root = root
        self.paths = paths
        self._of_folders: dict[str, str | None] = {}

    def of(self, path: str, parsed: ParsedNote) -> str | None:
        """Return the English name of the note's language; None where nothing tells it."""
        place = PurePosixPath(path)
        words = "\n".join(read_paragraphs(parsed))
        title = find_title(parsed, place.stem)
        return find_language(words, title, self._of_folder(str(place.parent)), parsed.note.body)

    def _of_folder(self, folder: str) -> str | None:
        if folder not in self._of_folders:
            beside = self._by_folder.get(folder, ())
            step = max(1, len(self.paths) // _SAMPLE)
            language = self._commonest(beside) or self._commonest(self.paths[::step])
            self._of_folders[folder] = language
        return self._of_folders[folder]

    @cached_property
    def _by_folder(self) -> dict[str, list[str]]:
        """The paths in each folder."""
        found: dict[str, list[str]] = {}
        for path in self.paths:
            found.setdefault(path.rpartition("/")[0] or ".", []).append(path)
        return found

    def _commonest(self, paths: Iterable[str]) -> str | None:
        """Return the commonest language of the first notes, of those whose language is clear."""
        counts = Counter(self._detect(islice(paths, _SAMPLE)))
        return counts.most_common(1)[0][0] if counts else None

    def _detect(self, paths: Iterable[str]) -> Iterator[str]:
        for path in paths:
            file = self._root / path
            try:
                if file.stat().st_size > _LARGEST:
                    continue
                parsed = ParsedNote(NoteText.decode(file.read_bytes()))
                title = find_title(parsed, file.stem)
                if found := find_language("\n".join(read_paragraphs(parsed)), title):
                    yield found
            except (OSError, NoteError):
                continue


LITTLE_TEXT = 100
"""Letters of a note's text under which it says hardly more than its title."""

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
