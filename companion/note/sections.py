"""The sections of a note: the lines under a heading, up to the next heading of any level."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from companion.errors import NoteRefused
from companion.note.markdown import Line
from companion.note.text import NoteText


class Section(NamedTuple):
    """A section, identified by its heading. heading: its text in any case, with or without `#`.

    at: which of the headings with this text it is, counted from 1. of: how many there are. While
    that number stays the same, the section is identified, whatever else changes in the note.
    """

    heading: str
    at: int = 1
    of: int = 1


def find_heading(lines: Sequence[Line], section: Section) -> int:
    """Return the index of the section's heading among the lines.

    Raises NoteRefused if there is no such heading, or not as many as expected.
    """
    heading = section.heading
    headings = _find_headings(lines)
    matches = [i for i in headings if _fold(lines[i].title) == _fold(heading)]
    if len(matches) == section.of:
        return matches[section.at - 1]
    if section.of > 1:
        was = f"{len(matches)} headings read “{heading}” now, and {section.of} did before"
        raise NoteRefused(f"{was}; ask again for the one you mean")
    if matches:
        raise NoteRefused(f"{len(matches)} headings read “{heading}”; make them differ")
    names = _name(lines, headings)
    raise NoteRefused(f"no heading reads “{heading}”; it has {names or 'none'}")


def section_at(note: NoteText, lines: Sequence[Line], line: int) -> Section:
    """Return the section that a line of the note is in; a heading is in its own section.

    line: its number in the whole note, counted from 1.

    Raises NoteRefused if no heading is at the line or above it.
    """
    headings = _find_headings(lines)
    above = [i for i in headings if note.line_number(lines[i].start) <= line]
    if not above:
        raise NoteRefused(f"line {line} stands below no heading")
    title = lines[above[-1]].title
    same = [i for i in headings if _fold(lines[i].title) == _fold(title)]
    return Section(title, same.index(above[-1]) + 1, len(same))


def _find_headings(lines: Sequence[Line]) -> list[int]:
    return [i for i, line in enumerate(lines) if line.kind == "heading"]


def _name(lines: Sequence[Line], headings: Sequence[int]) -> str:
    return ", ".join(f"“{lines[i].title}”" for i in headings)


def _fold(heading: str) -> str:
    return heading.strip().lstrip("#").strip().casefold()
