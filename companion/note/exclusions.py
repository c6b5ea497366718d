"""The marks for which a note is kept back, by the configuration: here a doubt counts.

Whether a word is a tag, and whether `yes` is true, differs from one reader to the next. A note that
was sent cannot be called back, so it bears a mark as soon as any reader may see it.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cached_property

from companion.errors import NoteRefused
from companion.note.blocks import Line
from companion.note.parsed_note import ParsedNote
from companion.note.properties import Properties, PropertyValue
from companion.note.spans import CodeSpans
from companion.note.tags import find_possible_tags

PRIVATE = "set to be read by models on this machine only"

# YAML 1.1, "Boolean language-independent type"; and what is a flag in other programs.
_SAME = {
    **dict.fromkeys(("true", "yes", "on", "y", "1"), "true"),
    **dict.fromkeys(("false", "no", "off", "n", "0"), "false"),
}
_BETWEEN_TAGS = re.compile(r"[,\s]+")
_ESCAPE_OR_RUN = re.compile(r"\\.|`+")
_ENDS_ELSEWHERE = re.compile(r"[<>$%\[\]]")


def tag_mark(tag: str) -> str:
    """Return what the note is or does that has the tag, in words."""
    return f"is tagged #{tag}"


def property_mark(name: str, value: str) -> str:
    """Return what the note is or does whose property has the value, in words."""
    return f"says {name}: {value}"


def find_marks(
    parsed: ParsedNote, tags: Sequence[str], properties: Sequence[tuple[str, str]]
) -> tuple[str, ...]:
    """Return which of the marks the note bears, in words."""
    marks = [tag_mark(tag) for tag in _tags_borne(parsed, tags)] if tags else []
    marks += [property_mark(*pair) for pair in properties if has_value(parsed.properties, *pair)]
    return tuple(marks)


def has_value(properties: Properties, name: str, value: str) -> bool:
    """Return whether the property has the value, or it is in its list, however it is written."""
    texts = _texts(_values(properties, (_folded(name),)), set())
    return _meant(value) in map(_meant, texts)


def _tags_borne(parsed: ParsedNote, tags: Sequence[str]) -> Iterator[str]:
    """Yield those of the tags, without `#`, that the note has, or that one in it is nested in."""
    wanted = tuple(f"{_folded(tag)}/" for tag in tags)
    borne = {path for path in _property_paths(parsed.properties) if path.startswith(wanted)}
    code = _Code(parsed)
    for place, name in find_possible_tags(parsed.note.text):
        paths = [path for path in _paths(name) if path.startswith(wanted)]
        if paths and not code.is_at(place):
            borne.update(paths)
    for tag, start in zip(tags, wanted, strict=True):
        if any(path.startswith(start) for path in borne):
            yield tag


def _property_paths(properties: Properties) -> Iterator[str]:
    for text in _texts(_values(properties, ("tags", "tag")), set()):
        for name in _BETWEEN_TAGS.split(text):
            yield from _paths(name.lstrip("#"))


def _values(properties: Properties, names: tuple[str, ...]) -> list[PropertyValue]:
    return [value for key, value in properties.values.items() if _folded(key) in names]


def _paths(name: str) -> tuple[str, str]:
    """Return the tag to compare, with `/` at its end; and if `_` there ends an emphasis."""
    folded = _folded(name)
    return f"{folded}/", f"{folded.rstrip('_-')}/"


def _texts(value: PropertyValue, seen: set[int]) -> Iterator[str]:
    """Yield every text in a value, at any depth; what aliases of YAML repeat, once."""
    if isinstance(value, (list, dict)):
        if id(value) not in seen:
            seen.add(id(value))
            for part in value if isinstance(value, list) else [*value, *value.values()]:
                yield from _texts(part, seen)
    elif value is not None:
        yield str(value)


def _meant(value: str) -> str:
    folded = _folded(value.strip())
    return _SAME.get(folded, folded)


def _folded(text: str) -> str:
    """Return text for comparing: whatever its case, its accents' encoding, or an emoji's style."""
    return text.casefold() if text.isascii() else _plain(text)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold().replace("\ufe0f", "")


class _Code:
    """Tells what of a note is code by any reading."""

    def __init__(self, parsed: ParsedNote) -> None:
        self._view = parsed

    def is_at(self, place: int) -> bool:
        """Whether the character at place, in the note's text, is surely code."""
        if place < self._view.note.body_start:
            return False
        lines = self._view.lines
        line = lines[bisect_right(lines, place, key=lambda line: line.start) - 1]
        if line.kind == "code":  # indented code may be a list's text; so may a fence that deep in
            return not line.prefix.expandtabs(4).endswith("    ")
        starts, ends = self._spans
        index = bisect_right(starts, place)
        return index > 0 and place < ends[index - 1]

    @cached_property
    def _spans(self) -> tuple[list[int], list[int]]:
        spans = list(_find_inline_code(self._view.lines))
        return [start for start, _ in spans], [end for _, end in spans]


