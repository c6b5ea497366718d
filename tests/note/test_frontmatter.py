"""Filling and adding properties: before and after, what is refused, and promises 1 and 2."""

import io
from typing import Any

import pytest
import ruamel.yaml
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.errors import NoteRefused
from companion.note.edits import apply_edits
from companion.note.frontmatter import add_property, fill_property
from companion.note.properties import read_properties
from companion.note.text import NoteText
from tests.cases import Case, cases
from tests.examples import many

TEXT = "A short text"
LIST = ["one", "two words"]

PAGE, FRAME = "note/cases/properties.md", "---\n{}---\nBody\n"


@cases(PAGE, "A text", FRAME)
def test_fill_text(case: Case) -> None:
    assert apply_edits(case.before, fill_property(NoteText(case.before), "a", TEXT)) == case.after


@cases(PAGE, "A list", FRAME)
def test_fill_list(case: Case) -> None:
    assert apply_edits(case.before, fill_property(NoteText(case.before), "a", LIST)) == case.after


@cases(PAGE, "A missing property")
def test_add(case: Case) -> None:
    assert apply_edits(case.before, add_property(NoteText(case.before), "a", TEXT)) == case.after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param("Body\n", "---\na:\n  - one\n  - two words\n---\nBody\n", id="Obsidian's"),
    ],
)
def test_add_list(before: str, after: str) -> None:
    assert apply_edits(before, add_property(NoteText(before), "a", LIST)) == after


def test_mixed_line_ends_follow_the_line() -> None:
    note = NoteText("---\nb: 1\r\na:\r\nc: 2\n---\nBody\r")
    edits = fill_property(note, "a", LIST)
    assert apply_edits(note.text, edits) == (
        "---\nb: 1\r\na:\r\n  - one\r\n  - two words\r\nc: 2\n---\nBody\r"
    )


@pytest.mark.parametrize(
    ("yaml_text", "value", "reason", "line"),
    [
        pytest.param("b: 1\n", TEXT, "has no property `a`", None, id="missing"),
        pytest.param("a: x\n", TEXT, "not empty", None, id="full"),
        pytest.param("a: [~, ~]\n", TEXT, "not empty", None, id="two empty items"),
        pytest.param("a:\nA: \n", TEXT, "both `a` and `A`", None, id="two cases"),
        pytest.param("b: 1\na: &x\n", TEXT, "tag, anchor or alias", 3, id="anchor"),
        pytest.param("a: !!str\n", TEXT, "tag, anchor or alias", 2, id="tag"),
        pytest.param("b: &x\na: *x\n", TEXT, "tag, anchor or alias", 3, id="alias"),
        pytest.param("a:\n- &x\n", TEXT, "tag, anchor or alias", 2, id="anchored item"),
        pytest.param("b: 1\n? a\n: \n", TEXT, "no colon", 3, id="question mark"),
        pytest.param("{a, b: 1}\n", TEXT, "in braces", 2, id="braces"),
        pytest.param('{"a": ""}\n', TEXT, "in braces", 2, id="JSON"),
        pytest.param('{\n  "b": 1,\n  "a": []\n}\n', LIST, "in braces", 2, id="JSON, lines"),
        pytest.param("a: [ # c\n ]\n", TEXT, "a comment in its", 2, id="text for a comment"),
        pytest.param("b: 1\na:\t# c\n", TEXT, "without tabs", 3, id="tab before a comment"),
        pytest.param("a:\nb: 1\t\n", LIST, "without tabs", 3, id="tab after another value"),
        pytest.param("&k b: 1\n*k : 2\na:\n", TEXT, "is there twice", 2, id="alias as a key"),
        pytest.param("a:\na:\n", TEXT, "is there twice", 3, id="unreadable"),
    ],
)
def test_fill_refused(yaml_text: str, value: str, reason: str, line: int | None) -> None:
    with pytest.raises(NoteRefused) as refusal:
        fill_property(NoteText(f"---\n{yaml_text}---\n"), "a", value)
    assert (reason in refusal.value.reason, refusal.value.line) == (True, line), refusal.value


