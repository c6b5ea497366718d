"""What a scan finds out about a note, and why it leaves one alone."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from companion.errors import NoteRefused
from companion.note.entries import is_unambiguous
from companion.note.facts import Facts, read_facts, unfillable_reason
from companion.note.frontmatter import add_property, fill_property
from companion.note.needs import Need, Rules
from companion.note.note import ParsedNote
from companion.note.text import NoteText
from tests.cases import Case, cases
from tests.examples import many
from tests.note.test_needs import RULES, facts, noted

PAGE = "note/cases/left-alone.md"


@cases(PAGE, "Left alone")
def test_skips(case: Case) -> None:
    found = facts(case.before, explicit=True)
    assert found.skipped and case.told[0] in found.skipped and not found.needs


@cases(PAGE, "Not left alone")
def test_skips_nothing_else(case: Case) -> None:
    assert facts(case.before, explicit=True).skipped is None


PRIVATE = Rules(
    private_tags=("private",),
    private_properties=(("private", "true"), ("status", "draft")),
    vocabulary=("tags", "status"),
)
KEPT_HERE = [
    pytest.param("[a #private](b)", "is tagged #private", id="tag"),
    pytest.param(noted("private: yes"), "says private: true", id="property"),
    pytest.param(noted("tags: [private, a]\nstatus: draft"), "is tagged #private", id="both"),
]


def test_what_its_author_keeps_from_being_read() -> None:
    texts = ["a", noted("ai: false"), noted("ai: true"), "[a #private](b)", noted("private: true")]
    assert [read_facts(text.encode(), PRIVATE).is_excluded for text in texts] == [
        False,
        True,
        False,
        True,
        True,
    ]


@pytest.mark.parametrize(("text", "mark"), KEPT_HERE)
def test_private_notes_are_left_where_the_endpoint_is_elsewhere(text: str, mark: str) -> None:
    here = read_facts(text.encode(), PRIVATE)
    elsewhere = read_facts(text.encode(), replace(PRIVATE, is_remote=True))
    assert here.skipped is None and here.marks == elsewhere.marks and here.marks[0] == mark
    assert elsewhere.skipped == f"it {mark}, so only a model on this machine may read it"
    assert not elsewhere.values


def test_marks_of_private_notes_are_no_values_where_the_endpoint_is_elsewhere() -> None:
    text = noted("tags: [private, a]\nstatus: draft")
    assert read_facts(text.encode(), PRIVATE).values == {
        "tags": ("private", "a"),
        "status": ("draft",),
    }
    assert replace(PRIVATE, is_remote=True).marks >= {("status", "draft"), ("private", "true")}


@pytest.mark.parametrize(("name", "marking"), [("Kind", "kind"), ("kind", "Kind")])
def test_a_mark_is_no_value_whatever_the_case_of_its_name(name: str, marking: str) -> None:
    rules = Rules(postponed_properties=((marking, "Postponed"),), vocabulary=(name,))
    text = noted("kind: [book, postponed]")
    assert read_facts(text.encode(), rules).values == {name: ("book",)}


def test_other_encodings_are_skipped() -> None:
    assert "not UTF-8" in str(read_facts(b"a\n\xff", RULES).skipped)


def test_what_is_left_says_where_and_what_to_do() -> None:
    found = facts(noted("description: x", "# A\n\n> [!ai] Why?\nBecause.\n"))
    assert found.needs == ()
    assert found.unfilled == (
        "the AI callout in line 6 is empty, but text follows it outside the quote; "
        "add a blank line below it to have it filled",
    )


def test_vocabulary() -> None:
    found = facts(noted("tags: [a, b, C++]\naliases: c, d\nnote-type:\n- e\n- 1", "`#code`"))
    assert found.aliases == ("c", "d")
    assert found.values == {"tags": ("a", "b"), "note-type": ("e", "1")}


def test_what_is_left_alone_lends_its_values_to_no_prompt() -> None:
    found = facts(noted("tags: [a, b]\naliases: c, d\nai: false"))
    assert (found.aliases, found.values) == (("c", "d"), {})


def test_what_cannot_be_filled_keeps_the_note_from_being_asked_for() -> None:
    text = noted("description:\ntags: [a, b]\naliases: c\ncreated: 2024-02-11\t")
    found = read_facts(text.encode(), RULES)
    assert found.needs == () and found.skipped
    assert "without tabs" in found.skipped and found.skipped.endswith("(line 5)")
    assert (found.aliases, found.values) == (("c",), {"tags": ("a", "b")})


_WORDS = st.text(st.characters(codec="utf-8"), max_size=5)


@given(
    st.builds(
        Facts,
        st.lists(
            st.builds(Need, _WORDS, _WORDS | st.none(), _WORDS | st.none(), _WORDS, _WORDS)
        ).map(tuple),
        _WORDS | st.none(),
        st.lists(_WORDS).map(tuple),
        st.lists(_WORDS).map(tuple),
        st.dictionaries(_WORDS, st.lists(_WORDS).map(tuple)),
        st.lists(_WORDS).map(tuple),
    )
)
def test_facts_survive_the_cache(found: Facts) -> None:
    assert Facts.load(found.dump()) == found
    assert Facts.has_marks(found.dump()) == bool(found.marks)


@settings(max_examples=many(250))
@given(st.text() | st.text(st.sampled_from("-\n\r\ta:> [!ai]#%$<`{}'\"")), st.booleans())
def test_any_text_has_facts(text: str, explicit: bool) -> None:
    found = facts(text, explicit=explicit)
    assert found.skipped is None or found.skipped
    assert read_facts(text.encode("utf-8", "surrogatepass"), RULES) == facts(text)


@cases(PAGE, "Properties that cannot be filled", "---\n{}---\n", ways=["as written"])
def test_why_unfillable(case: Case) -> None:
    found = unfillable_reason(ParsedNote(NoteText(case.before)), ["a", "missing"])
    assert [found] * bool(found) == case.told


def test_a_line_end_of_yaml_1_1_makes_properties_unfillable() -> None:
    view = ParsedNote(NoteText("---\na:\nb: 1 # c\u2028d: 2\n---\n"))
    assert str(unfillable_reason(view, ["a"])).startswith("the properties hold a line separator")


_YAML_PARTS = st.sampled_from(
    [
        "b", "c:", ": ", "\n", "\n", "- ", "  ", "#", " #", "'", '"', "[", "]", "{", "}", "|", ">",
        "&x", "*x", "!!str", "? ", ",", "~", "\t", "%", "...", "---", "<<:", "\r\n", "\\",
        "http://x.y?z=1&u#v", "'q'", "d: e\n", "tags: [f, g]\n", "l:\n  - h\n", "m: |\n  t\n",
    ]
)  # fmt: skip
_YAML = st.lists(_YAML_PARTS, max_size=6).map("".join)
_EMPTY_VALUES = st.sampled_from(["", "", " ''", " []", " [ ]", " ~", "\n- ", " |", " # c"])


@settings(max_examples=many(500), suppress_health_check=[HealthCheck.filter_too_much])
@given(above=_YAML, empty=_EMPTY_VALUES, below=_YAML, value=st.sampled_from(["x", ["x"]]))
@example(above="", empty=" |", below="  \r\n    ", value="x")
def test_what_is_unfillable_is_ambiguous(
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
            assert not is_unambiguous(note), refused
