"""The edits that fill an empty property or add a missing one, each proved exact.

Only the value is inserted; a token for "nothing" (`""`, `null`, `~`, an empty list or block
scalar) is replaced by the value. Comments, blanks and every other byte stay.

| written as           | a text becomes     | a list becomes                                  |
|----------------------|--------------------|-------------------------------------------------|
| nothing              | `key: text`        | lines of `  - item` below                       |
| `""` `null` `~` `|`  | `key: text`        | `key: [a, b]`, in the token's place             |
| `[]`                 | `key: text`        | `key: [a, b]`                                   |
| `[""]`               | `key: [text]`      | `key: [a, b]`                                   |
| a block `- ` alone   | `- text`           | `- a`, and the others on lines below            |

Places are those of ruamel.yaml's nodes. The proof of an edit is that both YAML 1.1 (PyYAML) and
YAML 1.2 (ruamel.yaml) read the old values and the new one from its result.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any, NamedTuple

from companion.errors import NoteRefused
from companion.note.edits import Edit, apply_edits
from companion.note.entries import (
    Entry,
    Tree,
    compose,
    find_entries,
    find_entry,
    is_unambiguous,
    read_trees,
)
from companion.note.properties import read_properties
from companion.note.text import BOM, NoteText, is_joiner, line_start

_STR = "tag:yaml.org,2002:str"
_SEQ = "tag:yaml.org,2002:seq"
_LINE_END = re.compile(r"(\r\n|\r|\n)")
_COLON = re.compile(r"[ \t]*:")
_BLOCK_SCALAR = re.compile(r"[|>][-+0-9]*")


def fill_property(
    note: NoteText, name: str, value: str | list[str], *, is_bare: bool = False
) -> list[Edit]:
    """Return the edits that fill the empty property called name, regardless of case.

    A text for a property written as a list of one empty item becomes that item. is_bare: the value
    is a number, a date or a checkbox, which is written without quotes.

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
    entry = find_entry(note, keys[0])
    edits = _Filling(note, entry, is_bare).fill(value)
    if isinstance(value, str) and entry.is_list and entry.items:
        value = [value]
    _prove(note, edits, entry.name, value, entry.line, is_bare)
    return edits


def add_property(
    note: NoteText, name: str, value: str | list[str], *, is_bare: bool = False
) -> list[Edit]:
    """Return the edits that add a property at the end of the frontmatter, creating one if needed.

    is_bare: as for fill_property.

    Raises NoteRefused, with the line if there is one, if the note has the property already, or it
    cannot be added without changing how another property is read. Raises ValueError if the value
    is empty.
    """
    _require_content(value)
    if (key := read_properties(note).key_of(name)) is not None:
        raise NoteRefused(f"the note already has the property `{key}`")
    span = note.frontmatter
    line = note.line_number(span.end - 1) if span else 1
    entries = find_entries(note)
    indent = entries[0].indent if entries else ""
    if span:
        at = span.end
        newline = "\r\n" if note.text.endswith("\r\n", 0, at) else note.text[at - 1]
    else:
        at = len(BOM) if note.text.startswith(BOM) else 0
        newline = match[0] if (match := _LINE_END.search(note.text)) else "\n"
    key = f"{indent}{yaml_scalar(name)}:"
    if isinstance(value, str):
        text = f"{key} {_scalar(value, is_bare)}{newline}"
    else:
        text = f"{key}{newline}{_items(f'{indent}  - ', value, newline)}"
    if not span:
        text = f"---{newline}{text}---{newline}"
    edits = [Edit(at, at, text)]
    _prove(note, edits, name, value, line, is_bare)
    return edits


