"""The circuit breaker: when an endpoint is called again after a fault."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from companion.errors import EndpointError
from companion.llm.endpoint_errors import RateLimited

# Seconds between two tries: the first wait, which doubles after each try, and the longest wait.
_TEMPORARY = (5.0, 300.0)
_LASTING = (60.0, 900.0)
_MAX_RETRY_AFTER = 86_400.0  # seconds: quotas are by the day


class EndpointFault(NamedTuple):
    """A fault of the endpoint. kind, lasts: of its error. reason: in words for the user."""

    kind: str
    reason: str
    since: float  # seconds since the epoch
    next_try: float  # the clock's seconds
    tries: int  # that failed, with a fault of the same duration (temporary or lasting)
    lasts: bool = False


class CircuitBreaker:
    """The state of one endpoint, shared by the threads that call it, which report how it went."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._lock = threading.Lock()
        self._fault: EndpointFault | None = None
        self._failed_at = 0.0

    @property
    def fault(self) -> EndpointFault | None:
        """The current fault, None while the endpoint is healthy."""
        return self._fault

    def record_failure(self, error: EndpointError) -> float:
        """Record a fault of the endpoint; return when it is tried next, in the clock's seconds.

        The wait grows only if a try that was due fails. Failures of calls that were already in
        progress change nothing, unless their fault has a longer wait.
        """
        with self._lock:
            last, now = self._fault, self._clock()
            since = last.since if last else self._wall()
            tries = last.tries if last and last.lasts == error.lasts else 0
            if last and now < last.next_try:
                fault = self._fault_of(error, now, max(tries, 1), since)
                self._fault = max(last, fault, key=lambda either: either.next_try)
            else:
                self._failed_at = now
                self._fault = self._fault_of(error, now, tries + 1, since)
            return self._fault.next_try

    def record_success(self) -> None:
        """Record that the endpoint answered a call.

        While it is rate-limited, by a fault after that call, its time is waited for.
        """
        with self._lock:
            fault = self._fault
            if fault and fault.kind == "rate-limited" and self._clock() < fault.next_try:
                return
            self._fault = None

    def retry_now(self) -> None:
        """Make the next try due now, at the user's request."""
        with self._lock:
            if self._fault:
                self._fault = self._fault._replace(next_try=self._clock())

    def _fault_of(
        self, error: EndpointError, now: float, tries: int, since: float
    ) -> EndpointFault:
        first, longest = _LASTING if error.lasts else _TEMPORARY
        next_try = self._failed_at + back_off(tries, first, longest)
        if isinstance(error, RateLimited) and error.retry_after:
            next_try = max(next_try, now + min(error.retry_after, _MAX_RETRY_AFTER))
        return EndpointFault(error.kind, str(error), since, next_try, tries, error.lasts)


def back_off(tries: int, first: float, longest: float) -> float:
    """Return the seconds to wait after `tries` failed tries, which double from first to longest."""
    return min(first * 2.0 ** min(tries - 1, 20), longest)
