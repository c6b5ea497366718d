"""The facts of a note: its needs or why it is skipped, and values for the vault's vocabulary.

Programs differ on whether a word is a tag, and whether `yes` is true. A note that was sent cannot
be called back, so what excludes a note counts as soon as any program may see it.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import starmap
from typing import NamedTuple, Self

from companion.errors import NoteRefused
from companion.note.callouts import Section
from companion.note.entries import is_unambiguous
from companion.note.frontmatter import fill_property
from companion.note.needs import (
    PRIVATE,
    Need,
    Rules,
    find_needs,
    find_section_needs,
    property_names,
)
from companion.note.note import ParsedNote
from companion.note.properties import BETWEEN_TAGS, Properties, PropertyValue, property_texts
from companion.note.tags import find_possible_tags, is_tag
from companion.note.text import CodeSpans

FACTS_VERSION = 11
"""Raise this when Facts change, so that the index is rebuilt."""

UNKNOWN = "cannot be understood"
_SAYS_NO = "it says ai: false"
_DRAWINGS = {"excalidraw-plugin": "an Excalidraw drawing", "kanban-plugin": "a Kanban board"}
_LEAST_REFUSED = ["x"]  # of all values that may be filled in, a list is refused least
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)
_DECODER = json.JSONDecoder()


class Facts(NamedTuple):
    """Everything a scan finds out about a note.

    skipped: why the whole note is left alone. unfilled: what in it is left alone, and why. values:
    the values of the properties that form the vault's vocabulary. marks: the configured tags and
    properties it has that exclude a note, always or from an endpoint on another machine; see
    find_marks. They are UNKNOWN for a note that cannot be understood.
    """

    needs: tuple[Need, ...] = ()
    skipped: str | None = None
    unfilled: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, ...]] = {}
    marks: tuple[str, ...] = ()

    def dump(self) -> str:
        """Return the facts as JSON."""
        return _ENCODER.encode(self)

    @property
    def is_excluded(self) -> bool:
        """Whether its author excludes it from being read: by `ai: false`, a tag or a property."""
        return self.skipped == _SAYS_NO or bool({*self.marks} - {UNKNOWN})

    @staticmethod
    def needs_nothing(dumped: str) -> bool:
        """Return whether dump() was of a note that needs nothing and is not skipped.

        Like has_marks it does not decode the JSON.
        """
        return dumped.startswith("[[],null,")

    @staticmethod
    def is_skipped(dumped: str) -> bool:
        """Return whether dump() was of a note that is skipped."""
        return dumped.startswith('[[],"')

    @staticmethod
    def reports_nothing(dumped: str) -> bool:
        """Return whether dump() was of a note without needs, and without anything to report."""
        return dumped.startswith("[[],null,[],")

    @staticmethod
    def has_no_aliases(dumped: str) -> bool:
        """Return whether dump() was of a note that reports_nothing, and has no alias."""
        return dumped.startswith("[[],null,[],[],")

    @staticmethod
    def finder(name: str) -> Callable[[str], bool]:
        """Return a test for whether dump() may be of a note with values of the property."""
        key = f"{_ENCODER.encode(name)}:"
        return lambda dumped: key in dumped

    @staticmethod
    def has_marks(dumped: str) -> bool:
        """Return whether dump() was of a note with marks."""
        return not dumped.endswith(",[]]")

    @classmethod
    def load(cls, dumped: str) -> Self:
        """Return the facts that dump() wrote."""
        # json.loads would look for blanks around it, which takes as long
        (needs, skipped, unfilled, aliases, values, marks), _ = _DECODER.raw_decode(dumped)
        for name, texts in values.items():
            values[name] = tuple(texts)
        needs = tuple([Need(*need) for need in needs])
        return cls(needs, skipped, tuple(unfilled), tuple(aliases), values, tuple(marks))


def read_facts(data: bytes, rules: Rules) -> Facts:
    """Return the facts about the note in data. A NoteRefused becomes the reason to skip it."""
    try:
        parsed = ParsedNote.decode(data)
        facts = find_facts(parsed, rules)
    except NoteRefused as refused:
        return Facts(skipped=str(refused), marks=(UNKNOWN,))
    names = property_names(facts.needs)
    if names and (why := unfillable_reason(parsed, names)):
        return facts._replace(needs=(), skipped=why)
    return facts


def find_facts(
    parsed: ParsedNote, rules: Rules, *, explicit: bool = False, section: Section | None = None
) -> Facts:
    """Return the facts about a parsed note.

    explicit: the user named the note, so it is a candidate even if it has all its properties.
    section: the section that the user wants a callout in.

    Raises NoteRefused if the section is not there, or has a callout that is filled.
    """
    aliases = tuple(parsed.properties.aliases)
    marks = find_marks(
        parsed,
        (*rules.skip_tags, *rules.private_tags),
        (*rules.skip_properties, *rules.private_properties),
    )
    if reason := _skip_reason(parsed, rules, marks):
        # its vocabulary stays out of other notes, too
        return Facts(skipped=reason, aliases=aliases, marks=marks)
    values = _values_in_use(parsed, rules)
    needs = list(find_needs(parsed, rules, explicit))
    if section is not None:
        needs += find_section_needs(parsed, section)
    unfilled = tuple(
        f"the AI callout in line {parsed.note.line_number(parsed.lines[callout.first].start)} is"
        " empty, but text follows it outside the quote; add a blank line below it to have it filled"
        for callout in parsed.callouts
        if callout.answered_below
    )
    return Facts(tuple(needs), None, unfilled, aliases, values, marks)


def unfillable_reason(parsed: ParsedNote, names: Iterable[str]) -> str | None:
    """Return why the empty properties of these names cannot be filled, None if they can."""
    if is_unambiguous(parsed.note):  # 10 µs, where ruamel.yaml takes 1 ms
        return None
    try:
        for key in filter(None, map(parsed.property_key, names)):
            fill_property(parsed.note, key, _LEAST_REFUSED)
    except NoteRefused as refused:
        return str(refused)
    return None


def _skip_reason(parsed: ParsedNote, rules: Rules, marks: Sequence[str]) -> str | None:
    """Return why the note is left alone, None if it is not. marks: those that it has."""
    properties = parsed.properties
    if properties.keys_of("ai") and has_value(properties, "ai", "false"):
        return _SAYS_NO
    for name, what in _DRAWINGS.items():
        if properties.keys_of(name):
            return f"it is {what}"
    if template := find_template(parsed):
        return str(template)
    for mark in _describe_marks(rules.skip_tags, rules.skip_properties):
        if mark in marks:
            return f"it {mark}, which the settings leave alone"
    if rules.is_remote:
        private = _describe_marks(rules.private_tags, rules.private_properties)
        return next((f"it {mark}, {PRIVATE}" for mark in private if mark in marks), None)
    return None


def _describe_marks(tags: Sequence[str], properties: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield from map(tag_mark, tags)
    yield from starmap(property_mark, properties)


def _values_in_use(parsed: ParsedNote, rules: Rules) -> dict[str, tuple[str, ...]]:
    """Return the values by property, tags of the body included; without the rules' marks."""
    values = {}
    for name in rules.vocabulary:
        if name == "tags":
            tags = [*parsed.properties.tags, *parsed.likely_tags]
            used = [tag for tag in tags if is_tag(tag) and not rules.is_mark(tag)]
        elif not (texts := property_texts(parsed.properties.get(name))):
            continue
        else:
            key = name.casefold()
            used = [text for text in texts if (key, text.casefold()) not in rules.marks]
        if used:
            values[name] = tuple(dict.fromkeys(used))
    return values


