"""What a note needs, and why; and the rules that decide which notes need something."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from companion.errors import NoteRefused
from companion.note.callouts import Callout, Section, find_heading
from companion.note.note import ParsedNote
from companion.note.properties import property_texts

CALLOUT = "callout"
DESCRIPTION = "description"
PRIVATE = "so only a model on this machine may read it"

_NUMBERED = re.compile(r"#\d+\Z")  # a title may end in what counts callouts alike


@dataclass(frozen=True)
class Rules:
    """Which notes are candidates, what is filled in them, and which are left alone, by facts.py.

    fields: the properties to fill. triggers: those of them that make a note a candidate if they
    are empty. postponed_tags: without `#`. postponed_properties: names and values.
    skip_tags, skip_properties: notes with one of these are left alone. private_tags,
    private_properties: the same if is_remote, that is, the endpoint is on another machine.
    never_tags: tags that no note is given, nor those nested in them.
    vocabulary: the properties whose values are collected.
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
    never_tags: tuple[str, ...] = ()
    vocabulary: tuple[str, ...] = ("tags", "note-type")
    triggers: tuple[str, ...] = ("description",)

    def is_mark(self, tag: str) -> bool:
        """Return whether the tag, or one it is nested in, is a mark of these rules.

        Marks steer Companion, or say what is to be done; they are not part of the vault's
        vocabulary.
        """
        return f"{tag.casefold()}/".startswith(self._marking_tags)

    @cached_property
    def _marking_tags(self) -> tuple[str, ...]:
        private = self.private_tags if self.is_remote else ()
        tags = (*self.postponed_tags, *self.skip_tags, *private, *self.never_tags)
        return tuple(f"{tag.lstrip('#').casefold()}/" for tag in tags)

    @cached_property
    def marks(self) -> frozenset[tuple[str, str]]:
        """The property names and values that are marks of these rules, both casefolded."""
        private = self.private_properties if self.is_remote else ()
        marks = (*self.postponed_properties, *self.skip_properties, *private)
        return frozenset((name.casefold(), value.casefold()) for name, value in marks)


class Need(NamedTuple):
    """One thing a note needs.

    kind: `callout`, or the name of the property. heading: of the section that a callout is in;
    None in the top part. question: the title of an empty callout, if it is more than `AI`.
    where: `property`; or for a callout `top`, `request` (an empty one is there) or `section` (a
    new one goes under the heading). reason: in words for the user. nth: which of the callouts
    with the same key it is, filled ones included, counted from 1. at, of: see Section.
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
        """The need's identifier in the journal, the same in later runs."""
        if self.kind != CALLOUT:
            return self.kind
        if self.question is not None:
            key = f"{CALLOUT}:question:{self.question}"
        else:
            key = f"{CALLOUT}:top" if self.heading is None else f"{CALLOUT}:section:{self.heading}"
        is_plain = self.nth == 1 and not _NUMBERED.search(key)
        return key if is_plain else f"{key}#{self.nth}"

    @property
    def section(self) -> Section | None:
        """The section that gets a new callout; None: none does."""
        return Section(self.heading or "", self.at, self.of) if self.where == "section" else None


def find_needs(parsed: ParsedNote, rules: Rules, explicit: bool) -> Iterator[Need]:
    """Yield the needs in the order to fill them: of two edits at one offset, the first is above.

    explicit: the user named the note, so it is a candidate whatever properties it has. A record,
    such as a list of fields or links, gets a new callout only if that, or a mark, asks for one.
    """
    why, is_record = "you named it" if explicit else None, False
    triggers = (_why_empty(parsed, name) for name in rules.triggers if name in rules.fields)
    if postponed := postponed_by(parsed, rules):
        why = f"marked as postponed ({postponed})"
    elif empty := next(filter(None, triggers), None):
        is_record = not explicit and _is_record(parsed.note.body)
        why = empty
    for name in rules.fields if why else ():
        if empty := _why_empty(parsed, name):
            yield Need(name, None, None, "property", empty)
    if explicit and DESCRIPTION in rules.fields and not parsed.property_key(DESCRIPTION):
        yield Need(DESCRIPTION, None, None, "property", "you named it, and it has no description")
    is_new = not (is_record or any(callout.heading is None for callout in parsed.callouts))
    if why and rules.callout and is_new:
        yield Need(CALLOUT, None, None, "top", f"{why}; no callout yet")
    for _, need in _empty_callouts(parsed):
        yield need


