"""How many examples a property is tried with: all before a release, a part of them otherwise."""

from __future__ import annotations

import os

IS_RELEASE = bool(os.environ.get("COMPANION_RELEASE_TESTS"))  # set by make test-release


def many(number: int) -> int:
    """Return number before a release, a fifth of it otherwise, and 10 at least."""
    return number if IS_RELEASE else max(number // 5, 10)
