"""The messages that ask a model for values, and the JSON schema of its answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, NamedTuple

from companion.note.needs import CALLOUT, Need
from companion.prompts.field import Field
from companion.prompts.prompt_context import PromptContext
from companion.prompts.prompt_file import PromptFile, Template
from companion.vault.ignore import folder_key

_LONGEST_HEADING = 400  # letters of a heading that an instruction names
_DEFAULT = re.compile(r'\{\{[^{}"]* or "([^{}"]*)" *\}\}')  # of an expression in a template
_ANSWER_TOKENS = 16  # a key, quotes and brackets of a JSON answer


class Ask(NamedTuple):
    """How a prompt asks for a need. key: of the value in a JSON answer, such as `callout_2`.

    question: the title of a callout that asks something. section: the heading above a section's
    callout. Both are None for the top callout and for properties.
    """

    need: Need
    field: Field
    key: str
    question: str | None = None
    section: str | None = None


def make_ask(need: Need, field: Field, number: int, callout_titles: frozenset[str]) -> Ask:
    """Return how a prompt asks for the need. number: makes its key unique in the field."""
    is_only = need.kind != CALLOUT or (need.where == "top" and need.nth == 1)
    key = field.name if is_only else f"{field.name}_{number}"
    question = question_of(need, callout_titles)
    section = need.heading[:_LONGEST_HEADING] if need.heading and not question else None
    if section and need.of > 1:
        section += f" (number {need.at} of the {need.of} headings that read so)"
    return Ask(need, field, key, question, section)


def question_of(need: Need, callout_titles: frozenset[str]) -> str | None:
    """Return the question in the title of an empty callout; None: the title is a common one.

    A callout that was emptied and kept its title, `KI` for example, does not ask a question with
    it.
    """
    is_title = need.question is not None and need.question.casefold() in callout_titles
    return None if is_title else need.question


class TemplateAsk(NamedTuple):
    """An ask as it is passed to the template of `answer.md`."""

    key: str
    kind: str
    instruction: str


@dataclass(frozen=True)
class Prompts:
    """The prompt files in use, and the messages and schemas made from them.

    by_folder: the prompts for notes in folders of the vault, by path as folder_key returns it.
    """

    files: Mapping[str, PromptFile]
    system: Template
    note: Template
    answer: Template
    again: Template
    fields: Mapping[str, Field]
    by_folder: Mapping[str, Prompts] = field(default_factory=lambda: MappingProxyType({}))

    def for_note(self, path: str) -> Prompts:
        """Return the prompts for the note at path: those of the innermost folder that has some."""
        if not self.by_folder:
            return self
        folders = PurePosixPath(folder_key(path)).parents
        return next((self.by_folder[f] for f in map(str, folders) if f in self.by_folder), self)

    def all_fields(self) -> Iterator[Field]:
        """Yield the fields of the vault, and then those of its folders."""
        for each in (self, *self.by_folder.values()):
            yield from each.fields.values()

    def field_of(self, kind: str) -> Field:
        """Return the field that fills needs of this kind: a property, or `callout`."""
        return next(field for field in self.fields.values() if field.fills == kind)

    def instructions(self, field: Field) -> str:
        """Return all that a model is told for a field, with examples but without a note."""
        names = ("system.md", "note.md", "answer.md", f"fields/{field.name}.md")
        texts = (self.files[name].text for name in names if name in self.files)
        return _DEFAULT.sub(r"\1", "\n\n".join(texts))

    def messages(
        self, asks: Sequence[Ask], note: PromptContext, json: bool
    ) -> list[dict[str, str]]:
        """Return the messages that ask for all of asks in one JSON answer, or for one as text.

        What changes least comes first, for the sake of prefix caches: the system message and the
        beginning of the user message depend on the note alone, not on the request. Only the end of
        `note.md` may differ by field.

        Raises NothingToChoose; ValueError if there is no ask, a key is used twice, or json=False
        with more than one ask.
        """
        keys = [ask.key for ask in asks]
        if not keys or len(set(keys)) < len(keys) or not (json or len(keys) == 1):
            raise ValueError(f"cannot ask for {keys} in one call")
        template_asks = [
            TemplateAsk(key, field.kind, field.instruction(note, question, section))
            for _, field, key, question, section in asks
        ]
        answer = self.answer.render(
            {"asks": template_asks, "json": json, "language": note.language}
        )
        if note.wish:
            answer += f"\n\n{self.again.render(note.wish_values())}"
        system = self.system.render({"language": note.language})
        fields = [ask.field.name for ask in asks]
        user = f"{self.note.render(note.values() | {'asked': fields})}\n\n{answer}"
        return [{"role": "system", "content": system}, {"role": "user", "content": user}]

    def schema(self, asks: Sequence[Ask], note: PromptContext) -> dict[str, Any]:
        """Return the JSON schema of an answer: exactly these keys. Raises NothingToChoose."""
        properties = {ask.key: ask.field.schema(ask.field.choices(note)) for ask in asks}
        return {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }

    def max_tokens(self, asks: Sequence[Ask]) -> int:
        """Return how many tokens an answer to asks may have: a limit for models that never stop."""
        return sum(ask.field.max_tokens + _ANSWER_TOKENS for ask in asks)
