"""Where a text takes no link: links, code, escapes, URLs, tables. And what its links lead to."""

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

# No link goes in here. Every alternative stops at the next delimiter of its kind or the line's end.
_CLOSED = re.compile(
    "|".join(
        (
            r"\\[!-/:-@\[-`{-~]",
            r"^[ \t>]*(?P<fence>`{3,}|~{3,})(?s:.*?)(?:^[ \t>]*(?P=fence)|\Z)",
            r"^(?:> ?)*(?: {4}|\t)(?![ \t]*(?:[-+*]|\d+[.)])[ \t]).*",  # indented code
            r"(?<!`)(?P<ticks>`+)(?!`)[^\n]+?(?<!`)(?P=ticks)(?!`)",
            r"!?\[\[(?P<target>[^\[\]|#\n]*)[^\[\]\n]*\]\]",
            rf"!?\[[^\[\]\n]*\](?:\({_DESTINATION}\)|\[[^\[\]\n]*\])?",
            r"<[^<>\n]*>",
            # https://.., https\\://.. of inert text, www.; until a blank or East Asian punctuation
            r"(?:(?:(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9+.-]{0,20})?\\?:\\?/\\?/|(?i:www)\\?\.)"
            r"[^\s\u3000-\u3011\uff01-\uff1f]*",
        )
    ),
    re.MULTILINE,
)
# A bar in a link would end a cell: where there is a table (GFM 4.10), lines with bars stay as is.
_TABLE = re.compile(
    r"^[ \t>]*+(?:\|[ \t]*+)?:?-+:?[ \t]*+(?:\|[ \t]*+:?-*:?[ \t]*+)+$", re.MULTILINE
)
_ROW = re.compile(r"^[^|\n]*\|.*", re.MULTILINE)


def find_targets(text: str) -> Iterator[str]:
    """Yield what the links and embeds in text lead to, without headings, blanks and all.

    Empty for what else is closed, and for addresses.
    """
    for match in _CLOSED.finditer(text):
        yield match["target"] or _local_path(match)


def _local_path(match: re.Match[str]) -> str:
    pointed, destination = match.group("pointed", "destination")
    address = pointed or ((destination or "").split() or [""])[0]
    if _ADDRESS.match(address):
        return ""
    return re.sub(r"^(?:\.{1,2}/)+", "", unquote(address.partition("#")[0]))


def mask_excluded(text: str) -> bytearray:
    """Return 1 for every character that belongs to a link, code, an escape, a URL or a table."""
    closed = bytearray(len(text))
    matches = [*_CLOSED.finditer(text), *(_ROW.finditer(text) if _TABLE.search(text) else ())]
    for match in matches:
        closed[match.start() : match.end()] = b"\1" * (match.end() - match.start())
    return closed


if TYPE_CHECKING:
    from ahocorasick_rs import AhoCorasick

_ORDINARY = 3  # other notes whose name has a word in it, from which on the word is an ordinary one

_MODEL_LINK = re.compile(
    r"\[\[(?P<target>[^\[\]|#\\\n]+)(?P<heading>[^\[\]|\n]*)(?:\|(?P<alias>[^\[\]\n]*))?\]\]"
)


class NoteName(NamedTuple):
    """What a note is called: its vault-relative path with `/`, its title, its aliases."""

    path: str
    title: str = ""
    aliases: tuple[str, ...] = ()


class _Rule(NamedTuple):
    name: str
    spelling: Spelling


class _Mention(NamedTuple):
    start: int
    end: int
    path: str | None
    """The note; None where several are called that."""


