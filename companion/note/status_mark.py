"""Take the mark that a note is postponed out of it, once its needs are filled.

| mark                       | `remove`                                | `#status/done`   |
|----------------------------|-----------------------------------------|------------------|
| inline tag, alone in line  | the line goes, and one of two blank ones | tag in its place |
| inline tag, among words    | it goes, with the blank before it       | tag in its place |
| item of the property `tags`| it goes                                 | tag in its place |
| `status: postponed`        | the value goes                          | `status: done`   |
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

# What acts at the end of a line: a block id, a line break, closing signs of a heading, a task with
# nothing to do, a label that a link's target may follow; and a line between a table's rows.
_ACTS_AT_END = re.compile(
    r".*(?:(?:^|\s)(?:\^[\w-]+|#+)|\\|  |^\[.?\]|\]:)$|[-:|][-:| \t]*$", re.DOTALL
)
_LEADS_ON = ("]:", "\\", "  ")  # to the line below: a label to its target, and line breaks
_STOP = re.compile(r"[.,;!?]+(?=[ \t]|$)")
_ENDS_WORD = re.compile(r"[^\W_]$|[\])\"'”]$")

KEEP = "keep"
REMOVE = "remove"


def replace_status_marks(parsed: ParsedNote, rules: Rules, afterwards: str) -> list[Edit]:
    """Return the edits that take the note's postponed marks out, or put another tag in their place.

    afterwards: `keep`, `remove`, or the tag with its `#`.

    A mark stays where taking it would change anything else, as the properties and the outline
    are read again; or where a property that is to be filled would become empty.
    """
    if afterwards == KEEP:
        return []
    tag = "" if afterwards == REMOVE else afterwards.removeprefix("#")
    edits = _checked(parsed, list(_inline_edits(parsed, rules, tag)), rules)
    for key in parsed.properties.values:
        edits += _kept_full(parsed, rules, key, _property_edits(parsed, rules, key, tag))
    return edits


def _property_edits(parsed: ParsedNote, rules: Rules, key: str, tag: str) -> list[Edit]:
    named = [(parsed.properties.keys_of(name), value) for name, value in rules.postponed_properties]
    values = [value for keys, value in named if key in keys]
    if key in parsed.property_keys("tags"):
        return replace_property_items(parsed.note, key, rules.postponed_tags, values, tag)
    return replace_property_items(parsed.note, key, (), values, tag.rpartition("/")[2])


def _kept_full(parsed: ParsedNote, rules: Rules, key: str, edits: list[Edit]) -> list[Edit]:
    """Return edits, but none that would empty a property Companion would then fill."""
    text = apply_edits(parsed.note.text, edits)
    new = ParsedNote(NoteText(text))
    is_filled = any(key in new.property_keys(name) for name in rules.fields)
    return [] if is_filled and new.properties.is_empty(key) else edits


def _inline_edits(parsed: ParsedNote, rules: Rules, tag: str) -> Iterator[Edit]:
    for index, line in enumerate(parsed.lines):
        tags = find_tags(line)
        found = [span for span in tags if _is_mark(line, span, rules)]
        if tag:
            yield from (
                Edit(line.start + start, line.start + end, f"#{tag}") for start, end in found
            )
        elif found and has_only_tags(line) and len(found) == len(tags):
            if not line.hidden and _can_do_without(parsed.lines, index):
                yield Edit(line.start, _end_of_gap(parsed.lines, index), "")
        elif found:
            yield from _words_edits(line, found)


def _words_edits(line: Line, found: list[tuple[int, int]]) -> Iterator[Edit]:
    """Yield the edits that take the tags at found out of a line; none where its rest would act."""
    edits: list[Edit] = []
    done = line.content
    for span in found:
        start, done = _with_blank(line, *span, done)
        edits.append(Edit(start, done, ""))
    before, after = apply_edits(line.text[:done], edits)[line.content :], line.text[done:]
    starts_otherwise = edits[0].start == line.content and not is_plain_start(before + after)
    ends_otherwise = not after.strip() and _ACTS_AT_END.match(before)
    if not starts_otherwise and not ends_otherwise and _fits(before, after):
        yield from (Edit(line.start + start, line.start + end, "") for start, end, _ in edits)


def _is_mark(line: Line, span: tuple[int, int], rules: Rules) -> bool:
    tag = line.text[span[0] + 1 : span[1]]
    return any(has_tag([tag], mark) for mark in rules.postponed_tags)


def _end_of_gap(lines: list[Line], index: int) -> int:
    """Return where the line at index ends, or the blank line below if one stands above, too."""
    above = lines[index - 1].kind if index else "blank"
    if above == "blank" and index + 1 < len(lines) and lines[index + 1].kind == "blank":
        return lines[index + 1].next
    return lines[index].next


def _can_do_without(lines: list[Line], index: int) -> bool:
    """Whether what stands above and below a line of tags stays what it is without the line."""
    above = _not_blank(lines, range(index - 1, -1, -1))
    below = _not_blank(lines, range(index + 1, len(lines)))
    if above and above.text.endswith(_LEADS_ON):
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
    """Whether the line may stand in a list or quote, or be indented code."""
    return bool(line.prefix) or line.text[:1] in (" ", "\t")


def _with_blank(line: Line, start: int, end: int, done: int) -> tuple[int, int]:
    """Return the place of a tag among words with the blank before it, else the one after it.

    done: up to where the line is taken out, or no words stand in it.
    """
    if line.text[end : end + 1] == "#":  # the next tag needs the blank
        return start, end
    if start > done and line.text[start - 1] in " \t":
        return start - 1, end
    if line.text[end : end + 1] in (" ", "\t"):
        return start, end + 1
    return start, end


def _fits(before: str, after: str) -> bool:
    """Whether two parts of a line, a tag between them gone, stay apart; a full stop may join."""
    if not after or not before or before[-1] in " \t" or after[0] in " \t#":
        return True
    return bool(_ENDS_WORD.search(before) and _STOP.match(after))


def _checked(parsed: ParsedNote, edits: list[Edit], rules: Rules) -> list[Edit]:
    """Return edits of the body if nothing else is read otherwise once they are made; else none."""
    if not edits:
        return []
    try:
        new = ParsedNote(NoteText(apply_edits(parsed.note.text, edits)))
    except NoteRefused:
        return []
    removed = {line.start for line in parsed.lines for edit in edits if _is_within(line, edit)}
    kept = (line for line in parsed.lines if line.start not in removed)
    is_marked = any(has_tag(new.inline_tags, mark) for mark in rules.postponed_tags)
    same = new.note.yaml == parsed.note.yaml and _shape(kept) == _shape(new.lines)
    same = same and new.inline_tags == _tags_after(parsed, rules, edits[0].text)
    return edits if same and not is_marked else []


def _tags_after(parsed: ParsedNote, rules: Rules, tag: str) -> list[str]:
    """Return the tags the body should have: all but the marks, and tag in the place of each."""
    new = tag.removeprefix("#")
    marks = rules.postponed_tags
    tags = [new if any(has_tag([x], mark) for mark in marks) else x for x in parsed.inline_tags]
    return [x for x in tags if x]


def _is_within(line: Line, edit: Edit) -> bool:
    return not edit.text and edit.start <= line.start and line.next <= edit.end


def _shape(lines: Iterable[Line]) -> list[tuple[str, int, int, int, str]]:
    return [(line.kind, line.level, line.depth, line.continued, line.prefix) for line in lines]
