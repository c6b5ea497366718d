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
from collections.abc import Iterable, Iterator

from companion.errors import NoteRefused
from companion.note.blocks import Line, is_plain_start
from companion.note.edit import Edit, apply_edits
from companion.note.needs import Rules
from companion.note.parsed_note import ParsedNote
from companion.note.status_mark_property import replace_property_items
from companion.note.tags import find_tags, has_only_tags, has_tag
from companion.note.text import NoteText

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
    edits = _verify(parsed, list(_inline_edits(parsed, rules, tag)), rules)
    for key in parsed.properties.values:
        found = _property_edits(parsed, rules, key, tag)
        edits += [] if _would_be_refilled(parsed, rules, key, found) else found
    return edits


def _property_edits(parsed: ParsedNote, rules: Rules, key: str, tag: str) -> list[Edit]:
    named = [(parsed.properties.keys_of(name), value) for name, value in rules.postponed_properties]
    values = [value for keys, value in named if key in keys]
    if key in parsed.property_keys("tags"):
        return replace_property_items(parsed.note, key, rules.postponed_tags, values, tag)
    return replace_property_items(parsed.note, key, (), values, tag.rpartition("/")[2])


def _would_be_refilled(parsed: ParsedNote, rules: Rules, key: str, edits: Iterable[Edit]) -> bool:
    """Return whether edits would empty a property that Companion then fills."""
    text = apply_edits(parsed.note.text, edits)
    new = ParsedNote(NoteText(text))
    is_filled = any(key in new.property_keys(name) for name in rules.fields)
    return is_filled and new.properties.is_empty(key)


def _inline_edits(parsed: ParsedNote, rules: Rules, tag: str) -> Iterator[Edit]:
    for index, line in enumerate(parsed.lines):
        tags = find_tags(line)
        found = [
            (start, end)
            for start, end in tags
            if _is_postponed_tag(rules, line.text[start + 1 : end])
        ]
        if tag:
            yield from (
                Edit(line.start + start, line.start + end, f"#{tag}") for start, end in found
            )
        elif found and has_only_tags(line) and len(found) == len(tags):
            if not line.hidden and _is_removable(parsed.lines, index):
                yield Edit(line.start, _end_of_gap(parsed.lines, index), "")
        elif found:
            yield from _words_edits(line, found)


def _words_edits(line: Line, found: list[tuple[int, int]]) -> Iterator[Edit]:
    """Yield the edits that remove the tags at found from a line.

    There are none if the rest of the line would be read as syntax.
    """
    edits: list[Edit] = []
    done = line.content
    for span in found:
        start, done = _with_blank(line, *span, done)
        edits.append(Edit(start, done, ""))
    before, after = apply_edits(line.text[:done], edits)[line.content :], line.text[done:]
    starts_otherwise = edits[0].start == line.content and not is_plain_start(before + after)
    ends_otherwise = not after.strip() and _ACTS_AT_END.match(before)
    if not starts_otherwise and not ends_otherwise and _can_join(before, after):
        yield from (Edit(line.start + start, line.start + end, "") for start, end, _ in edits)


def _end_of_gap(lines: list[Line], index: int) -> int:
    """Return where the line at index ends, or the blank line below it if one is above it, too."""
    above = lines[index - 1].kind if index else "blank"
    if above == "blank" and index + 1 < len(lines) and lines[index + 1].kind == "blank":
        return lines[index + 1].next
    return lines[index].next


def _is_removable(lines: list[Line], index: int) -> bool:
    """Return whether the lines around a line of tags keep their meaning without it."""
    above = _not_blank(lines, range(index - 1, -1, -1))
    below = _not_blank(lines, range(index + 1, len(lines)))
    if above and above.text.endswith(_CONTINUES_BELOW):
        return False
    if below is None:
        return True
    if above and _is_indented(above) and _is_indented(below):
        return False
    is_apart = below is not lines[index + 1] or below.kind != "text" or below.prefix.strip(" \t")
    return bool(is_apart) or is_plain_start(below.text)


def _not_blank(lines: list[Line], indexes: range) -> Line | None:
    return next((lines[i] for i in indexes if lines[i].kind != "blank"), None)


def _is_indented(line: Line) -> bool:
    """Return whether the line may be in a list or quote, or be indented code."""
    return bool(line.prefix) or line.text[:1] in (" ", "\t")


def _with_blank(line: Line, start: int, end: int, done: int) -> tuple[int, int]:
    """Return the span of a tag among words with the blank before it, else the one after it.

    done: the end of what is removed already, or of what comes before the words.
    """
    if line.text[end : end + 1] == "#":  # the next tag needs the blank
        return start, end
    if start > done and line.text[start - 1] in " \t":
        return start - 1, end
    if line.text[end : end + 1] in (" ", "\t"):
        return start, end + 1
    return start, end


def _can_join(before: str, after: str) -> bool:
    """Return whether the parts of a line around a removed tag stay separate words.

    A full stop may join the word before it.
    """
    if not after or not before or before[-1] in " \t" or after[0] in " \t#":
        return True
    return bool(_ENDS_WORD.search(before) and _STOP.match(after))


def _verify(parsed: ParsedNote, edits: list[Edit], rules: Rules) -> list[Edit]:
    """Return edits of the body if they change nothing else that is read; else none."""
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
