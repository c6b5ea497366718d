"""A field: a property, or the callout, that a note can need, as its prompt file describes it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType
from typing import Annotated, Any, Literal

import pydantic
from pydantic import StringConstraints

from companion.errors import CompanionError
from companion.note.needs import CALLOUT
from companion.prompts.context import SAMPLES, PromptContext, as_line, as_lines
from companion.prompts.files import PromptFile, Template, compile_template

FieldKind = Literal[
    "text", "list", "choice", "prose", "number", "date", "datetime", "checkbox", "link", "links"
]
_OBSIDIAN_KINDS = {
    "text": "text",
    "multitext": "list",
    "aliases": "list",
    "tags": "list",
    "number": "number",
    "checkbox": "checkbox",
    "date": "date",
    "datetime": "datetime",
}
"""The kind of a field whose file does not name one, by the property's type in Obsidian."""

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_MAX_CHARACTERS: Mapping[str, int] = {"text": 300, "prose": 1500, "link": 250, "links": 250}
_SHORT = 80  # characters of other values
_LIST_PROPERTIES = {"aliases", "tags", "cssclasses"}  # always: Obsidian Help, "Properties"
# JSON schemas of what OpenAI's strict mode and llama.cpp's grammars both enforce
_SCHEMAS: Mapping[str, Mapping[str, str]] = {
    "number": {"type": "number"},
    "checkbox": {"type": "boolean"},
    "date": {"type": "string", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
    "datetime": {
        "type": "string",
        "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}$",
    },
    "link": {"type": "string"},
}

_SourceLine = Annotated[str, StringConstraints(strict=True, pattern=r"^\S([^\r\n\t]*\S)?$")]
_Lines = Annotated[tuple[_SourceLine, ...], pydantic.Field(min_length=1)]
_Switch = Annotated[bool, pydantic.Field(strict=True)]
_Count = Annotated[int, pydantic.Field(strict=True, ge=1, le=20_000)]


class NothingToChoose(CompanionError):
    """A field allows only values that the vault uses, and it uses none yet."""


def _usual_characters(values: dict[str, Any]) -> int:
    least: int = values["min_characters"]
    return max(_MAX_CHARACTERS.get(values["kind"], _SHORT), least)


class Field(pydantic.BaseModel):
    """One value that a note can need, by the frontmatter and the text of its file.

    property: None for the callout. Limits count characters (in a list: of one item), items, and
    tokens of the answer. whole_sentences: an answer that does not end like a sentence is cut off.
    trigger: an empty property alone makes a note a candidate.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    name: str
    template: Template
    kind: FieldKind
    property: _SourceLine | None = None
    min_characters: _Count = 1
    max_characters: _Count = pydantic.Field(default_factory=_usual_characters)
    max_items: _Count | None = None
    max_tokens: _Count = pydantic.Field(
        default_factory=lambda values: values["max_characters"] * (values["max_items"] or 1)
    )
    whole_sentences: _Switch = False
    trigger: _Switch = False
    vocabulary: Literal["vault"] | _Lines | None = None

    @cached_property
    def fills(self) -> str:
        """What it fills, as the kind of a need: its property, or `callout`."""
        return self.property or CALLOUT

    @cached_property
    def is_list(self) -> bool:
        """Whether it takes several values."""
        return self.kind in ("list", "links")

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

    def schema_of(self, choices: Sequence[str] | None = None) -> dict[str, Any]:
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


_OWN_VARIABLES = ("question", "section", "choices", "min_characters", "max_characters", "max_items")
_VARIABLES = {*SAMPLES[0].short_values(), *_OWN_VARIABLES}
_KEYS = [name for name in Field.model_fields if name not in ("name", "template")]


def load_field(
    name: str, file: PromptFile, types: Mapping[str, str] = MappingProxyType({})
) -> Field:
    """Return the field that the file describes, after rendering it for sample notes.

    types: the types of properties in Obsidian, by their names, casefolded.

    Raises PromptError for whatever is wrong with the file.
    """
    values = dict(file.frontmatter)
    if not _NAME.fullmatch(name):
        file.fail(
            "this name cannot be a field's; rename the file with small letters, digits, - and _ "
            "only (a property of another name goes into it as property: NAME)"
        )
    if unknown := [key for key in values if key not in _KEYS]:
        file.fail(f"there is no key {unknown[0]}; use {', '.join(_KEYS)}")
    own_name = str(values.get("property") or name)
    kind = values.setdefault("kind", _OBSIDIAN_KINDS.get(types.get(own_name.casefold(), "")))
    if kind is None:
        file.fail("it does not say what the field holds; add kind: text, or another kind")
    if kind != "prose":
        values.setdefault("property", name)
    if kind in ("list", "links"):
        values.setdefault("max_items", 5)
    template = compile_template(file, _VARIABLES)
    try:
        field = Field.model_validate({"name": name, "template": template, **values})
    except pydantic.ValidationError as error:
        key = error.errors()[0]["loc"][0]
        said = error.errors()[0]["msg"].replace("Input should be", "this has to be")
        said = said.replace("'vault'", "vault, or a list of words")
        file.fail(f"{key}: {said}; correct it")
    for reason in _find_contradictions(field):
        file.fail(reason)
    _try_out(field, file)
    return field


def _try_out(field: Field, file: PromptFile) -> None:
    """Render the field's instruction for sample notes. Raises PromptError if it is empty."""
    for sample in SAMPLES:
        note = replace(sample, vocabulary={field.name: ("drink", "place")})
        for question, section in (None, None), ("Why?", None), (None, "Roasting"):
            if not field.instruction(note, question, section):
                file.fail("the instruction comes out empty for some notes; write text for all")


def _find_contradictions(field: Field) -> Iterator[str]:
    """Yield what is valid by itself but does not go together."""
    kind = field.kind
    if (field.name == "callout") != (kind == "prose"):
        yield "kind: prose is for callout.md, and only for it; use another kind"
    if kind == "prose" and (field.property or field.trigger):
        yield "a callout is no property; take out property: and trigger:"
    if field.fills.casefold() in _LIST_PROPERTIES and kind != "list":
        yield f"{field.fills} is always a list in Obsidian; use kind: list"
    if kind == "choice" and field.vocabulary is None:
        yield "a choice needs values; add vocabulary: vault, or a list of them"
    if kind not in ("choice", "list") and field.vocabulary:
        yield f"kind: {kind} takes no vocabulary; use kind: choice or list"
    if not field.is_list and field.max_items:
        yield "only kind: list and links take max_items; remove it"
    if field.max_characters < field.min_characters:
        yield "min_characters is more than max_characters; lower it"