@pytest.mark.parametrize(
    ("text", "reason", "line"),
    [
        pytest.param("---\nA:\n---\n", "already has the property `A`", None, id="there"),
        pytest.param("---\n{b: 1}\n---\n", "in braces", 2, id="braces"),
        pytest.param("---\nb: 1\n<<: {a: x}\n---\n", "merges properties", 3, id="merge key"),
        pytest.param("---\nb: 1\n...\n---\n", "invalid YAML", 3, id="end of document"),
        pytest.param("---\n&x: >\nb:\n\n---\n", "not a list of", 1, id="no mapping"),
        pytest.param("---\nb: 1\n", "never closed", 1, id="never closed"),
    ],
)
def test_add_refused(text: str, reason: str, line: int | None) -> None:
    with pytest.raises(NoteRefused) as refusal:
        add_property(NoteText(text), "a", TEXT)
    assert (reason in refusal.value.reason, refusal.value.line) == (True, line), refusal.value


# Line ends to YAML 1.1 only. In quotes they are no more than a blank to it, so nothing moves.
ODD_LINE_ENDS = [
    pytest.param("a: {}\n", "line separator", id="after a colon"),
    pytest.param("a:\nb: 1 # c{}d: 2\n", "line separator", id="in a comment"),
    pytest.param("a:\nb: c{} d\n", "line separator", id="in a plain text"),
    pytest.param("a:\nb: |\n  c{}  d\n", "line separator", id="in a block"),
    pytest.param("a:\nb: \"c{} d\"\nc: 'd{} e'\n", "line separator", id="in quotes"),
]


@pytest.mark.parametrize("char", ["\x85", "\u2028", "\u2029"], ids=ascii)
@pytest.mark.parametrize(("yaml_text", "reason"), ODD_LINE_ENDS)
def test_line_ends_of_yaml_1_1(yaml_text: str, reason: str, char: str) -> None:
    note = NoteText(f"---\n{yaml_text.replace('{}', char)}---\n")
    for edit, name in ((fill_property, "a"), (add_property, "x")):
        with pytest.raises(NoteRefused, match=reason):
            edit(note, name, TEXT)


@pytest.mark.parametrize("value", ["", " ", [], ["x", ""]], ids=repr)
def test_nothing_to_fill_in(value: str | list[str]) -> None:
    with pytest.raises(ValueError, match="nothing to fill in"):
        fill_property(NoteText("---\na:\n---\n"), "a", value)


HOSTILE = [
    "yes", "12", "1.5e3", "0o7", "2023-03-25", "null", "~", "true", "- x", "a: b", "a:", "x #y",
    "#x", "---", "...", "[[x]]", "{x}", "{{x}}", "*x", "&x", "!x", "%x", "@x", "`x", "'x", '"x"',
    "x, y", "? x", ": x", "| x", "> x", "\\", "a\nb", "a\r\n---\nb: c", " x", "x ", "\t", "\u2028x",
    "\x85x", "\ufeff", "\x00", "\x7f", "😀", "=", "<<", "1:30", "_1", ".inf", "0x_", "é", "]", "}",
]  # fmt: skip


@pytest.mark.parametrize("frame", ["a:\n", "a: ''\n", "a: []\n", "a:\n- \n"])
def test_hostile_values_read_back(frame: str) -> None:
    for text in filter(str.strip, HOSTILE):
        for value in (text, [text, text]):
            note = NoteText(f"---\n{frame}---\nBody")
            new = apply_edits(note.text, fill_property(note, "a", value))
            is_item = frame.endswith("- \n") and value == text
            expected = {"a": [text] if is_item else value}
            assert _parsed(new) == [expected, expected], value


def _parsed(text: str) -> list[dict[str, Any]]:
    """Return the properties as PyYAML and as ruamel.yaml construct them."""
    source = NoteText(text).yaml
    by_ruamel = ruamel.yaml.YAML(typ="safe", pure=True).load(io.StringIO(source))
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [yaml.load(source, Loader=loader) or {}, by_ruamel or {}]


