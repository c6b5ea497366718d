"""The names of a vault's notes: what a link to one leads to, and where a text mentions them."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from companion.load_once import LockedProperty
from companion.note.mentions import (
    Spelling,
    can_be_link,
    fold_case,
    is_safe,
    matches_spelling,
    spelling_of,
)

if TYPE_CHECKING:
    from ahocorasick_rs import AhoCorasick

T = TypeVar("T")

_MIN_COMMON = 3  # a word in the names of this many other notes is a common one


Choose = Callable[[Collection[str]], str | None]
"""Returns which note of one name is meant, by paths without `.md`; None: nobody can tell."""


class _SpelledName(NamedTuple):
    name: str
    spelling: Spelling


class Mention(NamedTuple):
    """Where a text has a name, in characters."""

    start: int
    end: int
    paths: frozenset[str]
    """Of the notes that have it, without `.md`."""


class NotePaths:
    """The paths of a vault's notes, to resolve links. They may be with or without `.md`."""

    def __init__(self, paths: Iterable[str] = ()) -> None:
        # Most have one item, for which a list takes 64 bytes, and a set 216.
        self._basenames: dict[str, list[str]] = {}
        for path in paths:
            _add(self._basenames, name_key(file_name(path)), path)

    def find_note(self, target: str, source: str = "") -> str | None:
        """Return the path, without `.md`, of the note that a link to target leads to.

        As Obsidian 1.13.7 was observed to do: case does not matter, `.md` is optional, the end of
        a path is enough, an exact path comes first, then a note in or below the folder of the
        linking note, then the shortest path; an alias is no target. source: the path of the
        linking note; without it, its folder is not considered.
        """
        exact = without_extension(target.strip()).removeprefix("/")
        folder = source[: source.rfind("/") + 1]
        matching = self._matching_paths(target)
        return min(
            matching,
            key=lambda path: (path != exact, not path.startswith(folder), len(path), path),
            default=None,
        )

    def _matching_paths(self, target: str) -> list[str]:
        key = _target_key(target)
        paths = map(without_extension, self._basenames.get(_basename(key), ()))
        return [path for path in paths if ("/" + name_key(path)).endswith("/" + key)]


