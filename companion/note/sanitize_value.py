"""Sanitize model text for a property's value: one line of words, without escapes."""

from __future__ import annotations

import re

from companion.note.sanitize import visible_lines
from companion.note.sanitize_inline import (
    BLOCK_ID_AHEAD,
    ENTITY_AHEAD,
    MARKUP_AHEAD,
    PAIR,
    SCHEMES,
    TAG_AHEAD,
    words,
)

_QUOTES = ('""', "''", "„“", "„”", "“”", "‚‘", "‚’", "‘’", "«»", "»«", "‹›", "›‹", "「」", "『』")

# Markers of quotes, list items, headings, fences, tasks and callouts before the words. Numbers are
# kept.
_MARKER = r"(?:> *|~{3,} *|[#*+-]+(?: +|$))+(?:\[(?:.?|![^\[\]]*)\][+-]?(?: +|$))?"
_LEAD = re.compile(rf"(?:[0-9]{{1,9}}[.)] +|{_MARKER})+")
_RULE = re.compile(r"[-*_=+#~` ]*")

# Syntax to remove. What remains is checked again by _ACTIVE, which only adds spaces.
_SYNTAX = re.compile(
    r"\\(?=[!-/:-@\[-`{-~])|`+|\{\{|\}\}|\[\^[^\[\]\s]*\]|(?i:https?://(?:www\.)?)"
    rf"|(?<![^\s(\[])#+{TAG_AHEAD}|(?<=:)(?<!::):++(?=\s|$)"
)
# Not inside a word, as in 2*3*4; but in scripts without spaces, words may be on both sides.
_EMPHASIS = re.compile(r"(?<![A-Za-z0-9_*])(\*{1,3})(?=[^\s*])([^*]+)(?<=\S)\1(?![A-Za-z0-9_*])")

_ACTIVE = re.compile(
    "|".join(
        (
            rf"(?={PAIR})",
            r"(?<=[\[!^])(?=\[)|(?<=\[)(?=[\^!])|(?<=\])(?=[(\[:])",
            f"(?<=<){MARKUP_AHEAD}|(?<=&){ENTITY_AHEAD}|(?<=#){TAG_AHEAD}",
            "(?<=:)(?=//)",
            "(?i:" + "|".join(f"(?<={scheme}:)" for scheme in SCHEMES) + r")(?=\S)",
            r"(?i:(?<=www\.))(?=\S)",
            rf"(?<=^\^){BLOCK_ID_AHEAD}|(?<=\W\^){BLOCK_ID_AHEAD}",
        )
    )
)


def inert_value(text: str) -> str:
    """Return text as a property's value: one line with single spaces and without active syntax.

    Obsidian shows a value verbatim and Dataview renders it as Markdown, so links, code and
    emphasis become their words, and remaining active syntax is broken by a space, not escaped.
    Quotation marks around the whole value are removed. Empty if text has no words. Takes linear
    time.
    """
    lines = (_without_lead(line.strip()) for line in visible_lines(text))
    line = " ".join(line for line in lines if not _RULE.fullmatch(line))
    line = _SYNTAX.sub("", words(line, lambda target: None))
    line = _unquote(_EMPHASIS.sub(r"\2", _one_spaced(line)))
    line = _ACTIVE.sub(" ", line)
    if line.count("$") > 1:
        line = re.sub(r"\$(?=\S)", "$ ", line)
    line = _unquote(_without_lead(_one_spaced(line)))
    return line if re.search(r"[^\W_]", line) else ""


def _one_spaced(line: str) -> str:
    return " ".join(line.split())


def _without_lead(line: str) -> str:
    lead = _LEAD.match(line)
    return (re.sub(_MARKER, "", lead[0]) + line[lead.end() :]).strip() if lead else line


def _unquote(line: str) -> str:
    """Return line without the quotation marks around all of it; “a” and “b” keeps its own."""
    for _ in _QUOTES:
        inner, quotes = line[1:-1], line[:1] + line[-1:]
        # an apostrophe between letters is no quotation mark
        if quotes not in _QUOTES or re.search(rf"(?<!\w)[{quotes}]|[{quotes}](?!\w)", inner):
            break
        line = inner.strip()
    return line
