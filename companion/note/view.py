"""A note, read once: its properties, its outline, its AI callouts and its tags."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cached_property, lru_cache

from companion.errors import NoteRefused
from companion.note.callout import Callout, find_callouts
from companion.note.line import Line
from companion.note.outline import read_outline
from companion.note.properties import Properties, read_properties
from companion.note.tag import has_tag, tags_of
from companion.note.text import NoteText

_SYNONYMS = {"tags": ("tags", "tag"), "aliases": ("aliases", "alias")}
_AI_CALLOUT = re.compile(r"\[!ai", re.IGNORECASE)
_PAIRED = ("%%", "```", "~~~", "$$")
_LIKE_TAG = re.compile(r"#(?<!\S#)[^\s#]")
_TEMPLATE = re.compile(r"\{\{|<%")


class _Hidden:
    """Tells, from one place of a text to the next, what is in comments, formulas and fences."""

    def __init__(self, text: str, start: int) -> None:
        self._text = text
        self._at = start
        self._opened = [False] * len(_PAIRED)
        self._is_html = False

    def is_at(self, place: int) -> bool:
        text, at = self._text, self._at
        for number, sign in enumerate(_PAIRED):
            if text.count(sign, at, place) % 2:
                self._opened[number] = not self._opened[number]
        opens, closes = text.rfind("<!--", at, place), text.rfind("-->", at, place)
        if opens != closes:
            self._is_html = opens > closes
        self._at = place
        return self._is_html or any(self._opened)


class NoteView:
    """A note and what is in it. What costs time is read when somebody asks for it."""

    def __init__(self, note: NoteText) -> None:
        """Read the note's properties.

        Raises NoteRefused where its frontmatter leaves a doubt.
        """
        self.note = note
        if template := _TEMPLATE.search(note.yaml):
            reason = f"a template: its properties hold {template[0]}"
            start = note.frontmatter.start if note.frontmatter else 0
            raise NoteRefused(reason, line=note.line_number(start + template.start()))
        self.properties: Properties = read_properties(note)

    @cached_property
    def lines(self) -> list[Line]:
        """The outline of the body."""
        return read_outline(self.note)

    @cached_property
    def callouts(self) -> list[Callout]:
        """The AI callouts of the body."""
        return find_callouts(self.lines) if _AI_CALLOUT.search(self.note.text) else []

    @cached_property
    def inline_tags(self) -> list[str]:
        """The tags of the body, without `#`."""
        return [tag for line in self.lines for tag in tags_of(line)]

    def likely_tags(self) -> list[str]:
        """The tags of the body as a quick look tells, for it does without the outline.

        Left out is what stands in comments, formulas, indented code and fences.
        """
        found: list[str] = []
        note, end = self.note.text, self.note.body_start
        if not _LIKE_TAG.search(note, end):  # of most notes this is all
            return found
        hidden = _Hidden(note, end)
        while match := _LIKE_TAG.search(note, end):
            end = match.end()
            if hidden.is_at(match.start()):
                continue
            start = note.rfind("\n", 0, match.start()) + 1
            end = note.find("\n", end) % (len(note) + 1)
            line = Line(start, end, end, note[start:end].rstrip("\r"), kind="text")
            found += () if line.text.startswith(("    ", "\t")) else tags_of(line)
        return found

    def has_tag(self, tag: str) -> bool:
        """Return whether the note has the tag, or one nested in it, in its properties or body."""
        if has_tag(self.properties.tags, tag):
            return True
        found = _pattern(tag).search(self.note.text)  # quick, while the outline takes its time
        return bool(found) and has_tag(self.inline_tags, tag)

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


@lru_cache(maxsize=64)
def _pattern(tag: str) -> re.Pattern[str]:
    return re.compile(f"#{re.escape(tag)}", re.IGNORECASE)
