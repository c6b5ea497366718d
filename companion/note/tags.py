"""The tags in a note's body, by Obsidian's rules."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

from companion.note.blocks import Line, fill_spans
from companion.note.text import CodeSpans

# Obsidian's help, "Tags": letters, digits, `_`, `-`, `/` and anything but ASCII or general
# punctuation; not digits alone. Before it is the start of the line, a blank (a byte order mark is
# one in JavaScript), or another tag. The pattern begins with `#`, since that is searched for fast.
_NAME = r"[^\s\u2000-\u206f\u2e00-\u2e7f!-,.:-@\[-^`{-~]+"
_WHOLE = re.compile(_NAME)
_TAGS = re.compile(rf"#(?<![^\s\ufeff]#){_NAME}(?:#{_NAME})*")
_POSSIBLE_TAG = re.compile(rf"#(?<!(?<!\\)\\#)({_NAME})")
_OPENINGS = ("%%", "```", "~~~", "$$", "<!--")
_NO_TAGS = re.compile(
    r"\\."
    r"|(?<!`)(?P<run>`+)(?!`)"
    r"|\[\[[^\[\]]*\]\]"
    r"|\[[^\[\]]*\](?:\([^()\[\]]*\)|\[[^\[\]]*\])"
    r"|<[^<>]*>"
    r"|\$(?=[^\s$])[^$]*(?<=[^\s$])\$(?!\d)"
)


def is_tag(name: str) -> bool:
    """Return whether Obsidian treats name, without `#`, as a tag."""
    return bool(_WHOLE.fullmatch(name)) and not name.isdecimal()


def find_tag_candidates(text: str, start: int) -> dict[int, str]:
    """Return the possible tags in a note's body, without `#`, by their offsets in the text.

    It includes all tags, and text in code, comments and the like. start: of the body.
    """
    return {place: text[place + 1 : end] for place, end in _find_tags(text, start)}


def likely_tags(text: str, start: int, tag_candidates: Mapping[int, str]) -> list[str]:
    """Return which of the tag candidates are likely to be tags, without reading the outline.

    Those in comments, formulas, indented code and fences are left out. start: of the body.
    """
    tags_in_use: list[str] = []
    hidden, end = _HiddenText(text, start), -1
    tags: set[int] = set()
    for place, name in tag_candidates.items():
        if hidden.is_at(place):
            continue
        if place > end:
            first, end = text.rfind("\n", 0, place) + 1, text.find("\n", place) % (len(text) + 1)
            line, tags = text[first:end].rstrip("\r"), set()
            if not line.startswith(("    ", "\t")):
                last = first + len(line)
                spans = find_tags(Line(first, last, last, line, kind="text"))
                tags = {first + start for start, _ in spans}
        if place in tags:
            tags_in_use.append(name)
    return tags_in_use


def find_tags(line: Line) -> list[tuple[int, int]]:
    """Return the spans of the tags in the line's text, `#` included.

    There are none in code, comments, formulas, HTML, links and URLs.
    """
    if line.kind not in ("text", "heading") or "#" not in line.text:
        return []
    visible = CodeSpans(fill_spans(line.text, line.hidden, "!"))
    return list(_find_tags(visible.mask(_NO_TAGS)))


def has_only_tags(line: Line) -> bool:
    """Return whether the line has tags and nothing else, apart from comments."""
    if line.kind != "text" or (line.content and line.prefix.strip(" \t")):
        return False
    tag_spans = find_tags(line)
    return bool(tag_spans) and not fill_spans(line.text, [*line.hidden, *tag_spans], " ").strip()


def has_tag(tags: Collection[str], tag: str) -> bool:
    """Return whether tag, or one nested in it, is among tags, regardless of case."""
    prefix = f"{tag.lstrip('#').casefold()}/"
    return any(f"{other.casefold()}/".startswith(prefix) for other in tags)


def find_possible_tags(text: str) -> Iterator[tuple[int, str]]:
    """Yield the offset and name of whatever any program might treat as a tag.

    Anything but an ASCII letter or digit or an escaping backslash may precede it.
    """
    end = -1
    for match in _POSSIBLE_TAG.finditer(text):
        start, before = match.start(), text[match.start() - 1 : match.start()]
        if start == end or not (before.isascii() and before.isalnum()):
            yield start, match[1].partition("\ufeff")[0]
        end = match.end()


_WORD = re.compile(r"(?<!\S)#[^\s#]+")


def without_tags(text: str) -> str:
    """Return text without the words that look like tags."""
    return _WORD.sub("", text)


class _HiddenText:
    """Tells whether ascending places of a text are in comments, formulas or fences."""

    def __init__(self, text: str, start: int) -> None:
        self._text = text
        self._states = {opening: (start, False) for opening in _OPENINGS if opening in text}

    def is_at(self, place: int) -> bool:
        text = self._text
        for opening, (start, is_open) in self._states.items():  # read on from the last place
            if opening != "<!--":
                is_open ^= bool(text.count(opening, start, place) % 2)
            else:
                opens, closes = text.rfind(opening, start, place), text.rfind("-->", start, place)
                is_open = is_open if opens == closes else opens > closes
            self._states[opening] = place, is_open
        return any(is_open for _, is_open in self._states.values())


def _find_tags(text: str, start: int = 0) -> Iterator[tuple[int, int]]:
    for match in _TAGS.finditer(text, start):
        end = match.start()
        for name in match[0][1:].split("#"):
            begin, end = end, end + 1 + len(name)
            if not name.isdecimal():
                yield begin, end