_VALUES = st.sampled_from(
    [
        "", " ", " ~", " text", " x # c", " 'x'  ", " 'it''s'", ' "a\\tb"', " 😀 é", " 12", " 0o17",
        " 1_000", " no", " 2023-03-25", " 1:30", " & x", " !!str 1", " {x: 1}", " [x, [y], {z: 1}]",
        " [x, # c\n  y]", " |\n  one\n\n  two", " |+\n  one\n\n", " >-\n  one\n  two # no comment",
        " plain\n  on two lines", ' "on\n  two"', "\n- one\n- two", "\n  - one\n  - '2'",
        "\n   -  x\n   -", "\n    - x # c", "\n  k: v\n  l:",
    ]
)  # fmt: skip
_EMPTY = st.sampled_from(
    [
        "", " ", "   ", " # c", "  #", " null", " ~ # c", ' ""', " '' ", " '  '", " []", " [ ]",
        " [~]", " |", " >-\n", "\n- ", "\n  -", "\n    - ''", "\n  # c\n  - # d", "\n  ''",
    ]
)  # fmt: skip
_FILLERS = st.sampled_from(["", "", "", "# comment\n", "\n"])
_NEWLINES = st.sampled_from(["\n", "\r\n", "\r"])
_TEXTS = st.one_of(
    st.sampled_from([text for text in HOSTILE if text.strip()]),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip),
)
_CONTENT = st.one_of(_TEXTS, st.lists(_TEXTS, min_size=1, max_size=3))
_BODIES = st.sampled_from(["", "Body", "Body\n", "\n---\n\na: x\n---\n", "- x\u2028\t\n"])


@st.composite
def _notes(draw: st.DrawFn, empty: st.SearchStrategy[str] | None) -> str:
    """Draw a note with up to four properties b, c, .. and, if empty is given, one named a."""
    keys = draw(st.lists(st.sampled_from("bcde"), unique=True))
    lines = [f"{key}:{draw(_VALUES).replace('&', f'&{key}')}\n" for key in keys]
    if empty is not None:
        lines.insert(draw(st.integers(0, len(lines))), f"a:{draw(empty)}\n")
    block = "".join(draw(_FILLERS) + line for line in lines) + draw(_FILLERS)
    ends = draw(_NEWLINES), draw(_NEWLINES)
    front, body = f"---\n{block}---\n", draw(_BODIES)
    bom = draw(st.sampled_from(["", "\ufeff"]))
    return bom + front.replace("\n", ends[0]) + body.replace("\n", ends[1])


def _check_promises(old: str, edits: list[Any], value: str | list[str]) -> None:
    new = apply_edits(old, edits)
    assert not read_properties(NoteText(new)).is_empty("a")
    for before, after in zip(_parsed(old), _parsed(new), strict=True):
        filled = after["a"]
        assert filled == value or filled == [value]
        assert repr({**before, "a": filled}) == repr(after)


@settings(max_examples=many(350))
@given(old=_notes(_EMPTY), value=_CONTENT)
def test_filling_changes_nothing_else(old: str, value: str | list[str]) -> None:
    _check_promises(old, fill_property(NoteText(old), "a", value), value)


@settings(max_examples=many(200))
@given(old=_notes(None), value=_CONTENT)
def test_adding_changes_nothing_else(old: str, value: str | list[str]) -> None:
    _check_promises(old, add_property(NoteText(old), "a", value), value)


@settings(max_examples=many(500))
@given(block=st.text("ab:-' \n#[]{}|>&*!?,~\"\t", max_size=30), value=_CONTENT)
def test_any_text_is_filled_or_refused(block: str, value: str | list[str]) -> None:
    note = NoteText(f"---\na:{block}\n---\nBody")
    for edit, name in ((fill_property, "a"), (add_property, "z")):
        try:
            apply_edits(note.text, edit(note, name, value))
        except NoteRefused as refusal:
            assert refusal.reason
