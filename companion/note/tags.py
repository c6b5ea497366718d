"""The tags in a note's body, by Obsidian's rules."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from companion.note.markdown import Line
from companion.note.text import CodeSpans, fill_spans

# Obsidian's help, "Tags": letters, digits, `_`, `-`, `/` and anything but ASCII or general
# punctuation; not digits alone. Before it is the start of the line, a blank (a byte order mark is
# one in JavaScript), or another tag. The pattern begins with `#`, since that is searched for fast.
_NAME = r"[^\s\u2000-\u206f\u2e00-\u2e7f!-,.:-@\[-^`{-~]+"
_WHOLE = re.compile(_NAME)
_TAGS = re.compile(rf"#(?<![^\s\ufeff]#){_NAME}(?:#{_NAME})*")
_POSSIBLE_TAG = re.compile(rf"#(?<!(?<!\\)\\#)({_NAME})")
# What most likely is code, a comment, a formula or a link. Each is linear in time.
_UNLIKELY_BLOCK = re.compile(
    r"```.*?```|~~~.*?~~~|%%.*?%%|\$\$.*?\$\$|<!--(?:(?!<!--).)*?-->", re.DOTALL
)
_SIGNS = ("```", "~~~", "%%", "$$", "<!--")
_UNLIKELY = re.compile(r"`[^`]*`|\[\[[^\[\]]*\]\]|\]\([^()]*\)|\\#")
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


def find_tag_candidates(text: str, start: int) -> list[str]:
    """Return the possible tags in a note's body, without `#`: all tags, and text in code and such.

    start: of the body.
    """
    return [text[place + 1 : end] for place, end in _find_tags(text, start)]


def likely_tags(body: str) -> list[str]:
    """Return what most likely are the tags of a note's body, without `#`. Fast, and not exact."""
    if any(sign in body for sign in _SIGNS):
        body = _UNLIKELY_BLOCK.sub("!", body)
    tags = []
    for line in body.split("\n"):
        if "#" in line and _TAGS.search(line) and not line.startswith(("    ", "\t")):
            line = _UNLIKELY.sub("!", line)
            tags += [line[place + 1 : end] for place, end in _find_tags(line)]
    return tags


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


def find_possible_tags(text: str) -> Iterator[str]:
    """Yield the name of whatever any program might treat as a tag.

    Anything but an ASCII letter or digit or an escaping backslash may precede it.
    """
    end = -1
    for match in _POSSIBLE_TAG.finditer(text):
        start, before = match.start(), text[match.start() - 1 : match.start()]
        if start == end or not (before.isascii() and before.isalnum()):
            yield match[1].partition("\ufeff")[0]
        end = match.end()


_WORD = re.compile(r"(?<!\S)#[^\s#]+")


def without_tags(text: str) -> str:
    """Return text without the words that look like tags."""
    return _WORD.sub("", text)


def _find_tags(text: str, start: int = 0) -> Iterator[tuple[int, int]]:
    for match in _TAGS.finditer(text, start):
        end = match.start()
        for name in match[0][1:].split("#"):
            begin, end = end, end + 1 + len(name)
            if not name.isdecimal():
                yield begin, end
