"""The check that an answer is in the language of its note, or in the one asked for."""

from __future__ import annotations

import re

from companion.enrich.checks.checked_answer import CheckedAnswer, Fault
from companion.language.detection import (
    ENOUGH,
    LANGUAGES,
    find_language,
    find_other_language,
    is_in_latin_letters,
    remove_code,
    script_of,
)

_LATIN_WORDS = re.compile(r"(?<![A-Za-z-])[a-z]{1,20}(?: [a-z]{1,20}){5,}(?![A-Za-z-])")
_WORD = re.compile(r"[a-z]+")
_SHOWN = 40  # characters of foreign words that a fault quotes
_LANGUAGE = re.compile(
    "|".join(rf"\b{each}\b" for each in LANGUAGES) + "|" + "|".join(LANGUAGES.values())
)


def find_wrong_language(answer: CheckedAnswer) -> Fault | None:
    """Return the fault of an answer in a language other than the note's or the wanted one.

    If there is too little text, only the scripts are compared. In a callout each paragraph is
    checked. The answer to a question may be in the language of the question, and in any language if
    the question names a language.
    """
    expected = answer.language or find_language(answer.words, answer.title)
    expected = expected or script_of(remove_code(answer.words)) or script_of(answer.title)
    if expected is None or _LANGUAGE.search(answer.question):
        return None
    allowed = {expected, find_language(answer.question, "") or expected}
    if run := _find_latin_words(answer, allowed):
        return Fault("language", f"changes its language (“{run}”)", f"Write it all in {expected}.")
    parts = [part for part in answer.text.split("\n\n") if len(part) > ENOUGH]
    for text in [answer.text, *(parts if answer.is_prose else ())]:
        others = [find_other_language(text, language) for language in sorted(allowed)]
        if all(others):
            reason = f"is in {others[0]}, not in {min(allowed)}"
            return Fault("language", reason, f"Write it in {min(allowed)}.")
    return None


def _find_latin_words(answer: CheckedAnswer, allowed: set[str]) -> str:
    """Return a run of words in small Latin letters, most of which are not in the note."""
    if "Latin letters" in allowed or any(map(is_in_latin_letters, allowed)):
        return ""
    words_shown = set(_WORD.findall(f"{answer.title}\n{answer.note}\n{answer.question}".lower()))
    for run in _LATIN_WORDS.finditer(remove_code(answer.text)):
        words = _WORD.findall(run[0])
        if len(words_shown.intersection(words)) * 2 < len(words):
            return run[0][:_SHOWN]
    return ""
