"""Numbers, dates and checkboxes: read from an answer, and looked for in the text of a note.

The names of months and numbers are in `language/phrases/`. (The library dateparser reads more, and
guesses: it completes a date that lacks its year or its day. Here a date counts only if all three
are there.)
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from unicodedata import decimal

from companion.enrich.checks.shape import Fault
from companion.enrich.context.excerpt import excerpt, subject_properties
from companion.enrich.context.vault_context import PromptNote
from companion.errors import AnswerError
from companion.language.detection import CODES, find_language
from companion.language.words import UNSPACED, fold_accents, load_languages
from companion.load_once import load_once
from companion.prompts import Field

_NOTHING = {"", "null", "none", "nil", "unknown", "n/a", "-"}
_CHECKBOX = {"true": "true", "yes": "true", "false": "false", "no": "false"}
_AROUND = re.compile(r"^[\s\"'`*_\[(]+|[\s\"'`*_\]).,!]+$")

# Below, texts are folded, see fold_accents: small letters without accents, and blanks are spaces.
_DIGITS = re.compile(r"(?:(?<![^\s(\[|:=])-)?(?<![\d.,])\d+(?:[.,]\d+|['’ ]\d{3}(?!\d))*")
_GROUPS = re.compile(r"-?[1-9]\d{0,2}(?:([.,'’ ])\d{3})(?:\1\d{3})*")
_SIGNS = str.maketrans({"−": "-", "٫": ".", "٬": "'"})

_OF = r"(?:of|de|del|du)\s"
_DATE = re.compile(
    r"(?<!\d)(?P<y1>\d{4})(?P<sign>[-/.])(?P<m1>\d{1,2})(?P=sign)(?P<d1>\d{1,2})(?!\d)"
    r"|(?<!\d)(?P<y2>\d{4})\s?[年년]\s?(?P<m2>\d{1,2})\s?[月월]\s?(?P<d2>\d{1,2})\s?[日号일]"
    r"|(?<!\d)(?P<d3>\d{1,2})\.\s?(?P<m3>\d{1,2})\.\s?(?P<y3>\d{4})(?!\d)"
    r"|(?<!\d)(?P<one>\d{1,2})(?P<slash>[-/])(?P<other>\d{1,2})(?P=slash)(?P<y4>\d{4})(?!\d)"
    rf"|(?<!\d)(?P<d5>\d{{1,2}})(?:st|nd|rd|th|er|o|\.|°)?\s{{0,2}}(?:{_OF})?(?P<name5>[^\W\d_]+)"
    rf"\.?,?\s{{1,2}}(?:{_OF})?(?P<y5>\d{{4}})(?!\d)"
    r"|(?P<name6>[^\W\d_]+)\.?\s(?P<d6>\d{1,2})(?:st|nd|rd|th)?,?\s(?P<y6>\d{4})(?!\d)"
)
_TIME = re.compile(
    r"[\s,]{0,2}(?:(?:t|at|um|om|a las|as|a|в)\s?)?(?P<hour>\d{1,2})[:h](?P<minute>\d\d)"
    r"(?::(?P<second>\d\d))?(?:\s?(?P<half>am|pm|a\.m\.|p\.m\.))?(?!\d)"
)
_KINDS = {
    "checkbox": "true or false",
    "date": "a date",
    "datetime": "a date with a time",
    "number": "a number",
}


def read_scalar(kind: str, answer: object, name: str) -> str | None:
    """Return the value in the answer: a number, a date as `2024-02-11`, `true` or `false`.

    A date with time is `2024-02-11T10:30:00`. None: the answer says that there is none. name: of
    the field, for the reason. Raises AnswerError if the answer is something else.
    """
    text = "" if answer is None else _AROUND.sub("", _fold(str(answer)))
    if text in _NOTHING:
        return None
    values: list[str] = []
    if kind == "checkbox":
        values = [_CHECKBOX[text]] if text in _CHECKBOX else []
    elif kind == "number" and not isinstance(answer, bool):
        is_text = isinstance(answer, str) and _DIGITS.fullmatch(text)
        values = _read_digits(text) if is_text else _read_json(text)
    elif kind in ("date", "datetime"):
        text = text.removesuffix("z")  # by habit: the note is searched for the time without it
        values = [date for date, written in _find_dates(text, kind) if written == text]
    if len(values) != 1:
        said = " ".join(str(answer)[:60].split())
        many = f"; it may be {' or '.join(values)}" if values else ""
        raise AnswerError(f"“{said}” is not {_KINDS[kind]}, which {name} takes{many}")
    return values[0]


def stands_in(kind: str, value: str, text: str, language: str | None = None) -> bool:
    """Return whether the number or date is in the text, in words or in digits.

    language: of the text, whose words for numbers count: `due` is two in Italian. None: any.
    """
    folded = _fold(text)
    if kind != "number":
        return any(date == value for date, _ in _find_dates(folded, kind))
    readings = (reading for each in _DIGITS.finditer(folded) for reading in _find_readings(each[0]))
    words = _number_words(language).get(Decimal(value))
    return value in readings or bool(words and words.search(folded))


def find_untold(note: PromptNote, field: Field, value: str) -> Fault | None:
    """Return the fault of a number or a date that is not in the note as the model sees it."""
    title, body = note.context.title, excerpt(note.whole.lines, None)
    shown = "\n".join((title, body, *subject_properties(note.parsed)))
    language = find_language(body, title, note.language)
    if field.kind == "checkbox" or stands_in(field.kind, value, shown, language):
        return None
    retry = "Take it from the note, or say null if it is not there."
    return Fault("untold", f"is not in the note ({value})", retry)


def _read_json(text: str) -> list[str]:
    """Return the number that JSON, or Python, writes so; none if it is none."""
    with suppress(ArithmeticError):
        number = Decimal(text)
        if number.is_finite() and abs(number.adjusted()) < 15:
            return [_plain(number)]
    return []


def _plain(number: Decimal) -> str:
    """Return the number without a sign or zeros that mean nothing."""
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def _read_digits(digits: str) -> list[str]:
    """Return the possible readings of a number: `1,234` is 1234 or 1.234; none for several."""
    parts = re.split("[.,'’ ]", digits)
    groups, fraction = _GROUPS.fullmatch(digits), re.fullmatch(r"(.*)[.,](\d+)", digits)
    numbers = ["".join(parts)] if groups or len(parts) == 1 else []
    before = fraction[1] if fraction else ""
    is_before = _GROUPS.fullmatch(before) or before.lstrip("-").isdecimal()
    if fraction and is_before and (len(parts) == 2 or not groups):
        numbers.append(f"{re.sub('[^0-9-]', '', before)}.{fraction[2]}")
    return list(dict.fromkeys(_plain(Decimal(number)) for number in numbers))


def _find_readings(digits: str) -> list[str]:
    """Return the numbers that digits may be; for `1.2.2024` and `1 234` the parts, too."""
    numbers = _read_digits(digits)
    is_several = not numbers or " " in digits
    parts = re.split("[.,'’ ]", digits) if is_several else []
    return [*numbers, *(_plain(Decimal(part)) for part in parts if part)]


def _find_dates(text: str, kind: str) -> Iterator[tuple[str, str]]:
    """Yield the dates in the text whose day, month and year are given, and how they are written.

    `03/04/2024` may be in March or April, so it does not count.
    """
    for match in _DATE.finditer(text):
        day = _day_of({key: part for key, part in match.groupdict().items() if part})
        if day and kind == "date":
            yield day.date().isoformat(), match[0]
        elif day and (time := _TIME.match(text, match.end())):
            hour, minute, second = (
                int(each or 0) for each in time.group("hour", "minute", "second")
            )
            if half := time["half"]:
                hour = hour % 12 + (12 if half[0] == "p" else 0)
            with suppress(ValueError):
                moment = day.replace(hour=hour, minute=minute, second=second)
                yield moment.isoformat(), match[0] + time[0]


def _day_of(parts: Mapping[str, str]) -> datetime | None:
    """Return the day that the groups of a match name, None if it is none or may be two."""
    numbers = {key[0]: int(part) for key, part in parts.items() if key[1:].isdecimal()}
    if "one" in parts:
        numbers["m"], numbers["d"] = sorted((int(parts["one"]), int(parts["other"])))
        if numbers["m"] != numbers["d"] <= 12:
            return None
    name = parts.get("name5") or parts.get("name6")
    month = numbers.get("m", 0)
    if name:  # of a month in any language
        month = next((n for n, each in enumerate(_months(), 1) if each.fullmatch(name)), 0)
    try:
        return datetime(numbers["y"], month, numbers["d"])
    except ValueError:
        return None


def _fold(text: str) -> str:
    """Return the folded text, with the digits of any script as 0 to 9."""
    return "".join(str(decimal(sign, sign)) for sign in fold_accents(text)).translate(_SIGNS)


@load_once
def _months() -> list[re.Pattern[str]]:
    languages = (each["dates"]["months"] for each in load_languages().values() if "dates" in each)
    return [
        re.compile("|".join(map(fold_accents, names))) for names in zip(*languages, strict=True)
    ]


@load_once
def _number_words(language: str | None) -> Mapping[Decimal, re.Pattern[str]]:
    """Return the words for each number in the language; None: in any."""
    files = load_languages().items()
    chosen = (each for code, each in files if language in (None, CODES[code]))
    lists = [each["numbers"]["words"] for each in chosen if "numbers" in each]

    def whole(word: str) -> str:  # not a part of another: `five` in `twenty-five`
        more = r"[零一二三四五六七八九十百千万]" if re.match(f"[{UNSPACED}]", word) else r"[\w-]"
        return f"(?<!{more}){re.escape(word)}(?!{more})"

    return {
        Decimal(number): re.compile("|".join(map(whole, map(fold_accents, words))))
        for number, words in enumerate(zip(*lists, strict=True))
    }
