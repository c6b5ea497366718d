"""Edits: made, taken back, and carried over to a note that changed."""

import random
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.note.diff import CommonLines, align, slide_up
from companion.note.edits import (
    Edit,
    EditLost,
    apply_edits,
    diff_edits,
    find_place,
    name_place,
    rebase,
)
from companion.note.text import split_lines
from tests.examples import labelled

_TEXTS = st.text(st.sampled_from("ab\n\r"), max_size=12)


@st.composite
def edited(draw: st.DrawFn) -> tuple[str, list[Edit]]:
    """A note and edits that do not overlap, in any order."""
    note = draw(_TEXTS)
    offsets = st.integers(0, len(note))
    bounds = sorted(draw(st.lists(offsets, max_size=6).filter(lambda found: not len(found) % 2)))
    edits = [
        Edit(start, end, draw(_TEXTS))
        for start, end in zip(bounds[::2], bounds[1::2], strict=True)
        if bounds.count(start) <= 2
    ]
    return note, draw(st.permutations(edits))


@pytest.mark.parametrize(
    ("edits", "new"),
    [
        pytest.param([], "abc", id="none"),
        pytest.param([Edit(0, 0, "x")], "xabc", id="insert first"),
        pytest.param([Edit(3, 3, "x")], "abcx", id="insert last"),
        pytest.param([Edit(1, 2, "")], "ac", id="delete"),
        pytest.param([Edit(2, 3, "y"), Edit(0, 1, "x")], "xby", id="in any order"),
        pytest.param([Edit(1, 1, "x"), Edit(1, 1, "y")], "axybc", id="two at one offset"),
        pytest.param([Edit(1, 2, "y"), Edit(1, 1, "x")], "axyc", id="insert before a replacement"),
        pytest.param([Edit(0, 1, ""), Edit(1, 1, "x")], "xbc", id="insert after a deletion"),
    ],
)
def test_edits_are_made(edits: list[Edit], new: str) -> None:
    assert apply_edits("abc", edits) == new