class LinkNames:
    """The names of a vault's notes: what links resolve to and what mentions are looked for.

    Paths may be given with or without `.md`. Building it costs little; the first search for
    mentions builds the matcher (ahocorasick_rs, a wrapper of Rust's aho-corasick).
    """

    def __init__(self, notes: Iterable[NoteName | tuple[str, str, Iterable[str]]]) -> None:
        self._basenames: dict[str, list[str]] = defaultdict(list)
        self._paths: dict[str, list[str]] = defaultdict(list)
        self._called: dict[str, set[str]] = defaultdict(set)
        self._rules: dict[str, set[_Rule]] = defaultdict(set)
        for path, title, aliases in notes:
            self._add(_without_extension(path), title, aliases)

    def _add(self, path: str, title: str, aliases: Iterable[str]) -> None:
        basename = _basename(path)
        self._basenames[_key(basename)].append(path)
        self._paths[_key(path)].append(path)
        names = [(basename, False), (title, False), *((alias, True) for alias in aliases)]
        for name, is_alias in names:
            spelled = unicodedata.normalize("NFC", name).strip()
            pattern = fold(spelled)
            self._called[pattern].add(path)
            self._rules[pattern].add(_Rule(spelled, spelling_of(spelled, is_alias)))

    def resolve(self, target: str) -> str | None:
        """Return target as one would write it: the note's basename, or its path if that is shared.

        None where no note is meant, or one of several, or its name has characters that links
        cannot have. A heading (`#...`) is the caller's to cut off. For what fits, see find_note.
        """
        path = self.only_note(target)
        return self.target_of(path) if path is not None else None

    def only_note(self, target: str) -> str | None:
        """Return the path, without `.md`, of the one note that target can mean; see find_note."""
        fitting = self._fitting(target)
        exact = [path for path in fitting if _key(path) == _wanted(target)]
        return next(iter(exact or fitting)) if len(exact or fitting) == 1 else None

    def find_note(self, target: str) -> str | None:
        """Return the path, without `.md`, of the note that a link to target leads to.

        As Obsidian 1.13.7 was observed to do: without regard to case, `.md` is optional, the end
        of a path is enough, an exact path comes first, then the shortest path; an alias is no
        target. Obsidian prefers the linking note's own folder to the shortest path; that folder
        is not known here.
        """
        exact = _without_extension(target.strip()).removeprefix("/")
        fitting = self._fitting(target)
        return min(fitting, key=lambda path: (path != exact, len(path), path), default=None)

    def _fitting(self, target: str) -> list[str]:
        wanted = _wanted(target)
        paths = self._basenames.get(_basename(wanted), [])
        return [path for path in paths if ("/" + _key(path)).endswith("/" + wanted)]

    def target_of(self, path: str) -> str | None:
        """Return what a link to the note at path says; None where none can mean it alone."""
        basename = _basename(path)
        if len(self._basenames[_key(basename)]) == 1:
            return basename if is_safe(basename) else None
        return path if is_safe(path) and len(self._paths[_key(path)]) == 1 else None

    def find_mentions(self, text: str) -> Iterator[_Mention]:
        """Yield the mentions in text by their start, longest first; they may overlap."""
        found = self._matcher.find_matches_as_indexes(fold(text), overlapping=True)
        for index, start, end in sorted(found, key=lambda match: (match[1], -match[2])):
            pattern = self._patterns[index]
            if can_be_link(text, start, end) and self._is_written(pattern, text, start, end):
                yield _Mention(start, end, self._only_note(pattern))

    def _only_note(self, pattern: str) -> str | None:
        paths = self._called[pattern]
        return next(iter(paths)) if len(paths) == 1 else None

    def _is_written(self, pattern: str, text: str, start: int, end: int) -> bool:
        return any(
            matches_spelling(name, spelling, text[start:end], text, start)
            and not (spelling in _UNLESS_ORDINARY and pattern in self._ordinary)
            for name, spelling in self._rules[pattern]
        )

    @cached_property
    def _patterns(self) -> list[str]:
        """The names, folded, that may be mentioned in some spelling."""
        return [
            pattern
            for pattern, rules in self._rules.items()
            if any(rule.spelling is not Spelling.NEVER for rule in rules)
        ]

    @cached_property
    def _matcher(self) -> AhoCorasick:
        """Finds every name anywhere, also those within others: the longest may be no mention."""
        from ahocorasick_rs import AhoCorasick  # 1 MB that a scan has no use for

        return AhoCorasick(self._patterns)

    @cached_property
    def _ordinary(self) -> set[str]:
        """The names that many other notes have in theirs: too ordinary to mean one note."""
        notes: dict[int, int] = defaultdict(int)
        for name in self._basenames:
            found = self._matcher.find_matches_as_indexes(fold(name), overlapping=True)
            parts = [(i, start, end) for i, start, end in found if end - start < len(name)]
            for index in {i for i, start, end in parts if can_be_link(name, start, end)}:
                notes[index] += 1
        return {self._patterns[index] for index, count in notes.items() if count >= _ORDINARY}


_UNLESS_ORDINARY = (Spelling.WORD, Spelling.LONG_WORD)


def link_mentions(
    text: str, names: LinkNames, own: str = "", linked: Collection[str] = frozenset()
) -> str:
    """Return text with a wikilink at the first mention of each note that exists.

    text is inert Markdown, with or without `> ` before its lines; own is the path of the note it
    goes into; linked holds the targets of the links that note has (see link_targets). Nothing is
    linked twice, nor to own, nor to one of several notes of the same name, nor inside links, code,
    escapes and URLs. `[[Name]]` where the text says the name, else `[[Name|as written]]`.
    """
    closed = mask_excluded(text)
    taken = {names.find_note(target) for target in (*linked, *link_targets(text))}
    taken.add(_without_extension(own))
    edits: list[Edit] = []
    done = 0
    for start, end, path in names.find_mentions(text):
        if start < done or 1 in closed[start:end]:
            continue
        done = end  # a mention that gets no link hides the shorter names in it all the same
        target = None if path is None or path in taken else names.target_of(path)
        if target is not None:
            taken.add(path)
            edits.append(Edit(start, end, _wikilink(target, text[start:end])))
    return apply_edits(text, edits)


def unlink_repeats(text: str, names: LinkNames, own: str, linked: Collection[str]) -> str:
    """Return a model's text with its wikilinks to a note as their words after the first one.

    Also those to own, to notes in linked, and to a note with a `#` in its name. What is left is to
    be made inert, for it may be active where a link was.
    """
    taken = {_without_extension(own), *map(names.find_note, linked)}

    def once(match: re.Match[str]) -> str:
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

    return _MODEL_LINK.sub(once, text)


def link_targets(text: str) -> set[str]:
    """Return the targets of the links and embeds in text, without headings; none from code.

    A Markdown link's, [b](a/a%20note.md#h), is the path as files are called, without leading dots.
    """
    targets = (target.strip().rstrip("\\") for target in find_targets(text))
    return set(filter(None, targets))


def _wikilink(target: str, written: str) -> str:
    return f"[[{target}]]" if target == written else f"[[{target}|{written}]]"


def _without_extension(path: str) -> str:
    return path[:-3] if path.lower().endswith(".md") else path


def _wanted(target: str) -> str:
    return _key(_without_extension(target.strip()).removeprefix("/"))


def _basename(path: str) -> str:
    return path.rpartition("/")[2]


def _key(name: str) -> str:
    """Return name as Obsidian compares it: without case, and composed (its normalizePath)."""
    return unicodedata.normalize("NFC", name).replace("\u00a0", " ").lower()