class LinkNames(NotePaths):
    """The names of a vault's notes, to resolve links and to find mentions.

    notes: the path of each, its title and its aliases. Paths may be with or without `.md`. hidden:
    paths of notes that no link is made to; they count only where a link must not lead to them by
    mistake. Building it is cheap; the first search for mentions builds the matcher
    (ahocorasick_rs, a wrapper of Rust's aho-corasick).
    """

    def __init__(
        self, notes: Iterable[tuple[str, str, Iterable[str]]], hidden: Collection[str] = ()
    ) -> None:
        super().__init__()
        self._hidden = frozenset(map(without_extension, hidden))
        self._paths_by_name: dict[str, list[str]] = {}
        self._spellings: dict[str, list[_SpelledName]] = {}
        for path, title, aliases in notes:
            path = without_extension(path)
            basename = _basename(path)
            _add(self._basenames, name_key(basename), path)
            if path in self._hidden:
                continue
            names = {(basename, False), (title, False), *((alias, True) for alias in aliases)}
            patterns = set[str]()
            for name, is_alias in names:
                spelled = unicodedata.normalize("NFC", name).strip()
                patterns.add(pattern := fold_case(spelled))
                spelling = _SpelledName(spelled, spelling_of(spelled, is_alias))
                if spelling not in self._spellings.get(pattern, ()):
                    _add(self._spellings, pattern, spelling)
            for pattern in patterns:
                _add(self._paths_by_name, pattern, path)

    def resolve(self, target: str, choose: Choose | None = None) -> str | None:
        """Return target as a link has it: the note's basename, or its path if that is shared.

        None if target matches no note or several (see only_note), or the note's name has
        characters that links cannot have. target: without a heading (`#...`).
        """
        path = self.only_note(target, choose)
        return self.target_of(path) if path is not None else None

    def only_note(self, target: str, choose: Choose | None = None) -> str | None:
        """Return the path, without `.md`, of the only note that target matches; see find_note.

        choose: says which of several is meant.
        """
        matching = self._matching_paths(target)
        exact = [path for path in matching if name_key(path) == _target_key(target)]
        path = only_one(exact or matching, choose)
        return None if path in self._hidden else path

    def target_of(self, path: str) -> str | None:
        """Return the target of a link to the note at path, None if none leads to it alone."""
        basename = _basename(path)
        alike = self._basenames[name_key(basename)]
        if len(alike) == 1:
            return basename if is_safe(basename) else None
        is_only = sum(name_key(each) == name_key(path) for each in alike) == 1
        return path if is_safe(path) and is_only else None

    def find_mentions(self, text: str) -> Iterator[Mention]:
        """Yield the mentions in text by their start, longest first; they may overlap."""
        matches = self._matcher.find_matches_as_indexes(fold_case(text), overlapping=True)
        for index, start, end in sorted(matches, key=lambda match: (match[1], -match[2])):
            pattern = self._patterns[index]
            if can_be_link(text, start, end) and any(
                matches_spelling(name, spelling, text[start:end], text, start)
                and not (spelling in _UNLESS_COMMON and pattern in self._common)
                for name, spelling in self._spellings[pattern]
            ):
                yield Mention(start, end, frozenset(self._paths_by_name[pattern]))

    @LockedProperty
    def _patterns(self) -> list[str]:
        """The folded names that may be mentioned in some spelling."""
        return [
            pattern
            for pattern, names in self._spellings.items()
            if any(name.spelling is not Spelling.NEVER for name in names)
        ]

    @LockedProperty
    def _matcher(self) -> AhoCorasick:
        """Finds every name, including those within others, as the longest may not be a mention."""
        from ahocorasick_rs import AhoCorasick  # 1 MB that a scan does not need

        return AhoCorasick(self._patterns)

    @LockedProperty
    def _common(self) -> set[str]:
        """The names that are part of many other notes' names: too common to mean one note."""
        notes: dict[int, int] = defaultdict(int)
        for name in self._basenames:
            matches = self._matcher.find_matches_as_indexes(fold_case(name), overlapping=True)
            parts = [(i, start, end) for i, start, end in matches if end - start < len(name)]
            for index in {i for i, start, end in parts if can_be_link(name, start, end)}:
                notes[index] += 1
        return {self._patterns[index] for index, count in notes.items() if count >= _MIN_COMMON}


_UNLESS_COMMON = (Spelling.WORD, Spelling.LONG_WORD)


def only_one(paths: Collection[str], choose: Choose | None = None) -> str | None:
    """Return the only one of the paths, or the one of several that is chosen."""
    if len(paths) == 1:
        return next(iter(paths))
    return choose(paths) if paths and choose else None


def without_extension(path: str) -> str:
    """Return the path without the `.md` at its end, if it has one."""
    return path[:-3] if path.lower().endswith(".md") else path


def file_name(path: str) -> str:
    """Return the name of the note's file, without its folder and `.md`."""
    return _basename(without_extension(path))


def _add(groups: dict[str, list[T]], key: str, item: T) -> None:
    """Add an item to the group; a new group takes no more memory than one item needs."""
    if (group := groups.get(key)) is None:
        groups[key] = [item]
    else:
        group.append(item)


def _target_key(target: str) -> str:
    return name_key(without_extension(target.strip()).removeprefix("/"))


def _basename(path: str) -> str:
    return path.rpartition("/")[2]


def name_key(name: str) -> str:
    """Return name as Obsidian compares it: in lower case and NFC (its normalizePath)."""
    return unicodedata.normalize("NFC", name).replace("\u00a0", " ").lower()
