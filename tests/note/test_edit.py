"""Edits: made, taken back, and carried over to a note that changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.note.edit import (
    Edit,
    EditLost,
    OverlappingEdits,
    apply_edits,
    diff_edits,
    invert_edits,
    rebase,
)

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
    "edits",
    [
        pytest.param([Edit(0, 2, ""), Edit(1, 3, "")], id="overlap"),
        pytest.param([Edit(0, 2, ""), Edit(1, 1, "x")], id="inside"),
        pytest.param([Edit(2, 1, "")], id="backwards"),
        pytest.param([Edit(4, 4, "")], id="beyond the end"),
    ],
)
def test_edits_that_claim_the_same_text(edits: list[Edit]) -> None:
    with pytest.raises(OverlappingEdits):
        apply_edits("abc", edits)


@given(edited())
def test_edits_can_be_taken_back(case: tuple[str, list[Edit]]) -> None:
    note, edits = case
    new = apply_edits(note, edits)
    assert apply_edits(new, invert_edits(note, edits)) == note


@given(_TEXTS, _TEXTS)
def test_a_difference_is_edits(old: str, new: str) -> None:
    assert apply_edits(old, diff_edits(old, new)) == new


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
        pytest.param(Edit(2, 2, "x\n"), "b\nc\n", None, id="one neighbour is gone"),
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
