"""The tags in a line of a note's body, by Obsidian's rules."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from companion.note.code_span import CodeSpans
from companion.note.line import Line

# Obsidian's help, "Tags": letters, digits, `_`, `-`, `/` and whatever is no ASCII or general
# punctuation; not digits alone. Before it: the line's start, a blank, or another tag.
_NAME = r"[^\s\u2000-\u206f\u2e00-\u2e7f!-,.:-@\[-^`{-~]+"
_WHOLE = re.compile(_NAME)
_TAGS = re.compile(rf"(?<!\S)(?:#{_NAME})+")
_LIKE_TAG = re.compile(r"#(?<!\S#)[^\s#]")
_PAIRED = ("%%", "```", "~~~", "$$")
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


def likely_tags(text: str, start: int) -> list[str]:
    """Return the tags of a note's body as a quick look tells, for it does without the outline.

    Left out is what stands in comments, formulas, indented code and fences. start: of the body.
    """
    found: list[str] = []
    if not _LIKE_TAG.search(text, start):  # of most notes this is all
        return found
    hidden, end = _Hidden(text, start), -1
    tags: dict[int, str] = {}
    for match in _LIKE_TAG.finditer(text, start):
        place = match.start()
        if hidden.is_at(place):
            continue
        if place > end:
            first, end = text.rfind("\n", 0, place) + 1, text.find("\n", place) % (len(text) + 1)
            tags = _tags_by_place(text[first:end].rstrip("\r"), first)
        if place in tags:
            found.append(tags[place])
    return found


def _tags_by_place(line: str, first: int) -> dict[int, str]:
    if line.startswith(("    ", "\t")):
        return {}
    spans = find_tags(Line(first, first + len(line), first + len(line), line, kind="text"))
    return {first + start: line[start + 1 : end] for start, end in spans}


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
    wanted = wanted.lstrip("#").casefold()
    return any(f"{tag.casefold()}/".startswith(f"{wanted}/") for tag in tags)


class _Hidden:
    """Tells, from one place of a text to the next, what is in comments, formulas and fences."""

    def __init__(self, text: str, start: int) -> None:
        self._text = text
        self._at = start
        self._opened = [False] * len(_PAIRED)
        self._is_html = False

    def is_at(self, place: int) -> bool:
        text, at = self._text, self._at
        for number, sign in enumerate(_PAIRED):
            if text.count(sign, at, place) % 2:
                self._opened[number] = not self._opened[number]
        opens, closes = text.rfind("<!--", at, place), text.rfind("-->", at, place)
        if opens != closes:
            self._is_html = opens > closes
        self._at = place
        return self._is_html or any(self._opened)


def _find_tags(text: str) -> Iterator[tuple[int, int]]:
    for match in _TAGS.finditer(text):
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
