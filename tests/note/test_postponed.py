"""Taking the postponed mark: before and after, and that nothing else is read otherwise."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.errors import NoteRefused
from companion.note.edits import apply_edits
from companion.note.needs import Rules
from companion.note.note import ParsedNote
from companion.note.postponed import replace_status_marks
from companion.note.text import NoteText
from tests.cases import Case, cases
from tests.examples import many
from tests.note.strategies import notes

PAGE, FRAME = "note/cases/status-mark.md", "---\n{}---\ntext\n"
MARKED = re.compile("(?<!`)#status/postponed(?:/soon)?(?!2)", re.IGNORECASE)
RULES = Rules()


def taken(text: str, afterwards: str, rules: Rules = RULES) -> str:
    return apply_edits(text, replace_status_marks(ParsedNote(NoteText(text)), rules, afterwards))


@cases(PAGE, "Taken out of the text")
def test_inline(case: Case) -> None:
    assert taken(case.before, "remove") == taken(case.after, "remove") == case.after
    assert taken(case.before, "#status/done") == MARKED.sub("#status/done", case.before)
    assert taken(case.before, "keep") == case.before


@cases(PAGE, "Taken out of properties", FRAME)
def test_taken_out_of_properties(case: Case) -> None:
    assert taken(case.before, "remove") == case.after
    assert taken(case.before, "keep") == case.before


@cases(PAGE, "Replaced in properties", FRAME)
def test_replaced_in_properties(case: Case) -> None:
    assert taken(case.before, "#status/done") == case.after


def test_a_mark_stays_where_the_properties_cannot_be_edited() -> None:
    text = "---\nstatus: postponed\nb: 1 # c\u2028d: 2\n---\ntext\n"
    assert taken(text, "remove") == taken(text, "#status/done") == text


def test_all_marks_go() -> None:
    text = "---\ntags: [a, status/postponed]\nstatus: postponed\n---\n#status/postponed\n\nb"
    assert taken(text, "remove") == "---\ntags: [a]\nstatus:\n---\nb"


def test_a_property_that_would_be_filled_again_is_not_emptied() -> None:
    text = "---\nstatus: postponed\n---\n"
    assert taken(text, "remove", Rules(fields=("description", "status"))) == text


NAMED_TWICE = Rules(
    postponed_tags=("status/postponed", "todo"),
    postponed_properties=(("tags", "todo"), ("Tags", "later"), ("status", "todo")),
)


@pytest.mark.parametrize(
    ("yaml", "removed", "replaced"),
    [
        pytest.param("tags: [todo, a]", "tags: [a]", "tags: [status/done, a]", id="a tag"),
        pytest.param(
            "tags: [todo, later, a]", "tags: [a]", "tags: [status/done, status/done, a]", id="two"
        ),
        pytest.param("tags:\n- a\n- todo", "tags:\n- a", "tags:\n- a\n- status/done", id="below"),
        pytest.param("status: [todo, a]", "status: [a]", "status: [done, a]", id="no tag"),
    ],
)
def test_a_mark_that_is_named_twice(yaml: str, removed: str, replaced: str) -> None:
    text = f"---\n{yaml}\n---\n"
    assert taken(text, "remove", NAMED_TWICE) == text.replace(yaml, removed)
    assert taken(text, "#status/done", NAMED_TWICE) == text.replace(yaml, replaced)


@st.composite
def lists(draw: st.DrawFn) -> str:
    """Properties with lists of marks and other items, written in many ways."""
    words = ["a", "later", "Todo", "'#todo'", '"todo/b"', "status/postponed", "b # todo"]
    items = draw(st.lists(st.sampled_from(words), max_size=5))
    between = draw(st.sampled_from([", ", ",", " , ", " ", ",\n  ", "\n  , "]))
    opening = draw(st.sampled_from([" [", "\n  [ ", " ", " |\n  ", "\n- ", "\n  - "]))
    if "-" in opening:
        between = opening
    end = draw(st.sampled_from(["]", "\n  ]", " ] # todo"])) if "[" in opening else ""
    return f"{draw(st.sampled_from(['tags', 'status']))}:{opening}{between.join(items)}{end}"


@settings(max_examples=many(250))
@given(lists(), st.sampled_from(["remove", "#status/done"]))
def test_only_marks_of_a_list_go(yaml: str, afterwards: str) -> None:
    try:
        old = ParsedNote(NoteText(f"---\n{yaml}\n---\n")).properties.tags
    except NoteRefused:
        return
    text = taken(f"---\n{yaml}\n---\n", afterwards, NAMED_TWICE)
    new = ParsedNote(NoteText(text)).properties.tags
    others = [tag for tag in old if tag in ("a", "b")]
    assert [tag for tag in new if tag in ("a", "b")] == others
    assert new == old or not {"todo", "status/postponed", "later"} & {*map(str.lower, new)}


@settings(max_examples=many(250))
@given(notes, st.sampled_from(["remove", "#status/done"]))
def test_nothing_else_is_read_otherwise(text: str, afterwards: str) -> None:
    try:
        view = ParsedNote(NoteText(text))
    except NoteRefused:
        return
    new = ParsedNote(NoteText(taken(text, afterwards)))
    touched = ("tags", "tag", "status")
    for key in view.properties.values.keys() | new.properties.values.keys():
        if key not in touched:
            assert view.properties.get(key) == new.properties.get(key)
    gone = "status/postponed"
    others = [tag for tag in view.inline_tags if tag != gone]
    assert [tag for tag in new.inline_tags if tag not in (gone, "status/done")] == others
    assert len(new.callouts) == len(view.callouts)
