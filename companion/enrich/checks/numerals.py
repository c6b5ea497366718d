"""The numbers in a text: in digits, words, Roman numerals and Han signs."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache

from companion.enrich.phrases import NOTHING, compile_phrases, find_phrases
from companion.enrich.words import UNSPACED, fold

_NUMBER = re.compile(r"\d+(?:[.,'’ \u00a0\u202f]\d{3})+(?!\d)|\d+")
_NO_DIGITS = re.compile(r"[.,'’ \u00a0\u202f](?=\d)")
_FEW = 12  # greater numbers are put together in words: nineteen eighty
_ONES = ("", "I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX")
ROMAN = re.compile(r"\b(?=[IVX]{2})(X{0,3})(IX|IV|V?I{0,3})\b")
_YEARS = re.compile(r"\b(\d\d)\d\d[-–/](\d\d)\b")  # 1939–45
_MYRIADS = re.compile(r"(?<!\d)(\d+) ?[万萬]")
_DECADE = re.compile(
    r"\d0(?:['’]?s|er|年代|-[еиых])"
    r"|\b(?:twen|thir|for|fif|six|seven|eigh|nine)ties\b|[zß]iger jahre|años \w+(?:enta|inte)\b",
    re.IGNORECASE,
)

_VALUES = (*range(1, 20), *range(20, 100, 10), 100, 1000)  # that have words of their own
_LETTERS = re.compile(rf"[^\W\d_{UNSPACED}]+")
_HAN = re.compile("[一二三四五六七八九十两兩〇零百千万萬]+")
_HAN_DIGITS = dict(zip("〇一二三四五六七八九零两兩", [*range(10), 0, 2, 2], strict=True))
_HAN_UNITS = {"十": 10, "百": 100, "千": 1000}


def find_allowed_numbers(source: str, answer: str) -> set[str]:
    """Return the numbers that an answer may take from the note's text, as digits alone.

    Where the answer speaks of centuries or decades, those of the note's years are among them.
    """
    source = unicodedata.normalize("NFKC", source)
    known = {*find_in_digits(source), *map(str, find_in_words(source))}
    known.update(f"{first}{last}" for first, last in _YEARS.findall(source))
    known.update(f"{match[1]}0000" for match in _MYRIADS.finditer(source))
    years = [int(number) for number in known if len(number) in (3, 4)]
    if compile_phrases("<numbers.century>").search(fold(answer)):
        known.update(str(year // 100 + 1) for year in years)
        known.update(str((year - 1) // 100 + 1) for year in years)
    if _DECADE.search(answer):
        known.update(str(year // span * span) for year in years for span in (10, 100))
        known.update(str(year % 100 // 10 * 10) for year in years)
    return known


def find_in_digits(text: str) -> Iterator[str]:
    """Yield the numbers written in digits, without the signs between them."""
    for match in _NUMBER.finditer(unicodedata.normalize("NFKC", text)):
        number = _NO_DIGITS.sub("", match[0])
        yield number.lstrip("0") or "0"


def is_round(value: int) -> bool:
    """Return whether value is a power of ten."""
    return str(value).strip("0") == "1"


def find_in_words(text: str) -> Iterator[int]:
    """Yield the numbers written in words, Roman numerals or Han signs."""
    for match in ROMAN.finditer(text):
        yield 10 * len(match[1]) + _ONES.index(match[2])
    for match in _HAN.finditer(text):
        if (value := _value_of_han(match[0])) is not None:
            yield value
    yield from _in_letters(fold(text))


def _in_letters(text: str) -> Iterator[int]:
    value, last, end = 0, 0, 0
    for word in _LETTERS.finditer(text):
        if not (units := _units_in(word[0])):
            continue
        if value and not _goes_on(last, units[0], text[end : word.start()]):
            yield value
            value = 0
        for last in units:
            value = _add(value, last)
        end = word.end()
    if value:
        yield value


@lru_cache(maxsize=4096)
def _units_in(word: str) -> tuple[int, ...]:
    """Return the numbers a word is made of, none if it is no number: 20, 5 for veinticinco."""
    values, unit, spelled = _numerals()
    found = spelled.fullmatch(word)
    units = tuple(values[each] for each in unit.findall(found[1])) if found else ()
    return units[::-1] if "und" in word and len(units) == 2 and units[0] < 10 else units


@cache
def _numerals() -> tuple[Mapping[str, int], re.Pattern[str], re.Pattern[str]]:
    """Return the values of the words, the pattern of one, and that of a number in words."""
    values = {word: value for value in _VALUES for word in find_phrases("numbers", str(value))}
    unit = "|".join(sorted(values, key=len, reverse=True)) or NOTHING
    spelled = (
        rf"((?:{unit})(?:(?:und|i)?(?!ten)(?:{unit}))*+)"
        "(?:s|ths?|(?:s?t)?e[nrsm]?|[ьиыоеюая]?[гмхия]?[оуи]?)"
    )
    return values, re.compile(unit), re.compile(spelled)


def _goes_on(last: int, unit: int, gap: str) -> bool:
    """Return whether unit goes on with the number that last belongs to: 5 after 20."""
    if gap not in (" ", "-", " and ", " y "):
        return False
    if gap == " and ":
        return last >= 100 > unit
    return (
        last >= 100
        or unit >= 100
        or (last >= 20 and unit < 10)
        or (_FEW < last < 20 and unit >= 10)
    )


def _add(value: int, unit: int) -> int:
    """Return value with unit added; nineteen and eighty make a year."""
    if unit >= 100:
        return value // 1000 * 1000 + (value % 1000 or 1) * unit
    return value * 100 + unit if _FEW < value < 20 and unit >= 10 else value + unit


def _value_of_han(signs: str) -> int | None:
    """Return the number that Han signs stand for, None if it is none: 320 for 三百二十."""
    if signs[0] not in "一二三四五六七八九十两兩":
        return None
    if all(sign in _HAN_DIGITS for sign in signs):
        year = "".join(str(_HAN_DIGITS[sign]) for sign in signs)
        return int(year) if len(year) == 4 else None
    total = part = digit = 0
    for sign in signs:
        if sign in _HAN_DIGITS:
            digit = _HAN_DIGITS[sign]
        elif sign in _HAN_UNITS:
            part, digit = part + (digit or 1) * _HAN_UNITS[sign], 0
        else:
            total, part, digit = total + (part + digit) * 10_000, 0, 0
    return total + part + digit
