"""The edits that fill an empty property or add a missing one, verified before they are returned.

Only the value is inserted; a token for "nothing" (`""`, `null`, `~`, an empty list or block
scalar) is replaced by the value. Comments, blanks and every other byte stay.

| written as           | a text becomes     | a list becomes                                  |
|----------------------|--------------------|-------------------------------------------------|
| nothing              | `key: text`        | as the form says, indented as others here       |
| `""` `null` `~` `|`  | `key: text`        | `key: [a, b]`, in the token's place             |
| `[]`                 | `key: text`        | `key: [a, b]`                                   |
| `[""]`               | `key: [text]`      | `key: [a, b]`                                   |
| a block `- ` alone   | `- text`           | `- a`, and the others on lines below            |
"""

from __future__ import annotations

import re
from itertools import pairwise

from companion.errors import NoteRefused
from companion.note.edit import Edit, apply_edits
from companion.note.properties import PropertyValue, read_properties
from companion.note.property_form import PLAIN_FORM, PropertyForm, flow_scalar, yaml_scalar
from companion.note.text import BOM, NoteText, line_start
from companion.note.yaml_check import (
    YamlBlock,
    YamlEntry,
    YamlEvent,
    check_edit,
    is_json,
    parse_ruamel,
)

_LINE_END = re.compile(r"(\r\n|\r|\n)")
_COLON = re.compile(r"[ \t]*:")
_DASH = re.compile(r"( *-)( +(?=[^\s#]))?")
_BLANKS = re.compile(r" *")
_BLOCK_SCALAR = re.compile(r"[|>][-+0-9]*")
_RARE_SYNTAX = re.compile(
    "[\t\x85\u2028\u2029]"  # a tab, a line end of YAML 1.1 only
    "|[-:] *[&!*{]"  # an anchor, a tag, an alias, braces
    r"|(?:\A|[\r\n]) *[&!*{?.<|>]"  # one of these first, `? key`, `...`, `<<`, a block's sign
    r"|[|>][-+0-9]{0,2}#|\[[^\[\]]*#"  # a comment right after a block's sign, or within brackets
    r"|[|>][-+0-9]{0,2} *[\r\n]+ +[\r\n]"  # a block that begins with a line of blanks
)


def fill_property(
    note: NoteText, name: str, value: str | list[str], form: PropertyForm = PLAIN_FORM
) -> list[Edit]:
    """Return the edits that fill the empty property called name, regardless of case.

    A text for a property written as a list of one empty item becomes that item. form: how it is
    written where the note leaves that open.

    Raises NoteRefused, with the line if there is one, if the note has no such property, it is not
    empty, or it cannot be filled without changing how another property is read. Raises ValueError
    if the value is empty.
    """
    _require_content(value)
    properties = read_properties(note)
    if not (keys := properties.keys_of(name)):
        raise NoteRefused(f"the note has no property `{name}`")
    if not properties.is_empty(name):
        raise NoteRefused(f"the property `{keys[0]}` is not empty")
    if len(keys) > 1:
        raise NoteRefused(f"the note has both `{'` and `'.join(keys)}`; keep one of them")
    key, block = keys[0], parse_ruamel(note)
    entry = block.entry(key)
    line = note.line_number(entry.key[0].start)
    if is_json(note):
        reason = (
            f"the properties are written as JSON; write them as YAML, or fill in `{key}` by hand"
        )
        raise NoteRefused(reason, line=line)
    if not all(event.is_bare for event in entry.value):
        reason = f"`{key}` has a YAML tag, anchor or alias; fill it by hand"
        raise NoteRefused(reason, line=line)
    edits = _fill(note, block, entry, value, form)
    intended = [value] if _is_one_item(entry) and isinstance(value, str) else value
    return _verify(note, edits, key, intended, line, form)


