"""A prompt file: its frontmatter, its template, and errors that name the line."""

from __future__ import annotations

import traceback
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import jinja2
import pydantic
import yaml
from jinja2 import nodes
from jinja2.meta import find_undeclared_variables
from pydantic import StringConstraints

from companion.errors import NoteRefused, UsageError
from companion.note.text import NoteText
from companion.prompts.sandbox import compile_source, render

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# Raised by expressions in a template: `{{ title + 1 }}`, `{{ 1 / 0 }}`, `{% include "x" %}`, a
# recursive macro.
_RENDER_ERRORS = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    MemoryError,
    RecursionError,
    TypeError,
    ValueError,
)
_EXPECTED = {
    "whole_sentences": "true or false",
    "trigger": "true or false",
    "kind": (
        "text, list, choice, number, date, datetime, checkbox, link or links (callout.md: prose)"
    ),
    "from": "similar or links",
    "add": "true or false",
    "folders": "a list of folders such as [Books, Films]",
    "note-types": "a list of note types such as [book, film]",
    "property": "the name of a property, on one line, in quotes if it is a number",
    "vocabulary": "vault, none, or a list of words such as [book, film], in quotes if numbers",
}

FieldKind = Literal[
    "text", "list", "choice", "prose", "number", "date", "datetime", "checkbox", "link", "links"
]
FIELD_KINDS: Mapping[str, FieldKind] = {
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

SourceLine = Annotated[str, StringConstraints(strict=True, pattern=r"^\S([^\r\n\t]*\S)?$")]
_Lines = Annotated[tuple[SourceLine, ...], pydantic.Field(min_length=1)]
_Switch = Annotated[bool, pydantic.Field(strict=True)]
Count = Annotated[int, pydantic.Field(strict=True, ge=1, le=20_000)]


class PromptError(UsageError):
    """A prompt file cannot be used. The message names the file, the line and what to do."""

    def __init__(self, path: Path, reason: str, line: int | None = None) -> None:
        super().__init__(f"{path}{f', line {line}' if line else ''}: {reason}")
        self.path = path
        self.line = line


class FieldFrontmatter(pydantic.BaseModel):
    """The frontmatter of a field's file. Limits count characters, items and tokens."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    kind: FieldKind
    property: SourceLine | None = None
    min_characters: Count = 1
    max_characters: Count | None = None
    max_items: Count | None = None
    max_tokens: Count | None = None
    whole_sentences: _Switch = False
    trigger: _Switch = False
    vocabulary: Literal["vault", "none"] | _Lines = "none"
    source: Annotated[Literal["similar", "links"] | None, pydantic.Field(alias="from")] = None
    add: _Switch = False
    folders: _Lines | None = None
    note_types: Annotated[_Lines | None, pydantic.Field(alias="note-types")] = None


@dataclass(frozen=True)
class PromptFile:
    """A file as read. key_lines: of the frontmatter's keys. body_line: where the body starts."""

    path: Path
    text: str
    frontmatter: Mapping[str, Any]
    key_lines: Mapping[str, int]
    body: str
    body_line: int

    def fail(self, reason: str, line: int | None = None) -> NoReturn:
        """Raise PromptError about this file. Lines count from 1."""
        raise PromptError(self.path, reason, line) from None

    def fail_at_key(self, key: str, reason: str) -> NoReturn:
        """Raise PromptError about a key of the frontmatter."""
        self.fail(reason, self.key_lines.get(key, 1))

    def fail_in_body(self, reason: str, body_line: int) -> NoReturn:
        """Raise PromptError about a line of the template, counted from 1 in the body."""
        self.fail(reason, self.body_line + body_line - 1)


@dataclass(frozen=True)
class Template:
    """The compiled template of a file. Values are data: templates in them are not expanded."""

    file: PromptFile
    compiled: jinja2.Template

    def render(self, values: Mapping[str, object]) -> str:
        """Return the rendered text, without blank lines around it.

        Raises PromptError, with the line, when the template cannot be expanded.
        """
        try:
            return render(self.compiled, len(self.file.body), values).strip()
        except _RENDER_ERRORS as error:
            stack = traceback.extract_tb(error.__traceback__)
            lines = [frame.lineno or 1 for frame in stack if frame.filename == "<template>"]
            reason = f"the template cannot be expanded ({error}); correct this line"
            self.file.fail_in_body(reason, lines[-1] if lines else 1)


def read_prompt_file(path: Path) -> PromptFile:
    """Return the file at path.

    Raises PromptError when it cannot be read, is not UTF-8, or has broken frontmatter.
    """
    try:
        note = NoteText.decode(path.read_bytes())
        text, body_line = note.yaml, note.line_number(note.body_start)
    except OSError as error:
        reason = f"it cannot be read ({error.strerror}); correct or remove it"
        raise PromptError(path, reason) from None
    except NoteRefused as error:
        raise PromptError(path, error.reason, error.line) from None
    lines: dict[str, int] = {}
    try:
        loader = _Loader(text)
        root = loader.get_single_node()
        if root is not None and not isinstance(root, yaml.MappingNode):
            raise PromptError(
                path, "its frontmatter is not made of key: value lines; correct it", 2
            )
        for key, _ in root.value if root else ():
            line = key.start_mark.line + 2  # the first line is the opening `---`
            if not isinstance(key, yaml.ScalarNode):
                raise PromptError(path, "a key has to be a plain word; correct this line", line)
            if key.value in lines:
                raise PromptError(path, f"the key {key.value} is there twice; remove one", line)
            lines[key.value] = line
        values = loader.construct_document(root) if root else {}
    except yaml.MarkedYAMLError as error:
        reason = f"its frontmatter is not valid YAML ({error.problem}); correct this line"
        line = error.problem_mark.line + 2 if error.problem_mark else 1
        raise PromptError(path, reason, line) from None
    except (yaml.YAMLError, ValueError) as error:  # a control character; a date like 2024-99-99
        reason = f"its frontmatter is not valid YAML ({error}); correct it"
        raise PromptError(path, reason, 1) from None
    frontmatter = {str(key): value for key, value in values.items()}
    return PromptFile(path, note.text, frontmatter, lines, note.body, body_line)


def compile_template(file: PromptFile, names: Collection[str]) -> Template:
    """Return the file's template, which may use only these variables.

    Raises PromptError, with the line, for an empty file, bad syntax or an unknown variable; without
    a line if blocks are nested hundreds deep.
    """
    if not file.body.strip():
        file.fail("it holds no text for the model; write the instruction, or remove the file")
    try:
        compiled, tree, used = _compile(file.body)
    except jinja2.TemplateSyntaxError as error:
        reason = f"the template is not valid Jinja2 ({error.message}); correct this line"
        file.fail_in_body(reason, error.lineno)
    except RecursionError:
        file.fail("the template is nested too deep; make it simpler")
    for name in sorted(used - set(names)):
        line = next(node.lineno for node in tree.find_all(nodes.Name) if node.name == name)
        file.fail_in_body(f"there is no {name}; use {', '.join(sorted(names))}", line)
    return Template(file, compiled)


@lru_cache(maxsize=256)
def _compile(text: str) -> tuple[jinja2.Template, nodes.Template, frozenset[str]]:
    """Return a template, its syntax tree, and the variables that it uses.

    This takes most of the time to load a prompt, and the folders of a vault share most prompts.
    """
    compiled, tree = compile_source(text)
    return compiled, tree, frozenset(find_undeclared_variables(tree))


def parse_field_frontmatter(file: PromptFile, type_name: str | None = None) -> FieldFrontmatter:
    """Return the validated frontmatter of a field's file.

    type_name: the type that the property has in Obsidian, for a file that names no kind.

    Raises PromptError, which names the key, its line and what it expects.
    """
    kind = file.frontmatter.get("kind") or FIELD_KINDS.get(type_name or "")
    if kind is None:
        file.fail(
            f"it does not say what the field holds; add kind: and one of {_EXPECTED['kind']},"
            " or give the property a type in Obsidian",
            1,
        )
    try:
        frontmatter = FieldFrontmatter.model_validate({**file.frontmatter, "kind": kind})
    except pydantic.ValidationError as error:
        key = str(error.errors()[0]["loc"][0])
        keys = [each.alias or name for name, each in FieldFrontmatter.model_fields.items()]
        if key not in keys:
            file.fail_at_key(key, f"there is no key {key}; use {', '.join(keys)}")
        expected = _EXPECTED.get(key, "a whole number from 1 to 20000")
        file.fail_at_key(key, f"{key} does not take this value; write {expected}")
    for key, reason in _find_contradictions(frontmatter):
        file.fail_at_key(key, reason)
    return frontmatter


def _find_contradictions(frontmatter: FieldFrontmatter) -> Iterator[tuple[str, str]]:
    """Yield keys that are valid by themselves but do not go with others, each with the reason."""
    kind, most = frontmatter.kind, frontmatter.max_characters
    chooses = kind in ("choice", "list")
    if kind == "choice" and frontmatter.vocabulary == "none":
        yield "kind", "a choice needs values; add vocabulary: vault, or a list of them"
    if not chooses and frontmatter.vocabulary != "none":
        yield "vocabulary", f"kind: {kind} takes none; use kind: choice or list"
    if kind not in ("list", "links") and frontmatter.max_items:
        yield "max_items", "only kind: list and links take max_items; remove it"
    if kind != "text" and frontmatter.whole_sentences:
        yield "whole_sentences", "only kind: text takes it; remove it"
    if kind not in ("link", "links") and frontmatter.source:
        yield "from", "only kind: link and links take it; remove it"
    if most and most < frontmatter.min_characters:
        yield "min_characters", "it is more than max_characters; lower it"
    is_somewhere = frontmatter.folders or frontmatter.note_types
    if frontmatter.add and not is_somewhere:
        yield "add", "it would be added to every note; name folders: or note-types:, too"
    if is_somewhere and not frontmatter.add:
        yield "folders" if frontmatter.folders else "note-types", "it goes with add: true; add that"
