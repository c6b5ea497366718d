"""Words that a model put together wrongly: of two alphabets, or two words without a blank."""

from __future__ import annotations

import re
from itertools import pairwise

from companion.enrich.gate.said import Fault, Said
from companion.enrich.gate.shape import without_code
from companion.enrich.gate.tokens import UNSPACED, count_unspaced, find_tokens, letters, width

_LATIN = "A-Za-z\u00c0-\u024f"
_WORD = re.compile(rf"[{_LATIN}\u0370-\u04ff]+")  # letters that have blanks between words
_LINK_OR_CODE = re.compile(r"\[\[[^\[\]]*\]\]|`[^`\n]*`|\S*[/@]\S*")
_MIXED = re.compile(rf"[{_LATIN}][\u0400-\u04ff]|[\u0400-\u04ff][{_LATIN}]")
_IN_LATIN = re.compile(rf"[{_LATIN}]+(?:[^\w\n]+[{_LATIN}]+)*")  # words side by side
# English that a model falls into in the middle of a Russian or Chinese sentence.
_ENGLISH = """
an and any are for from in is it of on or that the this to with
"""
_FALLEN_INTO = frozenset(_ENGLISH.split())
_SHORTEST = 2, 3  # letters of two words that are parted: `ofblue`, but not `into`


def find_garbled(said: Said) -> Fault | None:
    """Return the fault of an answer with a word of two alphabets, or fallen into English.

    The first: a Russian word with a Latin letter. The second, alone in a text that is not in Latin
    letters: `any事物`; in Russian any small word, for Chinese is full of English. Not of what the
    note has itself, unless it tears a word of the note apart (`事any物`), nor of code, nor of what
    answers a question.
    """
    if said.question:
        return None
    text = without_code(said.text)
    words = _WORD.findall(text)
    latin = sum(len(word) for word in words if word.isascii())
    odd = [word for word in words if _MIXED.search(word)]
    if latin * 2 < width(letters(text)):
        alone = [run for run in _IN_LATIN.findall(text) if run.islower() and run.isalpha()]
        is_russian = sum(map(len, words)) - latin > count_unspaced(text)
        odd += [word for word in alone if word in _FALLEN_INTO or (is_russian and len(word) > 2)]
    known = set(find_tokens(f"{said.title}\n{said.note}")) if odd else set()
    for word in odd:
        if word.casefold() not in known or _tears(word, text, said.note):
            retry = "Write whole words, all in the same language."
            return Fault("garbled", f"has a word that is none (“{word}”)", retry)
    return None


def _tears(word: str, text: str, note: str) -> bool:
    """Return whether it is between Chinese signs that the note has together, and not so there."""
    around = re.search(f"([{UNSPACED}]){word}([{UNSPACED}])", text)
    if not around:
        return False
    before, after, joined = *around.groups(), note.replace(" ", "")
    return before + after in note and before + word not in joined and word + after not in joined


def part_words(text: str, note: str) -> str:
    """Return a callout's text with a blank back in words such as `Obsidianvaults`.

    Where the note, or the text, has the two words side by side, after the same word, and nowhere
    the one. Models that are kept from saying them again leave out the blank.
    """
    ends = _find_pairs(note) | _find_pairs(text)
    known = {word.lower() for word in _WORD.findall(note)}
    kept = [(0, 0), *(match.span() for match in _LINK_OR_CODE.finditer(text))]
    parts = []
    for (start, end), (following, _) in pairwise([*kept, (len(text), 0)]):
        parts += [text[start:end], _part(text[end:following], ends, known)]
    return "".join(parts)


def _part(text: str, ends: dict[tuple[str, str], int], known: set[str]) -> str:
    before = ""

    def parted(match: re.Match[str]) -> str:
        nonlocal before
        word = match[0]
        end = 0 if word.lower() in known else ends.get((before, word.lower()), 0)
        before = word[end:].lower()
        return f"{word[:end]} {word[end:]}" if end else word

    return _WORD.sub(parted, text)


def _find_pairs(text: str) -> dict[tuple[str, str], int]:
    """Return where two words meet that follow a third, by that one and the two put together."""
    words = list(_WORD.finditer(text))
    found = {}
    for first, second, third in zip(words, words[1:], words[2:], strict=False):
        between = text[first.end() : second.start()], text[second.end() : third.start()]
        are_long = len(second[0]) >= _SHORTEST[0] and len(third[0]) >= _SHORTEST[1]
        if between == (" ", " ") and are_long:
            found[first[0].lower(), (second[0] + third[0]).lower()] = len(second[0])
    return found
