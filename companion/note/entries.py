"""A note's properties as the nodes of YAML parsers: their places, and their values to compare."""

from __future__ import annotations

import re
from functools import lru_cache
from threading import Lock
from typing import Any, NamedTuple, TypeAlias

import yaml
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError as RuamelError

from companion.errors import NoteRefused
from companion.note.text import NoteText, line_start

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ODD_LINE_END = re.compile("[\x85\u2028\u2029]")  # to YAML 1.1, not to YAML 1.2 (section 5.4)


class Entry(NamedTuple):
    """A property of a note, by its places (characters of the note's text).

    name: as written. line: of the key. indent: the blanks before the key. key_end: after the key.
    start: of the value. last: the end of the last text in it. is_list: the value is a list.
    is_flow: one in brackets. items: the places of its items, each start and end; of another value,
    only the place of that. value: the parser's node.
    """

    name: str
    line: int
    indent: str
    key_end: int
    start: int
    end: int
    last: int
    is_list: bool
    is_flow: bool
    items: tuple[tuple[int, int], ...]
    value: Any


def find_entry(note: NoteText, name: str) -> Entry:
    """Return the property of exactly that name.

    Raises NoteRefused if there is none, or its value is marked by a YAML tag, anchor or alias.
    """
    for entry in find_entries(note):
        if entry.name == name:
            starts = (entry.start, *(start for start, _ in entry.items))
            signs = {note.text[at : at + 1] for at in starts}
            if signs & {"&", "!", "*"} or min(starts) < entry.key_end:
                reason = f"`{name}` has a YAML tag, anchor or alias; fill it by hand"
                raise NoteRefused(reason, line=entry.line)
            return entry
    raise NoteRefused(f"`{name}` is written in a form that only its author can edit")


def find_entries(note: NoteText) -> list[Entry]:
    """Return the note's properties.

    Raises NoteRefused, with the line, if a parser cannot read them, or they are in braces.
    """
    root = compose(note, is_unambiguous(note))[-1]
    if root is None:
        return []
    first = note.frontmatter.start if note.frontmatter else 0
    if root.flow_style:
        reason = "the properties are written in braces; write each on a line of its own"
        raise NoteRefused(reason, line=note.line_number(first + root.start_mark.index))
    return [_entry(note, first, key, value) for key, value in root.value]


def _entry(note: NoteText, first: int, key: Any, value: Any) -> Entry:
    is_list = isinstance(value.value, list) and value.id == "sequence"
    is_flow = bool(getattr(value, "flow_style", False))
    nodes = value.value if is_list else [value]
    last = value
    while isinstance(last.value, list) and last.value:
        last = last.value[-1][1] if last.id == "mapping" else last.value[-1]
    key_start = first + key.start_mark.index
    return Entry(
        name=key.value if key.id == "scalar" else "",
        line=note.line_number(key_start),
        indent=note.text[line_start(note.text, key_start) : key_start],
        key_end=first + key.end_mark.index,
        start=first + value.start_mark.index,
        end=first + value.end_mark.index,
        last=first + (value if is_flow else last).end_mark.index,
        is_list=is_list,
        is_flow=is_flow,
        items=tuple((first + n.start_mark.index, first + n.end_mark.index) for n in nodes),
        value=value,
    )


Tree: TypeAlias = tuple[str, Any]
"""A YAML node's tag and its text, or the trees in it; the place of the node that an alias means."""


def read_trees(root: Any) -> dict[Tree, Tree]:
    """Return the properties, each name and value as a tree. Raises RecursionError."""
    places: dict[int, tuple[int, ...]] = {}

    def tree(node: Any, place: tuple[int, ...]) -> Tree:
        if id(node) in places:
            return "alias", places[id(node)]
        places[id(node)] = place
        if isinstance(node.value, str):
            return str(node.tag), node.value
        is_mapping = node.id == "mapping"
        children = [part for pair in node.value for part in pair] if is_mapping else node.value
        return str(node.tag), [tree(child, (*place, at)) for at, child in enumerate(children)]

    pairs = enumerate(root.value if root else ())
    return {tree(key, (at, 0)): tree(value, (at, 1)) for at, (key, value) in pairs}


_RUAMEL, _LOCK = YAML(typ="safe", pure=True, plug_ins=[]), Lock()


# In pure Python, some 2 ms a KB. It is cached because each edit starts from the last one's result.
@lru_cache(maxsize=16)
def compose(note: NoteText, is_plain: bool) -> tuple[Any, ...]:
    """Return the properties as PyYAML (YAML 1.1) and ruamel.yaml (YAML 1.2) read them.

    is_plain: PyYAML's reading is enough. Each is the node of a mapping, None if there is none.

    Raises NoteRefused, with the line, if one of the parsers cannot read them, or YAML 1.2 itself
    would see other lines.
    """
    start = note.frontmatter.start if note.frontmatter else 0
    if odd := _ODD_LINE_END.search(note.yaml):
        reason = f"the properties hold a line separator (U+{ord(odd[0]):04X}); delete it"
        raise NoteRefused(reason, line=note.line_number(start + odd.start()))
    try:
        node: Any = yaml.compose(note.yaml, Loader=_LOADER)
        with _LOCK:
            nodes = (node,) if is_plain else (node, _RUAMEL.compose(note.yaml))
    except (yaml.YAMLError, RuamelError, ValueError, OverflowError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        reason = "not every YAML parser can read the properties; write this line in a simpler way"
        line = note.line_number(start + (mark.index if mark else 0))
        raise NoteRefused(f"{reason}, without tabs", line=line) from None
    if any(node is not None and node.id != "mapping" for node in nodes):
        raise NoteRefused("the properties are not a list of `name: value` lines", line=1)
    return nodes


# What no two parsers read differently: a property or an item a line, without anchor, tag, comment,
# escape, tab, or text of several lines.
_CONTROL = r"\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff"
_QUOTED = rf"""(?>"[^{_CONTROL}"\\]*"|'(?>[^{_CONTROL}']|'')*')\ *"""
_SCALAR = rf"(?>[\w(](?>[^{_CONTROL}:\#]|:(?=[\w/])|(?<=\w)\#)*|{_QUOTED})"
_WORDS = rf"(?>\w[\w./-]*(?:\ [\w./-]+)*|{_QUOTED})"
_ITEM = rf"-(?:\ +{_SCALAR}|\ *)\r?\n"
_UNAMBIGUOUS = re.compile(
    rf"""(?>\r?\n|\w[\w\ -]{{0,99}}(?<!\ ):(?>
    \ +(?>{_SCALAR}|\[(?:{_WORDS}(?:,\ ?{_WORDS})*)?\]\ *)\r?\n
    |\ *\r?\n(?>(?P<indent>\ *){_ITEM}(?>(?P=indent){_ITEM})*)?
    ))*""",
    re.VERBOSE,
)


def is_unambiguous(note: NoteText) -> bool:
    """Return whether PyYAML is enough, which takes a tenth of ruamel.yaml's time."""
    return bool(_UNAMBIGUOUS.fullmatch(note.yaml))
