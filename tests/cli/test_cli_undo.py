"""companion undo and history: everything can be taken back, and what the user wrote since stays."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest

from companion.cli.session import parse_time
from tests.cli.user import User


@pytest.fixture
def enriched(user: User) -> User:
    """Two runs: change 1 in Stub.md, change 2 in Folder/B.md."""
    user.note("Stub.md")
    user.run("enrich", ".")
    user.note("Folder/B.md")
    user.run("enrich", ".")
    return user


@pytest.mark.parametrize("typed", ["2026-11-20", "2026-11-20 14:30", "2026-11-20T14:30:05"])
def test_a_moment(typed: str) -> None:
    assert parse_time(typed) == datetime.fromisoformat(typed).timestamp()


@pytest.fixture
def set_zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Set the time zone of this process, until the end of the test."""
    if not hasattr(time, "tzset"):
        pytest.skip("the zone cannot be set")

    def set_(zone: str) -> None:
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield set_
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(("typed", "hours"), [("36h", 36), ("2d", 48)])
def test_a_time_ago(typed: str, hours: int, set_zone: Callable[[str], None]) -> None:
    set_zone("UTC")  # where no clock is put forward
    before, moment = time.time(), parse_time(typed)
    assert moment and before <= moment + hours * 3600 <= time.time()


def test_history_tells_local_time_with_its_offset(
    enriched: User, set_zone: Callable[[str], None]
) -> None:
    set_zone("Test-05:30")
    told = enriched.run("history").out
    assert re.match(r" +2  \d{4}-\d\d-\d\d \d\d:\d\d \+0530  Folder/B.md\n", told)
