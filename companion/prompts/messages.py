"""The prompts of a vault: loaded from our files and the vault's, and the messages made of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any, NamedTuple

from companion.note.needs import CALLOUT, Need
from companion.prompts.context import SAMPLES, PromptContext
from companion.prompts.fields import Field, load_field
from companion.prompts.files import (
    OWN_PROMPTS,
    PromptError,
    PromptFile,
    Template,
    compile_template,
    read_prompt_file,
)

_FRAMES = ("system.md", "note.md", "answer.md", "again.md")
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


def make_ask(need: Need, field: Field, number: int) -> Ask:
    """Return how a prompt asks for the need. number: makes its key unique in the field."""
    is_only = need.kind != CALLOUT or (need.where == "top" and need.nth == 1)
    key = field.name if is_only else f"{field.name}_{number}"
    section = need.heading[:_LONGEST_HEADING] if need.heading and not need.question else None
    if section and need.of > 1:
        section += f" (number {need.at} of the {need.of} headings that read so)"
    return Ask(need, field, key, need.question, section)


@dataclass(frozen=True)
class Prompts:
    """The prompt files in use, and the messages and schemas made from them."""

    files: Mapping[str, PromptFile]
    system: Template
    note: Template
    answer: Template
    again: Template
    fields: Mapping[str, Field]

    def field_of(self, kind: str) -> Field:
        """Return the field that fills needs of this kind: a property, or `callout`."""
        return next(field for field in self.fields.values() if field.fills == kind)

    def instructions(self, field: Field) -> str:
        """Return all that a model is told for a field, with examples but without a note."""
        names = ("system.md", "note.md", "answer.md", f"fields/{field.name}.md")
        texts = (self.files[name].text for name in names if name in self.files)
        return _DEFAULT.sub(r"\1", "\n\n".join(texts))

    def messages(self, asks: Sequence[Ask], note: PromptContext) -> list[dict[str, str]]:
        """Return the messages that ask for all of asks in one JSON answer.

        What changes least comes first, for the sake of prefix caches: the system message and the
        beginning of the user message depend on the note alone, not on the request. Only the end of
        `note.md` may differ by field. Raises NothingToChoose; ValueError if asks do not fit.
        """
        keys = [ask.key for ask in asks]
        if not keys or len(set(keys)) < len(keys):
            raise ValueError(f"cannot ask for {keys} in one call")
        entries = [
            {"key": key, "kind": field.kind, "instruction": field.instruction(note, *place)}
            for _, field, key, *place in asks
        ]
        answer = self.answer.render({"asks": entries, "language": note.language})
        if note.wish:
            answer += f"\n\n{self.again.render(note.wish_values())}"
        system = self.system.render({"language": note.language, "small": note.small})
        fields = [ask.field.name for ask in asks]
        user = f"{self.note.render(note.values() | {'asked': fields})}\n\n{answer}"
        return [{"role": "system", "content": system}, {"role": "user", "content": user}]

    def schema(self, asks: Sequence[Ask], note: PromptContext) -> dict[str, Any]:
        """Return the JSON schema of an answer to asks, for strict mode: exactly these keys.

        Raises NothingToChoose.
        """
        properties = {ask.key: ask.field.schema_of(ask.field.choices(note)) for ask in asks}
        return {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }

    def max_tokens(self, asks: Sequence[Ask]) -> int:
        """Return how many tokens an answer to asks may have: a limit for models that never stop."""
        return sum(ask.field.max_tokens + _ANSWER_TOKENS for ask in asks)


def load_prompts(*overrides: Path, types: Mapping[str, str] = MappingProxyType({})) -> Prompts:
    """Return the prompts of our own files, overridden by those in the folders, in order.

    A missing folder overrides nothing. A file in `fields/` with a new name adds a field. types: as
    in load_field.

    Raises PromptError, also if two files fill the same property.
    """
    paths: dict[str, Path] = {}
    for folder in (OWN_PROMPTS, *overrides):
        paths |= _find_files(folder)
    files = {name: read_prompt_file(path) for name, path in paths.items()}
    fields: dict[str, Field] = {}
    owners: dict[str, str] = {}
    for name in sorted(each for each in files if each.startswith("fields/")):
        field = load_field(PurePosixPath(name).stem, files[name], types)
        owner = owners.setdefault(field.fills.casefold(), name)
        if owner != name:
            files[name].fail(f"{owner} fills {field.fills} already; remove one of the two")
        fields[field.name] = field
    frames = {name.removesuffix(".md"): _load_frame(name, files[name]) for name in _FRAMES}
    return Prompts(MappingProxyType(files), fields=MappingProxyType(fields), **frames)


def _find_files(folder: Path) -> dict[str, Path]:
    """Return the prompt files in folder by their name relative to it, with `/`.

    Raises PromptError for a file of another name, and for a link that leads elsewhere.
    """
    files: dict[str, Path] = {}
    for path in sorted((*folder.glob("*.md"), *folder.glob("fields/*.md"))):
        name = path.relative_to(folder).as_posix()
        if name.lower() == "readme.md" or path.name.startswith("."):
            continue
        if path.parent == folder and name not in _FRAMES:
            reason = f"it is none of {', '.join(_FRAMES)}; rename it, or move a field to fields/"
            raise PromptError(path, reason)
        if not path.resolve().is_relative_to(folder.resolve()):
            raise PromptError(path, "it is a link that leads elsewhere; put the file itself here")
        files[name] = path
    return files


def _load_frame(name: str, file: PromptFile) -> Template:
    """Return the template of a file that does not describe a field, tried on samples.

    Raises PromptError, also if it leaves out what it has to show: without its marker, the note's
    text would have no bounds.
    """
    if file.frontmatter:
        file.fail("this file takes no frontmatter; remove it")
    samples = _SAMPLES[name]
    template = compile_template(file, samples[0][0].keys())
    for values, shown in samples:
        output = template.render(values)
        for text in shown:
            if text not in output:
                file.fail(f"it does not show all of what it is given, such as {text!r}; add that")
    return template


def _note_samples() -> Iterable[tuple[dict[str, object], tuple[str, ...]]]:
    for sample in SAMPLES:
        values = sample.values() | {"marker": "sample-marker", "asked": ["description"]}
        yield values, ("sample-marker", str(values["title"]), str(values["prose"]))


_KINDS = ("text", "list", "number", "date", "datetime", "checkbox", "link", "links", "prose")
_ENTRIES = [
    {"key": f"sample_{kind}", "kind": kind, "instruction": f"Write {kind}."} for kind in _KINDS
]
_SAMPLES: Mapping[str, Sequence[tuple[dict[str, object], tuple[str, ...]]]] = {
    "system.md": [({"language": None, "small": False}, ())],
    "note.md": list(_note_samples()),
    "answer.md": [
        ({"asks": [each], "language": language}, (each["instruction"], each["key"]))
        for each in _ENTRIES
        for language in (None, "English")
    ],
    "again.md": [
        ({"wish": "Shorter.", "earlier": text, "marker": "earlier"}, ("Shorter.",))
        for text in ("", "Coffee.")
    ],
}
