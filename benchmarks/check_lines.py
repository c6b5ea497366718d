"""Count the lines of code and of phrases that a check of answers uses."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from inspect import getsource
from pathlib import Path

from companion.enrich import checks
from companion.language import words

_PACKAGE = checks.__name__
_FOLDER = Path(words.__file__).parent / "phrases"
_NAMED = re.compile(r"<([a-z_.]+)\.([a-z_]+)>")
_SECTION, _KEY = re.compile(r"\[([a-z_.]+)\]\s*"), re.compile(r"([a-z_0-9]+) = ")

Place = tuple[str, str]  # a module, and a name in it


def count_lines(check: str) -> tuple[int, int]:
    """Return the lines of code that the check runs through, and of its lists; (0, 0): no check.

    What several checks use counts for each.
    """
    function = checks.CHECKS.get(check)
    if function is None:
        return 0, 0
    places = set(_reach((function.__module__, function.__name__)))
    nodes = [_nodes(module)[name] for module, name in places]
    code = sum((node.end_lineno or node.lineno) - node.lineno + 1 for node in nodes)
    lists = {each for node in nodes for each in _lists_of(node)}
    return code, sum(_lines_of_list(*each) for each in lists)


def _reach(start: Place) -> Iterator[Place]:
    """Yield start and every function and constant of the checks that it leads to."""
    waiting, seen = [start], {start}
    while waiting:
        module, name = place = waiting.pop()
        yield place
        for node in ast.walk(_nodes(module)[name]):
            used = _find(module, node.id) if isinstance(node, ast.Name) else None
            if used and used not in seen:
                seen.add(used)
                waiting.append(used)


def _find(module: str, name: str) -> Place | None:
    """Return where the name that the module uses is defined, None if not in the checks."""
    if name in _nodes(module):
        return module, name
    value = getattr(sys.modules[module], name, None)
    other = getattr(value, "__module__", None) or ""
    return (other, name) if other.startswith(_PACKAGE) and name in _nodes(other) else None


@cache
def _nodes(module: str) -> dict[str, ast.stmt]:
    """Return the statements of the module that define a name, by the name."""
    found: dict[str, ast.stmt] = {}
    for node in ast.parse(getsource(sys.modules[module])).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = (each for target in targets for each in ast.walk(target))
            found.update((each.id, node) for each in names if isinstance(each, ast.Name))
    return found


def _lists_of(node: ast.stmt) -> Iterator[Place]:
    """Yield the lists of phrases that the statement names: in a pattern, or as two arguments."""
    for part in ast.walk(node):
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            yield from _NAMED.findall(part.value)
        elif isinstance(part, ast.Call) and len(part.args) == 2:
            values = [each.value for each in part.args if isinstance(each, ast.Constant)]
            if len(values) == 2 and all(isinstance(value, str) for value in values):
                yield str(values[0]), str(values[1])


@cache
def _lines_of_list(section: str, name: str) -> int:
    return sum(
        found == (section, name) or found == (section, f"{name}_signs") for found in _list_lines()
    )


@cache
def _list_lines() -> list[Place]:
    """Return of every line of the files of phrases the section and the list."""
    lines = []
    for file in sorted(_FOLDER.glob("*.toml")):
        section = key = ""
        for line in file.read_text(encoding="utf-8").splitlines():
            if header := _SECTION.fullmatch(line):
                section, key = header[1], ""
            elif begin := _KEY.match(line):
                key = begin[1]
            lines.append((section, key))
    return lines