class _Filling(NamedTuple):
    """An empty property to fill (see the table above)."""

    note: NoteText
    entry: Entry
    is_bare: bool

    def fill(self, value: str | list[str]) -> list[Edit]:
        """Return the edits. Raises NoteRefused."""
        text, entry = self.note.text, self.entry
        if entry.is_flow:
            if isinstance(value, list) and not entry.items:
                return [Edit(entry.start + 1, entry.start + 1, self._inline(value)[1:-1])]
            if "#" in text[entry.start : entry.end]:
                reason = "there is a comment in its [ ]; fill it by hand"
                raise NoteRefused(reason, line=self.note.line_number(entry.start))
            if isinstance(value, str) and entry.items:
                value = [value]
            return [Edit(entry.start, entry.end, self._inline(value))]
        if entry.is_list:
            return self._fill_item([value] if isinstance(value, str) else value)
        if not _is_nothing(entry.value):
            return [self._swap(*entry.items[0], self._inline(value))]
        if not (colon := _COLON.match(text, entry.key_end)):
            reason = f"`{entry.name}` has no colon right after its name; fill it by hand"
            raise NoteRefused(reason, line=entry.line)
        if isinstance(value, str):
            return [self._put(colon.end(), self._inline(value))]
        return [self._add_items(colon.end(), f"{entry.indent}  - ", value)]

    def _inline(self, value: str | list[str]) -> str:
        if isinstance(value, str):
            return _scalar(value, self.is_bare)
        return f"[{', '.join(map(flow_scalar, value))}]"

    def _fill_item(self, values: Sequence[str]) -> list[Edit]:
        """Return the edits that fill the only item with the first value, and add the others."""
        text, (start, end) = self.note.text, self.entry.items[0]
        if _is_nothing(self.entry.value.value[0]):
            edit = self._put(self.entry.start + 1, self._inline(values[0]))
        else:
            edit = self._swap(start, end, self._inline(values[0]))
        prefix = f"{text[line_start(text, self.entry.start) : self.entry.start]}- "
        return [edit, self._add_items(edit.end, prefix, values[1:])] if values[1:] else [edit]

    def _put(self, offset: int, scalar: str) -> Edit:
        """Return the edit that puts scalar after the colon or dash that ends at offset.

        A first blank stays before the scalar, further blanks and a comment after it.
        """
        if self.note.text[offset] != " ":
            return Edit(offset, offset, f" {scalar}")
        gap = " " if self.note.text[offset + 1] == "#" else ""
        return Edit(offset + 1, offset + 1, scalar + gap)

    def _swap(self, start: int, end: int, scalar: str) -> Edit:
        """Return the edit that replaces a token; a comment and lines after `|` are kept."""
        header = _BLOCK_SCALAR.match(self.note.text, start)
        return Edit(start, header.end() if header else end, scalar)

    def _add_items(self, offset: int, prefix: str, values: Sequence[str]) -> Edit:
        """Return the edit that adds list items, one a line, below the line of offset."""
        rest, newline, _ = _LINE_END.split(self.note.text[offset:], maxsplit=1)
        start = offset + len(rest) + len(newline)
        return Edit(start, start, _items(prefix, values, newline))


def _is_nothing(node: Any) -> bool:
    """Return whether the node is a scalar without any text, as after `description:`."""
    return node.id == "scalar" and not node.value and not node.style


def _items(prefix: str, values: Sequence[str], newline: str) -> str:
    return "".join(f"{prefix}{yaml_scalar(value)}{newline}" for value in values)


def _scalar(value: str, is_bare: bool) -> str:
    return bare_scalar(value) if is_bare else yaml_scalar(value)


def _require_content(value: str | list[str]) -> None:
    texts = [value] if isinstance(value, str) else value
    if not texts or not all(text.strip() for text in texts):
        raise ValueError("there is nothing to fill in")


