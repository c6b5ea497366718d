"""Examples: tables of them, and how many a property is tried with: all only before a release."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import pytest

IS_RELEASE = bool(os.environ.get("COMPANION_RELEASE_TESTS"))  # set by make test-release


def many(number: int) -> int:
    """Return number before a release, a fifth of it otherwise, and 10 at least."""
    return number if IS_RELEASE else max(number // 5, 10)


def labelled(names: str | tuple[str, ...], table: Mapping[str, Any]) -> pytest.MarkDecorator:
    """Run a test for each row of a table, which holds the arguments by the label of the row."""
    return pytest.mark.parametrize(names, list(table.values()), ids=list(table))