# YAML 1.1, "Boolean language-independent type", and the flags of other programs.
_BOOLEANS = {
    **dict.fromkeys(("true", "yes", "on", "y", "1"), "true"),
    **dict.fromkeys(("false", "no", "off", "n", "0"), "false"),
}


def tag_mark(tag: str) -> str:
    """Return the predicate of a note that has the tag, for a sentence about it."""
    return f"is tagged #{tag}"


def property_mark(name: str, value: str) -> str:
    """Return the predicate of a note whose property has the value, for a sentence about it."""
    return f"says {name}: {value}"


def find_marks(
    parsed: ParsedNote, tags: Sequence[str], properties: Sequence[tuple[str, str]]
) -> tuple[str, ...]:
    """Return which of the tags and properties the note has; see tag_mark and property_mark.

    A nested tag counts as the tag it is nested in, too. A tag counts wherever it is written, in
    code as well.
    """
    if not tags and not properties:
        return ()
    prefixes = tuple(f"{_fold(tag)}/" for tag in tags)
    names = (
        name.lstrip("#")
        for text in _texts(_values(parsed.properties, ("tags", "tag")), set())
        for name in BETWEEN_TAGS.split(text)
    )
    tag_paths = {path for name in names for path in _tag_paths(name) if path.startswith(prefixes)}
    for name in find_possible_tags(parsed.note.text) if tags else ():
        tag_paths.update(path for path in _tag_paths(name) if path.startswith(prefixes))
    marks = [
        tag_mark(tag)
        for tag, start in zip(tags, prefixes, strict=True)
        if any(path.startswith(start) for path in tag_paths)
    ]
    marks += [property_mark(*pair) for pair in properties if has_value(parsed.properties, *pair)]
    return tuple(marks)


