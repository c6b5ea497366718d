"""companion undo and history: everything can be taken back, and what the user wrote since stays."""

import re
import time
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest

from companion.cli.filters import parse_time
from tests.cli.user import User


@pytest.fixture
def enriched(user: User) -> User:
    """Two runs: change 1 in Stub.md, change 2 in Folder/B.md."""
    user.note("Stub.md")
    user.run("enrich", ".")
    user.note("Folder/B.md")
    user.run("enrich", ".")
    return user


MOMENTS = [
    pytest.param("2026-11-20", "2026-11-20 00:00:00", id="a day"),
    pytest.param("2026-11-20 14:30", "2026-11-20 14:30:00", id="a time of it"),
    pytest.param("2026-11-20T14:30:05", "2026-11-20 14:30:05", id="as ISO 8601 has it"),
    pytest.param("Today", "2026-11-26 00:00:00", id="today"),
    pytest.param("yesterday", "2026-11-25 00:00:00", id="yesterday"),
    pytest.param("90m", "2026-11-26 16:30:00", id="minutes"),
    pytest.param("36h", "2026-11-25 06:00:00", id="hours"),
    pytest.param("2w", "2026-11-12 18:00:00", id="weeks"),
]


@pytest.mark.parametrize(("typed", "expected"), MOMENTS)
def test_moment(typed: str, expected: str) -> None:
    moment = parse_time(typed, datetime(2026, 11, 26, 18, 0))
    assert moment is not None
    assert str(datetime.fromtimestamp(moment)) == expected


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


def test_hours_ago_are_hours_where_the_clock_is_put_forward(
    set_zone: Callable[[str], None],
) -> None:
    set_zone("PST8PDT,M3.2.0,M11.1.0")
    now = datetime(2026, 3, 8, 3, 30)  # two and a half hours after midnight
    assert parse_time("2h", now) == now.timestamp() - 7200
    assert parse_time("1d", now) == datetime(2026, 3, 7, 3, 30).timestamp()


def test_history_tells_local_time_with_its_offset(
    enriched: User, set_zone: Callable[[str], None]
) -> None:
    set_zone("Test-05:30")
    told = enriched.run("history").out
    assert re.match(r" +2  \d{4}-\d\d-\d\d \d\d:\d\d \+0530  Folder/B.md\n", told)
