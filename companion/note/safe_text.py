"""Sanitize model text for a callout's body or a property: nothing runs, links or breaks out."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from itertools import zip_longest
from typing import Literal, NamedTuple

from companion.note.safe_line import (
    BLOCK_ID_AHEAD,
    ENTITY_AHEAD,
    MARKUP_AHEAD,
    PAIR,
    SCHEMES,
    TAG_AHEAD,
    Resolve,
    inert_line,
    words,
)
from companion.note.text import is_joiner

# `>` and list markers before a fence; possessive, so that a line is read once.
_FENCE = re.compile(
    r"(?P<before>(?:[ >]|[-+*](?= )|[0-9]{1,9}[.)](?= ))*+)(?P<fence>`{3,}(?=[^`]*$)|~{3,})"
)
_QUOTE = re.compile(r" *> ?")
_QUOTES = re.compile(r"(?: *>)+ ?")
_HEADING = re.compile(r"(?:#{1,6} +)+")
_ITEM = re.compile(r"(?P<marker>[-+*]|[0-9]{1,9}[.)]) +(?P<text>.*)")
# What a list item may not begin with: a quote, a task's box, a heading.
_ITEM_OPENING = re.compile(r"(?:> ?|\[.?\](?: +|$)|#{1,6} +)+")
_DELIMITER_CELL = re.compile(r" *(:?)-+(:?) *")
_PAIR = re.compile(PAIR)


def inert_prose(text: str, resolve: Resolve) -> list[str]:
    """Return the lines of a callout's body, without the `> ` that the caller puts before each.

    resolve: given a link's target, returns the name to link to the note by; None if there is no
    such note, and the link becomes its words. Emphasis, lists, tables and code without a language
    are kept; headings become bold, fences lose their info string, quotes and rules are removed.
    Everything that Obsidian, CommonMark, GFM or a well-known plugin would act on is escaped.
    Outside code there is no blank line at the start or end, nor two in a row. Takes linear time.
    """
    blocks = list(_read_blocks(visible_lines(text)))
    body = _Body(resolve, math=text.count("$") > 1)
    for block, following in zip_longest(blocks, blocks[1:], fillvalue=_AnswerBlock("blank")):
        body.add(block, following)
    return body.lines()


class _AnswerBlock(NamedTuple):
    """A line of the answer, or a whole code block (its text then has `\\n` in it)."""

    kind: Literal["blank", "text", "heading", "item", "code"]
    text: str = ""
    marker: str = ""
    indent: int = 0


class _OpenItem(NamedTuple):
    """A list item that the next line may be part of."""

    indent: int  # of its marker, in the answer
    column: int  # of its text, in the body


class _Body:
    """Builds the body line by line, with the state that decides how the next line is read."""

    def __init__(self, resolve: Resolve, *, math: bool) -> None:
        self._resolve = resolve
        self._math = math
        self._lines: list[str] = []  # a code block is one
        self._items: list[_OpenItem] = []
        # The number of items that the paragraph above is in; the callout's header begins one.
        self._paragraph: int | None = 0
        self._table = False

    def lines(self) -> list[str]:
        """Return the lines so far, without a blank one at the end."""
        return "\n".join(self._lines).rstrip("\n").split("\n") if self._lines else []

    def add(self, block: _AnswerBlock, following: _AnswerBlock) -> None:
        """Add a block. following: the next one, to tell a table's head from a line with bars."""
        match block.kind:
            case "text":
                self._add_text(block.text, following)
            case "item":
                self._add_item(block, following)
            case "heading":
                line = self._inert(block.text)
                has_markup = re.search(r"[*_`]", line)
                self._add_separate(line if has_markup or not line else f"**{line}**")
            case "code":
                lines = (_PAIR.sub(r" \g<0>", line) for line in block.text.split("\n"))
                code = "\n".join(map(str.rstrip, lines)).strip("\n")
                longest = max(map(len, re.findall("`+", code)), default=0)
                fence = "`" * max(3, longest + 1)  # which nothing in the code closes
                self._add_separate(f"{fence}\n{code}\n{fence}" if code else "")
            case "blank":
                self._add_blank()

    def _add_blank(self) -> None:
        if not self._lines:
            return
        if self._lines[-1]:
            self._lines.append("")
        self._paragraph, self._table = None, False

    def _add_separate(self, line: str) -> None:
        """Add a line outside of any list, between blank lines."""
        self._items.clear()
        self._add_blank()
        if line:
            self._lines.append(line)
            self._add_blank()

    def _add_text(self, text: str, following: _AnswerBlock) -> None:
        if self._paragraph is None:
            self._items.clear()
        row = _delimiter_row(text) if self._table else None
        is_above_row = following.kind == "text" and _delimiter_row(following.text)
        if not self._items and "|" in text and is_above_row:
            self._table = True
        line = row or self._inert(text)
        if not row and _delimiter_row(line):
            line = f"\\{line}"  # else the line above, or the title, would become a table's head
        if line:
            self._lines.append(self._indent() + line)
            self._paragraph = len(self._items)
        else:
            self._add_blank()

    def _add_item(self, block: _AnswerBlock, following: _AnswerBlock) -> None:
        while self._items and block.indent < self._items[-1].indent + 2:
            self._items.pop()
        # A list may not interrupt a paragraph unless it starts with 1 (CommonMark 5.3).
        if block.marker[:-1] not in ("", "1") and self._paragraph == len(self._items):
            self._add_text(f"{block.marker} {block.text}", following)
            return
        self._table = False
        if line := self._inert(block.text):
            opening = f"{self._indent()}{block.marker} "
            self._lines.append(opening + line)
            self._items.append(_OpenItem(block.indent, len(opening)))
            self._paragraph = len(self._items)
        else:
            self._add_blank()

    def _indent(self) -> str:
        return " " * self._items[-1].column if self._items else ""

    def _inert(self, text: str) -> str:
        return inert_line(text, self._resolve, table=self._table, math=self._math)


