"""Examples: tables of them, changes of a vault for these, and how many a property is tried with."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

Change = Callable[[Path], object]
"""Changes the files of a vault, whose folder it gets."""

IS_RELEASE = bool(os.environ.get("COMPANION_RELEASE_TESTS"))  # set by make test-release


def many(number: int) -> int:
    """Return number before a release, a fifth of it otherwise, and 10 at least."""
    return number if IS_RELEASE else max(number // 5, 10)


def rename(old: str, new: str) -> Change:
    """Return a change that renames a file or folder of a vault."""
    return lambda vault: (vault / old).rename(vault / new)


def write(path: str, text: str = "new") -> Change:
    """Return a change that writes a file of a vault, and makes its folders."""

    def change(vault: Path) -> None:
        (vault / path).parent.mkdir(parents=True, exist_ok=True)
        (vault / path).write_text(text, encoding="utf-8")

    return change


def delete(path: str) -> Change:
    """Return a change that deletes a file of a vault."""
    return lambda vault: (vault / path).unlink()


def labelled(names: str | tuple[str, ...], table: Mapping[str, Any]) -> pytest.MarkDecorator:
    """Run a test for each row of a table, which holds the arguments by the label of the row."""
    return pytest.mark.parametrize(names, list(table.values()), ids=list(table))
