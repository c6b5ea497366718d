"""The checks a model's answer must pass before it goes into a note, each a pure function."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from companion.enrich.checks.checked_answer import CheckedAnswer, Fault
from companion.enrich.checks.language import find_wrong_language
from companion.enrich.checks.meta_talk import (
    find_first_person,
    find_meta_talk,
    find_refusal,
    find_task_talk,
)
from companion.enrich.checks.names_and_numbers import find_unknown_names, find_unknown_numbers
from companion.enrich.checks.repetition import (
    find_copied,
    find_echo,
    find_quotation,
    find_repetition,
    find_title_alone,
    without_copies,
)
from companion.enrich.checks.shape import (
    find_bad_length,
    find_markup,
    find_unfinished,
    first_paragraphs,
    is_name,
    without_cut,
)
from companion.note.sanitize import visible_lines
from companion.prompts import Field

Check = Callable[[CheckedAnswer], Fault | None]

CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        "refusal": find_refusal,
        "meta": find_meta_talk,
        "echo": find_echo,
        "voice": find_first_person,
        "task": find_task_talk,
        "copied": find_copied,
        "quotation": find_quotation,
        "repetition": find_repetition,
        "title": find_title_alone,
        "markup": find_markup,
        "unfinished": find_unfinished,
        "length": find_bad_length,
        "numbers": find_unknown_numbers,
        "names": find_unknown_names,
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
_ITEM_CHECKS = ("refusal", "meta", "repetition", "markup")


def find_fault(answer: CheckedAnswer, names: Iterable[str] = CHECKS) -> Fault | None:
    """Return the first fault that keeps an answer out of the note, None if there is none."""
    return next(filter(None, (CHECKS[name](answer) for name in names)), None)


def find_good_items(answer: CheckedAnswer) -> list[str]:
    """Return the items of a list that may go into the note; answer.text has one a line."""
    items = (replace(answer, text=item, raw=item) for item in answer.text.split("\n"))
    return [item.text for item in items if is_name(item) and not find_fault(item, _ITEM_CHECKS)]


def tidy_answer(text: str, field: Field, title: str, note: str, own: str) -> str:
    """Return a text or a callout without citations; other values as they are.

    A callout also loses its header, copies of the note and a cut-off end, and has at most as many
    paragraphs as the field allows, unless there is code in it. text: as the model wrote it; the
    result still has to be sanitized. note: what citations may be from. own: what a callout must not
    repeat.
    """
    if field.kind not in ("text", "prose") or (field.kind == "prose" and _FENCE.search(text)):
        return text
    text = _CITATION.sub(lambda mark: mark[0] if mark[0].strip() in note else "", text)
    if field.kind == "text":
        return text
    lines = "\n".join(line.rstrip() for line in visible_lines(text)).strip("\n")
    lines = _HEADER.sub("", lines, count=1) if _HEADER.match(lines) else lines
    text = without_cut(_BLANK_LINES.sub("\n\n", lines))
    text = without_copies(text, own) or text
    return first_paragraphs(text, title, field)


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
