"""The files of words and phrases: whatever a language adds, the checks know and can compile."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from companion.language.words import compile_phrases, find_phrases, load_languages

SECTIONS_ELSEWHERE = {
    ("sentences", "leaning_signs"),
}
"""The lists that English has no need of."""


def lists_of(table: Mapping[str, Any], section: str = "") -> Iterator[tuple[str, str]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from lists_of(value, f"{section}.{name}".strip("."))
        elif section != "parts":
            yield section, name


@pytest.mark.parametrize("code", load_languages())
def test_a_language_has_only_lists_that_checks_read(code: str) -> None:
    known = {*lists_of(load_languages()["en"]), *SECTIONS_ELSEWHERE}
    assert set(lists_of(load_languages()[code])) <= known


@pytest.mark.parametrize("code", load_languages())
def test_phrases_match_something_and_no_empty_text(code: str) -> None:
    for section, name in lists_of(load_languages()[code]):
        for phrase in find_phrases(section, name):
            assert not re.compile(phrase).match(""), (section, name, phrase)


def test_parts_are_filled_in() -> None:
    assert any(
        "(?:information|context|text|" in phrase for phrase in find_phrases("refusal", "begins")
    )


def test_a_list_that_no_language_has_matches_nothing() -> None:
    assert find_phrases("no", "such") == []
    assert not compile_phrases("<refusal.no>|<no.such>").search("anything")