def has_value(properties: Properties, name: str, value: str) -> bool:
    """Return whether the property has the value, or a list with it, however that is written."""
    texts = _texts(_values(properties, (_fold(name),)), set())
    return _fold_value(value) in map(_fold_value, texts)


def _values(properties: Properties, names: tuple[str, ...]) -> list[PropertyValue]:
    return [value for key, value in properties.values.items() if _fold(key) in names]


def _tag_paths(name: str) -> tuple[str, str]:
    """Return the tag to compare, with `/` at its end, and the same without emphasis' `_`."""
    folded = _fold(name)
    return f"{folded}/", f"{folded.rstrip('_-')}/"


def _texts(value: PropertyValue, visited: set[int]) -> Iterator[str]:
    """Yield every text in a value, at any depth; nodes that a YAML alias repeats come once."""
    if isinstance(value, (list, dict)):
        if id(value) not in visited:
            visited.add(id(value))
            for part in value if isinstance(value, list) else [*value, *value.values()]:
                yield from _texts(part, visited)
    elif value is not None:
        yield str(value)


def _fold_value(value: str) -> str:
    folded = _fold(value.strip())
    return _BOOLEANS.get(folded, folded)


def _fold(text: str) -> str:
    """Return text for comparison, regardless of case, Unicode normalization and emoji style."""
    if text.isascii():
        return text.casefold()
    return unicodedata.normalize("NFC", text).casefold().replace("\ufe0f", "")


_TEMPLATE_OPENINGS = ("{{", "<%")
_PLACEHOLDER = re.compile(r"\{\{[ \t]*(?:title|date|time)", re.IGNORECASE)
_TEMPLATE = re.compile(
    r"\{\{[ \t]*(?:title|date|time)[ \t]*(?::[^{}\r\n]*)?\}\}|<%[-_+*~]?", re.IGNORECASE
)
_CODE_OR_FORMULA = re.compile(
    r"\\[\\`$]|(?P<run>`+)|\$\$.*?\$\$|\$(?=[^\s$])[^$]*(?<=[^\s$])\$(?!\d)"
)
_MAX_QUOTED = 40  # characters of a template that the reason quotes


def find_template(parsed: ParsedNote) -> NoteRefused | None:
    """Return why the note's text makes it a template, with the line, None if it does not.

    Template syntax in code and formulas does not count.
    """
    note = parsed.note
    opening, last_closing = note.text.find("<%", note.body_start), note.text.rfind("%>")
    has_placeholder = "{{" in note.text and _PLACEHOLDER.search(note.text, note.body_start)
    if not has_placeholder and not 0 <= opening < last_closing:  # the outline is slow to read
        return None
    for line in parsed.lines:
        if line.kind in ("code", "math") or not any(o in line.text for o in _TEMPLATE_OPENINGS):
            continue
        for match in _TEMPLATE.finditer(CodeSpans(line.text).mask(_CODE_OR_FORMULA)):
            if match[0].startswith("{{") or line.start + match.end() <= last_closing:
                what = match[0][:_MAX_QUOTED]
                reason = (
                    f"a template: its text has {what}; if it is not one, write `{what}` as code"
                )
                return NoteRefused(reason, line=note.line_number(line.start))
    return None
