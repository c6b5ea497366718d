"""A prompt file: its frontmatter, and its template in Jinja2's sandbox.

Prompts are in the vault, and a vault may come from somebody else: no template reaches anything but
its variables.
"""

from __future__ import annotations

import traceback
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import jinja2
import yaml
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment

import companion
from companion.errors import NoteRefused, UsageError
from companion.note.text import NoteText

_PACKAGE = Path(companion.__file__).parent
_IN_WHEEL = _PACKAGE / "_prompts"
OWN_PROMPTS = _IN_WHEEL if _IN_WHEEL.is_dir() else _PACKAGE.parent / "prompts"
"""The folder of our own prompt files."""


class PromptError(UsageError):
    """A prompt file cannot be used. The message names the file, the line and what to do."""

    def __init__(self, path: Path, reason: str, line: int | None = None) -> None:
        super().__init__(f"{path}{f', line {line}' if line else ''}: {reason}")
        self.path = path
        self.line = line


@dataclass(frozen=True)
class PromptFile:
    """A file as read. body_line: where the body starts, counted from 1."""

    path: Path
    text: str
    frontmatter: Mapping[str, Any]
    body: str
    body_line: int

    def fail(self, reason: str, body_line: int | None = None) -> NoReturn:
        """Raise PromptError about this file. body_line: of the body, counted from 1."""
        line = self.body_line + body_line - 1 if body_line else None
        raise PromptError(self.path, reason, line) from None


def read_prompt_file(path: Path) -> PromptFile:
    """Return the file at path.

    Raises PromptError when it cannot be read, is not UTF-8, or has broken frontmatter.
    """
    try:
        note = NoteText.decode(path.read_bytes())
        frontmatter = yaml.safe_load(note.yaml) or {}
    except OSError as error:
        raise PromptError(path, f"it cannot be read ({error.strerror}); remove it") from None
    except NoteRefused as error:
        raise PromptError(path, error.reason, error.line) from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date like 2024-99-99
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or error
        reason = f"its frontmatter is not valid YAML ({what}); correct it"
        raise PromptError(path, reason, mark.line + 2 if mark else 1) from None
    if not isinstance(frontmatter, dict):
        raise PromptError(path, "its frontmatter is not made of key: value lines; correct it", 2)
    values = {str(key): value for key, value in frontmatter.items()}
    return PromptFile(path, note.text, values, note.body, note.line_number(note.body_start))


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
            return self.compiled.render(values).strip()
        except Exception as error:  # a template may raise what any expression can
            stack = traceback.extract_tb(error.__traceback__)
            lines = [frame.lineno or 1 for frame in stack if frame.filename == "<template>"]
            reason = f"the template cannot be expanded ({error}); correct this line"
            self.file.fail(reason, lines[-1] if lines else 1)


def compile_template(file: PromptFile, names: Collection[str]) -> Template:
    """Return the file's template, which may use only these variables.

    Raises PromptError for an empty file, bad syntax or an unknown variable.
    """
    if not file.body.strip():
        file.fail("it holds no text for the model; write the instruction, or remove the file")
    try:
        unknown = find_undeclared_variables(_TEMPLATES.parse(file.body)) - set(names)
        compiled = _TEMPLATES.from_string(file.body)
    except jinja2.TemplateSyntaxError as error:
        reason = f"the template is not valid Jinja2 ({error.message}); correct this line"
        file.fail(reason, error.lineno)
    except (RecursionError, SyntaxError):
        file.fail("the template is nested too deep; make it simpler")
    if unknown:
        file.fail(f"there is no {min(unknown)}; use {', '.join(sorted(names))}")
    return Template(file, compiled)


_TEMPLATES = ImmutableSandboxedEnvironment(
    undefined=jinja2.StrictUndefined,
    autoescape=False,  # what comes out is text for a model, not HTML
    trim_blocks=True,
    lstrip_blocks=True,
)
