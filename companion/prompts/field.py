"""A field: one thing that a note can need, as its prompt file describes it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from companion.errors import CompanionError
from companion.prompts.file import (
    Head,
    Kind,
    PromptFile,
    Template,
    compile_template,
    parse_head,
)
from companion.prompts.view import SAMPLES, NoteView, one_line, one_lines

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_MAX_CHARACTERS: Mapping[Kind, int] = {"text": 300, "list": 80, "choice": 80, "prose": 1500}
_LISTS = {"aliases", "tags", "cssclasses"}  # lists by definition: Obsidian Help, "Properties"


class NothingToChoose(CompanionError):
    """A field takes only values that the vault uses, and it uses none yet."""


@dataclass(frozen=True)
class Field:
    """One thing a note can need.

    `property` is None for the callout. Limits count characters (in a list: of one item),
    items and tokens of the answer. `whole_sentences`: an answer that does not end as a sentence
    does is not finished. `trigger`: a note whose property is empty needs work for that alone.
    """

    name: str
    kind: Kind
    property: str | None
    min_characters: int
    max_characters: int
    max_items: int | None
    max_tokens: int
    whole_sentences: bool
    vocabulary: Literal["vault"] | tuple[str, ...] | None
    template: Template
    trigger: bool = False

    def choices(self, note: NoteView) -> tuple[str, ...] | None:
        """Return the values to choose from, each once; None when any value will do.

        Raises NothingToChoose when only the vault's values will do and none is offered.
        """
        if self.vocabulary is None:
            return None
        used = note.vocabulary.get(self.name, ())
        offered = used if self.vocabulary == "vault" else self.vocabulary
        if not offered:
            raise NothingToChoose(
                f"there is no value for {self.property} to choose from; use it in some note, or "
                f"list values in a file prompts/fields/{self.name}.md under vocabulary:"
            )
        return tuple(dict.fromkeys(offered))

    def schema(self, choices: Sequence[str] | None = None) -> dict[str, Any]:
        """Return the JSON schema of a value, from choices only if given.

        It keeps to what OpenAI's strict mode and llama.cpp's grammars hold to.
        """
        text: dict[str, Any] = {"type": "string"}
        if choices is not None:
            text["enum"] = list(choices)
        if self.kind != "list":
            return text
        return {"type": "array", "items": text, "maxItems": self.max_items}

    def instruction(
        self, note: NoteView, question: str | None = None, section: str | None = None
    ) -> str:
        """Return the instruction for this field of the note.

        Raises NothingToChoose, and PromptError when the template cannot be expanded.
        """
        return self.template.render(
            note.short_values()
            | {
                "question": one_line(question) if question else None,
                "section": one_line(section) if section else None,
                "choices": one_lines(self.choices(note) or ()),
                "min_characters": self.min_characters,
                "max_characters": self.max_characters,
                "max_items": self.max_items,
            }
        )


_NAMES = frozenset(SAMPLES[0].short_values()) | {
    "question",
    "section",
    "choices",
    "min_characters",
    "max_characters",
    "max_items",
}


def load_field(name: str, file: PromptFile) -> Field:
    """Return the field that the file describes, its instruction tried on sample notes.

    Raises PromptError, with the line, for all that is wrong with the file.
    """
    if not _NAME.fullmatch(name):
        file.fail(
            "this name cannot be a field's; rename the file with small letters, digits, - and _ "
            "only (a property of another name goes into it as property: NAME)"
        )
    head = parse_head(file)
    most = head.max_characters or max(_MAX_CHARACTERS[head.kind], head.min_characters)
    items = (head.max_items or 5) if head.kind == "list" else None
    field = Field(
        name=name,
        kind=head.kind,
        property=_find_property(name, file, head),
        min_characters=head.min_characters,
        max_characters=most,
        max_items=items,
        max_tokens=head.max_tokens or most * (items or 1),
        whole_sentences=head.whole_sentences or head.kind == "prose",
        vocabulary=None if head.vocabulary == "none" else head.vocabulary,
        template=compile_template(file, _NAMES),
        trigger=head.trigger,
    )
    _try_out(field)
    return field


def _find_property(name: str, file: PromptFile, head: Head) -> str | None:
    """Return the property that the field fills; None for the callout."""
    if (name == "callout") != (head.kind == "prose"):
        file.fail_at_key("kind", "kind: prose is for the callout, and only for it; use another")
    if head.kind == "prose":
        if head.property:
            file.fail_at_key("property", "a callout stands in the text; remove this line")
        if head.trigger:
            file.fail_at_key("trigger", "a callout is no property that is empty; remove this line")
        return None
    found = head.property or name
    if found.casefold() in _LISTS and head.kind != "list":
        file.fail_at_key("kind", f"{found} is always a list in Obsidian; use kind: list")
    return found


def _try_out(field: Field) -> None:
    """Raise PromptError when the instruction fails on a sample, however it is asked for."""
    for sample in SAMPLES:
        view = replace(sample, vocabulary={field.name: ("drink", "place")})
        for question, section in (None, None), ("Why?", None), (None, "Roasting"):
            if not field.instruction(view, question, section):
                reason = "the instruction comes out empty for some notes; write text for all"
                field.template.file.fail(reason)