_SENTENCE = re.compile(r"[^\W\d]{2}[.!?…][\"'”’»)\]]*(?=\s|$)|[。！？]")
_ITEM = re.compile(r"[-*+|]|\d+[.)]\s")
_NO_TEXT = ("#", "<", "%%", "![", ">", "---", "===")
_FIELDS, _SENTENCES = 3, 2  # of a record: at least so many lines of fields; fewer sentences


def _is_record(body: str) -> bool:
    """Return whether the text consists of fields, links or items, with hardly a sentence.

    What a callout says of it, a reader of 60 public notes found, the eye sees as well.
    """
    fields = sentences = 0
    for line in map(str.strip, body.split("\n")):
        if line.startswith(("```", "~~~")):
            return False
        if line and not line.startswith(_NO_TEXT):
            said = 0 if _ITEM.match(line) else len(_SENTENCE.findall(line))
            sentences += said
            fields += not said
    return fields >= _FIELDS and sentences < _SENTENCES


def find_section_needs(parsed: ParsedNote, section: Section) -> Iterator[Need]:
    """Yield the need of a callout in the section; none if it already has an empty one.

    Raises NoteRefused if the section is not there, or has a callout that is filled.
    """
    index = find_heading(parsed.lines, section)
    title = parsed.lines[index].title
    callouts = parsed.section_callouts(section)
    if any(not callout.is_empty for callout in callouts):
        raise NoteRefused(f"the section “{title}” already has an AI callout")
    if not callouts:
        why = "you asked for a callout in this section"
        need = Need(CALLOUT, title, None, "section", why, 1, section.at, section.of)
        above = [_callout_need(callout).key for callout in parsed.callouts if callout.first < index]
        yield need._replace(nth=above.count(need.key) + 1)


def property_names(needs: Iterable[Need]) -> list[str]:
    """Return the names of the properties among the needs."""
    return [need.kind for need in needs if need.kind != CALLOUT]


def find_callout(parsed: ParsedNote, need: Need) -> Callout | None:
    """Return the empty callout that the need is about, None if it is no longer there."""
    return find_empty_callouts(parsed).get(need.key)


def find_empty_callouts(parsed: ParsedNote) -> dict[str, Callout]:
    """Return the callouts to fill, by the keys of their needs."""
    return {need.key: callout for callout, need in _empty_callouts(parsed)}


def postponed_by(parsed: ParsedNote, rules: Rules) -> str | None:
    """Return the tag or property that postpones the note, in words, None if it is not postponed."""
    for tag in rules.postponed_tags:
        if parsed.has_tag(tag):
            return f"#{tag}"
    for name, value in rules.postponed_properties:
        if value.casefold() in map(str.casefold, property_texts(parsed.properties.get(name))):
            return f"{name}: {value}"
    return None


def _why_empty(parsed: ParsedNote, name: str) -> str | None:
    """Return why the property is to be filled; None if it is absent, or not empty."""
    keys = parsed.property_keys(name)
    is_empty = bool(keys) and all(map(parsed.properties.is_empty, keys))
    return f"empty {keys[0]}" if is_empty else None


def _empty_callouts(parsed: ParsedNote) -> Iterator[tuple[Callout, Need]]:
    """Yield the callouts to fill, each with its need."""
    count: dict[str, int] = {}
    for callout in parsed.callouts:
        need = _callout_need(callout)
        count[need.key] = count.get(need.key, 0) + 1
        if callout.is_empty and not callout.answered_below:
            yield callout, need._replace(nth=count[need.key])


def _callout_need(callout: Callout) -> Need:
    """Return the callout's need, assuming that it is empty."""
    question, heading = callout.question, callout.heading
    if question is not None:
        return Need(CALLOUT, heading, question, "request", f"your question: {question}")
    where = "top" if heading is None else "request"
    return Need(CALLOUT, heading, None, where, _describe_empty(heading))


def _describe_empty(heading: str | None) -> str:
    return f"an empty AI callout {'at the top' if heading is None else f'under “{heading}”'}"
