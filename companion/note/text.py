"""A note's text, decoded without loss, and spans in it: properties, body, code, comments."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from companion.errors import NoteRefused

BOM = "\ufeff"
_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+")
_NEWLINE = re.compile(r"\r\n|\r|\n")
_OPENING = re.compile(r"\ufeff?---[ \t]*(?:\r\n|\r|\n)")
_CLOSING = re.compile(r"\n---[ \t]*(?:\r\n|\n|\Z)")


class Span(NamedTuple):
    """text[start:end]. Offsets count characters."""

    start: int
    end: int


def split_lines(text: str) -> list[str]:
    """Return the lines of text with their ends: `\\r\\n`, `\\r` or `\\n` only.

    str.splitlines also splits at U+2028, U+0085 and others, which are text in a note.
    """
    return _LINE.findall(text)


def line_start(text: str, offset: int) -> int:
    """Return the start of the line that offset is in."""
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1


@dataclass(frozen=True)
class NoteText:
    """The text of one note. A byte order mark is kept as its first character.

    All offsets count characters of `text`.
    """

    text: str

    @classmethod
    def decode(cls, data: bytes) -> NoteText:
        """Return the note in data.

        Raises NoteRefused, with the line, if data is not UTF-8.
        """
        try:
            return cls(data.decode("utf-8"))
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            reason = "the file is not UTF-8 text; save it as UTF-8 to have it enriched"
            raise NoteRefused(reason, line=line) from None

    @property
    def frontmatter(self) -> Span | None:
        """The span of the YAML between the two `---` lines; None if there is none.

        Obsidian's rule (Help, "Properties"): the block opens in the very first line.

        Raises NoteRefused if the block is opened and never closed.
        """
        return self._blocks[0]

    @property
    def body_start(self) -> int:
        """The start of the body: after the closing `---` line, or after the byte order mark."""
        return self._blocks[1]

    @property
    def yaml(self) -> str:
        """The text between the two `---` lines; empty if there is none."""
        span = self.frontmatter
        return self.text[span.start : span.end] if span else ""

    @property
    def body(self) -> str:
        """The text after the properties."""
        return self.text[self.body_start :]

    def newline_at(self, offset: int) -> str:
        """Return the line end used around offset: the last one before it, else the first after it.

        It is `\\n` in a note without line ends.
        """
        last = line_start(self.text, offset) - 1
        if self.text.endswith("\r\n", 0, last + 1):
            return "\r\n"
        newline = _NEWLINE.search(self.text, last if last >= 0 else offset)
        return newline.group() if newline else "\n"

    def line_number(self, offset: int) -> int:
        """Return the number of the line that offset is in, counted from 1."""
        return len(_NEWLINE.findall(self.text, 0, offset)) + 1

    @cached_property
    def _blocks(self) -> tuple[Span | None, int]:
        opening = _OPENING.match(self.text)
        if not opening:
            return None, len(BOM) if self.text.startswith(BOM) else 0
        # In text of the same length, every line ends at `\n`.
        text = re.sub(r"\r(?!\n)", "\n", self.text) if "\r" in self.text else self.text
        closing = _CLOSING.search(text, opening.end() - 1)  # the closing line may follow at once
        if not closing:
            reason = (
                "the properties opened by --- are never closed; add a line --- after the last one"
            )
            raise NoteRefused(reason, line=1)
        return Span(opening.end(), closing.start() + 1), closing.end()


_HIDDEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060\u2066-\u2069\ufeff]"
)


def show_hidden(text: str) -> str:
    """Return the text with its control, bidirectional and zero-width characters as `<U+202E>`.

    Then no name can pass for another, and no text can steer a terminal. Tabs and line feeds stay,
    and so do the joiners, which some scripts and emoji need.
    """
    return _HIDDEN.sub(lambda sign: f"<U+{ord(sign[0]):04X}>", text)


# A joiner between two letters of a script that needs it, or between two emoji (Unicode Standard
# Annex 31, section 2.3; Unicode Technical Standard 51, emoji ZWJ sequences).
_LETTER = "[\u0620-\u06ff\u0750-\u077f\u08a0-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u17ff]"
_EMOJI = "\u2190-\u2bff\U0001f000-\U0001faff"
_JOINER = re.compile(
    f"(?<={_LETTER})[\u200c\u200d](?={_LETTER})|(?<=[\ufe0f{_EMOJI}])\u200d(?=[{_EMOJI}])"
)


def is_joiner(text: str, at: int) -> bool:
    """Return whether the character at this offset is a joiner that a script or an emoji needs."""
    return bool(_JOINER.match(text, at))


_RUN = re.compile(r"`+")


class CodeSpans:
    """Finds the end of inline code by a text's runs of backticks (CommonMark 6.1)."""

    def __init__(self, text: str) -> None:
        self.text = text

    def end_of(self, start: int, end: int) -> int:
        """Return the end of the code opened by the backticks text[start:end]; `end` if none is."""
        same_length = self._runs.get(end - start, [])
        following = bisect_left(same_length, end)
        return same_length[following] + end - start if following < len(same_length) else end

    def mask(self, pattern: re.Pattern[str]) -> str:
        """Return the text, of the same length, with `!` in place of what pattern matches.

        A match of its group `run` opens inline code, which is masked to its end.
        """
        parts, position = list[str](), 0
        while match := pattern.search(self.text, position):
            end = self.end_of(*match.span()) if match["run"] else match.end()
            parts += self.text[position : match.start()], "!" * (end - match.start())
            position = end
        return "".join(parts) + self.text[position:]

    @cached_property
    def _runs(self) -> dict[int, list[int]]:
        """The starts of the runs by their length, so that time is linear in the text's length."""
        runs: dict[int, list[int]] = {}
        for run in _RUN.finditer(self.text):
            runs.setdefault(len(run[0]), []).append(run.start())
        return runs


# Scripts written without spaces: Thai, Lao, Myanmar, Khmer; kana; Han. Hangul has spaces.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
_ENDS_ANYWHERE = re.compile(f"[{UNSPACED}\uac00-\ud7a3]")  # Korean puts particles behind words


def is_letter(char: str) -> bool:
    """Return whether the character is a letter, a digit or an accent."""
    return char.isalnum() or unicodedata.category(char)[0] == "M"


def joins_letters(before: str, after: str) -> bool:
    """Return whether two characters are letters, digits or accents within one word."""
    if unicodedata.category(after)[0] == "M":  # a vowel sign or accent of the letter before it
        return True
    return is_letter(before) and is_letter(after) and not _ENDS_ANYWHERE.search(before + after)


# Words, tags, links, quotation marks, emphasis.
_PLAIN_START = re.compile(
    r" {0,3}(?:[^\W\d_]|[^\x00-\x7f]|\d+(?![\d.)])|#[^\s#]|[\"'(]|!?\[\["
    r"|\[(?!!)[^\[\]]*\]\(|[*_]{1,3}(?=[^\s*_]))(?!.*::)"
)


def is_plain_start(text: str) -> bool:
    """Return whether text certainly means the same at the start of a line as within one.

    Markers of lists, quotes, tables, HTML and code do not, nor do block ids and Dataview's `key::
    v`.
    """
    return bool(_PLAIN_START.match(text))


def fill_spans(text: str, spans: Iterable[tuple[int, int]], char: str) -> str:
    """Return text with char, or nothing if that is empty, for every character of the spans."""
    parts: list[str] = []
    position = 0
    for start, end in sorted(spans):
        parts += text[position:start], char * (end - start)
        position = end
    return "".join(parts) + text[position:]
