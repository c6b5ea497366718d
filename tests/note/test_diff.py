from hypothesis import given
from hypothesis import strategies as st

from companion.note.diff import Part, diff_words
from tests.examples import labelled

LINES = "".join(f"line {number}\n" for number in range(9))
EXAMPLES = {
    "nothing": ("", "", []),
    "the same": ("a\n", "a\n", [("…", "")]),
    "a line at the end": ("a\n", "a\nb\n", [("=", "a\n"), ("+", "b\n")]),
    "all taken out": ("x\n", "", [("-", "x\n")]),
    "a property is filled": (
        "---\ndescription:\n---\n",
        "---\ndescription: Bread.\n---\n",
        [("=", "---\n"), ("=", "description:"), ("+", " Bread."), ("=", "\n"), ("=", "---\n")],
    ),
    "a blank before the end of the line": (
        "tags: \n",
        "tags: bread\n",
        [("=", "tags: "), ("+", "bread"), ("=", "\n")],
    ),
    "a word is replaced": (
        "the wild yeast\n",
        "the tame yeast\n",
        [("=", "the "), ("-", "wild"), ("+", "tame"), ("=", " yeast\n")],
    ),
    "lines far away are left out": (
        LINES,
        LINES.replace("line 4\n", "line 4\n\n> [!ai] AI\n"),
        [
            ("…", ""),
            ("=", "line 3\nline 4\n"),
            ("+", "\n> [!ai] AI\n"),
            ("=", "line 5\nline 6\n"),
            ("…", ""),
        ],
    ),
}


@labelled(("old", "new", "parts"), EXAMPLES)
def test_what_differs(old: str, new: str, parts: list[tuple[str, str]]) -> None:
    assert diff_words(old, new) == [Part(*part) for part in parts]  # type: ignore[arg-type]


@given(st.text("ab \n", max_size=40), st.text("ab \n", max_size=40))
def test_kept_and_added_parts_are_in_the_new_text_in_their_order(old: str, new: str) -> None:
    at = 0
    for mark, text in diff_words(old, new):
        if mark in "=+":
            at = new.index(text, at) + len(text)
