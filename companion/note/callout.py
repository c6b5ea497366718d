"""AI callouts: find them, place one, answer one.

Obsidian's help, "Callouts": a callout is a quote whose first line begins with `[!type]`. The
type's case does not matter; a fold sign, a title, and metadata after `|` may follow.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from companion.note.edit import Edit
from companion.note.line import Line, is_plain_start
from companion.note.section import Section, find_heading
from companion.note.tag import has_only_tags
from companion.note.text import NoteText

_HEADER = re.compile(r"\[!ai(?:\|[^\]]*)?\](?P<fold>[+-]?)", re.IGNORECASE)
_PLAIN_TITLES = ("", "ai")
_IMAGE = r"!\[[^\[\]]*\]\([^()]*\)"
_EMBEDS = re.compile(
    rf"(?:(?:!\[\[[^\[\]]*\]\]|{_IMAGE}|\[{_IMAGE}\]\([^()]*\))[ \t]*)+"  # the last: a badge
)
# What may be open where the title ends, or makes a link of `[!ai]`. The paragraph that the title
# begins goes on in the body (CommonMark 4.8), and would close it there.
_MAY_BE_OPEN = re.compile(r"^[(:]|[`\[<$*~]|%%|==|(?<!\w)_")


class Style(NamedTuple):
    """How a new callout begins: `> [!ai]+ AI` has the title `AI` and the fold sign `+`."""

    title: str = "AI"
    fold: str = ""


PLAIN = Style()


class Styles(NamedTuple):
    """How new callouts begin: at the top of a note, and under a heading."""

    top: Style = PLAIN
    section: Style = Style(fold="+")


@dataclass(frozen=True)
class Callout:
    """An AI callout. first, last: its lines in the outline, both included.

    heading: the words of the heading it stands under, of level 2 or deeper; None in the top part
    of the note. is_empty: a header, and nothing in the quote. answered_below: empty, but text
    follows right after it, outside the quote.
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
        """The title, where it is more than the plain `AI`."""
        return None if self.title.casefold() in _PLAIN_TITLES else self.title


def find_callouts(lines: Sequence[Line]) -> list[Callout]:
    """Return the AI callouts among the lines of a note's body, nested ones too."""
    found = []
    heading = None
    for index, line in enumerate(lines):
        if line.kind == "heading" and line.level > 1:
            heading = line.title
        if (style := _style(line)) is not None:
            found.append(_read_callout(lines, index, style, heading))
    return found


def answer_callout(
    note: NoteText, lines: Sequence[Line], callout: Callout, body: Sequence[str]
) -> Edit:
    """Return the edit that puts the lines of body into an empty callout, right under its header.

    They are quoted as the header is; a list marker before it becomes blanks. A blank line of the
    quote comes first where the title may have something open that the body would close.
    """
    header = lines[callout.first]
    quoting = re.sub(r"[^\s>]", " ", header.prefix.rstrip(" \t"))
    below = _below(header.text[header.content :], body)
    block = [f"{quoting} {text}".rstrip() for text in below]
    return _insert(note, lines, callout.first, block)


def place_callout(note: NoteText, lines: Sequence[Line], body: Sequence[str], style: Style) -> Edit:
    """Return the edit that puts a new callout at the top of the note.

    It goes after the preamble: a first H1, lines of only tags, blank lines and rules; above the H1
    also embeds, such as a banner. Tags that text goes on right below stay with it where the text
    would mean something else on its own.
    """
    return _place_after(note, lines, _end_of_preamble(lines), _quote(body, style))


def place_section_callout(
    note: NoteText, lines: Sequence[Line], section: Section, body: Sequence[str], style: Style
) -> Edit:
    """Return the edit that puts a new callout right under the section's heading.

    Raises NoteRefused: there is no such heading, or another number of them.
    """
    index = find_heading(lines, section)
    is_underlined = not lines[index].text.lstrip(" ").startswith("#")
    return _place_after(note, lines, index + is_underlined, _quote(body, style))


