"""Take an item out of a property's value, or put another in its place, and change nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

from companion.errors import NoteRefused
from companion.note.edit import Edit, apply_edits
from companion.note.properties import Properties, read_properties
from companion.note.tags import has_tag
from companion.note.text import NoteText, Span, split_lines
from companion.note.yaml_check import YamlEvent, is_json, parse_ruamel

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
    """Return the edits that put new in the place of the marks in the property's value.

    key: as written. tags: those nested in them count too. values: each a whole value, or item.
    new: without `#`; nothing takes the marks out. Lists, and texts (of `tags` and `tag`, with
    commas or blanks between), are edited where they are written in the usual ways; there are no
    edits where any other value, or any other item, would be read otherwise. Comments stay.
    """
    words = "|".join([*(re.escape(tag) + _NESTED for tag in tags), *map(re.escape, values)])
    folded = {value.casefold() for value in values}

    def is_mark(item: str) -> bool:
        return item.casefold() in folded or any(has_tag([item], tag) for tag in tags)

    return _checked(note, key, list(_edits(note, key, words, new)), is_mark, new) if words else []


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
    """Return where the scalars of the property's value lie; none where parsers disagree.

    The header of a block scalar, which may have a comment, is left out.
    """
    try:
        value = parse_ruamel(note).entry(key).value
    except NoteRefused:
        return []
    scalars = (event for event in value if event.kind == "ScalarEvent")
    return [Span(_text_start(note, event), event.end) for event in scalars]


def _text_start(note: NoteText, scalar: YamlEvent) -> int:
    header = split_lines(note.text[scalar.start : scalar.end])[:1] if scalar.style in _BLOCK else []
    return scalar.start + sum(map(len, header))


def _value_lines(note: NoteText, key: str) -> Iterator[tuple[int, str]]:
    """Yield the line of a top-level key, and those of its value below; where each starts."""
    name = re.compile(rf"([\"']?){re.escape(key)}\1[ \t]*:")
    start = note.frontmatter.start if note.frontmatter else 0
    is_inside = False
    for line in split_lines(note.yaml):
        is_inside = bool(name.match(line)) or (is_inside and line[0] in " \t-#\r\n")
        if is_inside:
            yield start, line
        start += len(line)


def _item(line: str, start: int, end: int, done: int) -> tuple[int, int]:
    """Return what goes with the item line[start:end]: its line, a comma, or the blanks before.

    done: up to where the line is taken out already.
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


def _checked(
    note: NoteText, key: str, edits: list[Edit], is_mark: Callable[[str], bool], new: str
) -> list[Edit]:
    """Return edits if they do what they are for, as the properties are read again; else none."""
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