@pytest.mark.parametrize(
    ("edits", "reason"),
    [
        pytest.param([Edit(0, 2, ""), Edit(1, 3, "")], "overlaps .*, up to 2", id="overlap"),
        pytest.param([Edit(0, 2, ""), Edit(1, 1, "x")], "overlaps .*, up to 2", id="inside"),
        pytest.param([Edit(2, 1, "")], "not in the note", id="backwards"),
        pytest.param([Edit(4, 4, "")], "not in the note, which has 3", id="beyond the end"),
        pytest.param([Edit(-1, 0, "")], "not in the note", id="before the start"),
    ],
)
def test_edits_that_cannot_be_made(edits: list[Edit], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        apply_edits("abc", edits)


@given(_TEXTS, _TEXTS)
def test_a_difference_is_edits(old: str, new: str) -> None:
    assert apply_edits(old, diff_edits(old, new)) == new


def test_lines_put_in_before_a_blank_one_keep_the_blank_one_before_them() -> None:
    old, new = "p:\n#\n\nText\n", "p: x\n#\n\nours\n\nText\n"
    assert diff_edits(old, new) == [Edit(0, 3, "p: x\n"), Edit(6, 6, "ours\n\n")]


@pytest.mark.parametrize(
    ("edit", "new", "moved"),
    [
        pytest.param(Edit(2, 2, "x\n"), "a\nb\nc\n", Edit(2, 2, "x\n"), id="nothing changed"),
        pytest.param(Edit(2, 2, "x\n"), "0\na\nb\nc\n", Edit(4, 4, "x\n"), id="lines above"),
        pytest.param(Edit(2, 2, "x\n"), "a\nb\nc\nd\n", Edit(2, 2, "x\n"), id="lines below"),
        pytest.param(Edit(2, 4, ""), "0\na\nb\nc\n", Edit(4, 6, ""), id="a line to delete"),
        pytest.param(Edit(2, 3, "B"), "0\nb\n", Edit(2, 3, "B"), id="others are gone"),
        pytest.param(Edit(2, 3, "B"), "a\nbb\nc\n", None, id="its line was changed"),
        pytest.param(Edit(2, 2, "x\n"), "a\n0\nb\nc\n", None, id="its neighbours were parted"),
        pytest.param(Edit(2, 4, ""), "a\nb\n", Edit(2, 4, ""), id="to the end of what is left"),
        pytest.param(Edit(2, 2, "x\n"), "b\nc\n", None, id="one neighbour is gone"),
        pytest.param(Edit(0, 0, "x\n"), "a\nc\n", Edit(0, 0, "x\n"), id="at the top of the note"),
        pytest.param(Edit(6, 6, "x\n"), "0\nc\n", Edit(4, 4, "x\n"), id="at the end of the note"),
        pytest.param(Edit(0, 0, "x\n"), "0\na\nb\nc\n", None, id="no longer at the top"),
        pytest.param(Edit(6, 6, "x\n"), "a\nb\nc\nd\n", None, id="no longer at the end"),
        pytest.param(Edit(6, 6, "x\n"), "", None, id="nothing is left"),
    ],
)
def test_edits_carry_over(edit: Edit, new: str, moved: Edit | None) -> None:
    if moved:
        assert rebase([edit], "a\nb\nc\n", new) == [moved]
    else:
        with pytest.raises(EditLost):
            rebase([edit], "a\nb\nc\n", new)


@given(edited(), _TEXTS)
def test_what_others_wrote_below_stays(case: tuple[str, list[Edit]], below: str) -> None:
    note, edits = case
    old = f"{note}\n--\n"
    moved = rebase(edits, old, f"{old}{below}")
    assert apply_edits(f"{old}{below}", moved) == apply_edits(old, edits) + below


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(Edit(2, 8, ""), id="with the blank line before"),
        pytest.param(Edit(3, 9, ""), id="with the blank line after"),
    ],
)
def test_a_paragraph_put_above_does_not_part_the_lines_of_an_edit(edit: Edit) -> None:
    old, new = "#\n\nours\n\nText\n", "#\n\nOn top.\n\nours\n\nText\n"
    assert apply_edits(new, rebase([edit], old, new)) == "#\n\nOn top.\n\nText\n"


_LINES = st.lists(st.sampled_from(["\n", "a\n", "b\n", "1\n", "2\n", "3\n", "4\n"]), max_size=16)


