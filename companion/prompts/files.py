"""A prompt file: its frontmatter, and its template in a sandbox.

Prompts are in the vault, and a vault may come from somebody else: no template takes for ever, fills
the memory, or reaches anything but its variables.
"""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import jinja2
import yaml
from jinja2.exceptions import SecurityError
from jinja2.filters import FILTERS
from jinja2.meta import find_undeclared_variables
from jinja2.sandbox import ImmutableSandboxedEnvironment

import companion
from companion.errors import NoteRefused, UsageError
from companion.note.text import NoteText

_PACKAGE = Path(companion.__file__).parent
_IN_WHEEL = _PACKAGE / "_prompts"
OWN_PROMPTS = _IN_WHEEL if _IN_WHEEL.is_dir() else _PACKAGE.parent / "prompts"
"""The folder of our own prompt files."""

_OWN_FOLDERS = {OWN_PROMPTS, OWN_PROMPTS / "fields"}
_SECONDS = 0.5  # to expand a template that is not ours
_LARGEST = 2_000_000  # characters of what comes out
_FILTERS = (
    *("count", "default", "first", "items", "last", "length", "list", "lower", "map", "reject"),
    *("reverse", "select", "sort", "title", "trim", "truncate", "unique", "upper", "wordcount"),
)
_METHODS = {"endswith", "get", "items", "keys", "lower", "split", "startswith", "strip", "values"}


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

        Raises PromptError, with the line, when the template cannot be expanded, or makes too much.
        """
        is_own = self.file.path.parent in _OWN_FOLDERS  # tracing would take half a note's time
        try:
            with nullcontext() if is_own else _limited_time():
                text = "".join(_limit_size(self.compiled.generate(values)))
            return text.strip()
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


class _Sandbox(ImmutableSandboxedEnvironment):
    """Jinja2's sandbox, without what makes a large value of small ones in a single step."""

    intercepted_binops = frozenset(("*", "**", "%"))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Raise SecurityError."""
        raise SecurityError(f"a prompt does not calculate with {operator}")

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Return whether a template may use the attribute."""
        is_known = attr in _METHODS or not callable(value)
        return is_known and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """Let `str.format` be refused as an unsafe attribute."""


def _join(items: Iterable[object], between: str = "") -> str:
    texts = [str(each) for each in items]
    if sum(map(len, texts)) + len(between) * len(texts) > _LARGEST:
        raise OverflowError("it makes too much text")
    return between.join(texts)


_TEMPLATES = _Sandbox(
    undefined=jinja2.StrictUndefined,
    autoescape=False,  # what comes out is text for a model, not HTML
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters = {name: FILTERS[name] for name in _FILTERS} | {"join": _join}
_TEMPLATES.globals = {}


@contextmanager
def _limited_time() -> Iterator[None]:
    """Raise OverflowError in the template that this thread renders, if it takes too long."""
    end, before = time.thread_time() + _SECONDS, sys.gettrace()

    def check(frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code.co_filename != "<template>":
            return None
        if time.thread_time() > end:
            raise OverflowError("it takes too long")
        return check

    sys.settrace(check)
    try:
        yield
    finally:
        sys.settrace(before)


def _limit_size(pieces: Iterable[str]) -> Iterator[str]:
    size = 0
    for piece in pieces:
        size += len(piece)
        if size > _LARGEST:
            raise OverflowError("it makes too much text")
        yield piece
