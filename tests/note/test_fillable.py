"""What keeps every value out of an empty property is seen before any is asked for."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from companion.errors import NoteRefused
from companion.note.fillable import may_refuse, why_unfillable
from companion.note.frontmatter import add_property, fill_property
from companion.note.parsed_note import ParsedNote
from companion.note.text import NoteText

TAB = "a tab that ruamel.yaml (YAML 1.2) cannot read; remove it, or put a blank in its place"
MARKED = "`a` has a YAML tag, anchor or alias; fill it by hand"
JSON = "the properties are written as JSON; write them as YAML, or fill in `a` by hand"
NO_COLON = "`a` has no colon right after its name; fill it by hand"

PROPERTIES = [
    pytest.param("a:\nb: 2024-02-11\t\n", f"{TAB} (line 3)", id="tab after a value"),
    pytest.param("a:\t\n", f"{TAB} (line 2)", id="tab after a colon"),
    pytest.param("b:\n- x\t# c\na:\n", f"{TAB} (line 3)", id="tab before a comment"),
    pytest.param("a: &x\n", f"{MARKED} (line 2)", id="anchor"),
    pytest.param("a: !!str\n", f"{MARKED} (line 2)", id="tag"),
    pytest.param("a:\n  !!str\n", f"{MARKED} (line 2)", id="tag on the next line"),
    pytest.param("b: &x\na: *x\n", f"{MARKED} (line 3)", id="alias"),
    pytest.param("a:\n- &x\n", f"{MARKED} (line 2)", id="anchored item"),
    pytest.param("? a\n", f"{NO_COLON} (line 2)", id="question mark"),
    pytest.param("a:\nb: 1 # c\u2028d: 2\n", "in a simpler way (line 3)", id="line separator"),
    pytest.param('{"a": null}\n', f"{JSON} (line 2)", id="JSON"),
    pytest.param("{a: null}\n", None, id="in braces"),
    pytest.param("a:\n", None, id="nothing"),
    pytest.param("a: # c\nb: R&D, why? *so*!\n", None, id="signs within a text"),
    pytest.param("a: ''\nb: &x 1\nc: !!str 2\nd: {e: 1}\n", None, id="beside odd ones"),
    pytest.param('a:\nb: "x\ty"\nc: |\n  x\ty\n', None, id="tabs in quotes and blocks"),
    pytest.param("a: [ # c\n  ]\n", None, id="comment, which a list may stand beside"),
]


@pytest.mark.parametrize(("properties", "reason"), PROPERTIES)
def test_why_unfillable(properties: str, reason: str | None) -> None:
    view = ParsedNote(NoteText(f"---\n{properties}---\n"))
    found = why_unfillable(view, ["a", "missing"])
    assert found == reason or (reason and found and found.endswith(reason))


_PARTS = st.sampled_from(
    [
        "b", "c:", ": ", "\n", "\n", "- ", "  ", "#", " #", "'", '"', "[", "]", "{", "}", "|", ">",
        "&x", "*x", "!!str", "? ", ",", "~", "\t", "%", "...", "---", "<<:", "\r\n", "\\",
        "http://x.y?z=1&u#v", "'q'", "d: e\n", "tags: [f, g]\n", "l:\n  - h\n", "m: |\n  t\n",
    ]
)  # fmt: skip
_TEXTS = st.lists(_PARTS, max_size=6).map("".join)
_EMPTY = st.sampled_from(["", "", " ''", " []", " [ ]", " ~", "\n- ", " |", " # c"])


@settings(deadline=None, max_examples=1500, suppress_health_check=[HealthCheck.filter_too_much])
@given(above=_TEXTS, empty=_EMPTY, below=_TEXTS, value=st.sampled_from(["x", ["x"]]))
def test_what_may_refuse_holds_what_is_seldom_seen(
    above: str, empty: str, below: str, value: str | list[str]
) -> None:
    note = NoteText(f"---\n{above}\na:{empty}\n{below}\n---\n")
    try:
        assume(ParsedNote(note).properties.is_empty("a"))
    except NoteRefused:
        assume(False)
    for edit, name in ((fill_property, "a"), (add_property, "z")):
        try:
            edit(note, name, value)
        except NoteRefused as refused:
            assert may_refuse(note), refused
