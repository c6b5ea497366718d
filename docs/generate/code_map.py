"""The generated part of CONTRIBUTING.md: each package's modules, with what their docstrings say."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

_ROOT = Path(__file__).parents[2] / "companion"
# from what everybody uses to what uses everything, as import-linter has them
_PACKAGES = (
    "note",
    "vault",
    "llm",
    "prompts",
    "config",
    "enrich",
    "enrich/checks",
    "doctor",
    "daemon",
    "daemon/api",
    "daemon/web",
    "cli",
)


def code_map() -> str:
    """Return a Markdown list of every module, a section a package."""
    lines = ["### companion/", "", *_module_lines(_ROOT)]
    for package in _PACKAGES:
        lines += ["", f"### companion/{package}/", "", *_module_lines(_ROOT / package)]
    return "\n".join(lines)


def _module_lines(folder: Path) -> Iterator[str]:
    """Yield a list item for each module, its package's own docstring first.

    Raises ValueError where a module says nothing about itself.
    """
    for file in sorted(folder.glob("*.py"), key=lambda file: (file.stem != "__init__", file.name)):
        docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
        if not docstring:
            raise ValueError(f"{file} has no docstring")
        yield f"- `{file.name}` {docstring.splitlines()[0]}"
