"""AI callouts: find them, place one, answer one.

Obsidian's help, "Callouts": a callout is a quote whose first line begins with `[!type]`. The
type's case does not matter; a fold sign, a title, and metadata after `|` may follow.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from companion.errors import NoteRefused
from companion.note.edit import Edit
from companion.note.outline import Line, has_only_tags
from companion.note.text import NoteText

_HEADER = re.compile(r"\[!ai(?:\|[^\]]*)?\]([+-]?)[ \t]*(.*?)[ \t]*$", re.IGNORECASE)
_PLAIN_TITLES = ("", "ai")
_APART = ("blank", "heading", "rule")


class Style(NamedTuple):
    """How a new callout begins: `> [!ai]+ AI` has the title `AI` and the fold sign `+`."""

    title: str = "AI"
    fold: str = ""


PLAIN = Style()


@dataclass(frozen=True)
class Callout:
    """An AI callout. first, last: its lines in the outline, both included.

    heading: the words of the heading it stands under; None in the top part of the note.
    is_empty: a header, and nothing in the quote. answered_below: empty, but text follows
    right after it, outside the quote.
    """

    first: int
    last: int
    title: str
    heading: str | None
    is_empty: bool
    answered_below: bool

    @property
    def question(self) -> str | None:
        """The title, where it is more than the plain `AI`."""
        return None if self.title.casefold() in _PLAIN_TITLES else self.title


def find_callouts(lines: Sequence[Line]) -> list[Callout]:
    """Return the AI callouts among the lines of a note's body, nested ones too."""
    found = []
    heading = None
    for index, line in enumerate(lines):
        if line.kind == "heading" and line.level > 1:
            heading = line.title
        header = _HEADER.match(line.text, line.content)
        if header and line.kind == "text" and line.depth and _begins_quote(lines, index):
            found.append(_read_callout(lines, index, header[2], heading))
    return found


def answer_callout(
    note: NoteText, lines: Sequence[Line], callout: Callout, body: Sequence[str]
) -> Edit:
    """Return the edit that puts the lines of body into an empty callout, quoted as it is."""
    prefix = _quoting(lines[callout.first])
    return _insert(note, lines, callout.last, [f"{prefix}{text}".rstrip() for text in body])


def place_callout(
    note: NoteText, lines: Sequence[Line], body: Sequence[str], style: Style = PLAIN
) -> Edit:
    """Return the edit that puts a new callout at the top of the note.

    It goes after the preamble: a first H1, lines of only tags, blank lines and rules.
    """
    return _place_after(note, lines, _end_of_preamble(lines), _quote(body, style))


def place_section_callout(
    note: NoteText, lines: Sequence[Line], heading: str, body: Sequence[str], style: Style
) -> Edit:
    """Return the edit that puts a new callout right under the heading with these words.

    Raises NoteRefused: there is no such heading, or more than one.
    """
    index = find_heading(lines, heading)
    underlined = index + 1 < len(lines) and lines[index + 1].kind == "rule"
    is_atx = lines[index].text.lstrip().startswith("#")
    return _place_after(note, lines, index + (underlined and not is_atx), _quote(body, style))


def find_heading(lines: Sequence[Line], heading: str) -> int:
    """Return the index of the heading with these words, whatever their case; `#` before is fine.

    Raises NoteRefused: there is no such heading, or more than one.
    """
    wanted = heading.strip().lstrip("#").strip().casefold()
    headings = [i for i, line in enumerate(lines) if line.kind == "heading"]
    found = [i for i in headings if lines[i].title.casefold() == wanted]
    if len(found) == 1:
        return found[0]
    if found:
        raise NoteRefused(f"{len(found)} headings read “{heading}”; make them differ")
    names = ", ".join(f"“{lines[i].title}”" for i in headings)
    raise NoteRefused(f"no heading reads “{heading}”; it has {names or 'none'}")


def section_lines(lines: Sequence[Line], index: int) -> Sequence[Line]:
    """Return the lines under the heading at index, up to the next one of its level or above."""
    for end in range(index + 1, len(lines)):
        if lines[end].kind == "heading" and lines[end].level <= lines[index].level:
            return lines[index + 1 : end]
    return lines[index + 1 :]


def _read_callout(lines: Sequence[Line], first: int, title: str, heading: str | None) -> Callout:
    depth = lines[first].depth
    last = first
    is_empty = True
    for index in range(first + 1, len(lines)):
        line = lines[index]
        if line.depth < depth or (line.is_item and not line.text.lstrip().startswith(">")):
            break
        last = index
        is_empty = is_empty and line.kind == "blank" and line.depth == depth
    after = lines[last + 1].kind if last + 1 < len(lines) else "blank"
    return Callout(first, last, title, heading, is_empty, is_empty and after not in _APART)


def _begins_quote(lines: Sequence[Line], index: int) -> bool:
    """Whether the line is the first of its quote, and no lazy continuation (CommonMark 5.1)."""
    line = lines[index]
    if line.is_item:
        return True
    for above in reversed(lines[:index]):
        if above.depth >= line.depth:
            return above is not lines[index - 1] and above.kind != "text"
        if above.kind != "text" or above.is_item:
            return True
    return True


def _quoting(header: Line) -> str:
    """Return what stands before each line of the callout: a list marker becomes blanks."""
    prefix = re.sub(r"[^\s>]", " ", header.prefix)
    return prefix if prefix.endswith((" ", "\t")) else f"{prefix} "


def _quote(body: Sequence[str], style: Style) -> list[str]:
    header = f"[!ai]{style.fold} {style.title}".rstrip()
    return [f"> {text}".rstrip() for text in [header, *body]]


def _end_of_preamble(lines: Sequence[Line]) -> int:
    """Return the index of the last line of the preamble that is not blank; -1 for none."""
    last = -1
    has_title = False
    for index, line in enumerate(lines):
        is_title = line.kind == "heading" and line.level == 1 and not has_title
        has_title = has_title or is_title
        if is_title or line.kind == "rule" or has_only_tags(line):
            last = index
        elif line.kind != "blank":
            break
    return last


def _place_after(note: NoteText, lines: Sequence[Line], last: int, block: list[str]) -> Edit:
    """Return the edit that puts block after line `last`, with a blank line on both sides."""
    has_gap = last + 1 < len(lines) and lines[last + 1].kind == "blank"
    if has_gap:
        last += 1
    elif last >= 0:
        block = ["", *block]
    if last + 1 < len(lines) and lines[last + 1].kind != "blank":
        block = [*block, ""]
    return _insert(note, lines, last, block)


def _insert(note: NoteText, lines: Sequence[Line], last: int, block: list[str]) -> Edit:
    """Return the edit that adds whole lines after line `last`; -1: before the body."""
    offset = lines[last].next if last >= 0 else note.body_start
    newline = note.newline_at(offset)
    ends_open = offset == len(note.text) and offset > 0 and not note.text.endswith(("\n", "\r"))
    if ends_open and note.text != "\ufeff":
        return Edit(offset, offset, "".join(newline + line for line in block))
    return Edit(offset, offset, "".join(line + newline for line in block))