def add_property(
    note: NoteText, name: str, value: str | list[str], form: PropertyForm = PLAIN_FORM
) -> list[Edit]:
    """Return the edits that add a property at the end of the frontmatter, creating one if needed.

    Raises NoteRefused, with the line if there is one, if the note has the property already, or it
    cannot be added without changing how another property is read. Raises ValueError if the value
    is empty.
    """
    _require_content(value)
    if (key := read_properties(note).key_of(name)) is not None:
        raise NoteRefused(f"the note already has the property `{key}`")
    block = parse_ruamel(note)
    line = note.line_number(note.frontmatter.end - 1) if note.frontmatter else 1
    if any(entry.name == "<<" for entry in block.entries):
        reason = f"`{name}` may be merged in by `<<` already; add it by hand"
        raise NoteRefused(reason, line=line)
    if block.is_flow and block.entries:
        reason = f"the properties are written in braces; add `{name}` by hand"
        raise NoteRefused(reason, line=line)
    span, line_end = note.frontmatter, _LINE_END.search(note.text)
    if block.is_flow:
        at = block.head[-1].end
        text = f"{flow_scalar(name)}: {form.inline(value, in_flow=True)}"
    elif span:
        at = span.end
        newline = "\r\n" if note.text.endswith("\r\n", 0, at) else note.text[at - 1]
        text = _lines(note, block, name, value, newline, form)
    else:
        at = len(BOM) if note.text.startswith(BOM) else 0
        newline = line_end[0] if line_end else "\n"
        text = f"---{newline}{_lines(note, block, name, value, newline, form)}---{newline}"
    return _verify(note, [Edit(at, at, text)], name, value, line, form)


def take_out_value(
    note: NoteText, name: str, value: PropertyValue, token: str, *, with_key: bool
) -> Edit:
    """Return the edit that takes the value out of the property, in whatever style it is written.

    token: what replaces the value, such as `""`, or nothing. with_key: the property goes, too.

    Raises NoteRefused if the property does not have exactly this value, or more would change.
    """
    properties = read_properties(note)
    keys, block = properties.keys_of(name), parse_ruamel(note)
    if [properties.values[key] for key in keys] != [value] or block.is_flow:
        raise NoteRefused(f"`{name}` does not have this value, or is written in braces")
    entry = block.entry(keys[0])
    start, end = entry.key[0].end, _end_of_value(note, entry)
    colon = _COLON.match(note.text, start)
    if with_key:
        line_end = _LINE_END.search(note.text, end)
        edit = Edit(line_start(note.text, start), line_end.end() if line_end else end, "")
    elif colon and not note.text[colon.end() : entry.value[0].start].strip():
        edit = Edit(colon.end(), end, f" {token}" if token else "")
    else:  # a comment is above it
        edit = Edit(entry.value[0].start, end, token)
    then = read_properties(NoteText(apply_edits(note.text, [edit])))
    rest = {key: each for key, each in properties.values.items() if key != keys[0]}
    is_out = keys[0] not in then.values if with_key else then.is_empty(name)
    if not is_out or {key: then.values[key] for key in then.values if key != keys[0]} != rest:
        raise NoteRefused(f"taking the value of `{name}` out would change other text, too")
    return edit


def _end_of_value(note: NoteText, entry: YamlEntry) -> int:
    """Return where the value ends, before blanks and comments below it.

    Raises NoteRefused where there is a comment within it.
    """
    events = entry.value
    if events[0].kind == "SequenceStartEvent" and not events[0].style:
        events = events[:-1]  # a block's end is where the next property begins
    gaps = "".join(note.text[one.end : other.start] for one, other in pairwise(events))
    text = note.text[events[0].start : events[-1].end].rstrip()
    head = _LINE_END.split(text)[0] if _BLOCK_SCALAR.match(text) else ""
    if "#" in gaps + head:
        raise NoteRefused(f"there is a comment in the value of `{entry.name}`")
    return events[0].start + len(text)


def may_be_unfillable(note: NoteText) -> bool:
    """Return whether the properties hold rare syntax that may allow no exact edit.

    A cheap check: 10 µs, where ruamel.yaml takes 1 ms. Of random YAML, no edit was refused where
    this returns false.
    """
    return _RARE_SYNTAX.search(note.yaml) is not None


def _require_content(value: str | list[str]) -> None:
    texts = [value] if isinstance(value, str) else value
    if not texts or not all(text.strip() for text in texts):
        raise ValueError("there is nothing to fill in")


def _verify(
    note: NoteText,
    edits: list[Edit],
    key: str,
    value: str | list[str],
    line: int,
    form: PropertyForm,
) -> list[Edit]:
    """Return edits if they change nothing but the value. Raises NoteRefused if they do not."""
    try:
        check_edit(note, edits, key, value, is_text=not form.is_bare)
    except NoteRefused as refusal:
        raise NoteRefused(f"{refusal.reason}; edit it by hand", line=line) from None
    return edits


