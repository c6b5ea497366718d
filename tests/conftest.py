from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the fakes say what they like: tests of exactness are not about what a model says."""
    monkeypatch.setenv("COMPANION_CHECKS", "off")
