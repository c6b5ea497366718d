"""Remove or replace the tag or property that postpones a note, once its needs are filled.

| mark                       | `remove`                                | `#status/done`   |
|----------------------------|-----------------------------------------|------------------|
| inline tag, alone in line  | line removed, and one of two blank ones | tag in its place |
| inline tag, among words    | tag removed, with the blank before it   | tag in its place |
| item of the property `tags`| item removed                            | tag in its place |
| `status: postponed`        | value removed                           | `status: done`   |
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Set

from companion.errors import NoteRefused
from companion.note.edits import Edit, apply_edits
from companion.note.entries import find_entry
from companion.note.markdown import Line, is_plain_start
from companion.note.needs import Rules
from companion.note.note import ParsedNote
from companion.note.properties import PropertyValue, read_properties
from companion.note.tags import find_tags, has_only_tags, has_tag
from companion.note.text import NoteText, line_start

# Syntax at the end of a line: a block id, a line break, a heading's closing `#`, a task without
# text, a label that a link's target may follow; and a line between a table's rows.
_ACTS_AT_END = re.compile(
    r".*(?:(?:^|\s)(?:\^[\w-]+|#+)|\\|  |^\[.?\]|\]:)$|[-:|][-:| \t]*$", re.DOTALL
)
_ENDS_TAG = re.compile(r"[ \t.,;!?]|$")

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

        def is_mark(item: str, is_tags: bool = is_tags, values: Set[str] = values) -> bool:
            return item.casefold() in values or (is_tags and _is_postponed_tag(rules, item))

        replacement = tag if is_tags else tag.rpartition("/")[2]
        property_edits = _replace_items(parsed.note, key, is_mark, replacement)
        new = ParsedNote(NoteText(apply_edits(parsed.note.text, property_edits)))
        is_filled = any(key in new.property_keys(name) for name in rules.fields)
        if not (is_filled and new.properties.is_empty(key)):
            edits += property_edits
    return edits


def _inline_edits(parsed: ParsedNote, rules: Rules, tag: str) -> Iterator[Edit]:
    blank = Line(0, 0, 0, "")
    lines = [blank, *parsed.lines, blank]
    for index, line in enumerate(parsed.lines):
        tags = find_tags(line)
        marks = [
            (start, end)
            for start, end in tags
            if _is_postponed_tag(rules, line.text[start + 1 : end])
        ]
        if tag:
            yield from (
                Edit(line.start + start, line.start + end, f"#{tag}") for start, end in marks
            )
        elif marks and has_only_tags(line) and len(marks) == len(tags) and not line.hidden:
            # to the end of the line, or of the blank line below it if one is above it, too
            above, below = lines[index], lines[index + 2]
            is_apart = below.kind != "text" or is_plain_start(below.text)
            if is_apart and not above.text.endswith(("]:", "\\", "  ")):
                is_gap = above.kind == below.kind == "blank" and index + 1 < len(parsed.lines)
                yield Edit(line.start, parsed.lines[index + is_gap].next, "")
        elif marks:
            yield from _take_out_of_words(line, marks)


def _take_out_of_words(line: Line, tag_spans: list[tuple[int, int]]) -> list[Edit]:
    """Return the edits that remove the tags at tag_spans, each with the blank before or after it.

    There are none if the rest of the line would be read as syntax.
    """
    edits, done, text = list[Edit](), line.content, line.text
    for start, end in tag_spans:
        if not _ENDS_TAG.match(text, end):
            return []
        if start > done and text[start - 1] in " \t":
            start -= 1
        elif text[end : end + 1] in (" ", "\t"):
            end += 1
        edits.append(Edit(start, end, ""))
        done = end
    rest = apply_edits(text, edits)[line.content :]
    is_plain = edits[0].start > line.content or is_plain_start(rest)
    if not is_plain or (not text[done:].strip() and _ACTS_AT_END.match(rest)):
        return []
    return [Edit(line.start + start, line.start + end, "") for start, end, _ in edits]


def _verify_inline(parsed: ParsedNote, edits: list[Edit], rules: Rules) -> list[Edit]:
    """Return edits of the body if they change nothing else that is read; none otherwise."""
    if not edits:
        return []
    try:
        new = ParsedNote(NoteText(apply_edits(parsed.note.text, edits)))
    except NoteRefused:
        return []
    deleted = [edit for edit in edits if not edit.text]
    kept = [
        line
        for line in parsed.lines
        if not any(edit.start <= line.start and line.next <= edit.end for edit in deleted)
    ]
    tag = edits[0].text.removeprefix("#")
    tags = [tag if _is_postponed_tag(rules, old) else old for old in parsed.inline_tags]
    is_same = (
        new.note.yaml == parsed.note.yaml
        and _shape(kept) == _shape(new.lines)
        and new.inline_tags == [tag for tag in tags if tag]
    )
    is_marked = any(_is_postponed_tag(rules, tag) for tag in new.inline_tags)
    return edits if is_same and not is_marked else []


def _is_postponed_tag(rules: Rules, tag: str) -> bool:
    return any(has_tag([tag], mark) for mark in rules.postponed_tags)


def _shape(lines: Iterable[Line]) -> list[tuple[str, int, int, int, str]]:
    return [(line.kind, line.level, line.depth, line.continued, line.prefix) for line in lines]


_INDENT = re.compile(r"[ \t]*(?:-[ \t]+)?")
_COMMA_BEFORE = re.compile(r"[ \t]*,[ \t]*\Z")
_COMMA_AFTER = re.compile(r"[ \t]*,[ \t]*")
_REST_OF_LINE = re.compile(r"[ \t]*(?:\r\n|\r|\n)")


def _replace_items(
    note: NoteText, key: str, is_mark: Callable[[str], bool], new: str
) -> list[Edit]:
    """Return the edits that put new in place of the marks in the property's value.

    key: as written. new: without `#`; if it is empty, the marks are removed. A mark is the whole
    value or a whole item of a list; there are no edits if anything else would be read differently.
    """
    old = read_properties(note).values[key]
    texts = old if isinstance(old, list) else [old]
    marked = [isinstance(text, str) and is_mark(text.strip().lstrip("#")) for text in texts]
    try:
        entry = find_entry(note, key)
    except NoteRefused:
        return []
    edits: list[Edit] = []
    done = entry.start  # the end of what is removed
    for (start, end), is_marked in zip(entry.items, marked, strict=False):
        if is_marked and new:
            inner = note.text[start:end].strip("'\"").lstrip("#")
            at = note.text.index(inner, start)
            edits.append(Edit(at, at + len(inner), new))
        elif is_marked:
            start, done = _span_of_item(note.text, start, end, done, entry.is_list)
            edits.append(Edit(start, done, ""))
    items = [
        "#" * (new != "" and str(text).strip().startswith("#")) + new if is_marked else text
        for text, is_marked in zip(texts, marked, strict=True)
    ]
    kept = [item for item in items if item != ""]
    wanted = kept or None if isinstance(old, list) else kept[0] if kept else None
    return edits if edits and _is_exact(note, key, edits, wanted) else []


def _span_of_item(text: str, start: int, end: int, done: int, is_list: bool) -> tuple[int, int]:
    """Return the span to remove with the item text[start:end]: its line, a comma, or blanks.

    done: the end of what is removed before it already.
    """
    first, rest = line_start(text, start), _REST_OF_LINE.match(text, end)
    if is_list and _INDENT.fullmatch(text, first, start) and rest:
        return first, rest.end()
    if comma := _COMMA_BEFORE.search(text[max(first, done) : start]):
        return max(first, done) + comma.start(), end
    if is_list and (comma := _COMMA_AFTER.match(text, end)):
        return start, comma.end()
    return (start, end) if is_list else (len(text[:start].rstrip(" \t")), end)


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
