import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from companion.app.jobs import plan_again
from companion.app.types.proposals import Wish
from companion.enrich.plan import plan_edits
from companion.errors import NoteRefused, UsageError
from companion.note.callouts import Section
from companion.note.editor_text import to_utf16
from companion.note.edits import Edit, apply_edits
from companion.note.facts import find_facts
from companion.note.needs import CALLOUT, Need, Rules
from companion.note.note import ParsedNote
from companion.note.postponed import KEEP, REMOVE
from companion.note.text import NoteText
from companion.store.changes import invert_edits
from companion.store.proposals import Proposal, ProposalState
from tests.cases import Case, cases
from tests.enrich.conftest import Open
from tests.examples import labelled, many

RULES = Rules()


def fill(text: str) -> tuple[ParsedNote, list[Proposal]]:
    view = ParsedNote(NoteText(text))
    facts = find_facts(view, RULES, explicit=True)
    fillings = []
    for need in facts.needs:
        value: str | list[str] = "D: d"
        if need.kind == CALLOUT:
            value = ["One.", "", "Two."]
        elif need.kind in ("tags", "aliases"):
            value = ["one", "two"]
        fillings.append(Proposal("a.md", need, value))
    return view, fillings


@cases("enrich/cases/filled.md", "Filled")
def test_fills_a_note(case: Case) -> None:
    view, fillings = fill(case.before)
    for order in (fillings, fillings[::-1]):
        assert plan_edits(view, order, RULES, frozenset(), KEEP).text == case.after


STAYS = [
    pytest.param("tags: [status/postponed]", "#status/postponed", id="the only tag"),
    pytest.param("tags:\n- status/postponed", "#status/postponed", id="in its line"),
    pytest.param("tags: status/postponed", "#status/postponed", id="as a text"),
    pytest.param("tags:\n- a\n- status/postponed # b", "#status/postponed", id="a comment after"),
    pytest.param("status: &x postponed\nb: *x", "status: postponed", id="an anchor"),
    pytest.param("tags: [a, status/postponed]", None, id="it goes"),
]


@pytest.mark.parametrize(("yaml", "mark"), STAYS)
def test_a_mark_that_stays_is_told(yaml: str, mark: str | None) -> None:
    view, fillings = fill(f"---\n{yaml}\ndescription:\n---\nText.\n")
    left = plan_edits(view, fillings, RULES, frozenset(), REMOVE).unfilled
    assert [reason.partition(",")[0] for reason in left] == (
        [f"the mark {mark} stays"] * bool(mark)
    )
    assert not plan_edits(view, fillings, RULES, frozenset(), KEEP).unfilled


KEYS = ("description", "aliases", "tags", "title", "created", "note-type", "Status", "x y")
VALUES = (
    "", " ", " null", " ~", ' ""', " ''", " []", " # later", " word", " 2024-02-30", " yes",
    " a: b" , " [a, b]", "\n  - a\n  - b", "\n- a", "\n    - a", ' "quoted: # x"', " |\n  text\n",
    "\n  - ", " >-\n  folded\n  text", " 012", " &x 1", " {a: 1}",
)  # fmt: skip
BODY = (
    "# T", "#status/postponed", "", "---", "Text with #tag.", "> [!ai] Why?", "> [!ai]+ AI", ">",
    "> quoted", "## H", "- item", "  - > [!AI|x]- How", "```", "%%", "<!-- c -->", "    code",
    "===", "\t- x", "$$", "| a | b |", "\u2028", "1. > [!ai]",
)  # fmt: skip
NEWLINES = st.sampled_from(["\n", "\n", "\r\n", "\r"])


