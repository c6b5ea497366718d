from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

# No test measures time: one that did would fail on a busy machine.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")


@pytest.fixture(autouse=True)
def _unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the fakes say what they like: tests of exactness are not about what a model says."""
    monkeypatch.setenv("COMPANION_CHECKS", "off")


_LONGEST = "tests/test_plugin_npm", "tests/test_embedded_run", "tests/test_wheel"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest tests first, so that no core waits for another one at the end."""
    items.sort(key=lambda item: not item.nodeid.startswith(_LONGEST))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return a worker more than there are cores: many tests wait for a browser or a daemon."""
    return min((os.cpu_count() or 1) + 1, 4)
