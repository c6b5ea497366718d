"""Edits of a note: make them, compute them, name their place, and rebase them on a changed note."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, groupby, pairwise
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
    starts = _offsets(a)
    edits = []
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
    places = [part.place for part in _find_parts(text) if part.start < end and start < part.end]
    names = dict.fromkeys(
        place.name
        if place.kind == "property"
        else f"callout “{place.name}”".removesuffix(" “”").removesuffix(" “AI”")
        for place in places
    )
    return ", ".join(names) or f"“{text[start:end].strip()[:_MAX_QUOTED]}”"


def find_place(text: str, edit: Edit) -> Place | None:
    """Return the property or callout that an edit of text belongs to.

    What is inserted at the start of a line belongs to what is above it. None: it is a property
    or callout of its own, or in other text.
    """
    at, parts = edit.start, list(_find_parts(text))
    is_insertion = at == edit.end == line_start(text, at)
    if is_insertion:
        at -= 2 if text.endswith("\r\n", 0, at) else 1
    # at the end of the text, also of one whose last line has no end
    place = next(
        (each.place for each in parts if each.start <= at < each.end + (each.end == len(text))),
        None,
    )
    if place is None:
        return None
    if place.kind == "callout":
        is_new = any(map(_CALLOUT.match, split_lines(edit.text)))
    else:
        is_new = is_insertion and bool(_KEY.match(edit.text))
        ends = (each.place.end for each in parts if at < each.end and each.start < edit.end)
        place = place._replace(end=max(place.end, *ends))
    return None if is_new else place


class _Part(NamedTuple):
    """A property, or a callout in a quote: from its header to the next one, or to the quote's end.

    place: the property, or all of the quote.
    """

    start: int
    end: int
    place: Place


def _find_parts(text: str) -> Iterator[_Part]:
    """Yield the properties and callouts of the note, in order."""
    try:
        note = NoteText(text)
        properties, body_start = note.frontmatter or Span(0, 0), note.body_start
    except NoteRefused:
        properties, body_start = Span(0, 0), 0
    keys = [(at, key) for at, line in _find_lines(text, *properties) if (key := _KEY.match(line))]
    heads = [(at, key[1].strip("\"'")) for at, key in keys if key.start(1) == keys[0][1].start(1)]
    for (start, name), (end, _) in pairwise([*heads, (properties.end, "")]):
        yield _Part(start, end, _make_place(text, "property", name, start, end))
    lines = _find_lines(text, body_start, len(text))
    for _, group in groupby(lines, key=lambda line: bool(_QUOTE.match(line[1]))):
        quote = list(group)
        first, last = quote[0][0], quote[-1][0] + len(quote[-1][1])
        heads = [(at, head[1].strip()) for at, line in quote if (head := _CALLOUT.match(line))]
        for (start, name), (end, _) in pairwise([*heads, (last, "")]):
            yield _Part(start, end, _make_place(text, "callout", name, first, last))


def _find_lines(text: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    """Yield the offset of each line of text[start:end], and the line."""
    lines = split_lines(text[start:end])
    return zip((start + offset for offset in _offsets(lines)), lines, strict=False)


def _make_place(
    text: str, kind: Literal["property", "callout"], name: str, start: int, end: int
) -> Place:
    """Return the place of these lines, without the end of the last one."""
    return Place(kind, name, start, start + len(_LINE_END.sub("", text[start:end])))
