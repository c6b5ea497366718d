"""AI callouts: find them, place a new one, fill an empty one; and the sections they are in.

Obsidian's help, "Callouts": a callout is a quote whose first line begins with `[!type]`. The
type's case does not matter; a fold sign, a title, and metadata after `|` may follow.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from companion.errors import NoteRefused
from companion.note.edits import Edit
from companion.note.markdown import Line
from companion.note.tags import has_only_tags
from companion.note.text import BOM, NoteText, is_plain_start

_HEADER = re.compile(r"\[!ai(?:\|[^\]]*)?\](?P<fold>[+-]?)", re.IGNORECASE)
_DEFAULT_TITLES = ("", "ai")
_IMAGE = r"!\[[^\[\]]*\]\([^()]*\)"
_EMBEDS = re.compile(
    rf"(?:(?:!\[\[[^\[\]]*\]\]|{_IMAGE}|\[{_IMAGE}\]\([^()]*\))[ \t]*)+"  # the last: a badge
)
# Syntax that may be open at the end of the title, or that makes a link of `[!ai]`. The title's
# paragraph continues in the body (CommonMark 4.8), where that syntax might be closed.
_MAY_BE_OPEN = re.compile(r"^[(:]|[`\[<$*~]|%%|==|(?<!\w)_")


class Style(NamedTuple):
    """The header of a callout: `> [!ai]+ AI` has the title `AI` and the fold sign `+`."""

    title: str = "AI"
    fold: str = ""


PLAIN = Style()
"""The style of a callout at the top of a note."""

SECTION = Style(fold="+")
"""The style of a callout under a heading."""


@dataclass(frozen=True)
class Callout:
    """An AI callout. first, last: the indexes of its lines in the outline, both included.

    heading: the text of the heading of level 2 or deeper that it is under; None in the top part
    of the note. is_empty: it has a header and no body. answered_below: it is empty, but text
    follows it immediately, outside the quote. fold: `+`, `-` or nothing.
    """

    first: int
    last: int
    title: str
    heading: str | None
    is_empty: bool
    answered_below: bool
    fold: str = ""

    @property
    def question(self) -> str | None:
        """The title; None if it is empty or just `AI`."""
        return None if self.title.casefold() in _DEFAULT_TITLES else self.title


def find_callouts(lines: Sequence[Line]) -> list[Callout]:
    """Return the AI callouts in the outline of a note's body, nested ones included."""
    callouts = []
    heading = None
    for index, line in enumerate(lines):
        if line.kind == "heading" and line.level > 1:
            heading = line.title
        begins_quote = line.depth > line.continued and line.prefix.rstrip(" \t").endswith(">")
        is_text = line.kind == "text" and begins_quote
        if not is_text or not (header := _HEADER.match(line.visible, line.content)):
            continue
        title, last = line.visible[header.end() :].strip(" \t"), index
        while last + 1 < len(lines) and lines[last + 1].continued >= line.depth:
            last += 1
        body, after = lines[index + 1 : last + 1], lines[last + 1 : last + 2]
        is_empty = not line.is_open and all(each.kind == "blank" for each in body)
        # A paragraph right below belongs to the quote even without `>` (CommonMark 5.1,
        # "Laziness"); any other block ends the quote.
        is_answered = is_empty and any(
            each.kind != "blank" and not each.starts_block for each in after
        )
        fold = header["fold"]
        callouts.append(Callout(index, last, title, heading, is_empty, is_answered, fold))
    return callouts


def answer_callout(
    note: NoteText, lines: Sequence[Line], callout: Callout, body: Sequence[str]
) -> Edit:
    """Return the edit that puts the lines of body into an empty callout, under its header.

    They are quoted as the header is; a list marker before it becomes blanks, and one more where it
    touches a `>`, which takes the first. A blank quoted line comes first where the title may open
    syntax that the body would close.
    """
    header = lines[callout.first]
    apart = re.sub(r">(?=[^\s>])", "> ", header.prefix.rstrip(" \t"))
    quoting = re.sub(r"[^\s>]", " ", apart)
    separated = _separate_body(header.text[header.content :], body)
    block = [f"{quoting} {text}".rstrip() for text in separated]
    return _insert(note, lines, callout.first, block)


