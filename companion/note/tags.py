"""The tags in a line of a note's body, by Obsidian's rules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from companion.note.blocks import Line
from companion.note.spans import CodeSpans

# Obsidian's help, "Tags": letters, digits, `_`, `-`, `/` and whatever is no ASCII or general
# punctuation; not digits alone. Before it: the line's start, a blank (a byte order mark is one in
# JavaScript), or another tag. The pattern begins with the sign, since that is searched for fast.
_NAME = r"[^\s\u2000-\u206f\u2e00-\u2e7f!-,.:-@\[-^`{-~]+"
_WHOLE = re.compile(_NAME)
_TAGS = re.compile(rf"#(?<![^\s\ufeff]#){_NAME}(?:#{_NAME})*")
_POSSIBLE_TAG = re.compile(rf"#(?<!(?<!\\)\\#)({_NAME})")
_HIDING = ("%%", "```", "~~~", "$$", "<!--")
_NO_TAGS = re.compile(
    r"\\."
    r"|(?<!`)(?P<run>`+)(?!`)"
    r"|\[\[[^\[\]]*\]\]"
    r"|\[[^\[\]]*\](?:\([^()\[\]]*\)|\[[^\[\]]*\])"
    r"|<[^<>]*>"
    r"|\$(?=[^\s$])[^$]*(?<=[^\s$])\$(?!\d)"
)


def is_tag(name: str) -> bool:
    """Return whether Obsidian takes name, without `#`, for a tag."""
    return bool(_WHOLE.fullmatch(name)) and not name.isdecimal()


def tags_of(line: Line) -> list[str]:
    """Return the tags in the line, without `#`, as written.

    None stand in code, comments, formulas, HTML, links and URLs.
    """
    return [line.text[start + 1 : end] for start, end in find_tags(line)]


def find_tag_candidates(text: str, start: int) -> dict[int, str]:
    """Return what looks like a tag in a note's body, without `#`, by its place in the text.

    All tags are among it, and others that stand in code, comments and the like. start: of the body.
    """
    return {place: text[place + 1 : end] for place, end in _find_tags(text, start)}


def likely_tags(text: str, start: int, tag_candidates: Mapping[int, str]) -> list[str]:
    """Return which of what looks like a tag is one as a quick look tells, without the outline.

    Left out is what stands in comments, formulas, indented code and fences. start: of the body.
    """
    found: list[str] = []
    hidden, end = _Hidden(text, start), -1
    tags: set[int] = set()
    for place, name in tag_candidates.items():
        if hidden.is_at(place):
            continue
        if place > end:
            first, end = text.rfind("\n", 0, place) + 1, text.find("\n", place) % (len(text) + 1)
            tags = _places_of_tags(text[first:end].rstrip("\r"), first)
        if place in tags:
            found.append(name)
    return found


def _places_of_tags(line: str, first: int) -> set[int]:
    if line.startswith(("    ", "\t")):
        return set()
    last = first + len(line)
    return {first + start for start, _ in find_tags(Line(first, last, last, line, kind="text"))}


def find_tags(line: Line) -> list[tuple[int, int]]:
    """Return where in the line's text its tags stand, `#` included."""
    if line.kind not in ("text", "heading") or "#" not in line.text:
        return []
    return list(_find_tags(_masked(line)))


def has_only_tags(line: Line) -> bool:
    """Return whether the line holds tags and nothing else, but for comments."""
    if line.kind != "text" or (line.content and line.prefix.strip(" \t")):
        return False
    found = find_tags(line)
    return bool(found) and not _fill(line.text, [*line.hidden, *found], " ").strip()


def has_tag(tags: Iterable[str], wanted: str) -> bool:
    """Return whether wanted, or a tag nested in it, is among tags, whatever their case."""
    wanted = f"{wanted.lstrip('#').casefold()}/"
    return any(f"{tag.casefold()}/".startswith(wanted) for tag in tags)


def find_possible_tags(text: str) -> Iterator[tuple[int, str]]:
    """Yield what anybody might take for a tag, whatever it stands in: its place, and its name.

    Before it may stand anything but a letter or digit of ASCII, or a backslash: that says no.
    """
    end = -1
    for match in _POSSIBLE_TAG.finditer(text):
        start, before = match.start(), text[match.start() - 1 : match.start()]
        if start == end or not (before.isascii() and before.isalnum()):
            yield start, match[1].partition("\ufeff")[0]
        end = match.end()


class _Hidden:
    """Tells, from one place of a text to the next, what is in comments, formulas and fences."""

    def __init__(self, text: str, start: int) -> None:
        self._text = text
        self._known = dict.fromkeys(_HIDING, (start, False))

    def is_at(self, place: int) -> bool:
        return any(self._is_open(sign, place) for sign in _HIDING)

    def _is_open(self, sign: str, place: int) -> bool:
        """Whether what the sign opens is open at place; known up to where it was asked before."""
        text, (start, is_open) = self._text, self._known[sign]
        if sign != "<!--":
            is_open ^= bool(text.count(sign, start, place) % 2)
        else:
            opens, closes = text.rfind(sign, start, place), text.rfind("-->", start, place)
            is_open = is_open if opens == closes else opens > closes
        self._known[sign] = place, is_open
        return is_open


def _find_tags(text: str, start: int = 0) -> Iterator[tuple[int, int]]:
    for match in _TAGS.finditer(text, start):
        end = match.start()
        for name in match[0][1:].split("#"):
            begin, end = end, end + 1 + len(name)
            if not name.isdecimal():
                yield begin, end


def _masked(line: Line) -> str:
    """Return the line's text with `!` in the place of what holds no tags: same length."""
    text = _fill(line.text, line.hidden, "!")
    code = CodeSpans(text)
    parts: list[str] = []
    position = 0
    while match := _NO_TAGS.search(text, position):
        end = code.end_of(*match.span()) if match["run"] else match.end()
        parts += text[position : match.start()], "!" * (end - match.start())
        position = end
    return "".join(parts) + text[position:]


def _fill(text: str, spans: Iterable[tuple[int, int]], char: str) -> str:
    """Return text with char in the place of every character of the spans."""
    parts: list[str] = []
    position = 0
    for start, end in sorted(spans):
        parts += text[position:start], char * (end - start)
        position = end
    return "".join(parts) + text[position:]
