"""Taking the postponed mark: before and after, and that nothing else is read otherwise."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.errors import NoteRefused
from companion.note.edit import apply_edits
from companion.note.needs import Rules
from companion.note.parsed_note import ParsedNote
from companion.note.status_mark import replace_status_marks
from companion.note.text import NoteText
from tests.examples import many
from tests.note.strategies import VARIANTS, notes

RULES = Rules()


def taken(text: str, afterwards: str, rules: Rules = RULES) -> str:
    return apply_edits(text, replace_status_marks(ParsedNote(NoteText(text)), rules, afterwards))


# Before; without the mark; with #status/done in its place. None: the note stays as it was.
INLINE = [
    pytest.param("#status/postponed", "", "#status/done", id="alone"),
    pytest.param(
        "a\n\n#status/postponed\n\nb\n", "a\n\nb\n", "a\n\n#status/done\n\nb\n", id="line"
    ),
    pytest.param("# A\n#status/postponed\nb", "# A\nb", "# A\n#status/done\nb", id="no gaps"),
    pytest.param("# A\n#status/postponed\n\nb", "# A\n\nb", "# A\n#status/done\n\nb", id="one gap"),
    pytest.param("#status/postponed\n\nb", "b", "#status/done\n\nb", id="first line"),
    pytest.param("#x #Status/Postponed #y", "#x #y", "#x #status/done #y", id="among tags"),
    pytest.param("#status/postponed #y", "#y", "#status/done #y", id="before a tag"),
    pytest.param("#x#status/postponed", "#x", "#x#status/done", id="right after a tag"),
    pytest.param("a #status/postponed/soon.", "a.", "a #status/done.", id="nested, in a sentence"),
    pytest.param("# A #status/postponed\n", "# A\n", "# A #status/done\n", id="in a title"),
    pytest.param("- #status/postponed b", "- b", "- #status/done b", id="in a list"),
    pytest.param("- #status/postponed", None, "- #status/done", id="all of a list item"),
    pytest.param("a\n#status/postponed\n---\n", None, "a\n#status/done\n---\n", id="underlined"),
    pytest.param(
        "#status/postponed\n---\na: 1\n---\n",
        None,
        "#status/done\n---\na: 1\n---\n",
        id="what would become properties",
    ),
    pytest.param(
        "#status/postponed %% b %%\n", None, "#status/done %% b %%\n", id="with a comment"
    ),
    pytest.param("`#status/postponed` #x", None, None, id="no tag"),
    pytest.param("#status/postponed2 #status", None, None, id="other tags"),
    pytest.param(
        "#status/postponed\n\nb #status/postponed\n",
        "b\n",
        "#status/done\n\nb #status/done\n",
        id="two",
    ),
]
INLINE += [
    pytest.param(f"x\n\n{line}\n", None, f"x\n\n{line}\n".replace("postponed", "done"), id=name)
    for name, line in {
        "what would become a task": "#status/postponed - [ ] call Bob",
        "what would become a callout": "> #status/postponed [!ai] hello",
        "what would become a block id": "A claim ^c1 #status/postponed",
        "what would become a numbered list": "#status/postponed 1. x",
        "what would become a link's target": "#status/postponed [1]: https://x.y",
        "what would become code": "#status/postponed     x",
        "what would become a table": "| a | b |\n#status/postponed\n|---|---|",
        "what would become a table by its end": "a\n|---| #status/postponed",
        "what would become a list in its line's place": "#status/postponed\n2. x",
        "what would become a target in its line's place": "#status/postponed\n[1]: https://x.y",
        "what would become a block id in its line's place": "#status/postponed\n^c1",
        "what would become one list": "1. a\n\n#status/postponed\n\n1. b",
        "what would become of a list": "- a\n\n#status/postponed\n\n  b",
        "what would end in a backslash": "a\\\n#status/postponed",
        "what would break the line": "a   #status/postponed\nb",
        "what would close a heading": "## A # #status/postponed",
        "what would become a field": "#status/postponed key:: value",
        "what would become a link": "[a] #status/postponed(b)",
        "an empty task": "- [ ] #status/postponed",
    }.items()
]
INLINE += [
    pytest.param("#status/postponed **b** c", "**b** c", "#status/done **b** c", id="emphasis"),
    pytest.param("[[a]] #status/postponed", "[[a]]", "[[a]] #status/done", id="after a link"),
    pytest.param("- [ ] a #status/postponed", "- [ ] a", "- [ ] a #status/done", id="in a task"),
    pytest.param("a #status/postponed#b", "a #b", "a #status/done#b", id="right before a tag"),
    pytest.param(
        "#status/postponed #status/postponed b", "b", "#status/done #status/done b", id="twice"
    ),
]

PROPERTIES = [
    ("tags:\n  - a\n  - status/postponed", "tags:\n  - a", "tags:\n  - a\n  - status/done"),
    ("tags:\n- STATUS/postponed\n- a", "tags:\n- a", "tags:\n- status/done\n- a"),
    ("tags:\n- '#status/postponed' \n- a", "tags:\n- a", "tags:\n- '#status/done' \n- a"),
    ("tags:\n- status/postponed", None, "tags:\n- status/done"),
    ("tags: [a, status/postponed]", "tags: [a]", "tags: [a, status/done]"),
    ('tags: ["status/postponed", a]', "tags: [a]", 'tags: ["status/done", a]'),
    ("tags: [ status/postponed ]", None, "tags: [ status/done ]"),
    ("tags: a, status/postponed, b", "tags: a, b", "tags: a, status/done, b"),
    ("tag: status/postponed a", "tag: a", "tag: status/done a"),
    ("tags: status/postponed", None, "tags: status/done"),
    ("tags:\n- status/postponed # b\n- a", None, "tags:\n- status/done # b\n- a"),
    ("tags: &x [a, status/postponed]\nb: *x", None, None),
    ("{tags: [a, status/postponed]}", None, None),
    ('{\n"status": "postponed"\n}', None, '{\n"status": "done"\n}'),
    (
        '{\n"tags": ["a", "status/postponed"]\n}',
        '{\n"tags": ["a"]\n}',
        '{\n"tags": ["a", "status/done"]\n}',
    ),
    ("status: postponed", "status:", "status: done"),
    ("status: 'Postponed' # b", "status: # b", "status: 'done' # b"),
    ("status: postponed\nb: postponed", "status:\nb: postponed", "status: done\nb: postponed"),
    ("b: 1\nStatus:\n- postponed\nc: 1", "b: 1\nStatus:\nc: 1", "b: 1\nStatus:\n- done\nc: 1"),
    ("status: postponed until May", None, None),
    ("status: |\n  postponed", "status: |", "status: |\n  done"),
    ("a: 1", None, None),
    (
        "status: postponed # postponed since May",
        "status: # postponed since May",
        "status: done # postponed since May",
    ),
    (
        "tags: # status/postponed\n# status/postponed\n  - a\n  # status/postponed, later\n"
        "  - status/postponed\n  # b, status/postponed\nb: 1",
        "tags: # status/postponed\n# status/postponed\n  - a\n  # status/postponed, later\n"
        "  # b, status/postponed\nb: 1",
        "tags: # status/postponed\n# status/postponed\n  - a\n  # status/postponed, later\n"
        "  - status/done\n  # b, status/postponed\nb: 1",
    ),
    (
        "tags: [a, # status/postponed\n  status/postponed, b] # status/postponed",
        "tags: [a, # status/postponed\n  b] # status/postponed",
        "tags: [a, # status/postponed\n  status/done, b] # status/postponed",
    ),
    (
        "status: | # postponed\n  postponed\n# postponed",
        "status: | # postponed\n# postponed",
        "status: | # postponed\n  done\n# postponed",
    ),
    ("status: # postponed", None, None),
    ("status: postponed\nb: 1 # c\u2028d: 2", None, None),
    (
        "tags: [status/postponed, status/postponed/soon, a]",
        "tags: [a]",
        "tags: [status/done, status/done, a]",
    ),
    (
        "tags: [a, status/postponed , status/postponed]",
        "tags: [a]",
        "tags: [a, status/done , status/done]",
    ),
    ("tags: [status/postponed, status/postponed]", None, "tags: [status/done, status/done]"),
    ("tags: status/postponed, status/postponed,a", "tags: a", "tags: status/done, status/done,a"),
    ("status: [postponed, postponed]", "status: []", "status: [done, done]"),
    ("status: [postponed, postponed\n ]", "status: [\n ]", "status: [done, done\n ]"),
]


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize(("text", "removed", "replaced"), INLINE)
def test_inline(
    text: str, removed: str | None, replaced: str | None, variant: Callable[[str], str]
) -> None:
    assert taken(variant(text), "remove") == variant(text if removed is None else removed)
    assert taken(variant(text), "#status/done") == variant(text if replaced is None else replaced)
    assert taken(variant(text), "keep") == variant(text)


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize(("yaml", "removed", "replaced"), PROPERTIES)
def test_properties(
    yaml: str, removed: str | None, replaced: str | None, variant: Callable[[str], str]
) -> None:
    def note(found: str | None) -> str:
        return variant(f"---\n{yaml if found is None else found}\n---\ntext\n")

    assert taken(note(None), "remove") == note(removed)
    assert taken(note(None), "#status/done") == note(replaced)
    assert taken(note(None), "keep") == note(None)


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
