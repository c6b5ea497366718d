"""Words that a model put together wrongly: of two alphabets, or two words without a blank."""

from __future__ import annotations

import re
from itertools import islice

from companion.enrich.gate.said import Fault, Said
from companion.enrich.gate.tokens import UNSPACED, count_unspaced, find_tokens

_WORD = re.compile(rf"[^\W\d_{UNSPACED}]+")
_LATIN = "A-Za-z\u00c0-\u024f"
_MIXED = re.compile(rf"[{_LATIN}][\u0400-\u04ff]|[\u0400-\u04ff][{_LATIN}]")
# English that a model falls into in the middle of a Russian or Chinese sentence.
_ENGLISH = """
a an and any are for from in is it of on or that the this to with
"""
_FALLEN_INTO = frozenset(_ENGLISH.split())


def find_garbled(said: Said) -> Fault | None:
    """Return the fault of an answer with a word of two alphabets, or fallen into English.

    The first: a Russian word with a Latin letter. The second: `any事物`, where the text is not in
    Latin letters. Not of what the note has itself.
    """
    words = _WORD.findall(said.text)
    letters = sum(map(len, words)) + count_unspaced(said.text)
    latin = sum(len(word) for word in words if word.isascii())
    for word in words:
        fallen = latin * 2 < letters and word in _FALLEN_INTO
        if (fallen or _MIXED.search(word)) and word.casefold() not in find_tokens(said.note):
            retry = "Write whole words, all in the same language."
            return Fault("garbled", f"has a word that is none (“{word}”)", retry)
    return None


def part_words(text: str, note: str) -> str:
    """Return text with a blank back in words such as `Obsidianvaults`.

    Where the note, or the text, has the two words side by side, after the same word. Models that
    are kept from saying them again leave out the blank.
    """
    ends = _find_pairs(note) | _find_pairs(text)
    before = ""

    def parted(match: re.Match[str]) -> str:
        nonlocal before
        word = match[0]
        end = ends.get((before, word.lower()), 0)
        before = word[end:].lower()
        return f"{word[:end]} {word[end:]}" if end else word

    return _WORD.sub(parted, text)


def _find_pairs(text: str) -> dict[tuple[str, str], int]:
    """Return where two words meet that follow a third, by that one and the two put together."""
    words = [word.lower() for word in _WORD.findall(text)]
    triples = zip(words, islice(words, 1, None), islice(words, 2, None), strict=False)
    return {(first, second + third): len(second) for first, second, third in triples}
