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
from collections.abc import Callable, Iterable, Iterator, Sequence

from companion.errors import NoteRefused
from companion.note.edit import Edit, apply_edits
from companion.note.markdown import Line, is_plain_start
from companion.note.needs import Rules
from companion.note.parsed_note import ParsedNote
from companion.note.properties import BETWEEN_TAGS, Properties, read_properties
from companion.note.tags import find_tags, has_only_tags, has_tag
from companion.note.text import NoteText, Span, line_start, split_lines
from companion.note.yaml_check import is_json, parse_ruamel

# Syntax at the end of a line: a block id, a line break, a heading's closing `#`, a task without
# text, a label that a link's target may follow; and a line between a table's rows.
_ACTS_AT_END = re.compile(
    r".*(?:(?:^|\s)(?:\^[\w-]+|#+)|\\|  |^\[.?\]|\]:)$|[-:|][-:| \t]*$", re.DOTALL
)
_CONTINUES_BELOW = ("]:", "\\", "  ")  # a label before its target, and line breaks
_STOP = re.compile(r"[.,;!?]+(?=[ \t]|$)")
_ENDS_WORD = re.compile(r"[^\W_]$|[\])\"'”]$")

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
        values = [value for keys, value in marks if key in keys]
        if key in parsed.property_keys("tags"):
            property_edits = _replace_items(parsed.note, key, rules.postponed_tags, values, tag)
        else:
            property_edits = _replace_items(parsed.note, key, (), values, tag.rpartition("/")[2])
        new = ParsedNote(NoteText(apply_edits(parsed.note.text, property_edits)))
        is_filled = any(key in new.property_keys(name) for name in rules.fields)
        if not (is_filled and new.properties.is_empty(key)):
            edits += property_edits
    return edits


def _inline_edits(parsed: ParsedNote, rules: Rules, tag: str) -> Iterator[Edit]:
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
        elif marks and has_only_tags(line) and len(marks) == len(tags):
            if not line.hidden and _is_removable(parsed.lines, index):
                # to the end of the line, or of the blank line below it if one is above it, too
                kinds = ["blank", *(line.kind for line in parsed.lines), ""]
                is_gap = kinds[index] == kinds[index + 2] == "blank"
                yield Edit(line.start, parsed.lines[index + is_gap].next, "")
        elif marks:
            yield from _words_edits(line, marks)


def _words_edits(line: Line, tag_spans: list[tuple[int, int]]) -> Iterator[Edit]:
    """Yield the edits that remove the tags at tag_spans from a line.

    There are none if the rest of the line would be read as syntax.
    """
    edits: list[Edit] = []
    text, done = line.text, line.content
    for start, end in tag_spans:  # each with the blank before it, else with the one after it
        if text[end : end + 1] != "#":  # else the next tag needs the blank
            if start > done and text[start - 1] in " \t":
                start -= 1
            elif text[end : end + 1] in (" ", "\t"):
                end += 1
        edits.append(Edit(start, end, ""))
        done = end
    before, after = apply_edits(text[:done], edits)[line.content :], text[done:]
    starts_otherwise = edits[0].start == line.content and not is_plain_start(before + after)
    ends_otherwise = not after.strip() and _ACTS_AT_END.match(before)
    # the parts must stay separate words; a full stop may join the word before it
    is_apart = not after or not before or before[-1] in " \t" or after[0] in " \t#"
    can_join = is_apart or (_ENDS_WORD.search(before) and _STOP.match(after))
    if can_join and not starts_otherwise and not ends_otherwise:
        yield from (Edit(line.start + start, line.start + end, "") for start, end, _ in edits)


