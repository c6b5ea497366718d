"""Count what makes the code hard to find one's way in: crumbs, and names for two things.

    python -m benchmarks.structure

Lists of words stand apart: texts of three lines and more that are no docstrings. File names are
compared without the commands' modules in `cli/`, which are called as the command is.
"""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[1]
SMALL = 70  # lines
_FROM = re.compile(r'^(?:import|export) [^;]*?from "\./([\w-]+)\.js"', re.MULTILINE)

Trees = Mapping[Path, ast.Module]


def main() -> None:
    """Print the figures, a line each."""
    files = sorted((ROOT / "companion").rglob("*.py"))
    texts = {path: path.read_text("utf-8") for path in files}
    trees = {path: ast.parse(text) for path, text in texts.items()}
    lines = {path: text.count("\n") for path, text in texts.items()}
    functions = [node for tree in trees.values() for node in _functions(tree)]
    private, once = _private(texts, trees)
    longest = max(functions, key=_length)
    print(f"modules: {len(files)}; median lines: {median(lines.values()):.0f}")
    print(f"under {SMALL} lines with one importer: {_names(_crumbs(trees, lines))}")
    print(f"lines: {sum(lines.values())}, of which lists of words {_words(trees)}")
    print(f"longest function: {longest.name}, {_length(longest)} lines")
    print(f"private functions used once: {once} of {private}")
    print(f"classes that mean two things: {_names(_twice(_classes(trees)))}")
    print(f"file names that mean two things: {_names(_twice(_file_names(files)))}")
    print(f"import cycles in the plugin: {_names(_cycles())}")


def _names(found: list[str]) -> str:
    return f"{len(found)}{': ' if found else ''}{', '.join(found)}"


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def _length(function: ast.FunctionDef) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def _private(texts: Mapping[Path, str], trees: Trees) -> tuple[int, int]:
    """Return how many functions are private, and how many of them are called in one place."""
    names = [
        (path, node.name)
        for path, tree in trees.items()
        for node in _functions(tree)
        if node.name.startswith("_") and not node.name.startswith("__")
    ]
    once = [name for path, name in names if len(re.findall(rf"\b{name}\b", texts[path])) == 2]
    return len(names), len(once)


def _module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def _imported(tree: ast.Module) -> Iterator[str]:
    """Yield the modules that a module imports, and what may be one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def _crumbs(trees: Trees, lines: Mapping[Path, int]) -> list[str]:
    importers = Counter(name for tree in trees.values() for name in set(_imported(tree)))
    return [
        f"{_module(path)} ({lines[path]})"
        for path in trees
        if path.stem != "__init__" and lines[path] < SMALL and importers[_module(path)] == 1
    ]


def _words(trees: Trees) -> int:
    """Return how many lines are within texts of several lines, without docstrings."""
    found = {
        (path, line)
        for path, tree in trees.items()
        for parent in ast.walk(tree)
        if not isinstance(parent, ast.Expr)
        for node in ast.iter_child_nodes(parent)
        if isinstance(node, ast.Constant | ast.JoinedStr)
        for line in range(node.lineno, (node.end_lineno or 0) + 1)
        if (node.end_lineno or 0) > node.lineno + 1
    }
    return len(found)


def _classes(trees: Trees) -> list[str]:
    """Return the names of the classes and of the types that are assigned."""
    found = []
    for tree in trees.values():
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                found.append(node.name)
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                name = node.targets[0].id
                found += [name] if name[0].isupper() and not name.isupper() else []
    return found


def _file_names(files: list[Path]) -> list[str]:
    return [path.name for path in files if path.stem != "__init__" and path.parent.name != "cli"]


def _twice(names: list[str]) -> list[str]:
    return sorted(name for name, count in Counter(names).items() if count > 1)


def _cycles() -> list[str]:
    """Return the sets of the plugin's files that import each other in a circle."""
    source = ROOT / "obsidian-plugin" / "src"
    arrows: dict[str, set[str]] = defaultdict(set)
    for path in source.glob("*.js"):
        arrows[path.stem] = set(_FROM.findall(path.read_text("utf-8")))
    reach = {name: _reachable(name, arrows) for name in arrows}
    rings = {frozenset(b for b in reach[a] if a in reach[b]) for a in reach if a in reach[a]}
    return sorted(" <-> ".join(sorted(ring)) for ring in rings)


def _reachable(start: str, arrows: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    ahead = set(arrows[start])
    while ahead:
        name = ahead.pop()
        found.add(name)
        ahead |= arrows.get(name, set()) - found
    return found


if __name__ == "__main__":
    main()
