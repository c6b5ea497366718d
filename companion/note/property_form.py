"""How values are written in YAML, and how a vault writes a property: dates, numbers, lists."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple, TypeVar

from companion.errors import NoteRefused
from companion.note.text import NoteText, is_joiner, line_start
from companion.note.yaml_check import YamlEvent, parse_pyyaml

T = TypeVar("T")

SCALARS = ("number", "date", "datetime", "checkbox")
"""The kinds of values that YAML has types for, which are written without quotes."""

_CANONICAL = {"date": "YYYY-MM-DD", "datetime": "YYYY-MM-DDTHH:mm:ss"}
_DATE = re.compile(
    r"(?P<opening>(?:\[\[)?)"
    r"(?:\d{4}(?P<sign>[-/.])\d\d(?P=sign)\d\d|\d\d(?P<dot>\.)\d\d\.\d{4})"
    r"(?:(?P<between>[T ])\d\d:\d\d(?P<seconds>:\d\d)?)?(?P<closing>(?:\]\])?)"
)
# What no version of YAML reads as something else than a number, a date or a checkbox.
_BARE = re.compile(
    r"-?(?:0|[1-9]\d*)(?:\.\d+)?|true|false|\d{4}([-/.])\d\d\1\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?"
    r"|\d\d\.\d\d\.\d{4}(?: \d\d:\d\d(?::\d\d)?)?",
    re.ASCII,
)
_NUMBER = re.compile(r"-?\d+(?:\.(\d+))?")
_PLAIN_ITEM = re.compile(r" *- +")


class PropertyForm(NamedTuple):
    """How the values of a property are written.

    is_bare: a number, a date or a checkbox, which is written without quotes. quote: the quotation
    mark around a value; empty: only where YAML needs one. date: its pattern, in Obsidian's notation
    (Moment.js); empty: as in Obsidian. decimals: of each number; 0: as many as it has. is_flow: a
    new list is written in brackets. item: the text before the items of a new list; empty: as in the
    note, else as in Obsidian.
    """

    is_bare: bool = False
    quote: str = ""
    date: str = ""
    decimals: int = 0
    is_flow: bool = False
    item: str = ""

    def text(self, value: str) -> str:
        """Return the value as it is written here.

        value: a number, a date as `2024-02-11`, one with time as `2024-02-11T10:30:00`.
        """
        if self.date:
            parts = {"YYYY": value[:4], "MM": value[5:7], "DD": value[8:10]}
            parts |= {"HH": value[11:13], "mm": value[14:16], "ss": value[17:19]}
            return re.sub("|".join(parts), lambda sign: parts[sign[0]], self.date)
        whole, _, decimals = value.partition(".")
        return f"{whole}.{decimals:0<{self.decimals}}" if self.decimals else value

    def scalar(self, text: str, *, in_flow: bool = False) -> str:
        """Return the text as YAML on one line. in_flow: to go within brackets or braces."""
        if self.is_bare and not self.quote and _BARE.fullmatch(text):
            return text
        scalar = flow_scalar(text) if in_flow else yaml_scalar(text)
        is_simple = scalar.strip("'\"") == text and not re.search(r"[\"'\\]", text)
        return f"{self.quote}{text}{self.quote}" if self.quote and is_simple else scalar

    def inline(self, value: str | list[str], *, in_flow: bool = False) -> str:
        """Return the value on one line; the other parameter is that of scalar."""
        if isinstance(value, list):
            return f"[{', '.join(self.scalar(each, in_flow=True) for each in value)}]"
        return self.scalar(value, in_flow=in_flow)

    def items(self, prefix: str, values: list[str], newline: str) -> str:
        """Return the values as lines of a block list, with the prefix before each."""
        return "".join(f"{prefix}{self.scalar(value)}{newline}" for value in values)


PLAIN_FORM = PropertyForm()
"""Obsidian's form: text, and a list in a block."""


