import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.examples import IS_RELEASE, many
from tests.llm.fake_endpoint import FakeEndpoint

pytest_plugins = ["schemathesis.pytest.plugin"] if IS_RELEASE else []  # takes a second to load

# No test measures time: one that did would fail on a busy machine.
settings.register_profile(
    "unhurried",
    deadline=None,
    max_examples=many(100),
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("unhurried")

_MEMORY = Path("/dev/shm")
_ROOM = 4_000_000_000  # bytes; all tests together leave a tenth of that


def _has_memory_disk() -> bool:
    """Return whether there is a disk in memory, with room, from which programs may be run."""
    if not (hasattr(os, "ST_NOEXEC") and os.access(_MEMORY, os.W_OK)):
        return False
    is_closed = os.statvfs(_MEMORY).f_flag & os.ST_NOEXEC
    return not is_closed and shutil.disk_usage(_MEMORY).free > _ROOM


# A journal forces what it is told to the disk, a hundred times as long as all else that it does.
# Before a release the tests' vaults are where the users' are.
if not IS_RELEASE and _has_memory_disk():
    tempfile.tempdir = str(_MEMORY)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the user's settings, which is not made yet."""
    monkeypatch.setenv("COMPANION_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    """The folder of a vault that has no notes."""
    (folder := tmp_path / "vault").mkdir()
    return folder


@pytest.fixture
def fake() -> Iterator[FakeEndpoint]:
    with closing(FakeEndpoint()) as endpoint:
        yield endpoint


@pytest.fixture(autouse=True)
def _retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each call fail at once: tests/llm says what is tried again."""
    monkeypatch.setattr("companion.llm.client.RETRIES", 0)


@pytest.fixture(autouse=True)
def _unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the fakes say what they like: tests of exactness are not about what a model says."""
    monkeypatch.setenv("COMPANION_CHECKS", "off")


_LONGEST = (  # each with the beginnings of the names of its tests
    ("tests/test_plugin_npm.py::test_script[e2e",),
    ("tests/test_plugin_npm.py::test_script[test]",),
    ("tests/test_embedded_run.py", "tests/test_wheel.py"),
)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what only a release needs, and begin with the longest tests.

    No core waits for another one at the end then.
    """
    if not IS_RELEASE and not config.option.markexpr:
        late = [item for item in items if item.get_closest_marker("release")]
        config.hook.pytest_deselected(items=late)
        items[:] = [item for item in items if item not in late]
    _spread_longest(items, getattr(config, "workerinput", {}).get("workercount", 1))


def _spread_longest(items: list[pytest.Item], workers: int) -> None:
    """Order the tests so that each worker begins with other ones of the longest.

    A worker is given as many tests as another, one after the other; later it steals some.
    """
    longest = [[item for item in items if item.nodeid.startswith(names)] for names in _LONGEST]
    apart = {item for group in longest for item in group}
    others = iter([item for item in items if item not in apart])
    ordered: list[pytest.Item] = []
    for number in range(workers):
        first = [item for group in longest[number::workers] for item in group]
        share = (len(items) - len(ordered)) // (workers - number)
        ordered += [*first, *islice(others, max(share - len(first), 0))]
    items[:] = [*ordered, *others]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """Return a worker more than there are cores: many tests wait for a browser or a daemon."""
    return min((os.cpu_count() or 1) + 1, 4)
