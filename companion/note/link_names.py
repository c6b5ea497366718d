"""The names of a vault's notes: what a link to one leads to, and where a text mentions them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple, TypeVar

from companion.note.text import UNSPACED, is_letter, joins_letters

T = TypeVar("T")


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
    mistake.
    """

    def __init__(
        self, notes: Iterable[tuple[str, str, Iterable[str]]], hidden: Collection[str] = ()
    ) -> None:
        super().__init__()
        self._hidden = frozenset(map(without_extension, hidden))
        # Names by their first word: each folded, as it must be spelled (empty: it is too ordinary
        # to be a mention), and the note's path.
        self._names: dict[str, list[tuple[str, str, str]]] = {}
        for path, title, aliases in notes:
            path = without_extension(path)
            basename = _basename(path)
            _add(self._basenames, name_key(basename), path)
            if path not in self._hidden:
                self._add_names(path, {basename, title}, aliases)

    def _add_names(self, path: str, titles: Collection[str], aliases: Iterable[str]) -> None:
        names = dict.fromkeys((*titles, *aliases))
        for title in titles:
            if abbreviated := _ABBREVIATED.fullmatch(title.strip()):
                names |= dict.fromkeys(abbreviated.groups())
        for name in names:
            spelling = unicodedata.normalize("NFC", name).strip()
            # the file of a word in lower case is often named for anything but the word
            is_name = _is_mentionable(spelling) and (
                name not in titles or not spelling.islower() or _has_words(spelling)
            )
            if word := _WORD.match(folded := fold_case(spelling)):
                _add(self._names, word[0], (folded, spelling if is_name else "", path))

    def resolve(self, target: str) -> str | None:
        """Return target as a link has it: the note's basename, or its path if that is shared.

        None if target matches no note or several (see only_note), or the note's name has
        characters that links cannot have. target: without a heading (`#...`).
        """
        path = self.only_note(target)
        return self.target_of(path) if path is not None else None

    def only_note(self, target: str) -> str | None:
        """Return the path, without `.md`, of the only note that target matches; see find_note."""
        matching = self._matching_paths(target)
        exact = [path for path in matching if name_key(path) == _target_key(target)]
        paths = exact or matching
        return paths[0] if len(paths) == 1 and paths[0] not in self._hidden else None

    def target_of(self, path: str) -> str | None:
        """Return the target of a link to the note at path, None if none leads to it alone."""
        basename = _basename(path)
        alike = self._basenames[name_key(basename)]
        if len(alike) == 1:
            return basename if is_safe(basename) else None
        is_only = sum(name_key(each) == name_key(path) for each in alike) == 1
        return path if is_safe(path) and is_only else None

    def find_mentions(self, text: str) -> Iterator[Mention]:
        """Yield the mentions in text by their start, longest first; they may overlap.

        A name of several words counts in any case, any other as it is written, and one word with a
        capital not at the start of a sentence, where every word has one.
        """
        folded = fold_case(text)
        for word in _WORD.finditer(folded):
            start, matches = word.start(), dict[str, list[tuple[str, str]]]()
            for name, spelling, path in self._names.get(word[0], ()):
                if folded.startswith(name, start):
                    _add(matches, name, (spelling, path))
            for name in sorted(matches, key=len, reverse=True):
                end = start + len(name)
                spellings = {spelling for spelling, _ in matches[name] if spelling}
                if can_be_link(text, start, end) and any(
                    _is_spelled(each, text, start, end) for each in spellings
                ):
                    yield Mention(start, end, frozenset(path for _, path in matches[name]))


# “Border Gateway Protocol (BGP)” is also called by what is in the brackets, and without it.
_ABBREVIATED = re.compile(r"(.*\S) \(([A-Z][A-Za-z0-9]*[A-Z][A-Za-z0-9]*)\)")
# Obsidian warns of # | ^ : %% [[ ]] in links (Help, "Internal links"). The others are active
# Markdown, HTML, math or template syntax, inside a link as well.
_UNSAFE = re.compile(r"[\[\]|#^:\\`$<>*@]|%%|\{\{|==|~~|&#?\w+;")
_NO_LINK_BEFORE = re.compile(r"[(\]@]|\[(?!\[)")
_JOINERS = "-./_'\u2019\u2011"  # they join letters to one word: GPT-4, obsidian.md, don't
_SENTENCE_END = "\n.!?:;\u2026\u3002\uff01\uff1f\uff1a\uff1b"
_OPENERS = (
    " \t*_~=\"'([>]-+\u2013\u2014\u2022\u00a1\u00bf\u00ab\u201c\u2018\u201e\uff08\u300c\u300e"
)
_UNSPACED = re.compile(f"[{UNSPACED}\uac00-\ud7a3]")
# A word, or one sign of a script where a word may end anywhere.
_WORD = re.compile(rf"{_UNSPACED.pattern}|(?:(?!{_UNSPACED.pattern})[^\W_])+")
_SHORT = 3  # characters of a script without spaces: often a part of another word