def _read_blocks(lines: list[str]) -> Iterator[_AnswerBlock]:
    at = 0
    while at < len(lines):
        opening = _FENCE.match(lines[at])
        at += 1
        if not opening:
            yield _read_line(lines[at - 1])
            continue
        depth = opening["before"].count(">")
        indent = len(opening["before"].rpartition(">")[2])
        code: list[str] = []
        while at < len(lines) and not _closes(opening, lines[at]):
            if depth and not _QUOTE.match(lines[at]):  # its quote ends, and the code with it
                break
            line = _unquote(lines[at], depth)
            code.append(line[min(indent, len(line) - len(line.lstrip(" "))) :])
            at += 1
        yield _AnswerBlock("code", "\n".join(code))
        at += at < len(lines) and _closes(opening, lines[at])


def _closes(opening: re.Match[str], line: str) -> bool:
    bare = _unquote(line, opening["before"].count(">")).strip(" ")
    fence = opening["fence"]
    return len(bare) >= len(fence) and set(bare) == {fence[0]}


def _unquote(line: str, depth: int) -> str:
    at = 0
    for _ in range(depth):
        quote = _QUOTE.match(line, at)
        if not quote:
            break
        at = quote.end()
    return line[at:]


def _read_line(line: str) -> _AnswerBlock:
    line = _without(_QUOTES, line)
    text = line.strip()
    if _is_blank(text):
        return _AnswerBlock("blank")
    if heading := _HEADING.match(text):
        return _AnswerBlock("heading", text[heading.end() :].rstrip("# "))
    item = _ITEM.match(text)
    if not item:
        return _AnswerBlock("text", text)
    content = _without(_ITEM_OPENING, item["text"])
    if _is_blank(content):
        return _AnswerBlock("blank")
    return _AnswerBlock("item", content, item["marker"], len(line) - len(line.lstrip()))


def _without(opening: re.Pattern[str], text: str) -> str:
    match = opening.match(text)
    return text[match.end() :] if match else text


def _is_blank(text: str) -> bool:
    """Return whether text has no words: a rule, an underline, an empty item or heading."""
    return len(set(text) - {" "}) < 2 and (not text or text[0] in "-*_=+#")


def _delimiter_row(text: str) -> str | None:
    """Return the row between a table's head and its body (GFM 4.10), None if it is not one."""
    if "|" not in text:
        return None
    cells = text.removeprefix("|").removesuffix("|").split("|")
    matches = [_DELIMITER_CELL.fullmatch(cell) for cell in cells]
    cells = [f"{match[1]}---{match[2]}" for match in matches if match]
    return f"| {' | '.join(cells)} |" if len(cells) == len(matches) else None


# CommonMark (section 2.1) ends lines at LF, CR and CRLF; editors also at VT, FF, NEL, LS and PS.
_LINE_END = re.compile("\r\n|[\r\n\v\f\x85\u2028\u2029]")

_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co"})

# Default_Ignorable_Code_Point (Unicode, DerivedCoreProperties) beyond category Cf: fillers,
# variation selectors and tag characters, which can carry a hidden message. U+FE0E and U+FE0F are
# kept: they choose between the text and the emoji form.
_IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u3164\ufe00-\ufe0d\uffa0\ufff0-\ufff8"
    "\U000e0000-\U000e0fff]"
)


