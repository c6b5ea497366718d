"""What a scan finds out about a note, and why it leaves one alone."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from companion.errors import NoteRefused
from companion.note.callouts import Style
from companion.note.facts import Facts, read_facts, unfillable_reason
from companion.note.frontmatter import add_property, fill_property, may_be_unfillable
from companion.note.needs import Need, Rules
from companion.note.parsed_note import ParsedNote
from companion.note.text import NoteText
from tests.examples import many
from tests.note.strategies import VARIANTS
from tests.note.test_needs import RULES, facts, noted

TEMPLATES = [
    ("# {{title}}", "{{title}}"),
    ("[[{{date}}]]", "{{date}}"),
    ("> {{date:YYYY-MM-DD}}", "{{date:YYYY-MM-DD}}"),
    ("- at {{ Time : HH:mm }}", "{{ Time : HH:mm }}"),
    ("<!-- {{title}} -->", "{{title}}"),
    ("%% {{title}} %%", "{{title}}"),
    ("<div>{{title}}</div>", "{{title}}"),
    ("`{{date}}` is {{date}}", "{{date}}"),
    ("costs $5 {{date}} or $6", "{{date}}"),
    ("# <% tp.file.title %>", "<%"),
    ("<%* let a = 1\n-%>", "<%*"),
    ("<%+ tp.date.now() %>", "<%+"),
    ("<%_ tp.date.now() _%>", "<%_"),
]
NO_TEMPLATES = [
    "`# {{title}}`",
    "``a ` {{title}}``",
    "```\n{{title}} <% x %>\n```",
    "    <% x %>",
    "$a {{title}}$",
    "$$\na {{date}} <% x %>\n$$",
    "{{c1::title}} {{c2::date::time}}",
    "{{title}",
    "{{ page.title }} {{name}} {{datetime}}",
    "$\\frac{{a}}{{date}}$ \\text{{title}",
    "a load of <% 50, not closed",
]

SKIPPED = [
    pytest.param(noted("ai: false"), "it says ai: false", id="ai: false"),
    pytest.param(noted("AI: 'No'"), "it says ai: false", id="its case"),
    pytest.param(noted("ai: true\nAI: [off]"), "it says ai: false", id="twice, another way"),
    pytest.param(noted("ai: true"), None, id="ai: true"),
    pytest.param(noted("ai:"), None, id="ai, empty"),
    pytest.param(
        noted("excalidraw-plugin: parsed"), "it is an Excalidraw drawing", id="Excalidraw"
    ),
    pytest.param(noted("kanban-plugin: board"), "it is a Kanban board", id="Kanban"),
    pytest.param(
        noted("tags: Private/family"),
        "it is tagged #private, which the settings leave alone",
        id="tag",
    ),
    pytest.param(
        "text #private", "it is tagged #private, which the settings leave alone", id="inline tag"
    ),
    pytest.param("%%_#private_%%", "it is tagged #private", id="doubtful tag"),
    pytest.param("`#private`", None, id="no tag"),
    pytest.param(
        noted("a: 1\nb: '{{date}}'"), "a template: its properties have {{ (line 3)", id="template"
    ),
    pytest.param(
        noted("a: <% tp.date %>"), "a template: its properties have <% (line 2)", id="Templater"
    ),
    *(
        pytest.param(noted("a: 1", f"text\n{line}\n"), f"its text has {what};", id=line)
        for line, what in TEMPLATES
    ),
    *(pytest.param(noted("a: 1", body), None, id=body) for body in NO_TEMPLATES),
    pytest.param(
        "text\n\n# {{title}}", "write `{{title}}` as code (line 3)", id="a template's line"
    ),
    pytest.param("---\na: 1\n", "never closed", id="never closed"),
    pytest.param(noted("a: b: c"), "(line 2)", id="invalid YAML"),
    pytest.param(noted("- a"), "not a list of `name: value` lines", id="no mapping"),
    pytest.param(noted("a: 1\na: 2"), "`a` is there twice; keep one of them (line 3)", id="twice"),
]


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize(("text", "reason"), SKIPPED)
def test_skips(text: str, reason: str | None, variant: Callable[[str], str]) -> None:
    found = facts(variant(text), explicit=True)
    if reason is None:
        assert found.skipped is None
    else:
        assert found.skipped is not None
        assert reason in found.skipped
        assert not found.needs


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
    found = facts(noted("tags: [a, b]\naliases: c, d\nnote-type:\n- e\n- 1"))
    assert found.aliases == ("c", "d")
    assert found.values == {"tags": ("a", "b"), "note-type": ("e", "1")}


def test_what_is_left_alone_lends_its_values_to_no_prompt() -> None:
    found = facts(noted("tags: [a, b]\naliases: c, d\nai: false"))
    assert (found.aliases, found.values) == (("c", "d"), {})


def test_what_cannot_be_filled_keeps_the_note_from_being_asked_for() -> None:
    text = noted("description:\ntags: [a, b]\naliases: c\ncreated: 2024-02-11\t")
    found = read_facts(text.encode(), RULES)
    assert found.needs == () and found.skipped
    assert "remove it" in found.skipped and found.skipped.endswith("(line 5)")
    assert (found.aliases, found.values) == (("c",), {"tags": ("a", "b")})


_WORDS = st.text(st.characters(codec="utf-8"), max_size=5)
_STYLES = st.builds(Style, _WORDS, _WORDS)


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
        st.dictionaries(_WORDS, st.lists(_STYLES, min_size=1).map(tuple)),
        st.lists(_WORDS).map(tuple),
    )
)
def test_facts_survive_the_cache(found: Facts) -> None:
    assert Facts.load(found.dump()) == found
    assert Facts.has_styles(found.dump()) == bool(found.styles or found.marks)
    assert Facts.has_marks(found.dump()) == bool(found.marks)


@settings(max_examples=many(250))
@given(st.text() | st.text(st.sampled_from("-\n\r\ta:> [!ai]#%$<`{}'\"")), st.booleans())
def test_any_text_has_facts(text: str, explicit: bool) -> None:
    found = facts(text, explicit=explicit)
    assert found.skipped is None or found.skipped
    assert read_facts(text.encode("utf-8", "surrogatepass"), RULES) == facts(text)


TAB = "a tab that ruamel.yaml (YAML 1.2) cannot read; remove it, or put a space in its place"
TAGGED = "`a` has a YAML tag, anchor or alias; fill it by hand"
JSON = "the properties are written as JSON; write them as YAML, or fill in `a` by hand"
NO_COLON = "`a` has no colon right after its name; fill it by hand"

PROPERTIES = [
    pytest.param("a:\nb: 2024-02-11\t\n", f"{TAB} (line 3)", id="tab after a value"),
    pytest.param("a:\t\n", f"{TAB} (line 2)", id="tab after a colon"),
    pytest.param("b:\n- x\t# c\na:\n", f"{TAB} (line 3)", id="tab before a comment"),
    pytest.param("a: &x\n", f"{TAGGED} (line 2)", id="anchor"),
    pytest.param("a: !!str\n", f"{TAGGED} (line 2)", id="tag"),
    pytest.param("a:\n  !!str\n", f"{TAGGED} (line 2)", id="tag on the next line"),
    pytest.param("b: &x\na: *x\n", f"{TAGGED} (line 3)", id="alias"),
    pytest.param("a:\n- &x\n", f"{TAGGED} (line 2)", id="anchored item"),
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
    found = unfillable_reason(view, ["a", "missing"])
    assert found == reason or (reason and found and found.endswith(reason))


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
def test_what_is_unfillable_holds_rare_syntax(
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
            assert may_be_unfillable(note), refused
