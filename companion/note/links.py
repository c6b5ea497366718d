"""Links between notes: what they lead to, and new ones at the first mention of a note's name."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from companion.note.edit import Edit, apply_edits
from companion.note.mentions import (
    Spelling,
    can_be_link,
    fold,
    is_safe,
    matches_spelling,
    spelling_of,
)

# Of a Markdown link, with a title perhaps (CommonMark 6.3): note.md, a%20note.md#h, <a note.md> "t"
_DESTINATION = r"(?:[ \t]*<(?P<pointed>[^<>\n]*)>)?(?P<destination>(?:[^()\n]|\([^()\n]*\))*+)"
_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|/{2}")

# Text that takes no link. Every alternative stops at the next delimiter of its kind or at the end
# of the line.
_EXCLUDED = re.compile(
    "|".join(
        (
            r"\\[!-/:-@\[-`{-~]",
            r"^[ \t>]*(?P<fence>`{3,}|~{3,})(?s:.*?)(?:^[ \t>]*(?P=fence)|\Z)",
            r"^(?:> ?)*(?: {4}|\t)(?![ \t]*(?:[-+*]|\d+[.)])[ \t]).*",  # indented code
            r"(?<!`)(?P<ticks>`+)(?!`)[^\n]+?(?<!`)(?P=ticks)(?!`)",
            r"!?\[\[(?P<target>[^\[\]|#\n]*)[^\[\]\n]*\]\]",
            rf"!?\[[^\[\]\n]*\](?:\({_DESTINATION}\)|\[[^\[\]\n]*\])?",
            r"<[^<>\n]*>",
            # https://.., https\\://.. in inert text, www.; up to a blank or East Asian punctuation
            r"(?:(?:(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9+.-]{0,20})?\\?:\\?/\\?/|(?i:www)\\?\.)"
            r"[^\s\u3000-\u3011\uff01-\uff1f]*",
        )
    ),
    re.MULTILINE,
)
# A bar in a link would end a cell: if there is a table (GFM 4.10), lines with bars take no links.
_TABLE = re.compile(
    r"^[ \t>]*+(?:\|[ \t]*+)?:?-+:?[ \t]*+(?:\|[ \t]*+:?-*:?[ \t]*+)+$", re.MULTILINE
)
_ROW = re.compile(r"^[^|\n]*\|.*", re.MULTILINE)


def _local_path(match: re.Match[str]) -> str:
    """Return the path that a Markdown link leads to; empty if it is none, or leads to a URL."""
    pointed, destination = match.group("pointed", "destination")
    address = pointed or ((destination or "").split() or [""])[0]
    if _ADDRESS.match(address):
        return ""
    return re.sub(r"^(?:\.{1,2}/)+", "", unquote(address.partition("#")[0]))


def _mask_excluded(text: str) -> bytearray:
    """Return 1 for every character that belongs to a link, code, an escape, a URL or a table."""
    mask = bytearray(len(text))
    matches = [*_EXCLUDED.finditer(text), *(_ROW.finditer(text) if _TABLE.search(text) else ())]
    for match in matches:
        mask[match.start() : match.end()] = b"\1" * (match.end() - match.start())
    return mask


if TYPE_CHECKING:
    from ahocorasick_rs import AhoCorasick

_MIN_COMMON = 3  # a word in the names of this many other notes is a common one

_MODEL_LINK = re.compile(
    r"\[\[(?P<target>[^\[\]|#\\\n]+)(?P<heading>[^\[\]|\n]*)(?:\|(?P<alias>[^\[\]\n]*))?\]\]"
)


class NoteName(NamedTuple):
    """The names of a note: its vault-relative path with `/`, its title, its aliases."""

    path: str
    title: str = ""
    aliases: tuple[str, ...] = ()


class _SpelledName(NamedTuple):
    name: str
    spelling: Spelling


class _Mention(NamedTuple):
    start: int
    end: int
    path: str | None
    """Of the note; None if several have the name."""


class LinkNames:
    """The names of a vault's notes, to resolve links and to find mentions.

    Paths may be with or without `.md`. Building it is cheap; the first search for mentions builds
    the matcher (ahocorasick_rs, a wrapper of Rust's aho-corasick).
    """

    def __init__(self, notes: Iterable[NoteName | tuple[str, str, Iterable[str]]]) -> None:
        self._basenames: dict[str, list[str]] = defaultdict(list)
        self._paths: dict[str, list[str]] = defaultdict(list)
        self._paths_by_name: dict[str, set[str]] = defaultdict(set)
        self._spellings: dict[str, set[_SpelledName]] = defaultdict(set)
        for file, title, aliases in notes:
            path = _without_extension(file)
            basename = _basename(path)
            self._basenames[_key(basename)].append(path)
            self._paths[_key(path)].append(path)
            names = [(basename, False), (title, False), *((alias, True) for alias in aliases)]
            for name, is_alias in names:
                spelled = unicodedata.normalize("NFC", name).strip()
                pattern = fold(spelled)
                self._paths_by_name[pattern].add(path)
                self._spellings[pattern].add(_SpelledName(spelled, spelling_of(spelled, is_alias)))

    def resolve(self, target: str) -> str | None:
        """Return target as a link has it: the note's basename, or its path if that is shared.

        None if target matches no note or several (see find_note), or the note's name has
        characters that links cannot have. target: without a heading (`#...`).
        """
        path = self.only_note(target)
        return self.target_of(path) if path is not None else None

    def only_note(self, target: str) -> str | None:
        """Return the path, without `.md`, of the only note that target matches; see find_note."""
        matching = self._matching_paths(target)
        exact = [path for path in matching if _key(path) == _target_key(target)]
        return next(iter(exact or matching)) if len(exact or matching) == 1 else None

    def find_note(self, target: str) -> str | None:
        """Return the path, without `.md`, of the note that a link to target leads to.

        As Obsidian 1.13.7 was observed to do: case does not matter, `.md` is optional, the end of
        a path is enough, an exact path comes first, then the shortest path; an alias is no
        target. Obsidian prefers the linking note's own folder to the shortest path; that folder
        is not considered here.
        """
        exact = _without_extension(target.strip()).removeprefix("/")
        matching = self._matching_paths(target)
        return min(matching, key=lambda path: (path != exact, len(path), path), default=None)

    def _matching_paths(self, target: str) -> list[str]:
        key = _target_key(target)
        paths = self._basenames.get(_basename(key), [])
        return [path for path in paths if ("/" + _key(path)).endswith("/" + key)]

    def target_of(self, path: str) -> str | None:
        """Return the target of a link to the note at path, None if none leads to it alone."""
        basename = _basename(path)
        if len(self._basenames[_key(basename)]) == 1:
            return basename if is_safe(basename) else None
        return path if is_safe(path) and len(self._paths[_key(path)]) == 1 else None

    def find_mentions(self, text: str) -> Iterator[_Mention]:
        """Yield the mentions in text by their start, longest first; they may overlap."""
        found = self._matcher.find_matches_as_indexes(fold(text), overlapping=True)
        for index, start, end in sorted(found, key=lambda match: (match[1], -match[2])):
            pattern = self._patterns[index]
            if can_be_link(text, start, end) and self._is_spelled(pattern, text, start, end):
                paths = self._paths_by_name[pattern]
                yield _Mention(start, end, next(iter(paths)) if len(paths) == 1 else None)

    def _is_spelled(self, pattern: str, text: str, start: int, end: int) -> bool:
        """Return whether text[start:end] is a spelling of a name that pattern stands for."""
        return any(
            matches_spelling(name, spelling, text[start:end], text, start)
            and not (spelling in _UNLESS_COMMON and pattern in self._common)
            for name, spelling in self._spellings[pattern]
        )

    @cached_property
    def _patterns(self) -> list[str]:
        """The folded names that may be mentioned in some spelling."""
        return [
            pattern
            for pattern, names in self._spellings.items()
            if any(name.spelling is not Spelling.NEVER for name in names)
        ]

    @cached_property
    def _matcher(self) -> AhoCorasick:
        """Finds every name, also those within others, since the longest may be no mention."""
        from ahocorasick_rs import AhoCorasick  # 1 MB that a scan does not need

        return AhoCorasick(self._patterns)

    @cached_property
    def _common(self) -> set[str]:
        """The names that are part of many other notes' names: too common to mean one note."""
        notes: dict[int, int] = defaultdict(int)
        for name in self._basenames:
            found = self._matcher.find_matches_as_indexes(fold(name), overlapping=True)
            parts = [(i, start, end) for i, start, end in found if end - start < len(name)]
            for index in {i for i, start, end in parts if can_be_link(name, start, end)}:
                notes[index] += 1
        return {self._patterns[index] for index, count in notes.items() if count >= _MIN_COMMON}


_UNLESS_COMMON = (Spelling.WORD, Spelling.LONG_WORD)


def link_mentions(
    text: str, names: LinkNames, own: str = "", linked: Collection[str] = frozenset()
) -> str:
    """Return text with a wikilink at the first mention of each note that exists.

    text: inert Markdown, with or without `> ` before its lines. own: the path of the note it goes
    into. linked: the targets of the links in that note (see link_targets). No note is linked
    twice, nor own, nor one of several notes of the same name; and no link is put inside links,
    code, escapes and URLs. A link is `[[Name]]` if the text has the name, else
    `[[Name|as written]]`.
    """
    mask = _mask_excluded(text)
    taken = {names.find_note(target) for target in (*linked, *link_targets(text))}
    taken.add(_without_extension(own))
    edits: list[Edit] = []
    done = 0
    for start, end, path in names.find_mentions(text):
        if start < done or 1 in mask[start:end]:
            continue
        done = end  # shorter names within a mention get no link even if the mention gets none
        target = None if path is None or path in taken else names.target_of(path)
        if target is not None:
            taken.add(path)
            written = text[start:end]
            link = f"[[{target}]]" if target == written else f"[[{target}|{written}]]"
            edits.append(Edit(start, end, link))
    return apply_edits(text, edits)


def unlink_repeats(text: str, names: LinkNames, own: str, linked: Collection[str]) -> str:
    """Return a model's text with all wikilinks to a note but the first one as their words.

    The same goes for links to own, to notes in linked, and to a note with a `#` in its name. The
    result has yet to be made inert, since what remains of a link may be active.
    """
    taken = {_without_extension(own), *map(names.find_note, linked)}

    def unlink(match: re.Match[str]) -> str:
        target, heading, alias = match.group("target", "heading", "alias")
        if heading and names.find_note(target + heading):
            return (alias or target + heading).strip()
        path = names.only_note(target)
        if path is None:
            return match[0]
        if path in taken:
            return (alias or target).strip()
        taken.add(path)
        return match[0]

    return _MODEL_LINK.sub(unlink, text)


def link_targets(text: str) -> set[str]:
    """Return the targets of the links and embeds in text, without headings; none from code.

    That of a Markdown link, [b](a/a%20note.md#h), is the file's path, without leading dots.
    """
    found = (match["target"] or _local_path(match) for match in _EXCLUDED.finditer(text))
    return set(filter(None, (target.strip().rstrip("\\") for target in found)))


def _without_extension(path: str) -> str:
    return path[:-3] if path.lower().endswith(".md") else path


def _target_key(target: str) -> str:
    return _key(_without_extension(target.strip()).removeprefix("/"))


def _basename(path: str) -> str:
    return path.rpartition("/")[2]


def _key(name: str) -> str:
    """Return name as Obsidian compares it: in lower case and NFC (its normalizePath)."""
    return unicodedata.normalize("NFC", name).replace("\u00a0", " ").lower()
