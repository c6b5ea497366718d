from companion.note.diff import Part, show_edits
from companion.note.edits import diff_edits
from tests.examples import labelled

LINES = "".join(f"line {number}\n" for number in range(9))
EXAMPLES = {
    "a line at the end": ("a\n", [(2, 2, "b\n")], 2, [("=", "a\n"), ("+", "b\n")]),
    "all taken out": ("x\n", [(0, 2, "")], 2, [("-", "x\n")]),
    "a property is filled": (
        "---\na: b\nc:\nd: e\n---\n",
        [(11, 11, " Bread.")],
        1,
        [("…", ""), ("=", "a: b\nc:"), ("+", " Bread."), ("=", "\nd: e\n"), ("…", "")],
    ),
    "only its line": (
        "---\nc:\n---\n",
        [(6, 6, " Bread.")],
        0,
        [("…", ""), ("=", "c:"), ("+", " Bread."), ("=", "\n"), ("…", "")],
    ),
    "lines far away are left out": (
        LINES,
        diff_edits(LINES, LINES.replace("line 4\n", "line four\n")),
        1,
        [
            ("…", ""),
            ("=", "line 3\n"),
            ("-", "line 4\n"),
            ("+", "line four\n"),
            ("=", "line 5\n"),
            ("…", ""),
        ],
    ),
}


@labelled(("old", "edits", "context", "parts"), EXAMPLES)
def test_what_edits_change(
    old: str, edits: list[tuple[int, int, str]], context: int, parts: list[tuple[str, str]]
) -> None:
    assert show_edits(old, edits, context) == [Part(*part) for part in parts]  # type: ignore[arg-type]