def _style(line: Line) -> Style | None:
    """Return how the AI callout begins that begins in the line; None where none does."""
    begins_quote = line.depth > line.kept and line.prefix.rstrip(" \t").endswith(">")
    if line.kind != "text" or not begins_quote:
        return None
    header = _HEADER.match(line.shown, line.content)
    return Style(line.shown[header.end() :].strip(" \t"), header["fold"]) if header else None


def _read_callout(lines: Sequence[Line], first: int, style: Style, heading: str | None) -> Callout:
    depth = lines[first].depth
    last = first
    while last + 1 < len(lines) and lines[last + 1].kept >= depth:
        last += 1
    body = lines[first + 1 : last + 1]
    is_empty = not lines[first].is_open and all(line.kind == "blank" for line in body)
    after = lines[last + 1 : last + 2]
    is_answered = is_empty and any(map(_is_text_below, after))
    return Callout(first, last, style.title, heading, is_empty, is_answered, style.fold)


def _is_text_below(line: Line) -> bool:
    """Whether the line right below an empty callout is text that could be its answer.

    The text of a paragraph belongs to the quote above it, signs or none (CommonMark 5.1,
    "Laziness"); where another block begins, it ends the quote.
    """
    return line.kind != "blank" and not line.begins


def _quote(body: Sequence[str], style: Style) -> list[str]:
    header = f"[!ai]{style.fold} {style.title}".rstrip()
    return [f"> {text}".rstrip() for text in [header, *_below(header, body)]]


def _below(header: str, body: Sequence[str]) -> list[str]:
    """Return what goes below a callout's first line: the body, apart where it must be."""
    sign = _HEADER.match(header)
    title = header[sign.end() :] if sign else header
    return ["", *body] if _MAY_BE_OPEN.search(title) else [*body]


def _end_of_preamble(lines: Sequence[Line]) -> int:
    """Return the index of the last line of the preamble that is not blank; -1 for none."""
    last = -1
    has_title = False
    for index in range(_below_banner(lines), len(lines)):
        line = lines[index]
        is_title = _is_title(line) and not has_title
        has_title = has_title or is_title
        if is_title or _is_rule(line) or has_only_tags(line):
            last = index
        elif not _is_gap(line):
            return last if last < index - 1 or _can_begin(line) else _above_tags(lines, last)
    return last


def _below_banner(lines: Sequence[Line]) -> int:
    """Return the index of the H1 that only embeds and the like stand above; 0 where there is none.

    Without an H1 an embed is the note's text.
    """
    for index, line in enumerate(lines):
        is_embed = line.kind == "text" and not line.content and _EMBEDS.fullmatch(line.text)
        if not (is_embed or _is_gap(line) or _is_rule(line) or has_only_tags(line)):
            return index if _is_title(line) else 0
    return 0


def _is_title(line: Line) -> bool:
    return line.kind == "heading" and line.level == 1


def _is_rule(line: Line) -> bool:
    return line.kind == "rule" and not line.prefix.strip(" \t")


def _can_begin(line: Line) -> bool:
    """Whether the line stays what it is without the text above it."""
    is_inside = line.kind == "text" and not line.prefix.strip(" \t")
    return not is_inside or is_plain_start(line.text)


def _above_tags(lines: Sequence[Line], last: int) -> int:
    """Return the index of the last line that is not blank above the lines of tags down to last."""
    above = last
    while above >= 0 and has_only_tags(lines[above]):
        above -= 1
    while above >= 0 and _is_gap(lines[above]):
        above -= 1
    return above


def _is_gap(line: Line) -> bool:
    """Whether the line has nothing in it, no quote sign either."""
    return not line.text.strip(" \t")


def _place_after(note: NoteText, lines: Sequence[Line], last: int, block: list[str]) -> Edit:
    """Return the edit that puts block after line `last`, with a blank line on both sides."""
    if last + 1 < len(lines) and _is_gap(lines[last + 1]):
        last += 1
    elif last >= 0:
        block = ["", *block]
    if last + 1 < len(lines) and not _is_gap(lines[last + 1]):
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
