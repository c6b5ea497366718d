"""The checks of a model's answer: what is wrong in its form, and which of its facts are new.

An answer of the wrong form may not go into a note; one with a new fact waits for the user.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from companion.enrich.checks.content import (
    find_copied,
    find_echo,
    find_repetition,
    find_talk,
    find_title_alone,
    find_wrong_language,
)
from companion.enrich.checks.shape import (
    CheckedAnswer,
    Fault,
    find_bad_length,
    find_markup,
    find_unfinished,
    first_paragraphs,
    is_name,
    whole_sentences,
)
from companion.note.safe_text import visible_lines
from companion.prompts import Field

CHECKS: Mapping[str, Callable[[CheckedAnswer], Fault | None]] = MappingProxyType(
    {
        "talk": find_talk,
        "echo": find_echo,
        "copied": find_copied,
        "repetition": find_repetition,
        "title": find_title_alone,
        "markup": find_markup,
        "unfinished": find_unfinished,
        "length": find_bad_length,
        "language": find_wrong_language,
    }
)
"""The checks by their kind, in the order in which they run."""

_BLANK_LINES = re.compile(r"\n{2,}")
_FENCE = re.compile(r"```|~~~")
_HEADER = re.compile(r"(?:> ?)?\[![\w-]+\][+-]?[^\n]*\n+")  # of a callout: it gets its own
# Left by search engines' models; their sources are not there, unless the note has it.
_CITATION = re.compile(
    r"(?:(?<=[^\W\d_]{3})|(?<=[.!?,;:。、，！？」）)]))(?: ?\[\^?\d{1,3}\])+| ?【\d+[^】\n]*】"
)
_ITEM_CHECKS = ("talk", "repetition", "markup")


def find_fault(answer: CheckedAnswer, names: Iterable[str] = CHECKS) -> Fault | None:
    """Return the first fault that keeps an answer out of the note, None if there is none."""
    return next(filter(None, (CHECKS[name](answer) for name in names)), None)


def find_good_items(answer: CheckedAnswer) -> list[str]:
    """Return the items of a list that may go into the note; answer.text has one a line."""
    items = (replace(answer, text=item, raw=item) for item in answer.text.split("\n"))
    return [item.text for item in items if is_name(item) and not find_fault(item, _ITEM_CHECKS)]


def tidy_answer(text: str, field: Field, title: str, note: str) -> str:
    """Return a text or a callout without citations and a cut-off end; other values as they are.

    A callout also loses its header, and has at most as many paragraphs as the field allows, unless
    there is code in it. text: as the model wrote it; the result still has to be sanitized. note:
    what citations may be from.
    """
    if field.kind not in ("text", "prose") or (field.kind == "prose" and _FENCE.search(text)):
        return text
    text = _CITATION.sub(lambda mark: mark[0] if mark[0].strip() in note else "", text)
    if field.kind == "text":
        return whole_sentences(text)
    lines = "\n".join(line.rstrip() for line in visible_lines(text)).strip("\n")
    lines = _HEADER.sub("", lines, count=1) if _HEADER.match(lines) else lines
    return first_paragraphs(_BLANK_LINES.sub("\n\n", lines), title, field)


def checks_are_on() -> bool:
    """Return whether answers are checked in this process: not with COMPANION_CHECKS=off.

    Tests and benchmarks switch the checks off if a stub gives odd answers. Answers are sanitized in
    any case.
    """
    return os.environ.get("COMPANION_CHECKS", "").casefold() != "off"


UNCHECKED = "COMPANION_CHECKS=off is set: what the model says goes into notes unchecked"


def find_unchecked() -> str | None:
    """Return a warning for the user if answers are not checked, else None."""
    return None if checks_are_on() else UNCHECKED
