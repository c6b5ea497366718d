"""What a place in a note belongs to, in words: a property, a callout, or the text itself."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import takewhile

from companion.errors import NoteRefused
from companion.note.text import NoteText, split_lines

_KEY = re.compile(r"[ \t]*(?![-#\s])([^:\r\n]+?):(?=\s|\Z)")
_QUOTE = re.compile(r"[ \t]*(?:(?:[-*+]|\d+[.)])[ \t]+)*>")
_CALLOUT = re.compile(_QUOTE.pattern + r"[> \t]*\[![^\]]*\][+-]?([^\r\n]*)")
_LONGEST = 60  # characters of a text that stands for itself


def name_place(text: str, start: int, end: int) -> str:
    """Return what text[start:end] belongs to, as `description`, `callout` or the words there.

    Of a span with parts of several, the names are joined by commas.
    """
    first = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
    inside, above = split_lines(text[first:end]), split_lines(text[:first])[::-1]
    if start < _body_start(text):
        names = _find_keys(inside)
        if not _find_keys(inside[:1]):
            names = _find_keys(above)[:1] + names
    else:
        names = _find_callouts(inside)
        if inside and _is_quote(inside[0]) and not _find_callouts(inside[:1]):
            names = _find_callouts(takewhile(_is_quote, above))[:1] + names
    return ", ".join(dict.fromkeys(names)) or f"“{text[start:end].strip()[:_LONGEST]}”"


def _body_start(text: str) -> int:
    try:
        return NoteText(text).body_start
    except NoteRefused:
        return 0


def _find_keys(lines: Iterable[str]) -> list[str]:
    return [key.group(1).strip("\"'") for line in lines if (key := _KEY.match(line))]


def _find_callouts(lines: Iterable[str]) -> list[str]:
    titles = [head.group(1).strip() for line in lines if (head := _CALLOUT.match(line))]
    return [f"callout “{title}”" if title not in ("", "AI") else "callout" for title in titles]


def _is_quote(line: str) -> bool:
    return _QUOTE.match(line) is not None
