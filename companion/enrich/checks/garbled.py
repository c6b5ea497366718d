"""Answers with garbled words: of two alphabets, or two words without a blank between them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from companion.enrich.checks.checked_answer import CheckedAnswer, Fault
from companion.enrich.checks.shape import without_code
from companion.enrich.phrases import compile_phrases, find_words
from companion.enrich.words import UNSPACED, count_unspaced, find_tokens, letters, width

_LATIN = "A-Za-z\u00c0-\u024f"
_WORD = re.compile(rf"[{_LATIN}\u0370-\u04ff]+")  # letters of languages with blanks between words
_LINK_OR_CODE = re.compile(r"\[\[[^\[\]]*\]\]|`[^`\n]*`|\S*[/@]\S*")
_MIXED = re.compile(rf"[{_LATIN}][\u0400-\u04ff]|[\u0400-\u04ff][{_LATIN}]")
# A Korean word may end in capitals, a unit or a word such as `vs`: `주주A`, `수십km`. A word in
# other letters may end in Hangul: `app은`, `T셔츠`, `3D프린터`. One Greek letter may stand in names
# and formulas: `TGFβ`, `ΔG`.
_HANGUL = "\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3"
_GREEK = "\u0370-\u03ff"
_OTHER_LETTERS = f"{_GREEK}\u0400-\u09ff\u0e00-\u0eff\u3040-\u30ff"
_MAY_FOLLOW = r"(?:[kcm]?[mgl]|[km]?[bw]|[kmg]?hz|kcal|kwh|px|rpm|ppm|vs|ver|feat)(?![a-z])"
_TWO_SCRIPTS = re.compile(
    rf"\b[{_HANGUL}]+(?!{_MAY_FOLLOW})(?:[a-z]{{2}}|[{_OTHER_LETTERS}])\w*"
    rf"|\b[{_LATIN}]+[{_GREEK}]{{2}}\w*|\b[{_GREEK}]{{2,}}[{_LATIN}]\w*"
)
_IN_LATIN = re.compile(rf"[{_LATIN}]+(?:[^\w\n]+[{_LATIN}]+)*")  # words side by side
_CODE = "<garbled.beside_code>"  # beside a keyword: `for 循环`, `оператор and`
_GLUED = re.compile(f"[{UNSPACED}]{{2}}")
_BESIDE = 24, 8  # characters before and after a word that are looked at
_SHORTEST = 2, 3  # letters of the two words: `ofblue`, but not `into`


def find_garbled(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer with a word of two alphabets, or with a stray English word.

    The first is a Russian word with a Latin letter, or a Korean one that goes on in Latin letters.
    The second stands alone in a text in other letters: `any事物`; in Russian it may be any common
    word, in Chinese only a few, for that is full of English. Words of the note are no fault, unless
    they stand within another word of it (`事any物`), nor are keywords, code, or the answer to a
    question.
    """
    if answer.question:
        return None
    text = without_code(answer.text)
    words = _WORD.findall(text)
    latin = sum(len(word) for word in words if word.isascii())
    odd = [word for word in words if _MIXED.search(word)]
    own = f"{answer.title}\n{answer.note}"
    odd += [word for word in _TWO_SCRIPTS.findall(text) if word not in own]
    if latin * 2 < width(letters(text)):
        is_russian = sum(map(len, words)) - latin > count_unspaced(text)
        odd += _find_english(text, is_russian)
    known = set(find_tokens(own)) if odd else set()
    for word in odd:
        if word.casefold() not in known or _splits_word(word, text, answer.note):
            retry = "Write whole words, all in the same language."
            return Fault("garbled", f"has a word that is none (“{word}”)", retry)
    return None


def _find_english(text: str, is_russian: bool) -> Iterator[str]:
    """Yield the common English words that stand alone, except keywords of a program."""
    common = find_words("garbled", "fallen_into")
    if is_russian:
        common |= find_words("garbled", "common_words")
    code = compile_phrases(_CODE, re.IGNORECASE)
    for run in _IN_LATIN.finditer(text):
        if run[0] in common and not code.search(_beside(text, *run.span())):
            yield run[0]


def _beside(text: str, start: int, end: int) -> str:
    """Return the text around a word; two characters where it touches other words on both sides."""
    sides = text[start - 1 : start] + text[end : end + 1]
    before, after = (2, 2) if _GLUED.fullmatch(sides) else _BESIDE
    return f"{text[max(0, start - before) : start]} {text[end : end + after]}"


def _splits_word(word: str, text: str, note: str) -> bool:
    """Return whether word stands between two signs that the note has only without it."""
    around = re.search(f"([{UNSPACED}]){word}([{UNSPACED}])", text)
    if not around:
        return False
    before, after, joined = *around.groups(), note.replace(" ", "")
    return before + after in note and before + word not in joined and word + after not in joined


def split_joined_words(text: str, note: str) -> str:
    """Return a callout's text with the blank put back in words such as `Obsidianvaults`.

    It is put back where the note or the text has the two words side by side after the same word,
    and the note has them nowhere as one. Models that are kept from repeating the note leave it out.
    """
    ends = _find_pairs(note) | _find_pairs(text)
    known = {word.lower() for word in _WORD.findall(note)}
    kept = [(0, 0), *(match.span() for match in _LINK_OR_CODE.finditer(text))]
    parts = []
    for (start, end), (following, _) in pairwise([*kept, (len(text), 0)]):
        parts += [text[start:end], _split_words(text[end:following], ends, known)]
    return "".join(parts)


def _split_words(text: str, ends: dict[tuple[str, str], int], known: set[str]) -> str:
    before = ""

    def parted(match: re.Match[str]) -> str:
        nonlocal before
        word = match[0]
        end = 0 if word.lower() in known else ends.get((before, word.lower()), 0)
        before = word[end:].lower()
        return f"{word[:end]} {word[end:]}" if end else word

    return _WORD.sub(parted, text)


def _find_pairs(text: str) -> dict[tuple[str, str], int]:
    """Return the length of the first of two words, by the word before and the two as one."""
    words = list(_WORD.finditer(text))
    found = {}
    for first, second, third in zip(words, words[1:], words[2:], strict=False):
        between = text[first.end() : second.start()], text[second.end() : third.start()]
        are_long = len(second[0]) >= _SHORTEST[0] and len(third[0]) >= _SHORTEST[1]
        if between == (" ", " ") and are_long:
            found[first[0].lower(), (second[0] + third[0]).lower()] = len(second[0])
    return found
