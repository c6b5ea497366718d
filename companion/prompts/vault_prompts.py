"""The prompts of a vault: loaded from our files and the vault's, and the messages made of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any, NamedTuple

import companion
from companion.note.needs import CALLOUT, Need
from companion.prompts.field import Field, load_field
from companion.prompts.prompt_context import SAMPLES, PromptContext
from companion.prompts.prompt_file import (
    PromptError,
    PromptFile,
    Template,
    compile_template,
    read_prompt_file,
)
from companion.vault.ignore import folder_key

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
    """Return the question in the title of an empty callout; None: it is a common title, as `KI`."""
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
        `note.md` may differ by field. Raises NothingToChoose; ValueError if asks do not fit.
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
        """Return the JSON schema of an answer to asks, for strict mode: exactly these keys.

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
        """Return how many tokens an answer to asks may have: a limit for models that never stop."""
        return sum(ask.field.max_tokens + _ANSWER_TOKENS for ask in asks)


def load_prompts(*overrides: Path, types: Mapping[str, str] = MappingProxyType({})) -> Prompts:
    """Return the prompts of our own files, overridden by those in the folders, in order.

    A missing folder overrides nothing. A file in `fields/` with a new name adds a field. Files in
    `Recipes/` of the last folder, such as `Recipes/note.md` or `Recipes/fields/tags.md`, override
    the same for the notes in the vault's folder Recipes. types: as in load_field.

    Raises PromptError, with file and line.
    """
    package = Path(companion.__file__).parent
    own = package / "_prompts"  # in the wheel; else they are beside the package
    paths: dict[str, Path] = {}
    for folder in (own if own.is_dir() else package.parent / "prompts", *overrides):
        paths |= _find_files(folder)
    of_folders: dict[str, dict[str, Path]] = {}
    for name, files in _find_folder_files(overrides[-1], paths) if overrides else ():
        of_folders.setdefault(name, {}).update(files)
    prompts = _load({name: read_prompt_file(path) for name, path in paths.items()}, types)
    return replace(prompts, by_folder=MappingProxyType(_load_folders(prompts, of_folders, types)))


def _load(files: Mapping[str, PromptFile], types: Mapping[str, str]) -> Prompts:
    """Return the prompts of the files. Raises PromptError, also if two fill the same property."""
    marked = {"marker": "sample-marker", "asked": ["description"]}
    notes = [sample.values() | marked for sample in SAMPLES]
    # Without the marker, the note's text would have no bounds.
    shown = [{name: str(note[name]) for name in ("marker", "title", "prose")} for note in notes]
    system = _load_frame(files["system.md"], [_Sample({"language": None}, {})])
    frame = _load_frame(files["note.md"], list(map(_Sample, notes, shown)))
    answer = _load_frame(files["answer.md"], _ANSWER_SAMPLES)
    again = _load_frame(files["again.md"], _AGAIN_SAMPLES)
    fields: dict[str, Field] = {}
    owners: dict[str, str] = {}
    for name in sorted(each for each in files if each.startswith("fields/")):
        field = load_field(PurePosixPath(name).stem, files[name], types)
        owner = owners.setdefault((field.property or "").casefold(), name)
        if owner != name:
            files[name].fail(f"{owner} fills {field.property} already; remove one of the two")
        fields[field.name] = field
    texts = MappingProxyType(dict(files))
    return Prompts(texts, system, frame, answer, again, MappingProxyType(fields))


def _load_folders(
    prompts: Prompts, of_folders: Mapping[str, Mapping[str, Path]], types: Mapping[str, str]
) -> dict[str, Prompts]:
    """Return the prompts of the vault's folders, each overriding those of the folder it is in."""
    loaded: dict[str, Prompts] = {}
    for folder in sorted(of_folders, key=lambda folder: folder.count("/")):
        above = replace(prompts, by_folder=loaded).for_note(f"{folder}.md")
        files = {name: read_prompt_file(path) for name, path in of_folders[folder].items()}
        loaded[folder_key(folder)] = _load({**above.files, **files}, types)
        for name in sorted(files.keys() - {*_FRAMES}):
            # it may not change which notes need something
            field = loaded[folder_key(folder)].fields[PurePosixPath(name).stem]
            general = prompts.fields.get(field.name)
            if general is None:
                files[name].fail(
                    f"there is no field {field.name} for the whole vault; put one into"
                    " prompts/fields, too"
                )
            if field.property != general.property:
                reason = f"{field.name} fills {general.property} elsewhere; remove this line"
                files[name].fail_at_key("property", reason)
            for key in {"trigger", "from", "add"} & files[name].frontmatter.keys():
                reason = "only the field for the whole vault takes it; remove this line"
                files[name].fail_at_key(key, reason)
    return loaded