def _is_removable(lines: list[Line], index: int) -> bool:
    """Return whether the lines around a line of tags keep their meaning once it is removed."""
    before, after = range(index - 1, -1, -1), range(index + 1, len(lines))
    above = next((lines[i] for i in before if lines[i].kind != "blank"), None)
    below = next((lines[i] for i in after if lines[i].kind != "blank"), None)
    if above and above.text.endswith(_CONTINUES_BELOW):
        return False
    if below is None:
        return True
    # two that may be in a list or quote, or be indented code
    if above and all(each.prefix or each.text[:1] in (" ", "\t") for each in (above, below)):
        return False
    is_apart = below is not lines[index + 1] or below.kind != "text" or below.prefix.strip(" \t")
    return bool(is_apart) or is_plain_start(below.text)


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
_BLANKS_BEFORE = re.compile(r"(?<![ \t])[ \t]+\Z")
_REST_OF_LINE = re.compile(r"[ \t]*(?:\r\n|\r|\n)")
_BLOCK = ("|", ">")
_NESTED = r"(?:/[^\s,\[\]\"'#]*)?"


def _replace_items(
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

    token = re.compile(
        rf"(?<![^\s,\[\"'])(?P<quote>[\"']?)#?(?P<word>{words})(?P=quote)(?=[\s,\]\"']|$)",
        re.IGNORECASE,
    )
    edits: list[Edit] = []
    done = 0  # the end of what is removed
    for scalar in _scalars(note, key) if words else ():
        for match in token.finditer(note.text, scalar.start):
            if match.end() > scalar.end:
                break
            if new:
                edits.append(Edit(*match.span("word"), new))
            else:
                start, done = _span_of_item(note.text, *match.span(), done)
                edits.append(Edit(start, done, ""))
    return edits if _is_exact(note, key, edits, is_mark, new) else []


def _scalars(note: NoteText, key: str) -> list[Span]:
    """Return the spans of the scalars in the property's value; none if parsers disagree.

    The header of a block scalar, which may have a comment, is left out. There are none, either,
    if the key is not the first in its line, as within braces.
    """
    try:
        entry = parse_ruamel(note).entry(key)
    except NoteRefused:
        return []
    if line_start(note.text, entry.key[0].start) != entry.key[0].start:
        return []
    spans = []
    for event in entry.value:
        if event.kind == "ScalarEvent":
            text = note.text[event.start : event.end]
            header = split_lines(text)[:1] if event.style in _BLOCK else []
            spans.append(Span(event.start + sum(map(len, header)), event.end))
    return spans


def _span_of_item(text: str, start: int, end: int, done: int) -> tuple[int, int]:
    """Return the span to remove with the item text[start:end]: its line, a comma, or blanks.

    done: the end of what is removed before it already.
    """
    first, rest = line_start(text, start), _REST_OF_LINE.match(text, end)
    if _INDENT.fullmatch(text, first, start) and rest:
        return first, rest.end()
    first = max(first, done)
    if comma := _COMMA_BEFORE.search(text[first:start]):
        return first + comma.start(), end
    if comma := _COMMA_AFTER.match(text, end):
        return start, comma.end()
    blanks = _BLANKS_BEFORE.search(text[first:start])
    return first + blanks.start() if blanks else start, end


def _is_exact(
    note: NoteText, key: str, edits: list[Edit], is_mark: Callable[[str], bool], new: str
) -> bool:
    """Return whether the properties, read again, have changed as intended."""
    old = read_properties(note)
    new_note = NoteText(apply_edits(note.text, edits))
    if is_json(note) and not is_json(new_note):
        return False
    try:
        read = read_properties(new_note)
    except NoteRefused:
        return False
    others = {**old.values, key: None} == {**read.values, key: None}
    new_items = [new if is_mark(item) else item for item in _items(old, key)]
    is_same = others and read.keys_of(key) == old.keys_of(key)
    return is_same and _items(read, key) == [item for item in new_items if item]


def _items(properties: Properties, key: str) -> list[str]:
    """Return the texts of the property: its tags without `#`, its items, or its one value."""
    value = properties.values[key]
    if isinstance(value, str):
        is_tags = key.casefold() in ("tags", "tag")
        value = BETWEEN_TAGS.split(value) if is_tags else [value]
    items = value if isinstance(value, list) else [] if value is None else [value]
    texts = (item.strip().lstrip("#") if isinstance(item, str) else repr(item) for item in items)
    return [text for text in texts if text]
