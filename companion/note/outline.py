"""What each line of a note's body is: text, heading, rule, code, comment; and its tags."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from companion.note.text import NoteText

Kind = Literal["blank", "text", "heading", "rule", "code", "comment", "math", "html"]

_LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n|\Z)")
_QUOTES = re.compile(r"(?:[ \t]*>)*")
_MARKERS = re.compile(r"(?:[ \t]*(?:>|(?:[-*+]|\d{1,9}[.)])(?=[ \t]|$)))*[ \t]*")
_RULE = re.compile(r"[ \t]*([-*_])[ \t]*(?:\1[ \t]*){2,}$")
_HEADING = re.compile(r"(#{1,6})(?:[ \t]+(.*?))??(?:[ \t]+#+)?[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(?:=+|-+)[ \t]*$")
_FENCE = re.compile(r"(`{3,})[^`]*$|(~{3,})")

# Block-level HTML ends at the next blank line (CommonMark 4.6, kinds 6 and 7).
_HTML = re.compile(
    r"</?(?:address|article|aside|blockquote|body|br|button|center|details|dialog|div|dl|dt|dd|"
    r"fieldset|figcaption|figure|footer|form|h[1-6]|header|hr|iframe|img|li|main|nav|ol|p|"
    r"pre|script|section|style|summary|svg|table|tbody|td|textarea|th|thead|tr|ul|video)\b"
    r"|</?[a-z][a-z0-9-]*(?:\s[^>]*)?/?>[ \t]*$",
    re.IGNORECASE,
)
_CODE = r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)"
_HIDING = re.compile(rf"\\.|{_CODE}|(?P<open>%%|<!--|\$\$)")
_CLOSING = {"%%": "%%", "<!--": "-->", "$$": "$$"}

# Obsidian's help, "Tags": letters, digits, `_`, `-`, `/` and whatever is no ASCII or general
# punctuation; at least one that is no digit; blanks or the line's start before it.
_TAG = re.compile(r"(?<!\S)#([^\s\u2000-\u206f\u2e00-\u2e7f!-,.:-@\[-^`{-~]+)")
_NO_TAGS = re.compile(rf"\\.|{_CODE}|\[\[.*?\]\]|\]\([^)]*\)|<[^>]*>|\w+://\S+|\$[^$\s][^$]*\$")
_ONLY_DIGITS = re.compile(r"[\d/]+$")


class _Open(NamedTuple):
    """A fence, comment or formula that is open: what closes it, and at which depth it stands."""

    kind: Kind
    closing: str
    depth: int


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a note's body.

    start, end, next: offsets in the note's text (characters): of the line, of its end, of
    the next line. text: the line without its end. content: where in `text` the content
    begins, after quote signs and list markers. depth: how many `>` stand before it.
    level: of a heading, 1 to 6. hidden: parts of `text` that lie in comments.
    """

    start: int
    end: int
    next: int
    text: str
    content: int = 0
    depth: int = 0
    is_item: bool = False
    kind: Kind = "blank"
    level: int = 0
    hidden: tuple[tuple[int, int], ...] = ()

    @property
    def prefix(self) -> str:
        """The quote signs, list markers and blanks before the content."""
        return self.text[: self.content]

    @property
    def shown(self) -> str:
        """The line without what lies in comments."""
        shown = self.text
        for start, end in reversed(self.hidden):
            shown = shown[:start] + shown[end:]
        return shown

    @property
    def title(self) -> str:
        """The words of a heading."""
        match = _HEADING.match(self.shown.strip(" \t"))
        return (match[2] or "").strip() if match else self.shown.strip()


def read_outline(note: NoteText) -> list[Line]:
    """Return the lines of the note's body, each with what it is.

    The rules are CommonMark's (sections 4.1 to 4.6, 5.1, 5.2), and Obsidian's for comments
    (`%%`), formulas and tags. A line of tags alone over `---` stays one: people rule off
    the top of a note so, though CommonMark calls it a heading.

    Raises NoteRefused when the properties are never closed.
    """
    return _Scanner().read(_split(note))


def tags_of(line: Line) -> list[str]:
    """Return the tags in the line, without `#`, as written."""
    if line.kind not in ("text", "heading") or "#" not in line.text:
        return []
    found = _TAG.findall(_NO_TAGS.sub(" x ", line.shown))
    return [tag for tag in found if not _ONLY_DIGITS.match(tag)]


def has_only_tags(line: Line) -> bool:
    """Return whether the line holds tags and nothing else."""
    words = line.shown.split()
    return line.kind == "text" and bool(words) and len(tags_of(line)) == len(words)


def has_tag(tags: Iterable[str], wanted: str) -> bool:
    """Return whether wanted, or a tag nested in it, is among tags, whatever their case."""
    wanted = wanted.lstrip("#").casefold()
    return any(f"{tag.casefold()}/".startswith(f"{wanted}/") for tag in tags)


def prose(lines: Iterable[Line]) -> str:
    """Return the text of the lines without comments; lines end with `\\n`."""
    return "\n".join(line.shown for line in lines if line.kind != "comment").strip("\n")


def _split(note: NoteText) -> Iterator[Line]:
    position = note.body_start
    while position < len(note.text):
        match = _LINE.match(note.text, position)
        assert match is not None
        yield Line(position, match.end(1), match.end(), match[1])
        position = match.end()


