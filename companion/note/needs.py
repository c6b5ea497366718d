"""What a note needs, and why; or why it is left alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import starmap
from typing import NamedTuple, Self

from companion.errors import NoteRefused
from companion.note.callout import Callout, Style
from companion.note.fillable import why_unfillable
from companion.note.kept_back import find_marks, property_mark, says, tag_mark
from companion.note.rules import Rules
from companion.note.section import Section, find_heading
from companion.note.style import find_styles
from companion.note.tag import is_tag
from companion.note.template import find_template
from companion.note.text import NoteText
from companion.note.view import NoteView

CALLOUT = "callout"
DESCRIPTION = "description"

FACTS = 8
"""Counts what Facts hold, and how it is found: an index with another number is read anew."""

PRIVATE = "set to be read by models on this machine only"

_DRAWINGS = {"excalidraw-plugin": "an Excalidraw drawing", "kanban-plugin": "a Kanban board"}
_SAYING_SKIP = frozenset(("ai", *_DRAWINGS))
_LIKE_NTH = re.compile(r"#\d+\Z")  # a title may end in what counts callouts alike
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)


class Need(NamedTuple):
    """One thing a note needs.

    kind: `callout`, or the name of the property. heading: of the section a callout stands in;
    None in the top part. question: the title of an empty callout, where it asks something.
    where: which callout: `top`, `request` (an empty one stands there) or `section` (a new one
    is to go under the heading); `property` for a property. reason: in the user's words.
    nth: of several callouts alike, filled ones too, counted from 1. at, of: of a section; see
    there.
    """

    kind: str
    heading: str | None
    question: str | None
    where: str
    reason: str
    nth: int = 1
    at: int = 1
    of: int = 1

    @property
    def key(self) -> str:
        """What the journal knows the need by: the same in a later run."""
        if self.kind != CALLOUT:
            return self.kind
        if self.question is not None:
            key = f"{CALLOUT}:question:{self.question}"
        else:
            key = f"{CALLOUT}:top" if self.heading is None else f"{CALLOUT}:section:{self.heading}"
        is_plain = self.nth == 1 and not _LIKE_NTH.search(key)
        return key if is_plain else f"{key}#{self.nth}"


class Facts(NamedTuple):
    """All a scan knows of a note.

    skipped: why the whole note is left alone. left: what in it is left alone, and why.
    values: the values in use of the properties whose vocabulary counts. styles: how its AI
    callouts begin, by place; see find_styles. marks: which marks of the configuration it bears
    that keep a note back, here or from an endpoint elsewhere; see find_marks.
    """

    needs: tuple[Need, ...] = ()
    skipped: str | None = None
    left: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    values: Mapping[str, tuple[str, ...]] = {}
    styles: Mapping[str, tuple[Style, ...]] = {}
    marks: tuple[str, ...] = ()

    def dump(self) -> str:
        """Return the facts as JSON."""
        return _ENCODER.encode(self)

    @staticmethod
    def needs_nothing(dumped: str) -> bool:
        """Whether dump() was of a note that needs nothing and is not skipped; without decoding."""
        return dumped.startswith("[[],null,")

    @staticmethod
    def has_styles(dumped: str) -> bool:
        """Whether dump() may be of a note with an AI callout that counts; without decoding."""
        return not dumped.endswith(",{},[]]")

    @staticmethod
    def has_marks(dumped: str) -> bool:
        """Whether dump() was of a note with marks; without decoding."""
        return not dumped.endswith(",[]]")

    @classmethod
    def load(cls, dumped: str) -> Self:
        """Return the facts that dump() wrote."""
        needs, skipped, left, aliases, values, styles, marks = json.loads(dumped)
        for name, found in values.items():
            values[name] = tuple(found)
        for place, used in styles.items():
            styles[place] = tuple([Style(*style) for style in used])
        needs = tuple([Need(*need) for need in needs])
        return cls(needs, skipped, tuple(left), tuple(aliases), values, styles, tuple(marks))


def read_facts(data: bytes, rules: Rules) -> Facts:
    """Return what is to be known of the note in data. Never raises NoteRefused: it is a reason."""
    try:
        view = NoteView(NoteText.decode(data))
        facts = find_facts(view, rules)
    except NoteRefused as refused:
        return Facts(skipped=str(refused))
    if why := why_unfillable(view, property_names(facts.needs)):
        return facts._replace(needs=(), skipped=why)
    return facts


def find_facts(
    view: NoteView, rules: Rules, *, explicit: bool = False, section: Section | None = None
) -> Facts:
    """Return what is to be known of a note that was read.

    explicit: the user named the note, so it is a candidate even if it has all its properties.
    section: the one that the user wants a callout in.

    Raises NoteRefused when the section is not there, or has a callout.
    """
    aliases = tuple(view.properties.aliases)
    marks = find_marks(
        view,
        (*rules.skip_tags, *rules.private_tags),
        (*rules.skip_properties, *rules.private_properties),
    )
    if reason := _why_skipped(view, rules, marks):
        # what is in it stays out of other notes, too
        return Facts(skipped=reason, aliases=aliases, marks=marks)
    values = _values_in_use(view, rules)
    needs = list(_find_needs(view, rules, explicit))
    if section is not None:
        needs += _section_needs(view, section)
    styles = find_styles(view.callouts)
    return Facts(tuple(needs), None, tuple(_what_is_left(view)), aliases, values, styles, marks)


def property_names(needs: Iterable[Need]) -> list[str]:
    """Return the names of the properties among the needs."""
    return [need.kind for need in needs if need.kind != CALLOUT]


def find_callout(view: NoteView, need: Need) -> Callout | None:
    """Return the empty callout that the need asks to fill; None where it is no longer there."""
    empty = [callout for callout, found in _empty_callouts(view) if found.key == need.key]
    return empty[0] if empty else None


def postponed_by(view: NoteView, rules: Rules) -> str | None:
    """Return the mark by which the note is postponed, in words; None where it is not."""
    for tag in rules.postponed_tags:
        if view.has_tag(tag):
            return f"#{tag}"
    for name, value in rules.postponed_properties:
        if value.casefold() in map(str.casefold, _texts(view.properties.get(name))):
            return f"{name}: {value}"
    return None


def _why_skipped(view: NoteView, rules: Rules, marks: Sequence[str]) -> str | None:
    """Return why the note is left alone; marks: those it bears."""
    properties = view.properties
    if properties.has_any(_SAYING_SKIP):
        if says(properties, "ai", "false"):
            return "it says ai: false"
        for name, what in _DRAWINGS.items():
            if properties.key_of(name):
                return f"it is {what}"
    if template := find_template(view):
        return str(template)
    for mark in _named(rules.skip_tags, rules.skip_properties):
        if mark in marks:
            return f"it {mark}, which is set to be left alone"
    for mark in _named(rules.private_tags, rules.private_properties) if rules.is_remote else ():
        if mark in marks:
            return f"it {mark}, {PRIVATE}"
    return None


def _named(tags: Sequence[str], properties: Sequence[tuple[str, str]]) -> Iterator[str]:
    yield from map(tag_mark, tags)
    yield from starmap(property_mark, properties)


def _find_needs(view: NoteView, rules: Rules, explicit: bool) -> Iterator[Need]:
    """Yield the needs in the order to fill them: where two edits meet, the first goes above."""
    why = _why_candidate(view, rules, explicit)
    for name in rules.fields if why else ():
        if key := _empty_key(view, name):
            yield Need(name, None, None, "property", f"empty {key}")
    if explicit and DESCRIPTION in rules.fields and not view.property_key(DESCRIPTION):
        yield Need(DESCRIPTION, None, None, "property", "you named it, and it has no description")
    if why and rules.callout and not any(callout.heading is None for callout in view.callouts):
        yield Need(CALLOUT, None, None, "top", f"{why}; no AI callout at the top")
    for _, need in _empty_callouts(view):
        yield need


def _why_candidate(view: NoteView, rules: Rules, explicit: bool) -> str | None:
    if postponed := postponed_by(view, rules):
        return f"postponed by {postponed}"
    for name in rules.triggers:
        if name in rules.fields and (key := _empty_key(view, name)):
            return f"empty {key}"
    return "you named it" if explicit else None


def _empty_key(view: NoteView, name: str) -> str | None:
    """Return the key, as written, of the property if it exists and is empty."""
    keys = view.property_keys(name)
    return keys[0] if keys and all(map(view.properties.is_empty, keys)) else None


def _empty_callouts(view: NoteView) -> Iterator[tuple[Callout, Need]]:
    """Yield the callouts that ask to be filled, each with the need it is."""
    seen: dict[str, int] = {}
    for callout in view.callouts:
        need = _callout_need(callout)
        seen[need.key] = seen.get(need.key, 0) + 1
        if callout.is_empty and not callout.answered_below:
            yield callout, need._replace(nth=seen[need.key])


def _callout_need(callout: Callout) -> Need:
    """Return what the callout asks for, were it empty."""
    question, heading = callout.question, callout.heading
    if question is not None:
        return Need(CALLOUT, heading, question, "request", f"you ask: {question}")
    where = "top" if heading is None else "request"
    place = "at the top" if heading is None else f"under “{heading}”"
    return Need(CALLOUT, heading, None, where, f"an empty AI callout {place}")


def _section_needs(view: NoteView, section: Section) -> Iterator[Need]:
    index = find_heading(view.lines, section)
    title = view.lines[index].title
    there = view.section_callouts(section)
    if any(not callout.is_empty for callout in there):
        raise NoteRefused(f"the section “{title}” has an AI callout already")
    if not there:
        why = "you asked for a callout in this section"
        need = Need(CALLOUT, title, None, "section", why, 1, section.at, section.of)
        above = [_callout_need(callout).key for callout in view.callouts if callout.first < index]
        yield need._replace(nth=above.count(need.key) + 1)


def _what_is_left(view: NoteView) -> Iterator[str]:
    for callout in view.callouts:
        if callout.answered_below:
            line = view.note.line_number(view.lines[callout.first].start)
            yield (
                f"the AI callout in line {line} is empty, but text follows it outside the quote; "
                "add a blank line below it to have it filled"
            )


def _values_in_use(view: NoteView, rules: Rules) -> dict[str, tuple[str, ...]]:
    """Return the values by their property, tags of the body too; none that mark a note."""
    values = {}
    for name in rules.vocabulary:
        if name == "tags":
            tags = [*view.properties.tags, *view.likely_tags]
            found = [tag for tag in tags if is_tag(tag) and not rules.is_mark(tag)]
        elif not (texts := _texts(view.properties.get(name))):
            continue
        else:
            key = name.casefold()
            found = [text for text in texts if (key, text.casefold()) not in rules.marks]
        if found:
            values[name] = tuple(dict.fromkeys(found))
    return values


def _texts(value: object) -> list[str]:
    """Return the texts in a property's value: itself, or the items of the list."""
    if value is None:
        return []
    items = value if isinstance(value, list) else [value]
    texts = (str(item).lower() if isinstance(item, bool) else item for item in items)
    return [text.strip() for text in texts if isinstance(text, str) and text.strip()]
