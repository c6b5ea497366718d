"""Embeds in a note: what is embedded, and which part of it (Obsidian help, "Embed files")."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from typing import NamedTuple

from companion.note.blocks import Line
from companion.note.links import embed_targets
from companion.note.parsed_note import ParsedNote

_BLOCK_ID = re.compile(r"(?:^|\s)\^([A-Za-z0-9-]+)\s*$")
_PAGE = re.compile(r"(?:^|&)page=(\d{1,6})(?:&|$)")
_NO_NAME = re.compile(r"[\W_]+")


class Embed(NamedTuple):
    """An embed. target: the note or file, as written. part: what follows `#`; empty: all of it."""

    target: str
    part: str

    @property
    def page(self) -> int | None:
        """The page of a PDF that is embedded, counted from 1; None: all of them."""
        page = _PAGE.search(self.part)
        return max(1, int(page[1])) if page else None

    def __str__(self) -> str:
        return f"![[{self.target}{f'#{self.part}' if self.part else ''}]]"


def find_embeds(parsed: ParsedNote) -> dict[int, list[Embed]]:
    """Return the embeds of the note by the lines that they are in.

    None from code, formulas, HTML, comments and AI callouts.
    """
    answers = parsed.callout_lines
    return {
        number: embeds
        for number, line in enumerate(parsed.lines)
        if line.kind == "text" and number not in answers and "!" in line.text
        if (embeds := [Embed(*each) for each in embed_targets(line.visible[line.content :])])
    }


def find_part(parsed: ParsedNote, part: str) -> range | None:
    """Return the lines of a part of the note; None: it is not there.

    part: empty for the whole body; `^id` for a block; else a heading, or several from the outer one
    to the inner one, with `#` between them. A section ends at the next heading of its level or of
    an upper one.
    """
    if part.startswith("^"):
        return _find_block(parsed.lines, part[1:])
    section = range(len(parsed.lines))
    for heading in map(_name_key, filter(str.strip, part.split("#"))):
        start = next((n for n in section if _is_heading(parsed.lines[n], heading)), None)
        if start is None:
            return None
        level = parsed.lines[start].level
        inner = range(start + 1, section.stop)
        stop = next((n for n in inner if 0 < parsed.lines[n].level <= level), section.stop)
        section = range(start, stop)
    return section


def _is_heading(line: Line, heading: str) -> bool:
    return line.kind == "heading" and _name_key(line.title) == heading


def _name_key(heading: str) -> str:
    """Return a heading to compare: links to one leave out signs that they cannot have."""
    return _NO_NAME.sub(" ", heading).strip().casefold() or heading.strip()


def _find_block(lines: Sequence[Line], name: str) -> range | None:
    """Return the lines of the paragraph, list item, quote or table that has the identifier."""
    for number, line in enumerate(lines):
        block_id = _BLOCK_ID.search(line.visible) if line.kind in ("text", "heading") else None
        if not block_id or block_id[1] != name:
            continue
        if line.visible[line.content :].strip() == f"^{name}":  # of the block above it
            last = number - 1
            while last >= 0 and lines[last].kind == "blank":
                last -= 1
            return range(_block_start(lines, last, is_whole=True), last + 1)
        stop = number + 1
        while stop < len(lines) and _is_below(lines[stop], line):
            stop += 1
        return range(_block_start(lines, number), stop)
    return None


def _block_start(lines: Sequence[Line], last: int, *, is_whole: bool = False) -> int:
    """Return where the block begins that the line ends. is_whole: all of a list or a quote."""
    first = max(last, 0)
    while first > 0 and lines[first - 1].kind not in ("blank", "heading"):
        if lines[first].starts_block and not is_whole:
            break
        first -= 1
    return first


def _is_below(line: Line, item: Line) -> bool:
    """Return whether the line belongs to the list item: it is indented more."""
    indent = len(item.text) - len(item.text.lstrip())
    is_item = item.prefix.strip(" \t>") != ""
    return is_item and line.kind == "text" and len(line.text) - len(line.text.lstrip()) > indent


BLANK = Line(0, 0, 0, "")
"""A line between what is embedded and what is around it."""


def insert_lines(parsed: ParsedNote, inserted: Mapping[int, Sequence[Line]]) -> ParsedNote:
    """Return the note with further lines, a blank one before and after them.

    inserted: by the lines that they follow. They have no place in the note's text: their offsets
    mean nothing.
    """
    if not inserted:
        return parsed
    longer = copy(parsed)
    vars(longer).pop("callouts", None)
    vars(longer)["lines"] = mix_lines(parsed, range(len(parsed.lines)), inserted)
    return longer


def mix_lines(
    parsed: ParsedNote, own: Iterable[int], inserted: Mapping[int, Sequence[Line]]
) -> list[Line]:
    """Return the note's own lines of these numbers, with those inserted, as insert_lines says."""
    lines: list[Line] = []
    for number in own:
        line = parsed.lines[number]
        if lines and lines[-1] is BLANK and line.kind == "blank":
            lines.pop()
        lines.append(line)
        for new in (BLANK, *inserted[number], BLANK) if number in inserted else ():
            if new.kind != "blank" or lines[-1].kind != "blank":
                lines.append(new)
    return lines
