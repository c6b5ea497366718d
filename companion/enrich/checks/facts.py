"""The names and numbers in an answer that neither the note nor its context has."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache

from companion.enrich.checks.shape import CheckedAnswer
from companion.language.detection import is_in_language
from companion.language.words import (
    UNSPACED,
    find_tokens,
    find_words,
    fold_accents,
    is_unspaced,
    letters,
    load_languages,
    width,
)

_WORD = re.compile(rf"[^\W_{UNSPACED}]+(?:[-'’][^\W_{UNSPACED}]+)*")
_OPENS = re.compile(r"(?:^|[.!?…:•|/—–\"“„«(\[¿¡]|\s-)[\s\"'“”‘’„«»(\[¿¡*_]*$")
_BEFORE = 12  # characters before a word, by which it opens a sentence
_STEM, _ENDING = 3, 2  # letters that another form of a name keeps; that it may change
_PART = 4  # letters of a name that counts within a longer word of the note
_LATIN = re.compile(r"[a-zA-Z]")
_TWO_ALPHABETS = re.compile(r"[a-z][\u0400-\u04ff]|[\u0400-\u04ff][a-z]")
_ROMAN = re.compile(r"[IVX]+")
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_EXPLAINED = re.compile(r"(?<=\w)\s?[(（](?:[A-Z][A-Z0-9]{1,5}s?|[A-Z]\d+[a-z])[)）]")

# A number, a version or a code with digits in it: 1,200 v1.2.3 1d6 0xD0E 16GB 10:30
_NUMBER = re.compile(rf"[^\W_{UNSPACED}]*\d(?:[^\W_{UNSPACED}]|[.,:'’\u00a0\u202f](?=\d))*")
_PLAIN = re.compile(r"(\d+(?:[.,'’\u00a0\u202f]\d{3})+|\d+(?:[.,]\d+)?)(?:[^\W\d]{0,4})")
_FEW = {"0", "1", "2", "10", "100", "1000"}  # which people write in words, and round ones


def find_new_facts(answer: CheckedAnswer) -> list[str]:
    """Return the names and numbers in the answer that neither note nor context has.

    Names are words that have a capital within a sentence, or capitals or digits within the word; in
    German, where every noun has a capital, only the latter. An abbreviation in brackets, or of the
    answer's own words, is not a name.
    """
    text = _EXPLAINED.sub(" ", unicodedata.normalize("NFC", answer.text))
    numbers, no_names = _known_numbers(answer.source), find_words("names", "no_names")
    new = [
        each
        for each in _NUMBER.findall(unicodedata.normalize("NFKC", text))
        if not _read_number(each) & numbers
        and not _has_exactly(fold_accents(each), answer.source)
        and each.casefold() not in no_names
    ]
    names = [name for name in _find_names(text) if not _has_name(name, answer)]
    return list(dict.fromkeys([*new, *names]))


@lru_cache(maxsize=8)  # each answer about a note needs it
def _known_numbers(source: str) -> set[str]:
    """Return the numbers in a folded text, in digits, also of those in words."""
    numbers = set(_FEW)
    for match in _NUMBER.finditer(source):
        numbers |= _read_number(match[0])
        numbers.update(re.findall(r"\d+", match[0]))
    words = set(find_tokens(source))
    for language in load_languages().values():
        for number, word in enumerate(language.get("numbers", {}).get("words", ())):
            if word in words or (is_unspaced(word) and word in source):
                numbers.add(str(number))
    return numbers


def _read_number(token: str) -> set[str]:
    """Return what a number, with a short unit perhaps, may mean; none of a version or a code."""
    match = _PLAIN.fullmatch(token)
    if not match:
        return set()
    digits = re.sub(r"\D", "", match[1]).lstrip("0") or "0"
    is_grouped = re.fullmatch(r"\d+(?:\D\d{3})+", match[1])
    decimal = re.sub(r"[.,]", ".", match[1])
    return {digits, decimal} if is_grouped else {decimal.lstrip("0") or "0"}


def _has_exactly(token: str, source: str) -> bool:
    """Return whether a folded text has the token, and not as a part of a longer number."""
    first, last = (r"(?<!\d)" if token[0].isdigit() else ""), r"(?!\d)"
    return token in source and bool(re.search(first + re.escape(token) + last, source))


def _find_names(text: str) -> Iterator[str]:
    capitals_mean = not is_in_language(text, "German")
    latin = sum(len(word) for word in _WORD.findall(text) if _LATIN.search(word))
    is_latin = latin * 2 >= width(letters(text))  # into others models put words of their own
    for word in _WORD.finditer(text):
        name = re.sub(r"['’]\w+$", "", word[0])
        inner = name[1:]
        if len(name) < 2 or any(map(str.isdigit, name)) or _ROMAN.fullmatch(name):
            continue
        is_odd = inner != inner.lower() or bool(_TWO_ALPHABETS.search(name))
        before = text[max(0, word.start() - _BEFORE) : word.start()]
        opens = _OPENS.search(before)
        is_name = name[0].isupper() and capitals_mean and not opens
        is_foreign = not is_latin and len(name) > 2 and _LATIN.search(name)
        is_headed = opens and "-" in name and name.istitle()  # Step-By-Step at the beginning
        if (is_odd and not is_headed) or is_name or is_foreign:
            yield name


def _has_name(name: str, answer: CheckedAnswer) -> bool:
    """Return whether the note has the name, its parts, or another form of it.

    Forms, such as an adjective or a case, are recognised by how they begin; only of names.
    """
    words, word = answer.source_words, fold_accents(name).removesuffix("s")
    parts = {fold_accents(part) for part in _CAMEL.findall(name)}
    known = words | find_words("names", "no_names")
    forms = {word, f"{word}s", f"{word}es", fold_accents(name), letters(name)}
    if forms & known or (parts and parts <= known):
        return True
    if len(word) >= _PART and any(each.startswith(word) or each.endswith(word) for each in words):
        return True
    if name.isupper() and letters(name) in find_initials(f"{answer.title}\n{answer.text}"):
        return True
    shown = _WORD.findall(f"{answer.title}\n{answer.note}")
    names = (fold_accents(each) for each in shown if not each.islower())
    return any(_is_form(word, other) for other in names)


def _is_form(word: str, other: str) -> bool:
    same = max(_STEM, min(len(word), len(other)) - _ENDING)
    return len(other) >= _STEM and other[:same] == word[:same]


def find_initials(text: str) -> str:
    """Return the first letters of the words of the text."""
    return "".join(token[0] for token in find_tokens(text))


def find_new_names(names: Sequence[str], answer: CheckedAnswer) -> list[str]:
    """Return the names, such as aliases, that note and context do not have.

    Nor are they the initials of the title.
    """
    text, initials = letters(answer.source), find_initials(answer.title)
    known = {initials, f"{initials}s"} if len(initials) > 1 else set()
    return [
        name
        for name in names
        if letters(name).removesuffix("s") not in text and letters(name) not in known
    ]
