"""Answers with names or numbers that the note does not have.

Descriptions and the callouts of a small model may not have them: most are made up.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from companion.enrich.checks.checked_answer import CheckedAnswer, Fault
from companion.language.detection import is_in_language
from companion.language.words import UNSPACED, find_words, fold_accents, letters, width

_NUMBER = re.compile(r"\d+(?:[.,'’ \u00a0\u202f]\d{3})+(?!\d)|\d+")
_FEW = {"0", "1", "2", "10", "100", "1000"}  # which people write in words, and round ones
_WORD = re.compile(rf"[^\W\d_{UNSPACED}][^\W_{UNSPACED}]*")
_LATIN = re.compile(r"[a-zA-Z]")
_TWO_ALPHABETS = re.compile(r"[a-z][\u0400-\u04ff]|[\u0400-\u04ff][a-z]")
_ROMAN = re.compile(r"[IVX]+")
_OPENS = re.compile(r"(?:^|[.!?…:•|/—–\"“„«(\[¿¡]|\s-)[\s\"'“”‘’„«»(\[¿¡*_]*$")
_BEFORE = 12  # characters before a word, by which it opens a sentence
_TITLE_CASE = 0.75  # share of words with a capital in a headline, where capitals mean nothing
_STEM, _ENDING = 3, 2  # letters that another form of a name keeps; that it may change
_EDGE = rf"(?<![^\W_{UNSPACED}])", rf"(?![^\W_{UNSPACED}])"  # of a word
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_EXPLAINED = re.compile(r"(?<=\w)\s?[(（](?:[A-Z][A-Z0-9]{1,5}s?|[A-Z]\d+[a-z])[)）]")
_RETRY = "Leave out every name and number that the note does not have."


def find_unknown_numbers(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer with a number in digits that is not in the note."""
    if answer.field.name != "description" and not answer.by_small_model:
        return None
    numbers_shown = _FEW.union(_numbers_in(f"{answer.title}\n{answer.note}"))
    number = next((each for each in _numbers_in(answer.text) if each not in numbers_shown), None)
    if number is None:
        return None
    return Fault("numbers", f"has a number that the note has not ({number})", _RETRY)


def find_unknown_names(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer with a name that neither note nor title has.

    Names are words that have a capital within a sentence, or capitals or digits within the word. In
    a text in a script other than Latin, all words in Latin letters also count, since models fall
    into those. In German, where every noun has a capital, names are words with capitals or digits
    within. An abbreviation in brackets is not a name.
    """
    if answer.field.name != "description" and not answer.by_small_model:
        return None
    text = _EXPLAINED.sub(" ", unicodedata.normalize("NFC", answer.text))
    names = dict.fromkeys(_find_names(text))
    words = _WORD.findall(unicodedata.normalize("NFC", f"{answer.title}\n{answer.note}"))
    names_shown = [fold_accents(word) for word in dict.fromkeys(words) if not word.islower()]
    unknown = next((name for name in names if not _has_name(name, answer, names_shown)), None)
    if unknown is None:
        return None
    return Fault("names", f"names what the note does not (“{unknown}”)", _RETRY)


def _numbers_in(text: str) -> Iterator[str]:
    """Yield the numbers written in digits, without the signs between them."""
    for match in _NUMBER.finditer(unicodedata.normalize("NFKC", text)):
        yield "".join(filter(str.isdigit, match[0])).lstrip("0") or "0"


def _find_names(text: str) -> Iterator[str]:
    words = [word for word in _WORD.finditer(text) if len(word[0]) > 1]
    words = [word for word in words if not _ROMAN.fullmatch(word[0])]
    latin = [word[0] for word in words if _LATIN.search(word[0])]
    if sum(map(len, latin)) * 2 < width(letters(text)):
        yield from (word for word in latin if len(word) > 2 or not word.islower())
    long = [word[0] for word in words[1:] if len(word[0]) > 3]
    is_headline = sum(word[0].isupper() for word in long) > _TITLE_CASE * max(len(long), 3)
    capitals_mean = not is_headline and not is_in_language(text, "German")
    for word in words:
        inner = word[0][1:]
        is_odd = inner != inner.lower() or any(map(str.isdigit, inner))
        is_odd |= bool(_TWO_ALPHABETS.search(word[0]))
        before = text[max(0, word.start() - _BEFORE) : word.start()]
        if is_odd or (word[0][0].isupper() and capitals_mean and not _OPENS.search(before)):
            yield word[0]


def _has_name(name: str, answer: CheckedAnswer, words: Iterable[str]) -> bool:
    """Return whether the note has the name, its parts, or another form of it.

    Forms, such as an adjective or a case, are recognised by how they begin; only for names. words:
    the note's words that are not in small letters, folded.
    """
    word = fold_accents(name).removesuffix("s")
    if {word, fold_accents(name)} & find_words("names", "no_names"):
        return True
    parts = r"[\W_]*".join(map(re.escape, map(str.lower, _PARTS.findall(name))))
    if re.search(
        rf"{_EDGE[0]}(?:{re.escape(word)}|{parts or '(?!)'})e?s?{_EDGE[1]}", answer.source
    ):
        return True
    for other in words:
        same = max(_STEM, min(len(word), len(other)) - _ENDING)
        if len(other) >= _STEM and word[:same] == other[:same]:
            return True
    return False
