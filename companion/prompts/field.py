"""A field: a property, or the callout, that a note can need, as its prompt file describes it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal

from companion.errors import CompanionError
from companion.note.needs import CALLOUT, Addition
from companion.prompts.prompt_context import SAMPLES, PromptContext, as_line, as_lines
from companion.prompts.prompt_file import (
    FieldFrontmatter,
    FieldKind,
    PromptFile,
    Template,
    compile_template,
    parse_field_frontmatter,
)

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_MAX_CHARACTERS: Mapping[FieldKind, int] = {"text": 300, "prose": 1500, "link": 250, "links": 250}
_SHORT = 80  # characters of other values
_LIST_KINDS = ("list", "links")
# JSON schemas of what OpenAI's strict mode and llama.cpp's grammars both enforce
_SCHEMAS: Mapping[FieldKind, Mapping[str, str]] = {
    "number": {"type": "number"},
    "checkbox": {"type": "boolean"},
    "date": {"type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
    "datetime": {
        "type": "string",
        "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$",
    },
    "link": {"type": "string"},
}
_LIST_PROPERTIES = {"aliases", "tags", "cssclasses"}  # always: Obsidian Help, "Properties"


class NothingToChoose(CompanionError):
    """A field allows only values that the vault uses, and it uses none yet."""


@dataclass(frozen=True)
class Field:
    """One value that a note can need.

    property: None for the callout. Limits count characters (in a list: of one item), items, and
    tokens of the answer. whole_sentences: an answer that does not end like a sentence is cut off.
    trigger: an empty property alone makes a note a candidate. source: where links come from
    without a model. addition: the notes in which an absent property counts as an empty one.
    """

    name: str
    kind: FieldKind
    property: str | None
    min_characters: int
    max_characters: int
    max_items: int | None
    max_tokens: int
    whole_sentences: bool
    vocabulary: Literal["vault"] | tuple[str, ...] | None
    template: Template | None
    trigger: bool = False
    source: Literal["similar", "links"] | None = None
    addition: Addition | None = None

    @cached_property
    def fills(self) -> str:
        """What it fills, as the kind of a need: its property, or `callout`."""
        return self.property or CALLOUT

    @cached_property
    def is_list(self) -> bool:
        """Whether it takes several values."""
        return self.kind in _LIST_KINDS

    @cached_property
    def is_typed(self) -> bool:
        """Whether its values are more than text: numbers, dates, checkboxes or links."""
        return self.kind not in ("text", "list", "choice", "prose")

    @cached_property
    def is_link(self) -> bool:
        """Whether its values are links to notes."""
        return self.kind in ("link", "links")

    def choices(self, note: PromptContext) -> tuple[str, ...] | None:
        """Return the allowed values, each once; None when any value is allowed.

        Raises NothingToChoose when only the vault's values are allowed, and it has none.
        """
        if self.vocabulary is None:
            return None
        used = note.vocabulary.get(self.name, ())
        values = used if self.vocabulary == "vault" else self.vocabulary
        if not values:
            raise NothingToChoose(
                f"there is no value for {self.property} to choose from; use it in some note, or "
                f"list values in a file prompts/fields/{self.name}.md under vocabulary:"
            )
        return tuple(dict.fromkeys(values))

    def schema(self, choices: Sequence[str] | None = None) -> dict[str, Any]:
        """Return the JSON schema of a value; if choices are given, of one of them.

        Uses only what both OpenAI's strict mode and llama.cpp's grammars enforce.
        """
        if self.kind in _SCHEMAS:  # what the note does not tell is null
            return {"anyOf": [dict(_SCHEMAS[self.kind]), {"type": "null"}]}
        text: dict[str, Any] = {"type": "string"}
        if choices is not None:
            text["enum"] = list(choices)
        if not self.is_list:
            return text
        return {"type": "array", "items": text, "maxItems": self.max_items}

    def instruction(
        self, note: PromptContext, question: str | None = None, section: str | None = None
    ) -> str:
        """Return the instruction for this field of the note.

        Raises NothingToChoose, and PromptError when the template cannot be expanded.
        """
        if self.template is None:
            return "Names of notes of the vault that belong here."
        offered = self.choices(note) or note.vocabulary.get(self.name, ())
        return self.template.render(
            note.short_values()
            | {
                "question": as_line(question) if question else None,
                "section": as_line(section) if section else None,
                "choices": as_lines(offered),
                "min_characters": self.min_characters,
                "max_characters": self.max_characters,
                "max_items": self.max_items,
            }
        )


def find_field(fields: Iterable[Field], name: str) -> Field | None:
    """Return the field of that name, else the one that fills the property of that name."""
    every = list(fields)
    by_name = {each.fills: each for each in every} | {each.name: each for each in every}
    return by_name.get(name)


_VARIABLES = frozenset(SAMPLES[0].short_values()) | {
    "question",
    "section",
    "choices",
    "min_characters",
    "max_characters",
    "max_items",
}


def load_field(
    name: str, file: PromptFile, types: Mapping[str, str] = MappingProxyType({})
) -> Field:
    """Return the field that the file describes, after rendering it for sample notes.

    types: the types of properties in Obsidian, by their names, casefolded.

    Raises PromptError, with the line, for whatever is wrong with the file.
    """
    if not _NAME.fullmatch(name):
        file.fail(
            "this name cannot be a field's; rename the file with small letters, digits, - and _ "
            "only (a property of another name goes into it as property: NAME)"
        )
    own_name = str(file.frontmatter.get("property") or name).casefold()
    frontmatter = parse_field_frontmatter(file, types.get(own_name))
    max_characters = frontmatter.max_characters or max(
        _MAX_CHARACTERS.get(frontmatter.kind, _SHORT), frontmatter.min_characters
    )
    max_items = (frontmatter.max_items or 5) if frontmatter.kind in _LIST_KINDS else None
    key = _find_property(name, file, frontmatter)
    addition = None
    if key is not None and frontmatter.add:
        folders = tuple(folder.strip("/") for folder in frontmatter.folders or ())
        addition = Addition(key, folders, frontmatter.note_types or ())
    is_bare = frontmatter.source is not None and not file.body.strip()
    field = Field(
        name=name,
        kind=frontmatter.kind,
        property=key,
        min_characters=frontmatter.min_characters,
        max_characters=max_characters,
        max_items=max_items,
        max_tokens=frontmatter.max_tokens or max_characters * (max_items or 1),
        whole_sentences=frontmatter.whole_sentences or frontmatter.kind == "prose",
        vocabulary=None if frontmatter.vocabulary == "none" else frontmatter.vocabulary,
        template=None if is_bare else compile_template(file, _VARIABLES),
        trigger=frontmatter.trigger,
        source=frontmatter.source,
        addition=addition,
    )
    if field.template:
        _try_out(field, file)
    return field


def _try_out(field: Field, file: PromptFile) -> None:
    """Render the field's instruction for sample notes. Raises PromptError if it is empty."""
    for sample in SAMPLES:
        note = replace(sample, vocabulary={field.name: ("drink", "place")})
        for question, section in (None, None), ("Why?", None), (None, "Roasting"):
            if not field.instruction(note, question, section):
                file.fail("the instruction comes out empty for some notes; write text for all")


def _find_property(name: str, file: PromptFile, frontmatter: FieldFrontmatter) -> str | None:
    """Return the property that the field fills; None for the callout."""
    if (name == "callout") != (frontmatter.kind == "prose"):
        file.fail_at_key("kind", "kind: prose is for the callout, and only for it; use another")
    if frontmatter.kind == "prose":
        if frontmatter.property:
            file.fail_at_key("property", "a callout stands in the text; remove this line")
        for name in ("trigger", "add"):
            if getattr(frontmatter, name):
                file.fail_at_key(name, "a callout is no property that is empty; remove this line")
        return None
    key = frontmatter.property or name
    if key.casefold() in _LIST_PROPERTIES and frontmatter.kind != "list":
        file.fail_at_key("kind", f"{key} is always a list in Obsidian; use kind: list")
    return key