@st.composite
def rewritten(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """The lines of a note, and of the note with some put in and some taken out."""
    old = draw(_LINES)
    new = [line for line in old if draw(st.integers(0, 9))]
    for line in draw(st.lists(st.sampled_from(["\n", "a\n", "new\n"]), max_size=4)):
        new.insert(draw(st.integers(0, len(new))), line)
    return old, new


@given(rewritten() | st.tuples(_LINES, _LINES))
def test_shared_lines_are_runs_as_long_as_can_be(case: tuple[list[str], list[str]]) -> None:
    a, b = case
    for runs in (found := align(a, b), slide_up(a, b, found)):
        assert all(a[r.a : r.a + r.size] == b[r.b : r.b + r.size] and r.size for r in runs)
        for first, second in pairwise(runs):
            gaps = (second.a - first.a - first.size, second.b - first.b - first.size)
            assert min(gaps) >= 0 < max(gaps)
        assert sum(r.size for r in runs) == sum(r.size for r in found)


@labelled(
    ("a", "b", "runs"),
    {
        "the longest runs": ("1xxx", "xxx1", [CommonLines(1, 0, 3)]),
        "what follows them": ("12345", "41253", [CommonLines(0, 1, 2), CommonLines(2, 4, 1)]),
        "nothing at the ends": ("xaax", "yaay", [CommonLines(1, 1, 2)]),
        "later": ("1x2", "1xx2", [CommonLines(0, 0, 2), CommonLines(2, 3, 1)]),
        "nothing": ("ab", "cd", []),
    },
)
def test_lines_that_are_shared(a: str, b: str, runs: list[CommonLines]) -> None:
    assert align(a, b) == runs


@given(rewritten(), st.data())
def test_what_carries_over_has_its_neighbours(
    case: tuple[list[str], list[str]], data: st.DataObject
) -> None:
    old, new = map("".join, case)
    bounds = sorted(data.draw(st.lists(st.integers(0, len(old)), max_size=6)))
    edits = [Edit(s, e, "x") for s, e in zip(bounds[::2], bounds[1::2], strict=False)]
    try:
        moved = rebase(edits, old, new)
    except EditLost:
        assert old != new
        return
    apply_edits(new, moved)
    for before, after in zip(edits, moved, strict=True):
        assert _neighbours(old, before) == _neighbours(new, after)


def _neighbours(text: str, edit: Edit) -> tuple[str, str, str]:
    """What an edit stands on: its lines; of a mere place, the lines on both sides of it."""
    lines, at = ["<", *split_lines(text), ">"], -1
    left = right = ""
    for line in lines:
        end = at + len(line)
        if edit.start == edit.end:
            left += line if at < edit.start <= end else ""
            right += line if at <= edit.start < end else ""
        else:
            left += line[: max(0, edit.start - at)] if at <= edit.start < end else ""
            right += line[max(0, edit.end - at) :] if at < edit.end <= end else ""
        at = end
    return left, text[edit.start : edit.end], right


def _long_note() -> list[str]:
    return [f"- item {number}\n" if number % 2 else "\n" for number in range(2_000)]


def test_a_long_note_edited_in_three_places() -> None:
    lines = _long_note()
    old = "".join(lines)
    lines[1_000:1_000] = ["New.\n", "\n"]
    new = "".join(["Top.\n", "\n", *lines, "\n", "End.\n"])
    edits = diff_edits(old, new)
    assert apply_edits(old, edits) == new
    assert sum(len(edit.text) + edit.end - edit.start for edit in edits) < 100
    place = old.index("- item ", len(old) // 3)
    [moved] = rebase([Edit(place, place, "x")], old, new)
    assert moved.start == place + len("Top.\n\n")


def test_what_is_too_hard_to_compare_counts_as_changed() -> None:
    draw = random.Random(7)
    old, new = ("".join(draw.choices(["a\n", "b\n", "c\n"], k=3600)) + "mine\n" for _ in range(2))
    assert apply_edits(old, diff_edits(old, new)) == new
    with pytest.raises(EditLost):
        rebase([Edit(3600, 3601, "x")], old, new)
    assert rebase([Edit(len(old) - 2, len(old) - 1, "x")], old, new)


LONG = "A line of more words than a message can show, so that it ends before it."
NOTE = (
    "---\ndescription: What a stub is.\n'note-type': x\naliases:\n  - short note\n  - b: c\nx: y\n"
    "---\n# Stub\n\n#status/postponed\n\n> [!ai]- AI\n> Prose.\n\n"
    "- > [!ai] Why: so?\n  > Because.\n\n> [!note] Other\n> One.\n> [!ai] And?\n> Two.\n"
    f"\n{LONG}\n"
)
PLACES = [
    pytest.param("What a stub is.", "description", id="a value"),
    pytest.param("'note-type': x\n", "note-type", id="a property"),
    pytest.param("  - short note\n", "aliases", id="an item"),
    pytest.param(
        "is.\n'note-type': x\naliases:\n", "description, note-type, aliases", id="several"
    ),
    pytest.param("  - b: c\nx: y\n", "aliases, x", id="an item and the next property"),
    pytest.param("> [!ai]- AI\n> Prose.\n\n", "callout", id="a callout"),
    pytest.param("> Prose.\n", "callout", id="the body of a callout"),
    pytest.param("  > Because.\n", "callout “Why: so?”", id="an answer in a list"),
    pytest.param("> [!ai] And?\n> Two.\n", "callout “And?”", id="a callout right below another"),
    pytest.param("> Two.\n", "callout “And?”", id="the body of that"),
    pytest.param("#status/postponed\n", "“#status/postponed”", id="a mark"),
    pytest.param(f"{LONG}\n", f"“{LONG[:60]}”", id="a long line"),
]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(("place", "name"), PLACES)
def test_name_place(place: str, name: str, newline: str) -> None:
    text, place = NOTE.replace("\n", newline), place.replace("\n", newline)
    start = text.index(place)
    assert name_place(text, start, start + len(place)) == name
    assert name_place("\ufeff" + text, start + 1, start + 1 + len(place)) == name


def test_properties_that_are_never_closed_are_text() -> None:
    assert name_place("---\na: b\n", 4, 8) == "“a: b”"
    assert find_place("---\na: b\n", Edit(8, 8, "c")) is None


OWNED = [
    pytest.param("---\n«tags:^»\nx: y\n---\n", " a", "tags", id="a text"),
    pytest.param("---\n«tags:»\n^x: y\n---\n", "  - a\n", "tags", id="items below their key"),
    pytest.param("---\n«tags:»\n^---\n", "- a\n", "tags", id="items of the last property"),
    pytest.param("---\n«tags: # c\n  -»\n^x: y\n---\n", "  - b\n", "tags", id="more items"),
    pytest.param("---\n«tags:\n\n# c»\n^x: y\n---\n", "- a\n", "tags", id="blank lines below"),
    pytest.param("---\nx: y\n^---\n", "tags:\n  - a\n", None, id="a new property"),
    pytest.param("---\n  x: y\n«  'a-b':^»\n---\n", " c", "a-b", id="quoted"),
    pytest.param("---\n«x:\n  y: z\n  tags:^»\n---\n", " a", "x", id="in a property's value"),
    pytest.param("---\n«x: y^\ntags: a^»\n---\n", "", "x", id="two properties"),
    pytest.param("---\nx: y\n^«tags: a»\n^---\n", "", "tags", id="a property taken out"),
    pytest.param("---\nx: y\n«tags:\n^  - a»\n^---\n", "", "tags", id="an item taken out"),
    pytest.param("---\n# c\n^x: y\n---\n", "# d\n", None, id="above the first property"),
    pytest.param("---\nx: y\n---\n^Text\n", "> [!ai] AI\n> A.\n", None, id="a new callout"),
    pytest.param("«> [!ai] Why?»\n^\nText\n", "> So.\n", "Why?", id="an answer"),
    pytest.param("«> [!ai] Why?^»", "\n> So.", "Why?", id="an answer at the end"),
    pytest.param("«> [!note] A\n> [!ai] Why?»\n^", "> So.\n", "Why?", id="below another callout"),
    pytest.param("«> [!ai] Why?\n^> So.»\n^\nText", "", "Why?", id="an answer taken out"),
    pytest.param("> [!note] A\n^Text\n", "\n> [!ai] AI\n> A.\n", None, id="below a callout"),
    pytest.param("> A quote\n^Text\n", "> B\n", None, id="below a quote"),
    pytest.param("Text ^#status/postponed^\n", "", None, id="a mark in the text"),
]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize(("marked", "new", "name"), OWNED)
def test_what_an_edit_belongs_to(
    marked: str, new: str, name: str | None, start: str, newline: str
) -> None:
    """marked: « and » around the property or callout, ^ where the edit begins and ends."""
    marked = start + marked.replace("\n", newline)
    text = re.sub("[«^»]", "", marked)
    offsets = {
        mark: [
            len(re.sub("[«^»]", "", marked[: m.start()]))
            for m in re.finditer(re.escape(mark), marked)
        ]
        for mark in "«^»"
    }
    place = find_place(text, Edit(offsets["^"][0], offsets["^"][-1], new.replace("\n", newline)))
    assert (place and place.name) == name
    if place:
        assert ([place.start], [place.end]) == (offsets["«"], offsets["»"])
