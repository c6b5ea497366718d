"""Remove or replace the tag or property that postpones a note, once its needs are filled.

| mark                       | `remove`                                | `#status/done`   |
|----------------------------|-----------------------------------------|------------------|
| inline tag, alone in line  | line removed, and one of two blank ones | tag in its place |
| inline tag, beside tags    | tag removed, with the blank before it   | tag in its place |
| inline tag, among words    | stays                                   | tag in its place |
| item of the property `tags`| item removed                            | tag in its place |
| `status: postponed`        | value removed                           | `status: done`   |
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Set

from companion.errors import NoteRefused
from companion.note.edits import Edit, apply_edits
from companion.note.entries import Entry, find_entry
from companion.note.markdown import Line
from companion.note.needs import Rules
from companion.note.note import ParsedNote
from companion.note.properties import PropertyValue, read_properties
from companion.note.tags import find_tags, has_only_tags, has_tag
from companion.note.text import NoteText, is_plain_start, line_start

KEEP = "keep"
REMOVE = "remove"


def replace_status_marks(parsed: ParsedNote, rules: Rules, afterwards: str) -> list[Edit]:
    """Return the edits that remove the note's postponed marks, or put another tag in their place.

    afterwards: `keep`, `remove`, or the tag with its `#`.

    A mark stays if removing it would change anything else, as the properties and the outline are
    read again, or if a property that is to be filled would become empty.
    """
    if afterwards == KEEP:
        return []
    tag = "" if afterwards == REMOVE else afterwards.removeprefix("#")
    edits = _verify_inline(parsed, list(_inline_edits(parsed, rules, tag)), rules)
    marks = [(parsed.properties.keys_of(name), value) for name, value in rules.postponed_properties]
    for key in parsed.properties.values:
        values = {value.casefold() for keys, value in marks if key in keys}
        is_tags = key in parsed.property_keys("tags")
        tags = rules.postponed_tags if is_tags else ()
        replacement = tag if is_tags else tag.rpartition("/")[2]
        property_edits = _replace_items(parsed.note, key, values, tags, replacement)
        new = ParsedNote(NoteText(apply_edits(parsed.note.text, property_edits)))
        is_filled = any(key in new.property_keys(name) for name in rules.fields)
        if not (is_filled and new.properties.is_empty(key)):
            edits += property_edits
    return edits


def _inline_edits(parsed: ParsedNote, rules: Rules, new: str) -> Iterator[Edit]:
    blank = Line(0, 0, 0, "")
    lines = [blank, *parsed.lines, blank]
    for index, line in enumerate(parsed.lines):
        tags = find_tags(line)
        marks = [
            (line.start + start, line.start + end)
            for start, end in tags
            if _is_postponed_tag(rules.postponed_tags, line.text[start + 1 : end])
        ]
        if new:
            yield from (Edit(start, end, f"#{new}") for start, end in marks)
        elif not marks or not has_only_tags(line) or line.hidden:
            continue
        elif len(marks) == len(tags):
            # to the end of the line, or of the blank line below it if one is above it, too
            above, below = lines[index], lines[index + 2]
            is_apart = below.kind != "text" or is_plain_start(below.text)
            if is_apart and not above.text.endswith(("]:", "\\", "  ")):
                is_gap = above.kind == below.kind == "blank" and index + 1 < len(parsed.lines)
                yield Edit(line.start, parsed.lines[index + is_gap].next, "")
        else:
            kept = [line.text[start:end] for start, end in tags]
            kept = [tag for tag in kept if not _is_postponed_tag(rules.postponed_tags, tag[1:])]
            yield Edit(line.start + line.content, line.end, " ".join(kept))


def _verify_inline(parsed: ParsedNote, edits: list[Edit], rules: Rules) -> list[Edit]:
    """Return edits of the body if they change nothing else that is read; none otherwise."""
    if not edits:
        return []
    try:
        new = ParsedNote(NoteText(apply_edits(parsed.note.text, edits)))
    except NoteRefused:
        return []
    kept = [
        line
        for line in parsed.lines
        if not any(not e.text and e.start <= line.start and line.next <= e.end for e in edits)
    ]
    is_same = new.note.yaml == parsed.note.yaml and _shape(kept) == _shape(new.lines)
    others, now = (
        [tag for tag in tags if not _is_postponed_tag(rules.postponed_tags, tag)]
        for tags in (parsed.inline_tags, new.inline_tags)
    )
    added = {edit.text.removeprefix("#") for edit in edits}
    is_same &= [t for t in others if t not in added] == [t for t in now if t not in added]
    return edits if is_same else []


def _is_postponed_tag(marks: Iterable[str], tag: str) -> bool:
    return any(has_tag([tag], mark) for mark in marks)


def _shape(lines: Iterable[Line]) -> list[tuple[str, int, int, int, str]]:
    return [(line.kind, line.level, line.depth, line.continued, line.prefix) for line in lines]


_INDENT = re.compile(r"[ \t]*(?:-[ \t]+)?")
_REST_OF_LINE = re.compile(r"[ \t]*(?:\r\n|\r|\n)")


def _replace_items(
    note: NoteText, key: str, values: Set[str], tags: Iterable[str], new: str
) -> list[Edit]:
    """Return the edits that put new in place of the marks in the property's value.

    key: as written. values, tags: the marks, casefolded values and tags. new: without `#`; if it is
    empty, the marks are removed. A mark is the whole value or a whole item of a list; there are no
    edits if anything else would be read differently.
    """
    old = read_properties(note).values[key]
    texts = old if isinstance(old, list) else [old]
    names = [text.strip().lstrip("#") if isinstance(text, str) else "" for text in texts]
    marked = [name.casefold() in values or _is_postponed_tag(tags, name) for name in names]
    try:
        entry = find_entry(note, key)
    except NoteRefused:
        return []
    if not any(marked) or len(entry.items) != len(marked):
        return []
    items: list[PropertyValue]
    if new:
        items = [
            "#" * str(text).strip().startswith("#") + new if is_marked else text
            for text, is_marked in zip(texts, marked, strict=True)
        ]
        edits = [
            _replace(note.text, *place, new)
            for place, is_marked in zip(entry.items, marked, strict=True)
            if is_marked
        ]
    else:
        items = [text for text, is_marked in zip(texts, marked, strict=True) if not is_marked]
        edits = _remove(note.text, entry, marked)
    wanted = (items or None) if isinstance(old, list) else next(iter(items), None)
    return edits if _is_exact(note, key, edits, wanted) else []


def _replace(text: str, start: int, end: int, new: str) -> Edit:
    inner = text[start:end].strip("'\"").lstrip("#")
    at = text.index(inner, start)
    return Edit(at, at + len(inner), new)


def _remove(text: str, entry: Entry, marked: list[bool]) -> list[Edit]:
    """Return the edits that remove items: each with its line, or a list in brackets as a whole."""
    if not entry.is_list:
        return [Edit(len(text[: entry.start].rstrip(" \t")), entry.items[0][1], "")]
    items = list(zip(entry.items, marked, strict=True))
    if entry.is_flow:
        if "#" in text[entry.start : entry.end]:  # a comment, perhaps
            return []
        kept = ", ".join(text[start:end] for (start, end), gone in items if not gone)
        return [Edit(entry.start, entry.end, f"[{kept}]")]
    edits = []
    for start, end in (place for place, gone in items if gone):
        first, rest = line_start(text, start), _REST_OF_LINE.match(text, end)
        if rest and _INDENT.fullmatch(text, first, start):
            edits.append(Edit(first, rest.end(), ""))
    return edits


def _is_exact(note: NoteText, key: str, edits: list[Edit], wanted: PropertyValue) -> bool:
    """Return whether the properties, read again, have changed as intended."""
    old = read_properties(note).values
    try:
        read = read_properties(NoteText(apply_edits(note.text, edits))).values
    except NoteRefused:
        return False
    if read.get(key) != wanted and (wanted is not None or read.get(key) != []):
        return False
    return list({**old, key: None}.items()) == list({**read, key: None}.items())