def visible_lines(text: str) -> list[str]:
    """Return the lines of text without line ends and invisible characters, tabs as spaces.

    Joiners stay where a script or an emoji needs them.
    """
    lines = []
    for line in _LINE_END.split(text):
        line = line.expandtabs(4)
        if not line.isprintable():
            signs = enumerate(line)
            line = "".join(sign for at, sign in signs if _is_visible(sign) or is_joiner(line, at))
        lines.append(line if line.isascii() else _IGNORABLE.sub("", line))
    return lines


def _is_visible(char: str) -> bool:
    # Unassigned characters may be next year's emoji; noncharacters never will be.
    return (
        unicodedata.category(char) not in _INVISIBLE_CATEGORIES
        and ord(char) & 0xFFFE != 0xFFFE
        and not 0xFDD0 <= ord(char) <= 0xFDEF
    )


_MARKS = ('""', "''", "„“", "„”", "“”", "‚‘", "‚’", "‘’", "«»", "»«", "‹›", "›‹", "「」", "『』")

# Markers of quotes, list items, headings, fences, tasks and callouts before the words. Numbers are
# kept.
_MARKER = r"(?:> *|~{3,} *|[#*+-]+(?: +|$))+(?:\[(?:.?|![^\[\]]*)\][+-]?(?: +|$))?"
_LEAD = re.compile(rf"(?:[0-9]{{1,9}}[.)] +|{_MARKER})+")
_RULE = re.compile(r"[-*_=+#~` ]*")

# Syntax to remove. What remains is checked again by _ACTIVE, which only adds spaces.
_SYNTAX = re.compile(
    r"\\(?=[!-/:-@\[-`{-~])|`+|\{\{|\}\}|\[\^[^\[\]\s]*\]|(?i:https?://(?:www\.)?)"
    rf"|(?<![^\s(\[])#+{TAG_AHEAD}|(?<=:)(?<!::):++(?=\s|$)"
)
# Not inside a word, as in 2*3*4; but in scripts without spaces, words may be on both sides.
_EMPHASIS = re.compile(r"(?<![A-Za-z0-9_*])(\*{1,3})(?=[^\s*])([^*]+)(?<=\S)\1(?![A-Za-z0-9_*])")

_ACTIVE = re.compile(
    "|".join(
        (
            rf"(?={PAIR})",
            r"(?<=[\[!^])(?=\[)|(?<=\[)(?=[\^!])|(?<=\])(?=[(\[:])",
            f"(?<=<){MARKUP_AHEAD}|(?<=&){ENTITY_AHEAD}|(?<=#){TAG_AHEAD}",
            "(?<=:)(?=//)",
            "(?i:" + "|".join(f"(?<={scheme}:)" for scheme in SCHEMES) + r")(?=\S)",
            r"(?i:(?<=www\.))(?=\S)",
            rf"(?<=^\^){BLOCK_ID_AHEAD}|(?<=\W\^){BLOCK_ID_AHEAD}",
        )
    )
)


def inert_value(text: str) -> str:
    """Return text as a property's value: one line with single spaces and without active syntax.

    Obsidian shows a value verbatim and Dataview renders it as Markdown, so links, code and emphasis
    are reduced to their words, and remaining active syntax is broken by a space, not escaped.
    Quotation marks around the whole value are removed. Empty if text has no words. Takes linear
    time.
    """
    lines = (_without_lead(line.strip()) for line in visible_lines(text))
    line = " ".join(line for line in lines if not _RULE.fullmatch(line))
    line = _SYNTAX.sub("", words(line, lambda target: None))
    line = _without_quotes(_EMPHASIS.sub(r"\2", " ".join(line.split())))
    line = _ACTIVE.sub(" ", line)
    if line.count("$") > 1:
        line = re.sub(r"\$(?=\S)", "$ ", line)
    line = _without_quotes(_without_lead(" ".join(line.split())))
    return line if re.search(r"[^\W_]", line) else ""


def _without_lead(line: str) -> str:
    lead = _LEAD.match(line)
    return (re.sub(_MARKER, "", lead[0]) + line[lead.end() :]).strip() if lead else line


def _without_quotes(line: str) -> str:
    """Return line without the quotation marks around all of it; “a” and “b” keeps its own."""
    for _ in _MARKS:
        inner, quotes = line[1:-1], line[:1] + line[-1:]
        # an apostrophe between letters is no quotation mark
        if quotes not in _MARKS or re.search(rf"(?<!\w)[{quotes}]|[{quotes}](?!\w)", inner):
            break
        line = inner.strip()
    return line