def _fill(
    note: NoteText,
    block: YamlBlock,
    entry: YamlEntry,
    value: str | list[str],
    form: PropertyForm,
) -> list[Edit]:
    """Return the edits for the form in which the property is empty (see the table above)."""
    first = entry.value[0]
    if _is_one_item(entry):
        return _fill_item(note, entry, [value] if isinstance(value, str) else value, form)
    if first.kind == "SequenceStartEvent":
        start, end = first.start, entry.value[-1].end
        if isinstance(value, list):
            return [Edit(start + 1, start + 1, form.inline(value, in_flow=True)[1:-1])]
        if "#" in note.text[start:end]:
            reason = "text cannot replace [ ] that has a comment in it; fill it by hand"
            raise NoteRefused(reason, line=note.line_number(start))
        return [Edit(start, end, form.inline(value, in_flow=block.is_flow))]
    if not first.is_nothing:
        return [_replace(note, first, form.inline(value, in_flow=block.is_flow))]
    key = entry.key[0]
    if not (colon := _COLON.match(note.text, key.end)):
        reason = f"`{entry.name}` has no colon right after its name; fill it by hand"
        raise NoteRefused(reason, line=note.line_number(key.start))
    if isinstance(value, str) or block.is_flow or form.is_flow:
        return [_put(note, colon.end(), form.inline(value, in_flow=block.is_flow))]
    return [_add_items(note, colon.end(), _item_prefix(note, block, form), value, form)]


def _is_one_item(entry: YamlEntry) -> bool:
    return len(entry.value) == 3


def _fill_item(
    note: NoteText, entry: YamlEntry, values: list[str], form: PropertyForm
) -> list[Edit]:
    """Return the edits that put the first value in place of the only item, the rest after it."""
    opening, item, _ = entry.value
    if opening.style is True:
        return [_replace(note, item, form.inline(values, in_flow=True)[1:-1])]
    text = form.scalar(values[0])
    edit = _put(note, opening.start + 1, text) if item.is_nothing else _replace(note, item, text)
    prefix = note.text[line_start(note.text, opening.start) : opening.start] + "- "
    others = _add_items(note, edit.end, prefix, values[1:], form)
    return [edit, others] if others.text else [edit]


def _put(note: NoteText, offset: int, scalar: str) -> Edit:
    """Return the edit that puts scalar after the colon or dash that ends at offset.

    A first blank stays before the scalar, further blanks and a comment after it.
    """
    if note.text[offset] != " ":
        return Edit(offset, offset, f" {scalar}")
    gap = " " if note.text[offset + 1] == "#" else ""
    return Edit(offset + 1, offset + 1, scalar + gap)


def _replace(note: NoteText, token: YamlEvent, scalar: str) -> Edit:
    """Return the edit that replaces a token by scalar; the comment and lines after `|` are kept."""
    header = _BLOCK_SCALAR.match(note.text, token.start)
    return Edit(token.start, header.end() if header else token.end, scalar)


def _add_items(
    note: NoteText, offset: int, prefix: str, values: list[str], form: PropertyForm
) -> Edit:
    """Return the edit that adds list items, one a line, below the line of offset."""
    rest, newline, _ = _LINE_END.split(note.text[offset:], maxsplit=1)
    start = offset + len(rest) + len(newline)
    return Edit(start, start, form.items(prefix, values, newline))


def _item_prefix(note: NoteText, block: YamlBlock, form: PropertyForm) -> str:
    """Return the text before each list item: as in the note's first block list, else the form's."""
    for entry in block.entries:
        opening = entry.value[0]
        if opening.kind == "SequenceStartEvent" and not opening.style:
            dash = _DASH.match(note.text, line_start(note.text, opening.start))
            if dash:
                return dash[1] + (dash[2] or " ")
    return _indent(note, block) + (form.item or "  - ")


def _indent(note: NoteText, block: YamlBlock) -> str:
    """Return the blanks before each key."""
    if not block.entries:
        return ""
    blanks = _BLANKS.match(note.text, line_start(note.text, block.entries[0].key[0].start))
    return blanks[0] if blanks else ""


def _lines(
    note: NoteText,
    block: YamlBlock,
    name: str,
    value: str | list[str],
    newline: str,
    form: PropertyForm,
) -> str:
    key = _indent(note, block) + yaml_scalar(name)
    if isinstance(value, str) or form.is_flow:
        return f"{key}: {form.inline(value)}{newline}"
    return f"{key}:{newline}" + form.items(_item_prefix(note, block, form), value, newline)