@st.composite
def notes(draw: st.DrawFn) -> str:
    keys = draw(st.lists(st.sampled_from(KEYS), max_size=5, unique=True))
    front = [f"{key}:{draw(st.sampled_from(VALUES))}" for key in keys]
    opening = draw(st.sampled_from([["---"], ["---", ""], []]))
    lines = [*opening, *front, "---"] if opening else []
    lines += draw(st.lists(st.sampled_from(BODY), max_size=10))
    newline = draw(NEWLINES)
    text = "\n".join(lines) + draw(st.sampled_from(["", "\n"]))
    if draw(st.integers(0, 5)) == 0:  # mixed line ends
        return "".join(draw(NEWLINES) if char == "\n" else char for char in text)
    return draw(st.sampled_from(["", "\ufeff"])) + text.replace("\n", newline)


@settings(max_examples=many(600))
@given(notes())
def test_nothing_else_changes_and_nothing_is_left_to_fill(text: str) -> None:
    try:
        view, fillings = fill(text)
        plan = plan_edits(view, fillings, RULES, frozenset(), KEEP)
    except NoteRefused:
        return
    assert apply_edits(text, plan.edits) == plan.text
    for edit in plan.edits:  # nothing but a token that says nothing is replaced
        assert text[edit.start : edit.end].strip() in ("", "null", "~", '""', "''", "[]")
    filled = {filling.need.key for filling in fillings}
    again = find_facts(ParsedNote(NoteText(plan.text)), RULES, explicit=True)
    assert filled.isdisjoint(need.key for need in again.needs)
    before, after = NoteText(text), NoteText(plan.text)
    for load in (yaml.safe_load, YAML(typ="safe", pure=True).load):
        assert same_but_filled(load, before.yaml, after.yaml, filled | {"description"})


def same_but_filled(load: object, old: str, new: str, filled: set[str]) -> bool:
    assert callable(load)
    try:
        before = load(old) or {}
    except Exception:  # dates that do not exist: nothing to compare
        return True
    after = load(new) or {}
    names = [name for name in before if str(name) not in filled]
    return all(repr(after.get(name)) == repr(before[name]) for name in names)


@pytest.mark.parametrize(
    ("question", "name"), [(None, "“Perplexity” is gone"), ("Why?", "“Why\\?” is gone")]
)
def test_a_callout_that_is_gone_is_named(question: str | None, name: str) -> None:
    need = Need(CALLOUT, "Perplexity", question, "request", "an empty AI callout")
    with pytest.raises(NoteRefused, match=name):
        note = ParsedNote(NoteText("Text.\n"))
        plan_edits(note, [Proposal("a.md", need, "One.")], RULES, frozenset(), KEEP)


def test_a_section_is_the_only_one_of_its_heading_unless_it_says_otherwise() -> None:
    need = Need(CALLOUT, "Uses", None, "section", "")
    note = ParsedNote(NoteText("## Uses\n"))
    plan = plan_edits(note, [Proposal("a.md", need, "One.")], RULES, frozenset(), KEEP)
    assert plan.text == "## Uses\n\n> [!ai]+ AI\n> One.\n"


TOP = Need(CALLOUT, None, None, "top", "")
CUPS = Need(CALLOUT, "Cups", None, "section", "", 1, 1, 2)
SORTS = Need(CALLOUT, "Sorts", None, "section", "")
AGAIN: dict[str, tuple[ProposalState, Need, Section | str | None]] = {
    "of a note": ("open", TOP, None),
    "of a section": ("open", CUPS, Section("Cups", 1, 2)),
    "asked in a batch": ("asked", TOP, "it was asked in a batch"),
}


@labelled(("state", "need", "expected"), AGAIN)
def test_what_is_asked_for_again(
    open_vault: Open, state: ProposalState, need: Need, expected: Section | str | None
) -> None:
    workspace = open_vault({}, "")
    new = Proposal("a.md", need, "Of clay.", state)
    [stored] = workspace.journal.proposals.add([new])
    scan, wish = workspace.scan(), Wish(wish="Shorter.")
    if isinstance(expected, str):
        with pytest.raises(UsageError, match=expected):
            plan_again(workspace, scan, stored.id, wish)
        return
    [job] = plan_again(workspace, scan, stored.id, wish).jobs
    assert (job.section, job.explicit, job.propose) == (expected, expected is None, True)


