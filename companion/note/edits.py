"""Edits of a note: make them, compute them, name their place, and rebase them on a changed note."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise, takewhile
from typing import Literal, NamedTuple

from companion.errors import NoteRefused
from companion.note.diff import CommonLines, align, slide_up
from companion.note.text import NoteText, Span, line_start, split_lines

_KEY = re.compile(r"[ \t]*(?![-#\s])([^:\r\n]+?):(?=\s|\Z)")
_QUOTE = re.compile(r"[ \t]*(?:(?:[-*+]|\d+[.)])[ \t]+)*>")
_CALLOUT = re.compile(_QUOTE.pattern + r"[> \t]*\[![^\]]*\][+-]?([^\r\n]*)")
_LINE_END = re.compile(r"(?:\r\n|\r|\n)\Z")
_MAX_QUOTED = 60  # characters of the text shown where nothing names its place


class Edit(NamedTuple):
    """Replace note[start:end] with text. Offsets count characters."""

    start: int
    end: int
    text: str


class Place(NamedTuple):
    """The property or callout text[start:end] that an edit of text belongs to.

    name: of the property, or the callout's title. It ends before the line end of its last line.
    """

    kind: Literal["property", "callout"]
    name: str
    start: int
    end: int


class EditLost(ValueError):
    """The text that an edit applies to is no longer in the note."""


def apply_edits(note: str, edits: Iterable[Edit]) -> str:
    """Return note with the edits made and every other character kept.

    Insertions at the same offset are made in the order given.

    Raises ValueError if two edits claim the same character, or one is outside the note.
    """
    parts: list[str] = []
    done = 0
    for edit in sorted(edits, key=lambda e: (e.start, e.end)):
        if not 0 <= edit.start <= edit.end <= len(note):
            raise ValueError(f"{edit} is not in the note, which has {len(note)} characters")
        if edit.start < done:
            raise ValueError(f"{edit} overlaps what is edited already, up to {done}")
        parts += note[done : edit.start], edit.text
        done = edit.end
    return "".join(parts) + note[done:]


def diff_edits(old: str, new: str) -> list[Edit]:
    """Return edits that turn old into new, each of whole lines.

    They are few and small, unless old and new are large and hard to compare.
    """
    a, b = split_lines(old), split_lines(new)
    starts, edits = _offsets(a), []
    for before, after in pairwise(
        [CommonLines(0, 0, 0), *align(a, b), CommonLines(len(a), len(b), 0)]
    ):
        i, j = before.a + before.size, before.b + before.size
        if i < after.a or j < after.b:
            edits.append(Edit(starts[i], starts[after.a], "".join(b[j : after.b])))
    return edits


def rebase(edits: Sequence[Edit], old: str, new: str) -> list[Edit]:
    """Return the edits of old as edits of new: the same text between the same neighbours.

    An edit can be rebased if every line it touches is unchanged in new; an insertion, if the
    lines on both sides of it are still neighbours, where the beginning and the end of the note
    count as lines.

    Raises EditLost if a line that an edit touches was changed, or old and new are too large and
    too hard to compare to tell.
    """
    if old == new:
        return list(edits)
    a, b = split_lines(old), split_lines(new)
    runs, starts = align(a, b), (_offsets(a), _offsets(b))
    try:
        return _move(edits, runs, *starts)
    except EditLost:  # between two equal lines that lines were put between, take the other one
        return _move(edits, slide_up(a, b, runs), *starts)


def _move(
    edits: Sequence[Edit], runs: Sequence[CommonLines], a_starts: list[int], b_starts: list[int]
) -> list[Edit]:
    firsts = [a_starts[run.a] for run in runs]
    moved: list[Edit] = []
    for edit in edits:
        at = bisect_right(firsts, edit.start) - 1
        if at < 0 or not _is_within(edit, runs[at], a_starts, b_starts):
            raise EditLost("the text around the edit was changed")
        shift = b_starts[runs[at].b] - firsts[at]
        moved.append(Edit(edit.start + shift, edit.end + shift, edit.text))
    return moved


def _is_within(edit: Edit, run: CommonLines, a_starts: list[int], b_starts: list[int]) -> bool:
    """Return whether the edit of the old text and its neighbours are within the run."""
    first, last = a_starts[run.a], a_starts[run.a + run.size]
    if edit.start < edit.end:
        return first <= edit.start and edit.end <= last
    if first < edit.start < last:
        return True
    at_top = edit.start == 0 and run.b == 0
    at_end = edit.start == a_starts[-1] and run.b + run.size == len(b_starts) - 1
    return (at_top and first == 0) or (at_end and last == a_starts[-1])


def _offsets(lines: list[str]) -> list[int]:
    """Return the offset at which each line starts, and that of the end."""
    return list(accumulate(map(len, lines), initial=0))


def name_place(text: str, start: int, end: int) -> str:
    """Return a name for the place of text[start:end], for messages.

    A property's name, `callout` with its title, or the text itself, quoted. If it has parts of
    several, their names are joined by commas.
    """
    first = line_start(text, start)
    inside, above = split_lines(text[first:end]), split_lines(text[:first])[::-1]
    try:
        body_start = NoteText(text).body_start
    except NoteRefused:
        body_start = 0
    if start < body_start:
        names = _find_keys(inside)
        if not _find_keys(inside[:1]):
            names = _find_keys(above)[:1] + names
    else:
        names = _find_callouts(inside)
        if inside and _is_quote(inside[0]) and not _find_callouts(inside[:1]):
            names = _find_callouts(takewhile(_is_quote, above))[:1] + names
    return ", ".join(dict.fromkeys(names)) or f"“{text[start:end].strip()[:_MAX_QUOTED]}”"


def find_place(text: str, edit: Edit) -> Place | None:
    """Return the property or callout that an edit of text belongs to.

    What is inserted at the start of a line belongs to what is above it. None: it is a property
    or callout of its own, or in other text.
    """
    try:
        note = NoteText(text)
        properties, body_start = note.frontmatter, note.body_start
    except NoteRefused:
        return None
    at, is_insertion = edit.start, edit.start == edit.end == line_start(text, edit.start)
    if is_insertion:  # look at the line above, if there is one
        line_end = 2 if text.endswith("\r\n", 0, at) else 1
        at = line_start(text, at - line_end) if at else -1
    if max(at, edit.start - is_insertion) >= body_start:
        is_new = bool(_find_callouts(split_lines(edit.text)))
        return None if is_new else _callout_at(text, body_start, at)
    if not properties or not properties.start <= at < properties.end:
        return None
    if is_insertion and _KEY.match(edit.text):
        return None
    return _property_at(text, properties, at, edit.end)


def _property_at(text: str, properties: Span, at: int, end: int) -> Place | None:
    """Return the property at this offset, with those that follow it up to end."""
    lines = split_lines(text[properties.start : properties.end])
    keys = [
        (properties.start + offset, key)
        for offset, line in zip(_offsets(lines), lines, strict=False)
        if (key := _KEY.match(line))
    ]
    heads = [(start, key[1]) for start, key in keys if key.start(1) == keys[0][1].start(1)]
    above = [head for head in heads if head[0] <= at]
    if not above:
        return None
    start, name = above[-1]
    below = next((head for head, _ in heads if head >= max(at + 1, end)), properties.end)
    span = _LINE_END.sub("", text[start:below])
    return Place("property", name.strip("\"'"), start, start + len(span))


def _callout_at(text: str, body_start: int, at: int) -> Place | None:
    first = max(body_start, line_start(text, at))
    above = list(takewhile(_is_quote, split_lines(text[body_start:first])[::-1]))
    lines = list(takewhile(_is_quote, split_lines(text[first:])))
    heads = [head for line in [*lines[:1], *above] if (head := _CALLOUT.match(line))]
    if not lines or not heads:
        return None
    start, end = first - sum(map(len, above)), first + sum(map(len, lines))
    return Place("callout", heads[0][1].strip(), start, len(_LINE_END.sub("", text[:end])))


def _find_keys(lines: Iterable[str]) -> list[str]:
    return [key.group(1).strip("\"'") for line in lines if (key := _KEY.match(line))]


def _find_callouts(lines: Iterable[str]) -> list[str]:
    titles = [head.group(1).strip() for line in lines if (head := _CALLOUT.match(line))]
    return [f"callout “{title}”" if title not in ("", "AI") else "callout" for title in titles]


def _is_quote(line: str) -> bool:
    return _QUOTE.match(line) is not None
