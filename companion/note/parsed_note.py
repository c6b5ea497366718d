"""A note, read once: its properties, its outline, its AI callouts and its tags."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property

from companion.errors import NoteRefused
from companion.note.blocks import Line
from companion.note.callouts import Callout, find_callouts
from companion.note.outline import read_outline
from companion.note.properties import Properties, read_properties
from companion.note.sections import Section, find_heading, section_lines
from companion.note.tags import find_tag_candidates, has_tag, likely_tags, tags_of
from companion.note.text import NoteText, Span

_SYNONYMS = {"tags": ("tags", "tag"), "aliases": ("aliases", "alias")}
_AI_CALLOUT = re.compile(r"!(?<=\[!)ai", re.IGNORECASE)  # one sign first is searched for fastest
_TEMPLATE = re.compile(r"\{\{|<%")


class ParsedNote:
    """A note and what is in it. What costs time is read when somebody asks for it.

    tag_candidates: what looks like a tag of the body; see find_tag_candidates.
    """

    def __init__(self, note: NoteText) -> None:
        """Read the note's properties.

        Raises NoteRefused where its frontmatter leaves a doubt.
        """
        self.note = note
        if span := note.frontmatter:
            _refuse_template(note, span)
        self.properties: Properties = read_properties(note)
        self.tag_candidates = find_tag_candidates(note.text, note.body_start)

    @cached_property
    def lines(self) -> list[Line]:
        """The outline of the body."""
        return read_outline(self.note)

    @cached_property
    def callouts(self) -> list[Callout]:
        """The AI callouts of the body."""
        return find_callouts(self.lines) if _AI_CALLOUT.search(self.note.text) else []

    def section_callouts(self, section: Section) -> list[Callout]:
        """Return the AI callouts under the section's heading, up to the next heading.

        Raises NoteRefused: there is no such heading, or another number of them.
        """
        index = find_heading(self.lines, section)
        last = index + len(section_lines(self.lines, index))
        return [callout for callout in self.callouts if index < callout.first <= last]

    @cached_property
    def inline_tags(self) -> list[str]:
        """The tags of the body, without `#`."""
        return [tag for line in self.lines for tag in tags_of(line)]

    @property
    def likely_tags(self) -> list[str]:
        """The tags of the body, without `#`, as a quick look tells."""
        if not self.tag_candidates:
            return []
        return likely_tags(self.note.text, self.note.body_start, self.tag_candidates)

    def has_tag(self, tag: str) -> bool:
        """Return whether the note has the tag, or one nested in it, in its properties or body."""
        if has_tag(self.properties.tags, tag):
            return True
        is_like_one = has_tag(
            self.tag_candidates.values(), tag
        )  # quick; the outline takes its time
        return is_like_one and has_tag(self.inline_tags, tag)

    def property_keys(self, name: str) -> Sequence[str]:
        """Return the keys, as written, that are the property, also by its older name.

        Obsidian still reads `tag` and `alias`. Usually there is one key or none.
        """
        synonyms = _SYNONYMS.get(name.casefold())
        if synonyms is None:
            return self.properties.keys_of(name)
        return [key for synonym in synonyms for key in self.properties.keys_of(synonym)]

    def property_key(self, name: str) -> str | None:
        """Return the property's key as written, also by its older name; None: it has none."""
        return next(iter(self.property_keys(name)), None)


def _refuse_template(note: NoteText, properties: Span) -> None:
    if template := _TEMPLATE.search(note.text, *properties):
        reason = f"a template: its properties hold {template[0]}"
        raise NoteRefused(reason, line=note.line_number(template.start()))