FILLED_IN_EDITORS = Path(__file__).parents[2] / "obsidian-plugin/tests/host/edits.json"
_MIXED = "---\nmood: ok\n{}\nkind: 1\n---\n\n# T\n\nText.\n"
IN_EDITORS = {
    "a text": (_MIXED.format("description:"), "description"),
    "a text after a space": (_MIXED.format("description: "), "description"),
    "a text before a comment": (_MIXED.format("description: # c"), "description"),
    "a text in place of quotes": (_MIXED.format('description: ""'), "description"),
    "a text in place of a block": (_MIXED.format("description: |"), "description"),
    "the first property": ("---\ndescription:\nmood: ok\n---\nText.\n", "description"),
    "the last property": ("---\nmood: ok\ndescription:\n---\nText.\n", "description"),
    "a list": (_MIXED.format("tags:"), "tags"),
    "a list before a blank line": (_MIXED.format("tags:\n"), "tags"),
    "the first list": ("---\ntags:\nmood: ok\n---\nText.\n", "tags"),
    "the last list": ("---\nmood: ok\ntags:\n---\nText.\n", "tags"),
    "a list of nothing": (_MIXED.format("tags:\n  - "), "tags"),
    "a list in brackets": (_MIXED.format("tags: []"), "tags"),
    "text and list at once": (_MIXED.format("description:\ntags:"), "description tags"),
    "a new property": ("---\nmood: ok\n---\nText.\n", "description"),
    "a list, and a new property": ("---\nmood: ok\ntags:\n---\nText.\n", "description tags"),
    "properties where there are none": ("# T\n\nText.\n", "description"),
    "a callout above text": ("# T\n\nText.\n", "callout"),
    "a callout right below a title": ("# T\nText.\n", "callout"),
    "a callout in an empty note": ("---\nmood: ok\n---\n# T\n\n", "callout"),
    "a callout at the very end": ("# T", "callout"),
    "an answer": ("# T\n\nText.\n\n> [!ai] Why?\n\nMore.\n", "callout"),
    "an answer at the very end": ("Text.\n\n## H\n\n> [!ai] Why?", "callout"),
    "an answer in a list": ("- a\n- > [!ai] Why?\n- b\n", "callout"),
    "everything at once": (_MIXED.format("description:\ntags:\naliases:"), ""),
    "a mark in its line": ("# T\n\n#status/postponed\n\nText.\n", ""),
    "a mark among words": ("# T\n\nWords #status/postponed here.\n", ""),
    "a mark among tags": (
        "---\ntags:\n  - a\n  - status/postponed\nmood: ok\n---\nText.\n",
        "",
    ),
}


def _offer(old: str, new: str, edits: list[Edit]) -> dict[str, object]:
    made = [
        {**edit._asdict(), "place": edit.place and edit.place._asdict()}
        for edit in to_utf16(old, edits)
    ]
    return {"before": old, "after": new, "edits": made}


def test_the_plugin_is_tested_with_the_edits_of_today() -> None:
    """Its tests make them in CodeMirror, around cursors everywhere, and take them back."""
    made: dict[str, dict[str, object]] = {}
    for name, (text, kinds) in IN_EDITORS.items():
        view, fillings = fill(text)
        chosen = [
            filling
            for filling in fillings
            if filling.need.kind in (kinds.split() or [filling.need.kind])
        ]
        plan = plan_edits(view, chosen, RULES, frozenset(), KEEP if kinds else REMOVE)
        edits = sorted(plan.edits)
        replaced = [text[edit.start : edit.end] for edit in edits]
        undo = invert_edits(edits, replaced)
        made[name] = _offer(text, plan.text, edits)
        made[f"{name}, taken back"] = _offer(plan.text, text, undo)
    expected = json.dumps(made, ensure_ascii=False, indent=1) + "\n"
    if FILLED_IN_EDITORS.read_text(encoding="utf-8") != expected:
        FILLED_IN_EDITORS.write_text(expected, encoding="utf-8", newline="\n")
        pytest.fail(f"{FILLED_IN_EDITORS.name} was out of date and has been written; look at it")
