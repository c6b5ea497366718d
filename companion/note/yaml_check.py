"""Check by two YAML parsers that an edit changes one property and nothing else.

Events are compared, not values: they have the anchor, tag, style and text of every scalar, so
equal events mean equal values, of whatever type, under that parser.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from typing import Any, NamedTuple

import ruamel.yaml
import yaml
from ruamel.yaml.loader import SafeLoader
from ruamel.yaml.resolver import VersionedResolver

from companion.errors import NoteRefused
from companion.note.edit import Edit, apply_edits
from companion.note.properties import read_properties
from companion.note.text import NoteText, split_lines

ResolveTag = Callable[[str, tuple[bool, bool]], object]
"""Returns the YAML tag of a plain scalar."""

_STR = "tag:yaml.org,2002:str"
_PLAIN = (True, False)
_ODD_LINE_END = re.compile("[\x85\u2028\u2029]")
_FAST_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class YamlEvent(NamedTuple):
    """A parser's event. start and end count characters of the note's text."""

    kind: str
    anchor: str | None
    tag: str | None
    value: str | None
    style: str | bool | None
    implicit: Any
    start: int
    end: int

    @property
    def is_bare(self) -> bool:
        """Whether it is not an alias, and has no anchor or tag."""
        return self.kind != "AliasEvent" and self.anchor is None and self.tag is None

    @property
    def is_nothing(self) -> bool:
        """Whether it is a scalar without any text, as after `description:`."""
        return self.kind == "ScalarEvent" and self.is_bare and not (self.style or self.value)


class YamlEntry(NamedTuple):
    """One property: the events of its key and of its value."""

    key: tuple[YamlEvent, ...]
    value: tuple[YamlEvent, ...]

    @property
    def name(self) -> str | None:
        """The key's text; None for a key that is an alias, a list or a mapping."""
        return self.key[0].value if len(self.key) == 1 else None


class YamlBlock(NamedTuple):
    """A note's properties: the events before the first, those of each, and those after the last.

    All three are empty if there is no mapping (no frontmatter, or only comments in it).
    """

    head: tuple[YamlEvent, ...]
    entries: tuple[YamlEntry, ...]
    tail: tuple[YamlEvent, ...]

    @property
    def is_flow(self) -> bool:
        """Whether the mapping is written in braces."""
        return bool(self.head) and self.head[-1].style is True

    def entry(self, name: str) -> YamlEntry:
        """Return the entry of exactly that name. Raises NoteRefused if there is none."""
        for entry in self.entries:
            if entry.name == name:
                return entry
        raise NoteRefused(f"`{name}` is written in a form that only its author can edit")


@lru_cache(maxsize=16)
def parse_pyyaml(note: NoteText) -> YamlBlock:
    """Return the properties as PyYAML (YAML 1.1) parses them. Raises NoteRefused."""
    return _parse(note, lambda text: yaml.parse(text, Loader=_FAST_LOADER), "PyYAML (YAML 1.1)")


# Pure Python, some 2 ms a KB. It is cached because each edit starts from the last one's result.
@lru_cache(maxsize=16)
def parse_ruamel(note: NoteText) -> YamlBlock:
    """Return the properties as ruamel.yaml (YAML 1.2) parses them.

    Of properties that no two parsers read differently these are PyYAML's events, in a tenth of the
    time. They are the same, except that a value of nothing is where the next token is.

    Raises NoteRefused if it cannot, or if YAML 1.2 itself would see other lines.
    """
    if _UNAMBIGUOUS.fullmatch(note.yaml):
        return parse_pyyaml(note)
    block = _parse(note, ruamel_events, "ruamel.yaml (YAML 1.2)")
    # Both parsers end lines at NEL, LS and PS; YAML 1.2 (section 5.4), which Obsidian follows, does
    # not. Within quotes they change no structure.
    start = note.frontmatter.start if note.frontmatter else 0
    for at in (start + match.start() for match in _ODD_LINE_END.finditer(note.yaml)):
        events = (event for entry in block.entries for event in (*entry.key, *entry.value))
        if not any(each.start < at < each.end for each in events if each.style in ("'", '"')):
            reason = f"the properties hold a line separator (U+{ord(note.text[at]):04X}); delete it"
            raise NoteRefused(reason, line=note.line_number(at))
    return block


# A property or an item a line, without anchor, tag, comment, escape, tab, or text of several lines.
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


def is_json(note: NoteText) -> bool:
    """Return whether the properties are a JSON object that is not empty, which is YAML as well.

    Obsidian's help, "Properties": JSON is read there. Other programs may read it as JSON only.
    """
    if not note.yaml.lstrip().startswith("{"):
        return False
    try:
        return bool(json.loads(note.yaml))
    except (ValueError, RecursionError):
        return False


def ruamel_events(text: str) -> Iterator[Any]:
    """Yield the events of YAML(typ="safe", pure=True).parse, which would search for plug-ins."""
    loader = SafeLoader(text)
    while loader.check_event():
        yield loader.get_event()


