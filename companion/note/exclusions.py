"""What excludes a note: the configured tags and properties, and template syntax in its text.

Programs differ on whether a word is a tag, and whether `yes` is true. A note that was sent cannot
be called back, so a mark counts as soon as any program may see it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

from companion.errors import NoteRefused
from companion.note.note import ParsedNote
from companion.note.properties import BETWEEN_TAGS, Properties, PropertyValue
from companion.note.tags import find_possible_tags
from companion.note.text import CodeSpans

PRIVATE = "so only a model on this machine may read it"

# YAML 1.1, "Boolean language-independent type", and the flags of other programs.
_BOOLEANS = {
    **dict.fromkeys(("true", "yes", "on", "y", "1"), "true"),
    **dict.fromkeys(("false", "no", "off", "n", "0"), "false"),
}


def tag_mark(tag: str) -> str:
    """Return the predicate of a note that has the tag, for a sentence about it."""
    return f"is tagged #{tag}"


def property_mark(name: str, value: str) -> str:
    """Return the predicate of a note whose property has the value, for a sentence about it."""
    return f"says {name}: {value}"


def find_marks(
    parsed: ParsedNote, tags: Sequence[str], properties: Sequence[tuple[str, str]]
) -> tuple[str, ...]:
    """Return which of the tags and properties the note has; see tag_mark and property_mark.

    A nested tag counts as the tag it is nested in, too. A tag counts wherever it is written, in
    code as well.
    """
    if not tags and not properties:
        return ()
    prefixes = tuple(f"{_fold(tag)}/" for tag in tags)
    names = (
        name.lstrip("#")
        for text in _texts(_values(parsed.properties, ("tags", "tag")), set())
        for name in BETWEEN_TAGS.split(text)
    )
    tag_paths = {path for name in names for path in _tag_paths(name) if path.startswith(prefixes)}
    for name in find_possible_tags(parsed.note.text) if tags else ():
        tag_paths.update(path for path in _tag_paths(name) if path.startswith(prefixes))
    marks = [
        tag_mark(tag)
        for tag, start in zip(tags, prefixes, strict=True)
        if any(path.startswith(start) for path in tag_paths)
    ]
    marks += [property_mark(*pair) for pair in properties if has_value(parsed.properties, *pair)]
    return tuple(marks)


def has_value(properties: Properties, name: str, value: str) -> bool:
    """Return whether the property has the value, or a list with it, however that is written."""
    texts = _texts(_values(properties, (_fold(name),)), set())
    return _fold_value(value) in map(_fold_value, texts)


def _values(properties: Properties, names: tuple[str, ...]) -> list[PropertyValue]:
    return [value for key, value in properties.values.items() if _fold(key) in names]


def _tag_paths(name: str) -> tuple[str, str]:
    """Return the tag to compare, with `/` at its end, and the same without emphasis' `_`."""
    folded = _fold(name)
    return f"{folded}/", f"{folded.rstrip('_-')}/"


def _texts(value: PropertyValue, visited: set[int]) -> Iterator[str]:
    """Yield every text in a value, at any depth; nodes that a YAML alias repeats come once."""
    if isinstance(value, (list, dict)):
        if id(value) not in visited:
            visited.add(id(value))
            for part in value if isinstance(value, list) else [*value, *value.values()]:
                yield from _texts(part, visited)
    elif value is not None:
        yield str(value)


def _fold_value(value: str) -> str:
    folded = _fold(value.strip())
    return _BOOLEANS.get(folded, folded)


def _fold(text: str) -> str:
    """Return text for comparison, regardless of case, Unicode normalization and emoji style."""
    if text.isascii():
        return text.casefold()
    return unicodedata.normalize("NFC", text).casefold().replace("\ufe0f", "")


_TEMPLATE_OPENINGS = ("{{", "<%")
_PLACEHOLDER = re.compile(r"\{\{[ \t]*(?:title|date|time)", re.IGNORECASE)
_TEMPLATE = re.compile(
    r"\{\{[ \t]*(?:title|date|time)[ \t]*(?::[^{}\r\n]*)?\}\}|<%[-_+*~]?", re.IGNORECASE
)
_CODE_OR_FORMULA = re.compile(
    r"\\[\\`$]|(?P<run>`+)|\$\$.*?\$\$|\$(?=[^\s$])[^$]*(?<=[^\s$])\$(?!\d)"
)
_MAX_QUOTED = 40  # characters of a template that the reason quotes


def find_template(parsed: ParsedNote) -> NoteRefused | None:
    """Return why the note's text makes it a template, with the line, None if it does not.

    Template syntax in code and formulas does not count.
    """
    note = parsed.note
    opening, last_closing = note.text.find("<%", note.body_start), note.text.rfind("%>")
    has_placeholder = "{{" in note.text and _PLACEHOLDER.search(note.text, note.body_start)
    if not has_placeholder and not 0 <= opening < last_closing:  # the outline is slow to read
        return None
    for line in parsed.lines:
        if line.kind in ("code", "math") or not any(o in line.text for o in _TEMPLATE_OPENINGS):
            continue
        for match in _TEMPLATE.finditer(CodeSpans(line.text).mask(_CODE_OR_FORMULA)):
            if match[0].startswith("{{") or line.start + match.end() <= last_closing:
                what = match[0][:_MAX_QUOTED]
                reason = (
                    f"a template: its text has {what}; if it is not one, write `{what}` as code"
                )
                return NoteRefused(reason, line=note.line_number(line.start))
    return None
