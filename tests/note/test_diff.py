from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.note.diff import Part, diff_words

LINES = "".join(f"line {number}\n" for number in range(9))
EXAMPLES = [
    pytest.param("", "", [], id="nothing"),
    pytest.param("a\n", "a\n", [("…", "")], id="the same"),
    pytest.param("a\n", "a\nb\n", [("=", "a\n"), ("+", "b\n")], id="a line at the end"),
    pytest.param("x\n", "", [("-", "x\n")], id="all taken out"),
    pytest.param(
        "---\ndescription:\n---\n",
        "---\ndescription: Bread.\n---\n",
        [("=", "---\n"), ("=", "description:"), ("+", " Bread."), ("=", "\n"), ("=", "---\n")],
        id="a property is filled",
    ),
    pytest.param(
        "tags: \n",
        "tags: bread\n",
        [("=", "tags: "), ("+", "bread"), ("=", "\n")],
        id="a blank before the end of the line",
    ),
    pytest.param(
        "the wild yeast\n",
        "the tame yeast\n",
        [("=", "the "), ("-", "wild"), ("+", "tame"), ("=", " yeast\n")],
        id="a word is replaced",
    ),
    pytest.param(
        LINES,
        LINES.replace("line 4\n", "line 4\n\n> [!ai] AI\n"),
        [
            ("…", ""),
            ("=", "line 3\nline 4\n"),
            ("+", "\n> [!ai] AI\n"),
            ("=", "line 5\nline 6\n"),
            ("…", ""),
        ],
        id="lines far away are left out",
    ),
]


@pytest.mark.parametrize(("old", "new", "parts"), EXAMPLES)
def test_what_differs(old: str, new: str, parts: list[tuple[str, str]]) -> None:
    assert diff_words(old, new) == [Part(*part) for part in parts]  # type: ignore[arg-type]


@given(st.text("ab \n", max_size=40), st.text("ab \n", max_size=40))
def test_kept_and_added_parts_are_in_the_new_text_in_their_order(old: str, new: str) -> None:
    at = 0
    for mark, text in diff_words(old, new):
        if mark in "=+":
            at = new.index(text, at) + len(text)