def is_safe(name: str) -> bool:
    """Return whether a link can have name: visible, on one line, without active syntax."""
    return bool(name) and name.isprintable() and name == name.strip() and not _UNSAFE.search(name)


def _is_mentionable(name: str) -> bool:
    """Return whether name may be told from ordinary words.

    An acronym has two letters, another word four, one of a script without spaces two. Dates and
    numbers are no names.
    """
    if not is_safe(name) or not name[0].isalnum() or not any(map(str.isalpha, name)):
        return False
    letters = sum(map(str.isalnum, name))
    is_short = letters < 4 and not name.isupper()
    return letters >= 2 and (not is_short or len(_UNSPACED.findall(name)) >= 2)


def _has_words(name: str) -> bool:
    """Return whether the name has two words of four letters, and so means the same in any case."""
    return sum(len(word) >= 4 for word in name.split(" ")) >= 2


def _is_spelled(name: str, text: str, start: int, end: int) -> bool:
    """Return whether text[start:end] is the name. Both fold to the same."""
    if _has_words(name):
        return True
    if plain_punctuation(text[start:end]) != plain_punctuation(name):
        return False
    if _UNSPACED.search(name):
        beside = text[max(0, start - 1) : start] + text[end : end + 1]
        return len(name) > _SHORT or not _UNSPACED.search(beside)
    if name[1:].islower() and not name[0].islower():  # as every word is at the start of a sentence
        before = text[max(0, start - 24) : start].rstrip(_OPENERS)
        is_first = before[-1:] in ("", *_SENTENCE_END)
        return not (is_first or _is_in_longer_name(text, start, end))
    return True


def _is_in_longer_name(text: str, start: int, end: int) -> bool:
    """Return whether a word with a capital follows, or stands before, though not as the first."""
    if text[end : end + 1] == " " and text[end + 1 : end + 2].isupper():
        return True
    before, _, last = text[max(0, start - 48) : start - 1].rpartition(" ")
    is_first = before[-1:] in ("", *_SENTENCE_END)
    return text[start - 1] == " " and not is_first and last.isalpha() and last[0].isupper()


def can_be_link(text: str, start: int, end: int) -> bool:
    """Return whether text[start:end] is whole words, and a link there would be a plain link.

    An exclamation mark before it makes an embed, a parenthesis after it a Markdown link. A link
    before it counts as the words it shows, so that a second run finds what the first one found.
    """
    before = text[max(0, start - 6) : start].rstrip("]")
    after = text[end : end + 6].replace("\\", "")
    if before.endswith(("\\", "!", "[", "#", "^", "@")) or _NO_LINK_BEFORE.match(after):
        return False
    word = before.rstrip(_JOINERS + "\\")
    last = word.rstrip("]")[-1:]
    if last and is_letter(last) and (word != before or joins_letters(last, text[start])):
        return False
    rest = after.lstrip("-./_\u2011")
    if rest == after:
        return not (rest and joins_letters(text[end - 1], rest[0]))
    return not (rest and (rest[0] == "[" or is_letter(rest[0])))


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


_PLAIN_PUNCTUATION = str.maketrans({"\u2019": "'", "\u2011": "-", "\u00a0": " ", "\u202f": " "})


def plain_punctuation(text: str) -> str:
    """Return text, of the same length, with plain apostrophes, hyphens and spaces."""
    return text.translate(_PLAIN_PUNCTUATION)


def fold_case(text: str) -> str:
    """Return text, of the same length, in lower case and with plain punctuation."""
    return plain_punctuation(text.replace("\u0130", "I")).lower()
