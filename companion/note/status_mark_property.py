"""Remove or replace items of a property's value, and change nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from companion.errors import NoteRefused
from companion.note.edit import Edit, apply_edits
from companion.note.properties import Properties, read_properties
from companion.note.tags import has_tag
from companion.note.text import NoteText, Span, split_lines
from companion.note.yaml_check import is_json, parse_ruamel

_INDENT = re.compile(r"[ \t]*(?:-[ \t]+)?")
_COMMA_BEFORE = re.compile(r"[ \t]*,[ \t]*\Z")
_COMMA_AFTER = re.compile(r"[ \t]*,[ \t]*")
_BLANKS_BEFORE = re.compile(r"(?<![ \t])[ \t]+\Z")
_BETWEEN = re.compile(r"[,\s]+")
_BLOCK = ("|", ">")
_NESTED = r"(?:/[^\s,\[\]\"'#]*)?"


def replace_property_items(
    note: NoteText, key: str, tags: Sequence[str], values: Sequence[str], new: str
) -> list[Edit]:
    """Return the edits that put new in place of the marks in the property's value.

    key: as written. tags: marks, and those nested in them. values: marks that are a whole value
    or item. new: without `#`; if it is empty, the marks are removed. Lists, and texts (of `tags`
    and `tag`, separated by commas or blanks), are edited if they are written in a usual way; there
    are no edits if any other value or item would be read differently. Comments stay.
    """
    words = "|".join([*(re.escape(tag) + _NESTED for tag in tags), *map(re.escape, values)])
    folded = {value.casefold() for value in values}

    def is_mark(item: str) -> bool:
        return item.casefold() in folded or any(has_tag([item], tag) for tag in tags)

    return _verify(note, key, list(_edits(note, key, words, new)), is_mark, new) if words else []


def _edits(note: NoteText, key: str, words: str, new: str) -> Iterator[Edit]:
    token = re.compile(
        rf"(?<![^\s,\[\"'])(?P<quote>[\"']?)#?(?P<word>{words})(?P=quote)(?=[\s,\]\"']|$)",
        re.IGNORECASE,
    )
    scalars = _scalars(note, key)
    for start, line in _value_lines(note, key):
        done = 0
        for found in token.finditer(line):
            first, last = start + found.start(), start + found.end()
            if not any(scalar.start <= first and last <= scalar.end for scalar in scalars):
                continue
            if new:
                yield Edit(start + found.start("word"), start + found.end("word"), new)
            else:
                first, done = _item(line, *found.span(), done)
                yield Edit(start + first, start + done, "")


def _scalars(note: NoteText, key: str) -> list[Span]:
    """Return the spans of the scalars in the property's value; none if parsers disagree.

    The header of a block scalar, which may have a comment, is left out.
    """
    try:
        value = parse_ruamel(note).entry(key).value
    except NoteRefused:
        return []
    spans = []
    for event in value:
        if event.kind == "ScalarEvent":
            text = note.text[event.start : event.end]
            header = split_lines(text)[:1] if event.style in _BLOCK else []
            spans.append(Span(event.start + sum(map(len, header)), event.end))
    return spans


def _value_lines(note: NoteText, key: str) -> Iterator[tuple[int, str]]:
    """Yield the line of a top-level key and those of its value below, each after its offset."""
    name = re.compile(rf"([\"']?){re.escape(key)}\1[ \t]*:")
    start = note.frontmatter.start if note.frontmatter else 0
    is_inside = False
    for line in split_lines(note.yaml):
        is_inside = bool(name.match(line)) or (is_inside and line[0] in " \t-#\r\n")
        if is_inside:
            yield start, line
        start += len(line)


def _item(line: str, start: int, end: int, done: int) -> tuple[int, int]:
    """Return the span to remove with the item line[start:end]: its line, a comma, or blanks.

    done: the end of what is removed from the line already.
    """
    before, after = line[done:start], line[end:]
    if _INDENT.fullmatch(line[:start]) and not after.strip():
        return 0, len(line)
    if comma := _COMMA_BEFORE.search(before):
        return done + comma.start(), end
    if comma := _COMMA_AFTER.match(after):
        return start, end + comma.end()
    blanks = _BLANKS_BEFORE.search(before)
    return done + blanks.start() if blanks else start, end


def _verify(
    note: NoteText, key: str, edits: list[Edit], is_mark: Callable[[str], bool], new: str
) -> list[Edit]:
    """Return edits if the properties, read again, have changed as intended; else none."""
    old = read_properties(note)
    new_note = NoteText(apply_edits(note.text, edits))
    if is_json(note) and not is_json(new_note):
        return []
    try:
        read = read_properties(new_note)
    except NoteRefused:
        return []
    others = {**old.values, key: None} == {**read.values, key: None}
    wanted = [new if is_mark(item) else item for item in _items(old, key)]
    is_exact = others and _items(read, key) == [item for item in wanted if item]
    return edits if is_exact and read.keys_of(key) == old.keys_of(key) else []


def _items(properties: Properties, key: str) -> list[str]:
    """Return the texts of the property: its tags without `#`, its items, or its one value."""
    value = properties.values[key]
    if isinstance(value, str):
        is_tags = key.casefold() in ("tags", "tag")
        value = [*_BETWEEN.split(value)] if is_tags else [value]
    items = value if isinstance(value, list) else [] if value is None else [value]
    texts = (item.strip().lstrip("#") if isinstance(item, str) else repr(item) for item in items)
    return [text for text in texts if text]