def _prove(
    note: NoteText, edits: list[Edit], key: str, value: str | list[str], line: int, is_bare: bool
) -> None:
    """Check that the edits give key that value under both parsers, and change nothing else.

    Raises NoteRefused if this does not hold.
    """
    new = NoteText(apply_edits(note.text, edits))
    try:
        is_same = new.body == note.body
        read = read_properties(new).get(key)
        is_plain = is_unambiguous(note) and is_unambiguous(new)
        before_and_after = (compose(each, is_plain) for each in (note, new))
        trees = [tuple(map(read_trees, roots)) for roots in zip(*before_and_after, strict=True)]
    except (NoteRefused, RecursionError):
        reason = f"filling `{key}` would make the properties invalid YAML; edit it by hand"
        raise NoteRefused(reason, line=line) from None
    wanted: Tree = (_STR, value) if isinstance(value, str) else (_SEQ, [(_STR, v) for v in value])
    is_read = (str(read).lower() if isinstance(read, bool) else read) == value
    for before, after in trees:
        before.pop((_STR, key), None)
        filled = after.pop((_STR, key), ("", None))
        is_same &= list(before.items()) == list(after.items())
        is_read &= filled == wanted or (is_bare and filled[1] == value)
    if not is_same:
        reason = f"filling `{key}` would change how other properties are read; edit it by hand"
        raise NoteRefused(reason, line=line)
    if not is_read:
        reason = f"`{key}` would not read back as what was filled in; edit it by hand"
        raise NoteRefused(reason, line=line)


SCALARS = ("number", "date", "datetime", "checkbox")
"""The kinds of values that YAML has types for, which are written without quotes."""

# What no version of YAML reads as something else than a number, a date or a checkbox.
_BARE = re.compile(
    r"-?(?:0|[1-9]\d*)(?:\.\d+)?|true|false|\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?)?", re.ASCII
)


def bare_scalar(value: str) -> str:
    """Return a number, date or checkbox as YAML without quotes; any other text as yaml_scalar."""
    return value if _BARE.fullmatch(value) else yaml_scalar(value)


# Words that YAML 1.1 (its types bool and null), YAML 1.2 or a lenient parser does not read as text.
_RESERVED = frozenset(
    ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "none", "nan", "inf", "undefined"]
)

# Plain text starts with a letter, a parenthesis or a character beyond ASCII, never with an
# indicator (YAML 1.2.2, 5.3). A number must precede a word of two letters or more, so that the
# whole is no number, date or time in any version of YAML.
_PLAIN_START = re.compile(r"[A-Za-z(]|[^\x00-\x7f]|\d+ [^\W\d_]{2}", re.ASCII)
_COLON_OR_COMMENT = re.compile(r":(?:\s|$)|\s#")
_FLOW_INDICATOR = re.compile(r"[][{},?:#]")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def yaml_scalar(value: str) -> str:
    """Return value as YAML on one line, to follow `key: ` or `- ` in block style.

    Plain if YAML 1.1 and 1.2 both read it as this string; else in double quotes, as Obsidian
    writes them, or in single quotes if that saves escapes. It is never folded, whatever its
    length; newlines and characters that do not print are escaped.
    """
    is_plain = (
        _PLAIN_START.match(value)
        and value == value.strip()
        and value.lower() not in _RESERVED
        and not _COLON_OR_COMMENT.search(value)
    )
    is_printable = not any(_needs_escape(value, at) for at in range(len(value)))
    if is_plain and is_printable:
        return value
    if is_printable and re.search(r'["\\]', value):
        return "'" + value.replace("'", "''") + "'"
    return '"' + "".join(_escaped(value, at) for at in range(len(value))) + '"'


def flow_scalar(value: str) -> str:
    """Return value as YAML on one line, to go within brackets or braces."""
    scalar = yaml_scalar(value)
    if scalar.startswith(('"', "'")) or not _FLOW_INDICATOR.search(scalar):
        return scalar
    return "'" + scalar.replace("'", "''") + "'"


def _needs_escape(value: str, at: int) -> bool:
    char = value[at]
    # YAML allows more (5.1), but a note should have no invisible text. U+2028 and U+2029 (Zl, Zp)
    # and U+0085 (Cc) end lines in YAML 1.1.
    is_invisible = unicodedata.category(char) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
    return (is_invisible and not is_joiner(value, at)) or ord(char) & 0xFFFE == 0xFFFE


def _escaped(value: str, at: int) -> str:
    char = value[at]
    if char in _ESCAPES:
        return _ESCAPES[char]
    if not _needs_escape(value, at):
        return char
    code = ord(char)
    sign, digits = ("x", 2) if code < 0x100 else ("u", 4) if code < 0x10000 else ("U", 8)
    return f"\\{sign}{code:0{digits}x}"
