"""Edits: what to replace in a note, and how to carry that over to a note that changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from typing import NamedTuple

from companion.note.text import split_lines


class Edit(NamedTuple):
    """Replace note[start:end] with text. Offsets count characters."""

    start: int
    end: int
    text: str


class OverlappingEdits(ValueError):
    """Two edits claim the same character."""


class EditLost(ValueError):
    """The text an edit stands on is no longer in the note."""


def apply_edits(note: str, edits: Iterable[Edit]) -> str:
    """Return note with the edits made and every other character kept.

    Insertions at the same offset are made in the order given.

    Raises OverlappingEdits when two edits claim the same character.
    """
    parts: list[str] = []
    done = 0
    for edit in sorted(edits, key=lambda e: (e.start, e.end)):
        if edit.start < done or edit.end < edit.start or edit.end > len(note):
            raise OverlappingEdits(f"{edit} overlaps what is edited already, up to {done}")
        parts += note[done : edit.start], edit.text
        done = edit.end
    return "".join(parts) + note[done:]


def invert_edits(note: str, edits: Iterable[Edit]) -> list[Edit]:
    """Return the edits that turn apply_edits(note, edits) back into note."""
    inverse: list[Edit] = []
    shift = 0
    for edit in sorted(edits, key=lambda e: (e.start, e.end)):
        start = edit.start + shift
        inverse.append(Edit(start, start + len(edit.text), note[edit.start : edit.end]))
        shift += len(edit.text) - (edit.end - edit.start)
    return inverse


def diff_edits(old: str, new: str) -> list[Edit]:
    """Return edits that turn old into new, whole lines at a time."""
    a, b = split_lines(old), split_lines(new)
    starts = _offsets(a)
    return [
        Edit(starts[i1], starts[i2], "".join(b[j1:j2]))
        for tag, i1, i2, j1, j2 in _match(a, b).get_opcodes()
        if tag != "equal"
    ]


def rebase(edits: Sequence[Edit], old: str, new: str) -> list[Edit]:
    """Return the edits for new that were made for old: same text, same neighbours.

    An edit carries over when every line it touches stands unchanged in new; an
    insertion, when the lines on both sides of it still are neighbours.

    Raises EditLost when a line that an edit stands on was changed.
    """
    if old == new:
        return list(edits)
    a, b = split_lines(old), split_lines(new)
    a_starts, b_starts = _offsets(a), _offsets(b)
    blocks = [m for m in _match(a, b).get_matching_blocks() if m.size]
    moved: list[Edit] = []
    for edit in edits:
        for block in blocks:
            first, last = a_starts[block.a], a_starts[block.a + block.size]
            if not _stands_in(edit, first, last, len(old)):
                continue
            shift = b_starts[block.b] - first
            moved.append(Edit(edit.start + shift, edit.end + shift, edit.text))
            break
        else:
            raise EditLost("the text around the edit was changed")
    return moved


def _stands_in(edit: Edit, first: int, last: int, length: int) -> bool:
    """Whether the edit lies in [first, last) of the old text, so that its neighbours are known."""
    if edit.start < edit.end:
        return first <= edit.start and edit.end <= last
    inside = first < edit.start < last
    return inside or edit.start == first == 0 or edit.start == last == length


def _match(a: list[str], b: list[str]) -> SequenceMatcher[str]:
    return SequenceMatcher(None, a, b, autojunk=False)


def _offsets(lines: list[str]) -> list[int]:
    offsets = [0]
    for line in lines:
        offsets.append(offsets[-1] + len(line))
    return offsets
