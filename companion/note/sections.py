"""The sections of a note: what stands under a heading, up to the next one of any level."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile
from typing import NamedTuple

from companion.errors import NoteRefused
from companion.note.blocks import Line
from companion.note.text import NoteText


class Section(NamedTuple):
    """A section by its heading. heading: its words, whatever their case; `#` before is fine.

    at, of: which of the headings that read so, counted from 1, and how many there are. As long as
    that number holds, it is known which one is meant, whatever else changes in the note.
    """

    heading: str
    at: int = 1
    of: int = 1


class HeadingNotFound(NoteRefused):
    """The note does not have the section's heading, or has another number of such headings."""


def find_heading(lines: Sequence[Line], section: Section) -> int:
    """Return the index of the section's heading.

    Raises HeadingNotFound: there is no such heading, or another number of them.
    """
    heading = section.heading
    headings = _find_headings(lines)
    found = [i for i in headings if _fold(lines[i].title) == _fold(heading)]
    if len(found) == section.of:
        return found[section.at - 1]
    if section.of > 1:
        was = f"{len(found)} headings read “{heading}” now, and {section.of} did before"
        raise HeadingNotFound(f"{was}; ask again for the one you mean")
    if found:
        raise HeadingNotFound(f"{len(found)} headings read “{heading}”; make them differ")
    names = ", ".join(f"“{lines[i].title}”" for i in headings)
    raise HeadingNotFound(f"no heading reads “{heading}”; it has {names or 'none'}")


def section_at(note: NoteText, lines: Sequence[Line], line: int) -> Section:
    """Return the section that a line of the note stands in; a heading stands in its own.

    line: counted from 1, in the whole note.

    Raises NoteRefused: there is no heading at the line or above it.
    """
    headings = _find_headings(lines)
    above = [i for i in headings if note.line_number(lines[i].start) <= line]
    if not above:
        raise NoteRefused(f"line {line} stands below no heading")
    title = lines[above[-1]].title
    alike = [i for i in headings if _fold(lines[i].title) == _fold(title)]
    return Section(title, alike.index(above[-1]) + 1, len(alike))


def own_lines(lines: Sequence[Line], index: int) -> Sequence[Line]:
    """Return the lines under the heading at index, up to the next heading of any level."""
    below = lines[index + 1 :]
    return list(takewhile(lambda line: line.kind != "heading", below))


def _find_headings(lines: Sequence[Line]) -> list[int]:
    return [i for i, line in enumerate(lines) if line.kind == "heading"]


def _fold(heading: str) -> str:
    return heading.strip().lstrip("#").strip().casefold()
