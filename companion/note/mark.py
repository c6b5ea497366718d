"""Take the mark that a note is postponed out of it, once its needs are filled.

| mark                       | `remove`                                | `#status/done`   |
|----------------------------|-----------------------------------------|------------------|
| inline tag, alone in line  | the line goes, and one of two blank ones | tag in its place |
| inline tag, among words    | it goes, with the blank before it       | tag in its place |
| item of the property `tags`| it goes                                 | tag in its place |
| `status: postponed`        | the value goes                          | `status: done`   |
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from companion.errors import NoteRefused
from companion.note.edit import Edit, apply_edits
from companion.note.line import Line
from companion.note.mark_property import edit_tags, edit_value
from companion.note.needs import Rules
from companion.note.tag import find_tags, has_only_tags, has_tag
from companion.note.text import NoteText
from companion.note.view import NoteView

KEEP = "keep"
REMOVE = "remove"


def take_mark(view: NoteView, rules: Rules, afterwards: str) -> list[Edit]:
    """Return the edits that take the note's postponed marks out, or put another tag in their place.

    afterwards: `keep`, `remove`, or the tag with its `#`.

    A mark stays where taking it would change anything else, as the properties and the outline
    are read again; or where a property that is to be filled would become empty.
    """
    if afterwards == KEEP:
        return []
    tag = "" if afterwards == REMOVE else afterwards.removeprefix("#")
    edits = _checked(view, list(_inline_edits(view, rules, tag)), rules)
    for key in view.property_keys("tags"):
        edits += _kept_full(view, rules, key, edit_tags(view.note, key, rules.postponed_tags, tag))
    for name, value in rules.postponed_properties:
        for key in view.properties.keys_of(name):
            new = tag.rpartition("/")[2]
            edits += _kept_full(view, rules, key, edit_value(view.note, key, value, new))
    return edits


def _kept_full(view: NoteView, rules: Rules, key: str, edits: list[Edit]) -> list[Edit]:
    """Return edits, but none that would empty a property Companion would then fill."""
    text = apply_edits(view.note.text, edits)
    new = NoteView(NoteText(text))
    is_filled = any(key in new.property_keys(name) for name in rules.fields)
    return [] if is_filled and new.properties.is_empty(key) else edits


def _inline_edits(view: NoteView, rules: Rules, tag: str) -> Iterator[Edit]:
    for index, line in enumerate(view.lines):
        found = [span for span in find_tags(line) if _is_mark(line, span, rules)]
        if found and not tag and has_only_tags(line) and len(found) == len(find_tags(line)):
            if line.hidden:
                continue
            yield Edit(line.start, _end_of_gap(view.lines, index), "")
            continue
        for start, end in found:
            if not tag:
                start, end = _with_blank(line, start, end)
            yield Edit(line.start + start, line.start + end, tag and f"#{tag}")


def _is_mark(line: Line, span: tuple[int, int], rules: Rules) -> bool:
    tag = line.text[span[0] + 1 : span[1]]
    return any(has_tag([tag], mark) for mark in rules.postponed_tags)


def _end_of_gap(lines: list[Line], index: int) -> int:
    """Return where the line at index ends, or the blank line below if one stands above, too."""
    above = lines[index - 1].kind if index else "blank"
    if above == "blank" and index + 1 < len(lines) and lines[index + 1].kind == "blank":
        return lines[index + 1].next
    return lines[index].next


def _with_blank(line: Line, start: int, end: int) -> tuple[int, int]:
    """Return the place of a tag among words with the blank before it, else the one after it."""
    if start > line.content and line.text[start - 1] in " \t":
        return start - 1, end
    if line.text[end : end + 1] in (" ", "\t"):
        return start, end + 1
    return start, end


def _checked(view: NoteView, edits: list[Edit], rules: Rules) -> list[Edit]:
    """Return edits of the body if nothing else is read otherwise once they are made; else none."""
    if not edits:
        return []
    try:
        new = NoteView(NoteText(apply_edits(view.note.text, edits)))
    except NoteRefused:
        return []
    removed = {line.start for line in view.lines for edit in edits if _is_within(line, edit)}
    kept = (line for line in view.lines if line.start not in removed)
    is_marked = any(has_tag(new.inline_tags, mark) for mark in rules.postponed_tags)
    same = new.note.yaml == view.note.yaml and _shape(kept) == _shape(new.lines)
    return edits if same and not is_marked else []


def _is_within(line: Line, edit: Edit) -> bool:
    return not edit.text and edit.start <= line.start and line.next <= edit.end


def _shape(lines: Iterable[Line]) -> list[tuple[str, int, int, int]]:
    return [(line.kind, line.level, line.depth, line.kept) for line in lines]