def _find_inline_code(lines: Sequence[Line]) -> Iterator[tuple[int, int]]:
    """Yield where in the note inline code stands that is nothing else by any reading.

    That is: all on one line, and no backtick before it, in its paragraph or what might be more of
    it, goes without another on its own line; nothing in it may begin or end a link, say.
    """
    in_doubt = False
    for line in lines:
        if line.kind == "blank":
            in_doubt = False
        elif "`" in line.text:
            code, position = CodeSpans(line.text), 0
            while match := _ESCAPE_OR_RUN.search(line.text, position):
                position = match.end()
                if match[0][0] == "`":
                    position = code.end_of(*match.span())
                    in_doubt |= position == match.end()
                    if not (in_doubt or _is_doubtful(line, match.end(), position)):
                        yield line.start + match.start(), line.start + position


def _is_doubtful(line: Line, start: int, end: int) -> bool:
    is_text = line.kind in ("text", "heading")
    return not is_text or bool(_ENDS_ELSEWHERE.search(line.text, start, end))


_SIGNS = ("{{", "<%")
_TEMPLATE = re.compile(
    r"\{\{[ \t]*(?:title|date|time)[ \t]*(?::[^{}\r\n]*)?\}\}|<%[-_+*~]?", re.IGNORECASE
)
_CODE_OR_FORMULA = re.compile(
    r"\\[\\`$]|(?P<run>`+)|\$\$.*?\$\$|\$(?=[^\s$])[^$]*(?<=[^\s$])\$(?!\d)"
)
_LONGEST = 40  # characters of it that are shown


def find_template(parsed: ParsedNote) -> NoteRefused | None:
    """Return why the note's text makes it a template, with the line; None: it does not.

    Code and formulas are about templates, and make none: outside of them only.
    """
    note = parsed.note
    if not any(note.text.find(sign, note.body_start) >= 0 for sign in _SIGNS):
        return None
    last_closing = note.text.rfind("%>")
    for line in parsed.lines:
        for found in _find_in(line):
            if found[0].startswith("{{") or line.start + found.end() <= last_closing:
                what = found[0][:_LONGEST]
                reason = f"a template: its text holds {what}; if it is none, write it as `{what}`"
                return NoteRefused(reason, line=note.line_number(line.start))
    return None


def _find_in(line: Line) -> Iterator[re.Match[str]]:
    if line.kind in ("code", "math") or not any(sign in line.text for sign in _SIGNS):
        return iter(())
    return _TEMPLATE.finditer(_masked(line.text))


def _masked(text: str) -> str:
    """Return text of the same length with `!` in the place of inline code and formulas."""
    code, parts, position = CodeSpans(text), list[str](), 0
    while match := _CODE_OR_FORMULA.search(text, position):
        end = code.end_of(*match.span()) if match["run"] else match.end()
        parts += text[position : match.start()], "!" * (end - match.start())
        position = end
    return "".join(parts) + text[position:]
