"""The pace of calls to an endpoint: its limit of requests a minute, and waits that it asks for."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from companion.llm.endpoint import Endpoint

_MINUTE = 60.5  # seconds; a call counts from when it arrives


class Pace:
    """Lets this process's calls go at most so often a minute. Safe to use from any thread.

    a_minute: None: without a limit. clock: returns seconds.
    """

    def __init__(self, a_minute: int | None, clock: Callable[[], float] = time.monotonic) -> None:
        self._a_minute = a_minute
        self._clock = clock
        self._lock = threading.Lock()
        self._sent: deque[float] = deque()
        self._held_until = 0.0

    def take(self) -> float:
        """Return 0 if a call may go now, which then counts; else the seconds to wait."""
        with self._lock:
            now = self._clock()
            if now < self._held_until:
                return self._held_until - now
            if self._a_minute is None:
                return 0.0
            while self._sent and self._sent[0] <= now - _MINUTE:
                self._sent.popleft()
            if len(self._sent) >= self._a_minute:
                return self._sent[0] + _MINUTE - now
            self._sent.append(now)
            return 0.0

    def hold(self, seconds: float) -> None:
        """Let no call go for so many seconds, as the endpoint asked."""
        with self._lock:
            self._held_until = max(self._held_until, self._clock() + seconds)


_paces: dict[tuple[object, ...], Pace] = {}


def pace_of(endpoint: Endpoint) -> Pace:
    """Return the pace of the endpoint, which all callers in this process share."""
    key = endpoint.base_url, endpoint.model, endpoint.key, endpoint.requests_a_minute
    return _paces.setdefault(key, Pace(endpoint.requests_a_minute))
