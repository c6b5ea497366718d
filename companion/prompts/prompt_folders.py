"""Prompt files on disk: our own, those of the vault over them, each tried out when loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import companion
from companion.prompts.field import Field, load_field
from companion.prompts.messages import Prompts, TemplateAsk
from companion.prompts.prompt_context import SAMPLES
from companion.prompts.prompt_file import (
    PromptError,
    PromptFile,
    Template,
    compile_template,
    read_file,
)

_FRAMES = ("system.md", "note.md", "answer.md")


def load_prompts(*overrides: Path) -> Prompts:
    """Return the prompts of our own files, overridden by those in the folders, in order.

    A missing folder overrides nothing. A file in `fields/` with a new name adds a field.

    Raises PromptError, with file and line, for whatever is wrong with a file.
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
    package = Path(companion.__file__).parent
    packed = package / "_prompts"
    return packed if packed.is_dir() else package.parent / "prompts"


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
        if not path.resolve().is_relative_to(folder.resolve()):
            raise PromptError(path, "it is a link that leads elsewhere; put the file itself here")
        files[name] = path
    return files


class _Sample(NamedTuple):
    """Values to try a template on, and texts that its output must contain, by their names."""

    values: Mapping[str, object]
    required: Mapping[str, str]


def _load_frame(file: PromptFile, samples: Sequence[_Sample]) -> Template:
    """Return the template of system.md, note.md or answer.md, tried on the samples."""
    if file.frontmatter:
        file.fail("this file takes no frontmatter; remove it", 1)
    template = compile_template(file, samples[0].values.keys())
    for sample in samples:
        output = template.render(sample.values)
        for name, text in sample.required.items():
            if text not in output:
                file.fail(f"it does not show {name}; put {{{{ {name} }}}} where it belongs")
    return template


def _sample_notes() -> list[_Sample]:
    """Return samples for `note.md`. Without the marker, the note's text would have no bounds."""
    extra = {"marker": "sample-marker", "asked": ["description"]}
    notes = [sample.values() | extra for sample in SAMPLES]
    names = ("marker", "title", "prose")
    return [_Sample(values, {name: str(values[name]) for name in names}) for values in notes]


def _sample_answers() -> list[_Sample]:
    """Return samples for `answer.md`: one ask as text, several as JSON."""
    asks = [
        TemplateAsk(f"sample_{kind}", kind, f"Write {kind}.") for kind in ("text", "list", "prose")
    ]
    calls: list[tuple[list[TemplateAsk], bool]] = [
        *(([ask], False) for ask in asks),
        (asks, True),
    ]
    return [
        _Sample(
            {"asks": called, "json": json, "language": "English" if json else None},
            {"ask.instruction": called[-1].instruction}
            | ({"ask.key": called[-1].key} if json else {}),
        )
        for called, json in calls
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
