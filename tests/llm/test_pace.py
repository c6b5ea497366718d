"""The pace of calls: so many a minute, and none while the endpoint asked to wait."""

import pytest

from companion.llm.client import Pace, pace_of
from companion.llm.endpoint import Endpoint
from tests.clock import Clock


def test_no_more_go_in_any_minute(clock: Clock) -> None:
    pace = Pace(3, clock)
    times = []
    for _ in range(12):
        clock.now += pace.take()
        times.append(clock.now)
        clock.now += 1.0
    assert all(later - first >= 60 for first, later in zip(times, times[3:], strict=False))


def test_calls_are_held_back_for_as_long_as_the_endpoint_asks(clock: Clock) -> None:
    pace = Pace(None, clock)
    assert pace.take() == 0
    pace.hold(20)
    pace.hold(5)
    assert pace.take() == pytest.approx(20)
    clock.now += 20
    assert pace.take() == 0


def test_all_callers_of_an_endpoint_share_its_pace() -> None:
    endpoint = Endpoint(base_url="http://pace.example/v1", model="m", requests_a_minute=1)
    assert pace_of(endpoint) is pace_of(endpoint.model_copy())
    assert pace_of(endpoint) is not pace_of(endpoint.model_copy(update={"model": "n"}))


@pytest.fixture
def clock() -> Clock:
    return Clock()
