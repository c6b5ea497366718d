"""Numbers, dates and checkboxes: as an answer gives them, and whether the note has them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal

from companion.enrich.checks.doubts import known_numbers
from companion.errors import AnswerError

_NOTHING = {"", "null", "none", "nil", "unknown", "n/a", "-"}
_CHECKBOX = {"true": "true", "yes": "true", "false": "false", "no": "false"}
_AROUND = " \t\n\"'`*_.,"
_DIGITS = 15  # that a number in YAML keeps, before and after the point
_KINDS = {
    "checkbox": "true or false",
    "date": "a date, such as 2024-02-11",
    "datetime": "a date with a time, such as 2024-02-11T10:30:00",
    "number": "a number, such as 1234.5",
}


def read_scalar(kind: str, answer: object, name: str) -> str | None:
    """Return the value in the answer: a number, a date as `2024-02-11`, `true` or `false`.

    A date with time is `2024-02-11T10:30:00`. None: the answer says that there is none. name: of
    the field, for the reason. Raises AnswerError if the answer is something else.
    """
    text = "" if answer is None else str(answer).strip(_AROUND)
    if text.casefold() in _NOTHING:
        return None
    with suppress(ValueError, ArithmeticError, KeyError):
        return _READERS[kind](text)
    said = " ".join(str(answer)[:60].split())
    raise AnswerError(f"“{said}” is not {_KINDS[kind]}, which {name} takes")


def _read_number(text: str) -> str:
    number = Decimal(text)
    if not number.is_finite() or abs(number.adjusted()) >= _DIGITS:
        raise ValueError(text)
    plain = f"{number:f}"
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain == "-0" else plain


def _read_moment(text: str) -> str:
    if len(text) <= len("2024-02-11"):
        raise ValueError(text)
    return datetime.fromisoformat(text).replace(tzinfo=None, microsecond=0).isoformat()


_READERS: Mapping[str, Callable[[str], str]] = {
    "checkbox": lambda text: _CHECKBOX[text.casefold()],
    "date": lambda text: date.fromisoformat(text).isoformat(),
    "datetime": _read_moment,
    "number": _read_number,
}


def is_told(kind: str, value: str, source: str) -> bool:
    """Return whether a folded text has the number, or the year and the day of the date."""
    known = known_numbers(source)
    if kind == "number":
        return value in known
    day = datetime.fromisoformat(value)
    return str(day.year) in known and not {str(day.day), f"{day.day:02}"}.isdisjoint(known)