class _Scanner:
    """Reads lines one after the other; remembers what is open."""

    def __init__(self) -> None:
        self.open: _Open | None = None
        self.in_list = False
        self.lines: list[Line] = []
        self.last: dict[str, int] = {}

    def read(self, lines: Iterator[Line]) -> list[Line]:
        unread = list(lines)
        for closing in ("-->", "$$"):
            holding = [line.start for line in unread if closing in line.text]
            self.last[closing] = holding[-1] if holding else -1
        for line in unread:
            self.lines.append(self._within(line) if self.open else self._fresh(line))
        return self.lines

    def _within(self, line: Line) -> Line:
        """Return a line that begins inside a fence, comment or formula."""
        assert self.open is not None
        quotes = _QUOTES.match(line.text)
        depth = quotes[0].count(">") if quotes else 0
        if depth < self.open.depth:  # the quote has ended, and what was open in it
            self.open = None
            return self._fresh(line)
        kind, closing = self.open.kind, self.open.closing
        if kind == "code":
            tail = line.text.lstrip(" \t>").rstrip()
            if tail.startswith(closing) and not tail.strip(closing[0]):
                self.open = None
            return replace(line, kind="code", depth=depth)
        if kind == "math" or closing not in line.text:
            self.open = None if closing in line.text else self.open
            return replace(line, kind=kind, depth=depth, hidden=((0, len(line.text)),))
        self.open = None
        end = line.text.index(closing) + len(closing)
        return self._fresh(line, hidden_to=end)

    def _fresh(self, line: Line, hidden_to: int = 0) -> Line:
        """Return a line that begins outside of fences, comments and formulas."""
        prefix = _MARKERS.match(line.text, hidden_to)
        assert prefix is not None
        quotes = _QUOTES.match(line.text)
        assert quotes is not None
        if _RULE.match(line.text, quotes.end()) and not hidden_to:
            return self._rule(replace(line, depth=quotes[0].count(">"), content=quotes.end()))
        is_item = bool(re.search(r"[^ \t>]", prefix[0]))
        line = replace(line, content=prefix.end(), depth=prefix[0].count(">"), is_item=is_item)
        if not line.text[line.content :]:
            kind: Kind = "comment" if hidden_to else "blank"
            return replace(line, kind=kind, hidden=((0, hidden_to),) if hidden_to else ())
        self._follow_list(line)
        if self._is_indented_code(line):
            return replace(line, kind="code")
        if fence := _FENCE.match(line.text, line.content):
            self.open = _Open("code", fence[1] or fence[2], line.depth)
            return replace(line, kind="code")
        return self._words(line, hidden_to)

    def _words(self, line: Line, hidden_to: int) -> Line:
        hidden = [(0, hidden_to)] if hidden_to else []
        hidden += self._find_hidden(line)
        line = replace(line, hidden=tuple(hidden))
        if not line.shown.strip(" \t>"):
            return replace(line, kind="comment")
        if self.open and self.open.kind == "math":
            return replace(line, kind="math")
        heading = _HEADING.match(line.text, line.content)
        if heading and not line.depth and not line.is_item:
            return replace(line, kind="heading", level=len(heading[1]))
        if _UNDERLINE.match(line.text) and self._underline("=" in line.text):
            return replace(line, kind="rule")
        previous = self.lines[-1].kind if self.lines else "blank"
        if previous == "html" or _HTML.match(line.text, line.content):
            return replace(line, kind="html")
        return replace(line, kind="text")

    def _find_hidden(self, line: Line) -> Iterator[tuple[int, int]]:
        """Yield the parts in comments; leave open what is not closed in this line."""
        position = line.content
        while match := _HIDING.search(line.text, position):
            position = match.end()
            if not (opening := match["open"]):
                continue
            closing = _CLOSING[opening]
            end = line.text.find(closing, position)
            position = end + len(closing)
            if end < 0 and self.last.get(closing, line.end) <= line.start:
                return  # never closed: no comment, no formula; but `%%` hides all that follows
            if end < 0:
                self.open = _Open("math" if opening == "$$" else "comment", closing, line.depth)
                position = len(line.text)
            if opening != "$$":
                yield match.start(), position

    def _rule(self, line: Line) -> Line:
        self.in_list = self.in_list and line.text.startswith((" ", "\t"))
        if not line.depth and "-" in line.text and _UNDERLINE.match(line.text):
            self._underline(first_level=False)
        return replace(line, kind="rule")

    def _underline(self, first_level: bool) -> bool:
        """Make the line before a heading (setext), where it is the end of a paragraph."""
        if not self.lines or self.in_list:
            return False
        above = self.lines[-1]
        if above.kind != "text" or above.depth or above.is_item or has_only_tags(above):
            return False
        self.lines[-1] = replace(above, kind="heading", level=1 if first_level else 2)
        return True

    def _follow_list(self, line: Line) -> None:
        after_gap = not self.lines or self.lines[-1].kind == "blank"
        if line.is_item:
            self.in_list = True
        elif after_gap and not line.text.startswith((" ", "\t")):
            self.in_list = False

    def _is_indented_code(self, line: Line) -> bool:
        if self.in_list or line.is_item:
            return False
        after_text = self.lines and self.lines[-1].kind == "text"
        indent = re.sub(r".*>[ ]?", "", line.prefix).expandtabs(4)
        return len(indent) >= 4 and not after_text