def check_edit(
    note: NoteText,
    edits: Iterable[Edit],
    key: str,
    value: str | list[str],
    *,
    is_text: bool,
) -> None:
    """Check that the edits give key that value under both parsers, and change nothing else.

    key: the property's name as written. If the note has no such key, it must become the last.
    is_text: the parsers must read it as text, not as a number or a date.

    Raises NoteRefused if this does not hold.
    """
    new = NoteText(apply_edits(note.text, edits))
    if new.body != note.body:
        raise NoteRefused(f"filling `{key}` would move the end of the properties")
    before = [parse(note) for parse in (parse_pyyaml, parse_ruamel)]
    try:
        after = [parse(new) for parse in (parse_pyyaml, parse_ruamel)]
        read = read_properties(new).get(key)
        is_read = (str(read).lower() if isinstance(read, bool) else read) == value
    except NoteRefused:
        raise NoteRefused(f"filling `{key}` would make the properties invalid YAML") from None
    if not all(map(_same_but_for, (key, key), before, after)):
        raise NoteRefused(f"filling `{key}` would change how other properties are read")
    by_pyyaml, by_ruamel = (block.entry(key) for block in after)
    pyyaml: ResolveTag = partial(yaml.resolver.Resolver().resolve, yaml.ScalarNode)
    ruamel_yaml: ResolveTag = partial(VersionedResolver().resolve, ruamel.yaml.nodes.ScalarNode)
    if not is_text:
        pyyaml = ruamel_yaml = _read_as_text
    texts = (_texts(by_pyyaml, pyyaml), _texts(by_ruamel, ruamel_yaml))
    if not is_read or texts != (value, value):
        raise NoteRefused(f"`{key}` would not read back as what was filled in")


def _same_but_for(key: str, old: YamlBlock, new: YamlBlock) -> bool:
    """Return whether the blocks differ in the value of key only, which may be new at the end."""
    if old.head and (_contents(old.head), _contents(old.tail)) != (
        _contents(new.head),
        _contents(new.tail),
    ):
        return False
    before, after = _shapes(old, key), _shapes(new, key)
    if all(entry.name != key for entry in old.entries):
        added = [entry.name for entry in new.entries[-1:]]
        return before == after[:-1] and added == [key]
    return before == after


def _shapes(block: YamlBlock, key: str) -> list[Any]:
    return [
        (_contents(entry.key), None if entry.name == key else _contents(entry.value))
        for entry in block.entries
    ]


def _contents(events: Iterable[YamlEvent]) -> list[Any]:
    """Return the events without their offsets."""
    return [event[:-2] for event in events]


def _texts(entry: YamlEntry, resolve: ResolveTag) -> str | list[str | None] | None:
    """Return the entry's value, with None for anything that is not text."""
    first, *rest = entry.value
    if not rest:
        return _text(first, resolve)
    if first.kind != "SequenceStartEvent" or not first.is_bare:
        return None
    return [_text(event, resolve) for event in rest[:-1]]


def _read_as_text(scalar: str, implicit: tuple[bool, bool]) -> str:
    return _STR


def _text(event: YamlEvent, resolve: ResolveTag) -> str | None:
    if event.kind != "ScalarEvent" or event.value is None or not event.is_bare:
        return None
    return event.value if event.style or str(resolve(event.value, _PLAIN)) == _STR else None


def _parse(note: NoteText, parse: Callable[[str], Iterable[Any]], parser: str) -> YamlBlock:
    start = note.frontmatter.start if note.frontmatter else 0
    try:
        return _block([_event(event, start) for event in parse(note.yaml)])
    except (yaml.YAMLError, ruamel.yaml.error.YAMLError, ValueError, OverflowError) as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        line = note.line_number(start + (mark.index if mark else 0))
        reason = f"{parser} cannot read the properties; write this line in a simpler way"
        if "\t" in split_lines(note.text)[line - 1]:
            reason = f"a tab that {parser} cannot read; remove it, or put a space in its place"
        raise NoteRefused(reason, line=line) from None


def _event(event: Any, start: int) -> YamlEvent:
    tag = getattr(event, "tag", None)
    return YamlEvent(
        kind=type(event).__name__,
        anchor=getattr(event, "anchor", None),
        tag=None if tag is None else str(tag),
        value=getattr(event, "value", None),
        style=getattr(event, "style", None) or getattr(event, "flow_style", None),
        implicit=getattr(event, "implicit", None),
        start=start + event.start_mark.index,
        end=start + event.end_mark.index,
    )


def _block(events: list[YamlEvent]) -> YamlBlock:
    if len(events) < 3 or events[2].kind != "MappingStartEvent":
        return YamlBlock((), (), ())
    nodes: list[tuple[YamlEvent, ...]] = []
    first, depth = 3, 0
    for index, event in enumerate(events[3:], start=3):
        depth += event.kind.endswith("StartEvent") - event.kind.endswith("EndEvent")
        if depth < 0:
            break
        if depth == 0:
            nodes.append(tuple(events[first : index + 1]))
            first = index + 1
    entries = tuple(map(YamlEntry, nodes[::2], nodes[1::2]))
    return YamlBlock(tuple(events[:3]), entries, tuple(events[first:]))
