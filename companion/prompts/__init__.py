"""What the model is asked: our prompt files, the user's over them, and the messages of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from companion.prompts.field import Field, NothingToChoose, load_field
from companion.prompts.prompt_context import SAMPLES, PromptContext
from companion.prompts.prompt_file import (
    PromptError,
    PromptFile,
    Template,
    compile_template,
    read_file,
)

__all__ = [
    "Ask",
    "Field",
    "NothingToChoose",
    "PromptContext",
    "PromptError",
    "Prompts",
    "load_prompts",
]

_FRAMES = ("system.md", "note.md", "answer.md")
_ANSWER_TOKENS = 16  # a key, quotes and brackets of a JSON answer


class Ask(NamedTuple):
    """One value to ask for. `key` names it in a JSON answer, as in `callout_2`.

    `question` is the title of a callout that asks something; `section`, the heading that a
    section's callout stands under. Both are None for the top callout and for properties.
    """

    key: str
    field: Field
    question: str | None = None
    section: str | None = None


class _Asked(NamedTuple):
    """An ask as the template of `answer.md` sees it."""

    key: str
    kind: str
    instruction: str


@dataclass(frozen=True)
class Prompts:
    """The prompt files in use, and what can be made of them."""

    files: Mapping[str, PromptFile]
    system: Template
    note: Template
    answer: Template
    fields: Mapping[str, Field]

    def messages(
        self, asks: Sequence[Ask], note: PromptContext, json: bool
    ) -> list[dict[str, str]]:
        """Return the messages that ask for all of asks in one JSON answer, or for one as text.

        What changes least comes first, so that prefix caches hit: the system message and the
        beginning of the user message depend on the note alone, not on what is asked; `note.md`
        may end with what serves some of the fields.

        Raises NothingToChoose; ValueError for no ask, a key used twice, or json=False with
        more than one ask.
        """
        keys = [ask.key for ask in asks]
        if not keys or len(set(keys)) < len(keys) or not (json or len(keys) == 1):
            raise ValueError(f"cannot ask for {keys} in one call")
        asked = [
            _Asked(key, field.kind, field.instruction(note, question, section))
            for key, field, question, section in asks
        ]
        answer = self.answer.render({"asks": asked, "json": json, "language": note.language})
        system = self.system.render({"language": note.language})
        fields = [ask.field.name for ask in asks]
        user = f"{self.note.render(note.values() | {'asked': fields})}\n\n{answer}"
        return [{"role": "system", "content": system}, {"role": "user", "content": user}]

    def schema(self, asks: Sequence[Ask], note: PromptContext) -> dict[str, Any]:
        """Return the JSON schema of an answer to asks, for strict mode: all keys, no others.

        Raises NothingToChoose.
        """
        properties = {ask.key: ask.field.schema(ask.field.choices(note)) for ask in asks}
        return {
            "type": "object",
            "properties": properties,
            "required": list(properties),
            "additionalProperties": False,
        }

    def max_tokens(self, asks: Sequence[Ask]) -> int:
        """Return how many tokens an answer to asks may take: a stop for models that run on."""
        return sum(ask.field.max_tokens + _ANSWER_TOKENS for ask in asks)


def load_prompts(*overrides: Path) -> Prompts:
    """Return the prompts: our own files, and over them those of the override folders in order.

    A folder that is not there overrides nothing; a file under `fields/` of a new name is a
    new field.

    Raises PromptError, with file and line, for all that is wrong with a file.
    """
    paths: dict[str, Path] = {}
    for folder in (_find_builtin_folder(), *overrides):
        paths |= _find_files(folder)
    files = {name: read_file(path) for name, path in paths.items()}
    return Prompts(
        files=MappingProxyType(files),
        system=_load_frame(files["system.md"], [_Sample({"language": None}, {})]),
        note=_load_frame(files["note.md"], _sample_notes()),
        answer=_load_frame(files["answer.md"], _sample_answers()),
        fields=MappingProxyType(_load_fields(files)),
    )


def _find_builtin_folder() -> Path:
    """Return the folder of our own files: in the wheel, else beside the package."""
    package = Path(__file__).parent.parent
    packed = package / "_prompts"
    return packed if packed.is_dir() else package.parent / "prompts"


def _find_files(folder: Path) -> dict[str, Path]:
    """Return the prompt files in folder by their name relative to it, with `/`."""
    found: dict[str, Path] = {}
    for path in sorted((*folder.glob("*.md"), *folder.glob("fields/*.md"))):
        name = path.relative_to(folder).as_posix()
        if name.lower() == "readme.md" or path.name.startswith("."):
            continue
        if path.parent == folder and name not in _FRAMES:
            expected = f"it is none of {', '.join(_FRAMES)}; rename it, or move a field to fields/"
            raise PromptError(path, expected)
        if not path.resolve().is_relative_to(folder.resolve()):
            raise PromptError(path, "it is a link that leads elsewhere; put the file itself here")
        found[name] = path
    return found


class _Sample(NamedTuple):
    """Values to try a template on, and which texts, by the name of each, it has to show."""

    values: Mapping[str, object]
    shown: Mapping[str, str]


def _load_frame(file: PromptFile, samples: Sequence[_Sample]) -> Template:
    """Return the template of a file that is no field's."""
    if file.frontmatter:
        file.fail("this file takes no frontmatter; remove it", 1)
    template = compile_template(file, samples[0].values.keys())
    for sample in samples:
        text = template.render(sample.values)
        for name, shown in sample.shown.items():
            if shown not in text:
                file.fail(f"it does not show {name}; put {{{{ {name} }}}} where it belongs")
    return template


def _sample_notes() -> list[_Sample]:
    """Return what `note.md` may be given. The marker has to show, or note text is unbounded."""
    more = {"marker": "sample-marker", "asked": ["description"]}
    notes = [sample.values() | more for sample in SAMPLES]
    names = ("marker", "title", "prose")
    return [_Sample(values, {name: str(values[name]) for name in names}) for values in notes]


def _sample_answers() -> list[_Sample]:
    """Return what `answer.md` may be given: one ask as text, several as JSON."""
    asks = [_Asked(f"sample_{kind}", kind, f"Write {kind}.") for kind in ("text", "list", "prose")]
    plain: list[tuple[list[_Asked], bool]] = [([ask], False) for ask in asks]
    return [
        _Sample(
            {"asks": some, "json": json, "language": "English" if json else None},
            {"ask.instruction": some[-1].instruction} | ({"ask.key": some[-1].key} if json else {}),
        )
        for some, json in [*plain, (asks, True)]
    ]


def _load_fields(files: Mapping[str, PromptFile]) -> dict[str, Field]:
    """Return the fields by name. Raises PromptError when two fill the same property."""
    fields: dict[str, Field] = {}
    owners: dict[str, str] = {}
    for name in sorted(name for name in files if name.startswith("fields/")):
        field = load_field(name.removeprefix("fields/").removesuffix(".md"), files[name])
        owner = owners.setdefault((field.property or "").casefold(), name)
        if owner != name:
            files[name].fail(f"{owner} fills {field.property} already; remove one of the two")
        fields[field.name] = field
    return fields
