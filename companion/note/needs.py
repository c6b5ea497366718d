"""What a note needs, and why. Rules say which notes need something, and what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from companion.errors import NoteRefused
from companion.note.callouts import Callout
from companion.note.parsed_note import ParsedNote
from companion.note.sections import Section, find_heading

CALLOUT = "callout"
DESCRIPTION = "description"

_NUMBERED = re.compile(r"#\d+\Z")  # a title may end in what counts callouts alike


@dataclass(frozen=True)
class Rules:
    """Which notes are candidates, what is filled in them, and which are left alone.

    fields: properties to fill. triggers: those of them that make a note a candidate where they are
    empty. postponed_tags: without `#`. postponed_properties: name and value.
    skip_tags, skip_properties: notes with one of these are left alone. private_tags,
    private_properties: the same where is_remote, for the endpoint is on another machine.
    vocabulary: properties whose values count.
    """

    fields: tuple[str, ...] = ("description", "aliases", "tags", "note-type")
    callout: bool = True
    postponed_tags: tuple[str, ...] = ("status/postponed",)
    postponed_properties: tuple[tuple[str, str], ...] = (("status", "postponed"),)
    skip_tags: tuple[str, ...] = ()
    skip_properties: tuple[tuple[str, str], ...] = ()
    private_tags: tuple[str, ...] = ()
    private_properties: tuple[tuple[str, str], ...] = ()
    is_remote: bool = False
    vocabulary: tuple[str, ...] = ("tags", "note-type")
    triggers: tuple[str, ...] = ("description",)

    def is_mark(self, tag: str) -> bool:
        """Return whether the tag, or one it is nested in, marks a note for us: no vocabulary."""
        return f"{tag.casefold()}/".startswith(self._marking_tags)

    @cached_property
    def _marking_tags(self) -> tuple[str, ...]:
        private = self.private_tags if self.is_remote else ()
        tags = (*self.postponed_tags, *self.skip_tags, *private)
        return tuple(f"{tag.lstrip('#').casefold()}/" for tag in tags)

    @cached_property
    def marks(self) -> frozenset[tuple[str, str]]:
        """The properties that do, with their values, both casefolded."""
        private = self.private_properties if self.is_remote else ()
        marks = (*self.postponed_properties, *self.skip_properties, *private)
        return frozenset((name.casefold(), value.casefold()) for name, value in marks)


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
        is_plain = self.nth == 1 and not _NUMBERED.search(key)
        return key if is_plain else f"{key}#{self.nth}"


def find_needs(view: ParsedNote, rules: Rules, explicit: bool) -> Iterator[Need]:
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


def find_section_needs(view: ParsedNote, section: Section) -> Iterator[Need]:
    """Yield the need of a callout in the section; none where an empty one stands there already.

    Raises NoteRefused when the section is not there, or has a callout.
    """
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


def property_names(needs: Iterable[Need]) -> list[str]:
    """Return the names of the properties among the needs."""
    return [need.kind for need in needs if need.kind != CALLOUT]


def find_callout(view: ParsedNote, need: Need) -> Callout | None:
    """Return the empty callout that the need asks to fill; None where it is no longer there."""
    empty = [callout for callout, found in _empty_callouts(view) if found.key == need.key]
    return empty[0] if empty else None


def postponed_by(view: ParsedNote, rules: Rules) -> str | None:
    """Return the mark by which the note is postponed, in words; None where it is not."""
    for tag in rules.postponed_tags:
        if view.has_tag(tag):
            return f"#{tag}"
    for name, value in rules.postponed_properties:
        if value.casefold() in map(str.casefold, property_texts(view.properties.get(name))):
            return f"{name}: {value}"
    return None


def _why_candidate(view: ParsedNote, rules: Rules, explicit: bool) -> str | None:
    if postponed := postponed_by(view, rules):
        return f"postponed by {postponed}"
    for name in rules.triggers:
        if name in rules.fields and (key := _empty_key(view, name)):
            return f"empty {key}"
    return "you named it" if explicit else None


def _empty_key(view: ParsedNote, name: str) -> str | None:
    """Return the key, as written, of the property if it exists and is empty."""
    keys = view.property_keys(name)
    return keys[0] if keys and all(map(view.properties.is_empty, keys)) else None


def _empty_callouts(view: ParsedNote) -> Iterator[tuple[Callout, Need]]:
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


def property_texts(value: object) -> list[str]:
    """Return the texts in a property's value: itself, or the items of the list."""
    if value is None:
        return []
    items = value if isinstance(value, list) else [value]
    texts = (str(item).lower() if isinstance(item, bool) else item for item in items)
    return [text.strip() for text in texts if isinstance(text, str) and text.strip()]
