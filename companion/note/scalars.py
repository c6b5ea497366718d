"""Texts, numbers and dates written as YAML that no version of YAML reads as anything else."""

from __future__ import annotations

import re
import unicodedata

from companion.note.text import is_joiner

SCALARS = ("number", "date", "datetime", "checkbox")
"""The kinds of values that YAML has types for, which are written without quotes."""

# What no version of YAML reads as something else than a number, a date or a checkbox.
_BARE = re.compile(
    r"-?(?:0|[1-9]\d*)(?:\.\d+)?|true|false|\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?", re.ASCII
)


def bare_scalar(value: str) -> str:
    """Return a number, date or checkbox as YAML without quotes; any other text as yaml_scalar."""
    return value if _BARE.fullmatch(value) else yaml_scalar(value)


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
