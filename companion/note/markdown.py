"""The lines of a note's body, each with its kind and the quotes it is in.

markdown-it-py finds the blocks (CommonMark, chapters 4 and 5). What Obsidian adds to them, comments
(`%%`) and formulas (`$$`), is masked before; so is what is within an HTML comment.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from companion.errors import NoteRefused
from companion.load_once import load_once
from companion.note.text import CodeSpans, NoteText, fill_spans, split_lines

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

LineKind = Literal["blank", "text", "heading", "rule", "code", "comment", "math", "html"]

_HEADING = re.compile(r"(#{1,6})(?=[ \t]|$)")
_CLOSING_HASHES = re.compile(r"(?:^|(?<=[ \t]))#+$")


class Line(NamedTuple):
    """One line of a note's body.

    start, end, next: offsets in the note's text (characters): of the line, of its end, of
    the next line. text: the line without its end. content: where in `text` the content
    begins, after `>`, list markers and blanks. depth: the number of quotes that the line is
    marked as being in. continued: how many of these quotes continue from the line above.
    starts_block: a block other than a paragraph starts in this line, such as a list item or a
    quote, so the line does not continue the paragraph above, however that is quoted.
    level: of a heading, 1 to 6; headings in quotes and lists have none and count as text.
    hidden: the parts of `text` that are comments. is_open: a comment continues below.
    """

    start: int
    end: int
    next: int
    text: str
    content: int = 0
    depth: int = 0
    continued: int = 0
    kind: LineKind = "blank"
    level: int = 0
    hidden: tuple[tuple[int, int], ...] = ()
    is_open: bool = False
    starts_block: bool = False

    @property
    def prefix(self) -> str:
        """The `>`, list markers and blanks before the content."""
        return self.text[: self.content]

    @property
    def visible(self) -> str:
        """The line without its comments."""
        return fill_spans(self.text, self.hidden, "") if self.hidden else self.text

    @property
    def title(self) -> str:
        """The text of a heading, without `#`."""
        text = self.visible.strip(" \t")
        if not (hashes := _HEADING.match(text)):
            return text
        return _CLOSING_HASHES.sub("", text[hashes.end() :].strip(" \t")).strip(" \t")


def read_lines(note: NoteText) -> list[Line]:
    """Return the lines of the note's body, each with its kind and its place among the blocks.

    A comment opened by `%%`, or by `<!--` at a line's start, and never closed hides all that
    follows. A line of only tags above `---` stays a line of tags, although CommonMark makes it a
    heading: people separate the top of a note this way.

    Raises NoteRefused when the properties are never closed.
    """
    lines, start = [], note.body_start
    for line in split_lines(note.body):
        text = line.rstrip("\r\n")
        lines.append(Line(start, start + len(text), start + len(line), text))
        start += len(line)
    masked = [_Masked(line.text) for line in lines]
    if not any(sign in note.text for sign in ("%%", "<!--", "$$")):
        return list(map(_join, lines, masked, _read_blocks([line.text for line in masked])))
    fence_ends = set[int]()
    while len(fence_ends) < _MOST_FENCE_ENDS:
        masker = _Masker([line.text for line in lines], fence_ends)
        masked = masker.mask()
        blocks = _read_blocks([line.text for line in masked])
        after = (n for n in masker.fenced if blocks[n].kind in ("text", "heading", "rule"))
        if (end := next(after, None)) is None:
            return list(map(_join, lines, masked, blocks))
        fence_ends.add(end)  # with its list item: read again, as a comment may follow
    raise NoteRefused("too many of its code blocks are never closed; close them")


def _join(line: Line, masked: _Masked, block: _Block) -> Line:
    """Return the line with its comments, and with what it is in its block."""
    kind, hidden = block.kind, masked.hidden
    if masked.kind:
        kind = masked.kind
    elif kind == "code":
        hidden = ()
    elif hidden and not fill_spans(line.text, hidden, "").strip(" \t>"):
        kind = "comment"
    starts = block.starts or block.kind in ("heading", "rule", "code", "html")
    above = min(block.depth, block.quotes_above)
    place = (min(block.content, len(line.text)), block.depth, above)
    return Line(*line[:4], *place, kind, block.level, hidden, masked.is_open, starts)


@dataclass(slots=True)
class _Block:
    """What a line is in its block. quotes: it is in; quotes_above: those that began above it."""

    kind: LineKind = "blank"
    content: int = 0
    quotes: int = 0
    quotes_above: int = 0
    depth: int = 0
    level: int = 0
    starts: bool = False


_MOST_FENCE_ENDS = 20
# Deeper containers count as text: no note has them, and time must not grow as depth times length.
_MAX_DEPTH = 100
_KINDS: dict[str, LineKind] = {
    "hr": "rule",
    "fence": "code",
    "code_block": "code",
    "html_block": "html",
}
_MARKER = r"(?:[-*+]|\d{1,9}[.)])(?=[ \t]|$)"
_PREFIX = re.compile(rf"(?:[ \t]*(?:>|{_MARKER}))*[ \t]*")
_RULE = re.compile(r"([-*_])(?:[ \t]*\1){2,}[ \t]*$")
_ONLY_TAGS = re.compile(r"[ \t]*(?:#(?!\d+(?:\s|$))[^\s#,.;:!?()]+[ \t]*)+")


@load_once
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt  # most notes of a scan need no blocks

    rules = ["inline", "text_join", "reference"]  # only blocks are read
    return MarkdownIt("commonmark", {"maxNesting": _MAX_DEPTH}).disable(rules)


def _read_blocks(texts: list[str]) -> list[_Block]:
    """Return what each of the lines is."""
    blocks = [_Block(content=len(text)) for text in texts]
    tokens = _parser().parse("\n".join(texts))
    for token, following in zip(tokens, [*tokens[1:], *tokens[:1]], strict=True):
        if token.type in ("blockquote_open", "list_item_open") and token.map:
            first, stop = token.map
            blocks[first].starts = True
            for n in range(first, stop) if token.type == "blockquote_open" else ():
                blocks[n].quotes += 1
                blocks[n].quotes_above += n > first
        elif token.type in ("paragraph_open", "heading_open"):
            _read_inline(token, following, blocks, texts)
        elif kind := _KINDS.get(token.type):
            for n in range(*(token.map or ())):
                blocks[n].kind, blocks[n].depth = kind, blocks[n].quotes
                rule = _RULE.search(texts[n]) if kind == "rule" else None
                quotes = _end_of_quotes(texts[n], blocks[n].quotes)
                blocks[n].content = rule.start() if rule else quotes
    for block, text in zip(blocks, texts, strict=True):
        if block.kind == "blank":
            block.depth = min(block.quotes, text.count(">"))
            prefix = _PREFIX.match(text)
            if prefix and prefix.end() < len(text):  # nested too deep
                block.kind, block.content = "text", prefix.end()
    return blocks


def _read_inline(token: Token, inline: Token, blocks: list[_Block], texts: list[str]) -> None:
    """Set what the lines of a paragraph or heading are. inline: the token of its text."""
    first, stop = token.map or (0, 0)
    is_underlined = token.markup in ("=", "-") and token.type == "heading_open"
    stop -= is_underlined
    for n in range(first, stop):
        blocks[n].kind = "text"
        blocks[n].content = _end_of_quotes(texts[n], blocks[n].quotes)
    blocks[first].content = _start_of(inline.content.partition("\n")[0], texts[first])
    if token.type == "heading_open" and not is_underlined:
        blocks[first].content, blocks[first].starts = texts[first].index("#"), True
        if token.level == 0:
            blocks[first].kind, blocks[first].level = "heading", int(token.tag[1])
    elif is_underlined:
        blocks[stop].kind, blocks[stop].depth = "rule", blocks[stop].quotes
        blocks[stop].content = _end_of_quotes(texts[stop], blocks[stop].quotes)
        is_below_tags = token.markup == "-" and all(map(_ONLY_TAGS.fullmatch, texts[first:stop]))
        if token.level == 0 and not is_below_tags and _FILLER not in texts[stop - 1][:1]:
            blocks[stop - 1].kind, blocks[stop - 1].level = "heading", int(token.tag[1])
    for n in range(first, stop):
        blocks[n].depth = texts[n].count(">", 0, blocks[n].content)


def _start_of(content: str, text: str) -> int:
    """Return where the first line of a paragraph begins in its text."""
    before = text[: len(text.rstrip()) - len(content.strip())].rstrip()
    return len(text) - len(text[len(before) :].lstrip(" \t"))


def _end_of_quotes(text: str, quotes: int) -> int:
    """Return where the `>` of so many quotes, and the blanks after them, end."""
    at = len(text) - len(text.lstrip(" \t"))
    while quotes and text.startswith(">", at):
        at += 1
        at += len(text) - at - len(text[at:].lstrip(" \t"))
        quotes -= 1
    return at


_FILLER = "\ufffc"
_FENCE = re.compile(r"(`{3,})[^`]*$|(~{3,})")
_OPENING = re.compile(r"\\.|(?P<code>`+)|(?P<open>%%|<!--|\$\$)")
_CLOSING = {"%%": "%%", "<!--": "-->", "$$": "$$"}


class _Masked(NamedTuple):
    """A line with other text, as long, in place of comments and formulas; see Line.

    kind: it has if it is in a comment or formula that began above, or begins with a formula.
    """

    text: str
    kind: LineKind | None = None
    hidden: tuple[tuple[int, int], ...] = ()
    is_open: bool = False


class _Open(NamedTuple):
    """A comment, formula or fence that is open. depth: the number of quotes it is in."""

    opening: str
    closing: str
    depth: int


class _Masker:
    """Masks the lines of a note, in order. What is open ends with its quote at the latest.

    fence_ends: lines above which an open fence ends without a closing one. fenced: after mask(),
    the lines taken for code in fences.
    """

    def __init__(self, texts: Sequence[str], fence_ends: Collection[int] = ()) -> None:
        self._texts = texts
        self._fence_ends = fence_ends
        self.fenced: list[int] = []
        self._open: _Open | None = None
        self._last = {
            closing: max((n for n, text in enumerate(texts) if closing in text), default=-1)
            for closing in ("-->", "$$")
        }

    def mask(self) -> list[_Masked]:
        """Return the masked lines."""
        return [self._mask(index, text) for index, text in enumerate(self._texts)]

    def _mask(self, index: int, text: str) -> _Masked:
        prefix = _PREFIX.match(text)
        content = prefix.end() if prefix else 0
        depth = text.count(">", 0, content)
        if self._open and depth < self._open.depth:
            self._open = None
        if self._open and self._open.opening in "`~" and index in self._fence_ends:
            self._open = None
        if self._open and self._open.opening in "`~":
            self.fenced.append(index)
            tail = text[content:].rstrip(" \t")
            if tail.startswith(self._open.closing) and not tail.strip(tail[:1]):
                self._open = None
            return _Masked(text)
        if self._open:
            return self._mask_inside(text, self._open)
        if fence := _FENCE.match(text, content):
            signs = fence[1] or fence[2]
            self._open = _Open(signs[0], signs, depth)
            return _Masked(text)
        hidden = tuple(self._find(index, content, depth))
        masked = text
        for start, end in hidden:
            if not text.startswith("<!--", start):
                masked = masked[:start] + _FILLER * (end - start) + masked[end:]
        if self._open and self._open.opening == "$$" and text.startswith("$$", content):
            return _Masked(masked, "math", hidden)
        return _Masked(masked, None, hidden, bool(self._open and self._open.opening != "$$"))

    def _mask_inside(self, text: str, span: _Open) -> _Masked:
        """Return a line that begins inside a comment or formula."""
        end = text.find(span.closing) + len(span.closing)
        is_open = end < len(span.closing)
        if not is_open:
            self._open = None
        stop = len(text) if is_open or span.opening == "$$" else end
        start = _end_of_quotes(text, span.depth)
        filler = _FILLER * max(stop - start, not text[start:])  # no line is blank
        if span.opening == "<!--" and not is_open:
            filler = filler[: -len(span.closing)] + span.closing
        masked = text[:start] + filler + text[stop:]
        if span.opening == "$$":
            return _Masked(masked, "math")
        is_all = not text[stop:].strip(" \t")
        return _Masked(masked, "comment" if is_all else None, ((0, stop),), is_open)

    def _find(self, index: int, content: int, depth: int) -> Iterator[tuple[int, int]]:
        """Yield the spans of the comments in a line; note what is still open at its end."""
        text = self._texts[index]
        code = CodeSpans(text)
        unclosed: set[str] = set()
        position = content
        while match := _OPENING.search(text, position):
            position = match.end()
            if match["code"]:
                position = code.end_of(*match.span())
            if not (opening := match["open"]) or opening in unclosed:
                continue
            closing = _CLOSING[opening]
            end = text.find(closing, position)
            if end >= 0:
                position = end + len(closing)
            elif self._continues(index, opening, match.start() == content):
                self._open = _Open(opening, closing, depth)
                position = len(text)
            else:
                unclosed.add(opening)
                continue
            if opening != "$$":
                yield match.start(), position

    def _continues(self, index: int, opening: str, is_first: bool) -> bool:
        """Return whether what opens in the line, and is not closed in it, continues below."""
        if opening == "%%":
            return True
        is_closed = self._last[_CLOSING[opening]] > index
        if opening == "<!--":
            return is_first or is_closed
        if is_first or not is_closed:
            return is_closed
        for text in self._texts[index + 1 :]:  # `$$` must follow in the paragraph
            if "$$" in text or not text.strip(" \t>"):
                return "$$" in text
        return False
