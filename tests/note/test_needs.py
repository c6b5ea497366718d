"""What a note needs and why, what is left alone and why; and that filling it leaves no need."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.errors import NoteRefused
from companion.note.callouts import PLAIN, Section, answer_callout, place_callout
from companion.note.edits import Edit, apply_edits
from companion.note.facts import UNKNOWN, Facts, find_facts, read_facts
from companion.note.frontmatter import add_property, fill_property
from companion.note.needs import Need, Rules, find_callout
from companion.note.note import ParsedNote
from companion.note.text import NoteText
from tests.cases import Case, cases
from tests.examples import many
from tests.note.strategies import notes

RULES = Rules(skip_tags=("private",))
PAGE = "note/cases/needs.md"


def facts(text: str, *, explicit: bool = False, section: Section | None = None) -> Facts:
    try:
        view = ParsedNote.decode(text.encode("utf-8", "surrogatepass"))
        return find_facts(view, RULES, explicit=explicit, section=section)
    except NoteRefused as refused:
        return Facts(skipped=str(refused), marks=(UNKNOWN,))


def needs(text: str, *, explicit: bool = False, section: Section | None = None) -> list[str]:
    found = facts(text, explicit=explicit, section=section).needs
    return [f"{need.kind} {need.where}: {need.reason}" for need in found]


def noted(properties: str, body: str = "text\n> [!ai] AI\n> x\n") -> str:
    return f"---\n{properties}\n---\n{body}"


@cases(PAGE, "Notes that nobody named")
def test_needs(case: Case) -> None:
    assert needs(case.before) == case.told


@cases(PAGE, "A note that the user named")
def test_needs_of_a_note_the_user_named(case: Case) -> None:
    assert needs(case.before, explicit=True) == case.told


def test_only_what_is_set_is_filled() -> None:
    rules = Rules(fields=("description", "mood"), callout=False, postponed_tags=("todo",))
    found = read_facts(noted("mood:\ntags:", "#todo\n> [!ai] Why?").encode(), rules)
    assert [need.reason for need in found.needs] == ["empty mood", "your question: Why?"]


ASKED = "callout section: you asked for a callout in this section"

SECTIONS = [
    pytest.param("## Uses of it\n## Uses\n", "## uses", "Uses", id="in any case"),
    pytest.param("## Uses of it\n", "Uses", "no heading reads “Uses”; it has “Uses of", id="none"),
    pytest.param("## Uses\n## uses\n", "Uses", "2 headings read “Uses”", id="twice"),
]


@pytest.mark.parametrize(("text", "words", "heading"), SECTIONS)
def test_a_section_is_named_by_its_heading(text: str, words: str, heading: str) -> None:
    found = facts(text, section=Section(words))
    assert heading in (found.skipped or [need.heading for need in found.needs])


def test_the_callout_of_a_need_is_found() -> None:
    view = ParsedNote(NoteText("> [!ai] Q\n> x\n\n> [!ai] Q\n"))
    (need,) = facts(view.note.text).needs
    callout = find_callout(view, need)
    assert callout
    assert callout.first == 3
    assert find_callout(view, need._replace(nth=3)) is None


def _fill(view: ParsedNote, need: Need) -> list[Edit]:
    if need.kind == "callout":
        callout = find_callout(view, need)
        if callout:
            return [answer_callout(view.note, view.lines, callout, ["x", "", "- y"])]
        return [place_callout(view.note, view.lines, ["x"], PLAIN)]
    value: str | list[str] = ["x y", "z"] if need.kind in ("aliases", "tags") else "x: y"
    key = view.property_key(need.kind)
    return (
        fill_property(view.note, key, value) if key else add_property(view.note, need.kind, value)
    )


@settings(max_examples=many(250))
@given(notes, st.booleans())
def test_a_filled_note_has_no_need(text: str, explicit: bool) -> None:
    found = facts(text, explicit=explicit)
    if found.skipped or text.rstrip() == "---":
        return
    view = ParsedNote(NoteText(text))
    try:
        edits = [edit for need in found.needs for edit in _fill(view, need)]
    except NoteRefused:
        return
    filled = facts(apply_edits(text, edits), explicit=explicit)
    assert (filled.needs, filled.skipped) == ((), None)


RECORD = "---\ndescription:\n---\n# Plugin\n\nAuthor: [[Ann]]\nMobile: yes\n- [Site](https://example.org)\n"


@pytest.mark.parametrize(
    ("text", "explicit", "asked"),
    [
        pytest.param(RECORD, False, False, id="fields"),
        pytest.param(RECORD, True, True, id="named"),
        pytest.param(RECORD + "\n#status/postponed\n", False, True, id="marked"),
        pytest.param(RECORD + "\nIt syncs. It is fast.\n", False, True, id="with sentences"),
        pytest.param(RECORD + "\n```\nx\n```\n", False, True, id="with code"),
        pytest.param("---\ndescription:\n---\n# Plugin\n", False, True, id="a title alone"),
    ],
)
def test_a_record_gets_no_callout_unasked(text: str, explicit: bool, asked: bool) -> None:
    kinds = [need.kind for need in facts(text, explicit=explicit).needs]
    assert kinds == ["description", *["callout"] * asked]