def _find_files(folder: Path) -> dict[str, Path]:
    """Return the prompt files in folder by their name relative to it, with `/`."""
    files: dict[str, Path] = {}
    for path in sorted((*folder.glob("*.md"), *folder.glob("fields/*.md"))):
        name = path.relative_to(folder).as_posix()
        if name.lower() == "readme.md" or path.name.startswith("."):
            continue
        if path.parent == folder and name not in _FRAMES:
            reason = f"it is none of {', '.join(_FRAMES)}; rename it, or move a field to fields/"
            raise PromptError(path, reason)
        _refuse_link_out(path, folder)
        files[name] = path
    return files


def _refuse_link_out(file: Path, folder: Path) -> None:
    """Raise PromptError if the file in the folder is a link to a file elsewhere."""
    if not file.resolve().is_relative_to(folder.resolve()):
        raise PromptError(file, "it is a link that leads elsewhere; put the file itself here")


def _find_folder_files(
    folder: Path, paths: Mapping[str, Path]
) -> Iterator[tuple[str, dict[str, Path]]]:
    """Yield the vault's folders that have prompt files of their own in folder, with these files."""
    for path in sorted(path for path in folder.rglob("*") if path.is_dir()):
        name = path.relative_to(folder).as_posix()
        if (path.name == "fields" and path.parent == folder) or "/." in f"/{name}":
            continue
        files = {file: path / file for file in _FRAMES if (path / file).is_file()}
        if path.name == "fields":
            name, files = name.rpartition("/")[0], {}
            files = {f"fields/{file.name}": file for file in path.glob("[!.]*.md")}
        elif stray := next((f for f in path.glob("*.md") if f"fields/{f.name}" in paths), None):
            reason = f"a field belongs into fields/; move it to {name}/fields/, or elsewhere"
            raise PromptError(stray, reason)
        for file in files.values():
            _refuse_link_out(file, folder)
        if files:
            yield name, files


class _Sample(NamedTuple):
    """Values to try a template on, and texts that its output must contain, by their names."""

    values: Mapping[str, object]
    required: Mapping[str, str]


def _load_frame(file: PromptFile, samples: Sequence[_Sample]) -> Template:
    """Return the template of a file that does not describe a field, tried on the samples."""
    if file.frontmatter:
        file.fail("this file takes no frontmatter; remove it", 1)
    template = compile_template(file, samples[0].values.keys())
    for sample in samples:
        output = template.render(sample.values)
        for name, text in sample.required.items():
            if text not in output:
                file.fail(f"it does not show {name}; put {{{{ {name} }}}} where it belongs")
    return template


_ASKS = [
    TemplateAsk(f"sample_{kind}", kind, f"Write {kind}.")
    for kind in ("text", "list", "number", "date", "datetime", "checkbox", "link", "links", "prose")
]
_ANSWER_SAMPLES = [  # one ask as text, several as JSON
    *(
        _Sample(
            {"asks": [ask], "json": False, "language": None}, {"ask.instruction": ask.instruction}
        )
        for ask in _ASKS
    ),
    _Sample(
        {"asks": _ASKS, "json": True, "language": "English"},
        {"ask.instruction": _ASKS[-1].instruction, "ask.key": _ASKS[-1].key},
    ),
]
_AGAIN_SAMPLES = [
    _Sample({"wish": "Shorter.", "earlier": text, "marker": "earlier"}, {"wish": "Shorter."})
    for text in ("", "Coffee.")
]