def place_callout(note: NoteText, lines: Sequence[Line], body: Sequence[str], style: Style) -> Edit:
    """Return the edit that puts a new callout at the top of the note.

    It goes after the preamble: a first H1, lines of only tags, blank lines and rules; above the H1
    also embeds, such as a banner. A line of tags directly above text stays with the text if the
    text would mean something else without it.
    """
    last = -1  # the index of the preamble's last line that is not blank, if there is one
    has_title = False
    for index in range(_below_banner(lines), len(lines)):
        line = lines[index]
        is_title = not has_title and line.kind == "heading" and line.level == 1
        has_title |= is_title
        if is_title or _is_rule(line) or has_only_tags(line):
            last = index
        elif not _is_empty(line):
            is_plain = line.kind == "text" and not line.prefix.strip(" \t")
            keeps_tags = last == index - 1 and is_plain and not is_plain_start(line.text)
            while keeps_tags and last >= 0 and has_only_tags(lines[last]):
                last -= 1
            while last >= 0 and _is_empty(lines[last]):
                last -= 1
            break
    return _place_after(note, lines, last, body, style)


def place_section_callout(
    note: NoteText, lines: Sequence[Line], section: Section, body: Sequence[str], style: Style
) -> Edit:
    """Return the edit that puts a new callout directly under the section's heading.

    Raises NoteRefused if there is no such heading, or not as many as the section says.
    """
    index = find_heading(lines, section)
    is_underlined = not lines[index].text.lstrip(" ").startswith("#")
    return _place_after(note, lines, index + is_underlined, body, style)


def _separate_body(header: str, body: Sequence[str]) -> list[str]:
    """Return the lines of body, after a blank line if the header's title may open syntax."""
    marker = _HEADER.match(header)
    title = header[marker.end() :] if marker else header
    return ["", *body] if _MAY_BE_OPEN.search(title) else [*body]


def _below_banner(lines: Sequence[Line]) -> int:
    """Return the index of the H1 that has only embeds, tags and rules above it; else 0.

    Without an H1 below it, an embed is part of the note's text.
    """
    for index, line in enumerate(lines):
        is_embed = line.kind == "text" and not line.content and _EMBEDS.fullmatch(line.text)
        if not (is_embed or _is_empty(line) or _is_rule(line) or has_only_tags(line)):
            return index if line.kind == "heading" and line.level == 1 else 0
    return 0


def _is_rule(line: Line) -> bool:
    return line.kind == "rule" and not line.prefix.strip(" \t")


def _is_empty(line: Line) -> bool:
    """Return whether the line has nothing but blanks in it, and no `>` either."""
    return not line.text.strip(" \t")


def _place_after(
    note: NoteText, lines: Sequence[Line], last: int, body: Sequence[str], style: Style
) -> Edit:
    """Return the edit that puts a callout after line `last`, with a blank line on both sides."""
    header = f"[!ai]{style.fold} {style.title}".rstrip()
    block = [f"> {text}".rstrip() for text in [header, *_separate_body(header, body)]]
    if last + 1 < len(lines) and _is_empty(lines[last + 1]):
        last += 1
    elif last >= 0:
        block = ["", *block]
    if last + 1 < len(lines) and not _is_empty(lines[last + 1]):
        block = [*block, ""]
    return _insert(note, lines, last, block)


def _insert(note: NoteText, lines: Sequence[Line], last: int, block: list[str]) -> Edit:
    """Return the edit that adds whole lines after line `last`; -1 stands for before the body."""
    offset = lines[last].next if last >= 0 else note.body_start
    newline = note.newline_at(offset)
    lacks_newline = offset == len(note.text) and offset > 0 and not note.text.endswith(("\n", "\r"))
    if lacks_newline and note.text != BOM:
        return Edit(offset, offset, "".join(newline + line for line in block))
    return Edit(offset, offset, "".join(line + newline for line in block))


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
