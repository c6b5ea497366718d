"""An endpoint that serves nobody is tried again with back-off."""

import pytest

from companion.app.engine.circuit_breaker import CircuitBreaker
from companion.errors import EndpointError
from companion.llm.budget import BudgetUnknown
from companion.llm.download import ModelUnavailable
from companion.llm.endpoint_errors import (
    EndpointDown,
    ModelMissing,
    NotAnEndpoint,
    OutOfQuota,
    RateLimited,
    Unauthorised,
)
from tests.clock import Clock

DOWN = EndpointDown("no answer")
NO_KEY = Unauthorised("bad key")


@pytest.fixture
def clock() -> Clock:
    return Clock(1000.0)


@pytest.fixture
def health(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(clock, wall=lambda: 1_700_000_000.0 + clock.now)


def waits(health: CircuitBreaker, clock: Clock, errors: list[EndpointError]) -> list[float]:
    """Fail with the errors, each as soon as may be tried; return the seconds to the next try."""
    seconds = []
    for error in errors:
        started = clock.now
        clock.now = health.record_failure(error)
        seconds.append(clock.now - started)
    return seconds


@pytest.mark.parametrize(
    ("errors", "seconds"),
    [
        pytest.param([DOWN] * 8, [5, 10, 20, 40, 80, 160, 300, 300], id="down"),
        pytest.param([NO_KEY] * 6, [60, 120, 240, 480, 900, 900], id="unauthorised"),
        pytest.param([OutOfQuota("")] * 2, [60, 120], id="out of quota"),
        pytest.param([ModelMissing("")] * 2, [60, 120], id="model missing"),
        pytest.param([NotAnEndpoint("")] * 2, [60, 120], id="not an endpoint"),
        pytest.param([EndpointError("")] * 2, [5, 10], id="any other"),
        pytest.param([RateLimited("")] * 2, [5, 10], id="rate-limited, not for how long"),
        pytest.param([RateLimited("", 42.5)] * 5, [42.5] * 4 + [80], id="as long as asked"),
        pytest.param([RateLimited("", 1e9)], [86_400], id="asked for too long"),
        pytest.param([RateLimited("", float("inf"))], [86_400], id="asked for ever"),
        pytest.param([DOWN, DOWN, RateLimited("")], [5, 10, 20], id="another that passes"),
        pytest.param([NO_KEY, ModelMissing("")], [60, 120], id="another that lasts"),
        pytest.param([DOWN] * 4 + [NO_KEY], [5, 10, 20, 40, 60], id="passing, then lasting"),
        pytest.param([NO_KEY, DOWN, DOWN], [60, 5, 10], id="mended, but down"),
        pytest.param([DOWN] * 2000, [5, 10, 20, 40, 80, 160] + [300] * 1994, id="for a week"),
    ],
)
def test_waits_longer_each_time(
    health: CircuitBreaker, clock: Clock, errors: list[EndpointError], seconds: list[float]
) -> None:
    assert waits(health, clock, errors) == seconds


KINDS: dict[str, EndpointError] = {
    "down": DOWN,
    "unauthorised": NO_KEY,
    "out-of-quota": OutOfQuota(""),
    "rate-limited": RateLimited(""),
    "model-missing": ModelMissing(""),
    "not-an-endpoint": NotAnEndpoint(""),
    "budget-unknown": BudgetUnknown(""),
    "model-unavailable": ModelUnavailable(""),
}


@pytest.mark.parametrize(("kind", "error"), [*KINDS.items(), ("down", EndpointError("any other"))])
def test_says_what_is_wrong(health: CircuitBreaker, kind: str, error: EndpointError) -> None:
    assert health.fault is None
    next_try = health.record_failure(error)
    fault = health.fault
    assert fault is not None
    assert (fault.kind, fault.reason, fault.tries) == (kind, str(error), 1)
    assert (fault.since, fault.next_try) == (1_700_001_000.0, next_try)


def test_since_is_when_it_began(health: CircuitBreaker, clock: Clock) -> None:
    waits(health, clock, [DOWN, DOWN, NO_KEY])
    assert health.fault is not None
    assert health.fault.since == 1_700_001_000.0


@pytest.mark.parametrize(
    ("first", "second", "kind", "wait"),
    [
        pytest.param(DOWN, DOWN, "down", 5, id="the same"),
        pytest.param(DOWN, NO_KEY, "unauthorised", 60, id="one that lasts longer"),
        pytest.param(NO_KEY, DOWN, "unauthorised", 60, id="one that passes sooner"),
        pytest.param(RateLimited("", 10), RateLimited("", 30), "rate-limited", 31, id="longer"),
        pytest.param(RateLimited("", 30), RateLimited("", 10), "rate-limited", 30, id="shorter"),
    ],
)
def test_counts_calls_under_way_once(
    health: CircuitBreaker,
    clock: Clock,
    first: EndpointError,
    second: EndpointError,
    kind: str,
    wait: int,
) -> None:
    failed = clock.now
    health.record_failure(first)
    clock.now += 1
    for _ in range(3):
        assert health.record_failure(second) == failed + wait
    assert health.fault is not None
    assert (health.fault.kind, health.fault.tries) == (kind, 1)


def test_a_late_failure_takes_no_steps_of_another_kind(
    health: CircuitBreaker, clock: Clock
) -> None:
    waits(health, clock, [DOWN] * 6)
    failed = clock.now
    health.record_failure(DOWN)
    assert health.record_failure(NO_KEY) == failed + 300
    assert health.fault is not None
    assert health.fault.kind == "down"


def test_begins_anew_once_it_served(health: CircuitBreaker, clock: Clock) -> None:
    waits(health, clock, [DOWN] * 5)
    health.record_success()
    assert waits(health, clock, [DOWN]) == [5]


@pytest.mark.parametrize(
    ("error", "after", "is_healthy"),
    [
        pytest.param(DOWN, 1, True, id="it serves again"),
        pytest.param(RateLimited("", 60), 1, False, id="a call from before the limit"),
        pytest.param(RateLimited("", 60), 60, True, id="the limit is over"),
    ],
)
def test_a_success_clears_it(
    health: CircuitBreaker, clock: Clock, error: EndpointError, after: float, is_healthy: bool
) -> None:
    health.record_failure(error)
    clock.now += after
    health.record_success()
    assert (health.fault is None) == is_healthy


def test_the_user_may_wake_it(health: CircuitBreaker, clock: Clock) -> None:
    health.retry_now()
    assert health.fault is None
    health.record_failure(RateLimited("", 600))
    clock.now += 1
    health.retry_now()
    assert health.fault is not None
    assert health.fault.next_try == clock.now
    assert health.record_failure(DOWN) == clock.now + 10