def learn_form(kind: str, name: str, notes: Iterable[NoteText]) -> PropertyForm:
    """Return the form in which the notes mostly write the property. kind: of its field."""
    quotes, dates, flows, items = Counter[str](), Counter[str](), Counter[bool](), Counter[str]()
    decimals = set[int]()
    for note in notes:
        for event in _find_events(note, name):
            if event.kind == "SequenceStartEvent":
                flows[event.style is True] += 1
                item = _PLAIN_ITEM.match(note.text, line_start(note.text, event.start))
                if item and event.style is not True:
                    items[item[0]] += 1  # what stands before the first item of a block list
            elif event.kind == "ScalarEvent" and event.value:
                quotes[str(event.style) if event.style in ("'", '"') else ""] += 1
                if number := _NUMBER.fullmatch(event.value):
                    decimals.add(len(number[1] or ""))
                match = _DATE.fullmatch(event.value) if kind in _CANONICAL else None
                if match and bool(match["between"]) == (kind == "datetime"):
                    dates[_pattern_of(match)] += 1
    is_bare, date = kind in SCALARS, _commonest(dates, "")
    return PropertyForm(
        is_bare=is_bare,
        quote=_commonest(quotes, "") if is_bare or kind in ("link", "links") else "",
        date="" if date == _CANONICAL.get(kind) else date,
        decimals=decimals.pop() if kind == "number" and len(decimals) == 1 else 0,
        is_flow=_commonest(flows, False),
        item=_commonest(items, ""),
    )


def _find_events(note: NoteText, name: str) -> tuple[YamlEvent, ...]:
    """Return the events of the property's value; none if it cannot be read."""
    with suppress(NoteRefused):
        for entry in parse_pyyaml(note).entries:
            if (entry.name or "").casefold() == name.casefold():
                return entry.value
    return ()


def _pattern_of(date: re.Match[str]) -> str:
    day = f"YYYY{date['sign']}MM{date['sign']}DD" if date["sign"] else "DD.MM.YYYY"
    time = f"{date['between']}HH:mm{':ss' if date['seconds'] else ''}" if date["between"] else ""
    return f"{date['opening']}{day}{time}{date['closing']}"


def _commonest(counts: Counter[T], default: T) -> T:
    return counts.most_common(1)[0][0] if counts else default


# Words that YAML 1.1 (its types bool and null), YAML 1.2 or a lenient parser does not read as text.
_RESERVED = frozenset(
    ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "nan", "inf", "undefined"]
)

# Plain text starts with a letter, a parenthesis or a character beyond ASCII, never with an
# indicator (YAML 1.2.2, 5.3). A number must precede a word of two letters or more, so that the
# whole is no number, date or time in any version of YAML.
_PLAIN_START = re.compile(r"[A-Za-z(]|[^\x00-\x7f]|\d+ [^\W\d_]{2}", re.ASCII)
_COLON_OR_COMMENT = re.compile(r":(?:\s|$)|\s#")
_FLOW_INDICATOR = re.compile(r"[][{},?:#]")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def yaml_scalar(value: str) -> str:
    """Return value as YAML on one line, to follow `key: ` or `- ` in block style.

    Plain if YAML 1.1 and 1.2 both read it as this string; else in double quotes, as Obsidian
    writes them, or in single quotes if that saves escapes. It is never folded, whatever its
    length; newlines and characters that do not print are escaped.
    """
    is_plain = (
        _PLAIN_START.match(value)
        and value == value.strip()
        and value.lower() not in _RESERVED
        and not _COLON_OR_COMMENT.search(value)
    )
    is_printable = not any(_needs_escape(value, at) for at in range(len(value)))
    if is_plain and is_printable:
        return value
    if is_printable and re.search(r'["\\]', value):
        return "'" + value.replace("'", "''") + "'"
    return '"' + "".join(_escaped(value, at) for at in range(len(value))) + '"'


def flow_scalar(value: str) -> str:
    """Return value as YAML on one line, to go within brackets or braces."""
    scalar = yaml_scalar(value)
    if scalar.startswith(('"', "'")) or not _FLOW_INDICATOR.search(scalar):
        return scalar
    return "'" + scalar.replace("'", "''") + "'"


def _needs_escape(value: str, at: int) -> bool:
    char = value[at]
    # YAML allows more (5.1), but a note should have no invisible text. U+2028 and U+2029 (Zl, Zp)
    # and U+0085 (Cc) end lines in YAML 1.1.
    is_invisible = unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    return (is_invisible and not is_joiner(value, at)) or ord(char) & 0xFFFE == 0xFFFE


def _escaped(value: str, at: int) -> str:
    char = value[at]
    if char in _ESCAPES:
        return _ESCAPES[char]
    if not _needs_escape(value, at):
        return char
    code = ord(char)
    sign, digits = ("x", 2) if code < 0x100 else ("u", 4) if code < 0x10000 else ("U", 8)
    return f"\\{sign}{code:0{digits}x}"
