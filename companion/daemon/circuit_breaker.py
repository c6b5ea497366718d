"""Why the endpoint serves nobody now, and when it is tried again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from math import inf
from typing import Literal, NamedTuple

from companion.errors import EndpointError
from companion.llm.errors import (
    ModelMissing,
    ModelUnfit,
    NotAnEndpoint,
    OutOfQuota,
    RateLimited,
    Unauthorised,
)

FaultKind = Literal[
    "down",
    "rate-limited",
    "unauthorised",
    "out-of-quota",
    "model-missing",
    "model-unfit",
    "not-an-endpoint",
]

_KINDS: tuple[tuple[type[EndpointError], FaultKind], ...] = (
    (RateLimited, "rate-limited"),
    (Unauthorised, "unauthorised"),
    (OutOfQuota, "out-of-quota"),
    (ModelMissing, "model-missing"),
    (ModelUnfit, "model-unfit"),
    (NotAnEndpoint, "not-an-endpoint"),
)

# Seconds from one try to the next: the first wait, doubled after each try, and the longest.
_PASSING = (5.0, 300.0)
_LASTING = (60.0, 900.0)  # only the user can mend it

_LONGEST_ASKED = 86_400.0  # seconds of a Retry-After that are believed: quotas are by the day
_TRY_LASTS = 900.0  # seconds until somebody else may try: whoever had the turn has died


class EndpointFault(NamedTuple):
    """What is wrong with the endpoint; `reason` is for the user."""

    kind: FaultKind
    reason: str
    since: float  # seconds since the epoch
    next_try: float  # the clock's seconds
    tries: int  # that failed, with this fault or one that passes (or lasts) like it

    @property
    def lasts(self) -> bool:
        """Whether it takes the user to mend it."""
        return _waits_of(self.kind) == _LASTING


class CircuitBreaker:
    """The state of one endpoint, shared by the threads that call it.

    Whoever wants to call asks `may_try` first, and says afterwards `ok`, `fail` or `untried`.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._wall = wall
        self._lock = threading.Lock()
        self._fault: EndpointFault | None = None
        self._failed_at = 0.0
        self._trying_until = -inf

    @property
    def fault(self) -> EndpointFault | None:
        """What is wrong, None while the endpoint is healthy."""
        return self._fault

    def record_failure(self, error: EndpointError) -> float:
        """Record that the endpoint serves nobody now; return the clock's time of the next try.

        The wait grows only when a try fails after its time had come. Calls that were under way
        when the endpoint failed change nothing, but for a fault that takes longer to pass.
        """
        with self._lock:
            known, now = self._fault, self._clock()
            since = known.since if known else self._wall()
            tries = known.tries if known and _are_alike(known.kind, _kind_of(error)) else 0
            if known and now < known.next_try:
                fault = self._fault_of(error, now, max(tries, 1), since)
                self._fault = max(known, fault, key=lambda either: either.next_try)
            else:
                self._failed_at, self._trying_until = now, -inf
                self._fault = self._fault_of(error, now, tries + 1, since)
            return self._fault.next_try

    def record_success(self) -> None:
        """Record that the endpoint served somebody.

        While it is rate-limited that may be a call from before: the time it asked for still
        runs out first.
        """
        with self._lock:
            known = self._fault
            if known and known.kind == "rate-limited" and self._clock() < known.next_try:
                return
            self._fault = None

    def may_call(self) -> bool:
        """Return whether the caller may call the endpoint now.

        Yes while it is healthy. When the time of the next try has come, one caller gets its
        turn, the others wait until that one knows more.
        """
        with self._lock:
            if not self._fault:
                return True
            now = self._clock()
            if now < max(self._fault.next_try, self._trying_until):
                return False
            self._trying_until = now + _TRY_LASTS
            return True

    def release_turn(self) -> None:
        """Give the turn back that `may_try` gave: the caller had nothing to call for after all."""
        with self._lock:
            self._trying_until = -inf

    def retry_now(self) -> None:
        """Let the next try be now, since the user asks for it, even while another is under way."""
        with self._lock:
            if self._fault:
                self._fault = self._fault._replace(next_try=self._clock())
                self._trying_until = -inf

    def _fault_of(
        self, error: EndpointError, now: float, tries: int, since: float
    ) -> EndpointFault:
        kind = _kind_of(error)
        first, longest = _waits_of(kind)
        next_try = self._failed_at + min(first * 2.0 ** min(tries - 1, 20), longest)
        if isinstance(error, RateLimited) and error.retry_after:
            next_try = max(next_try, now + min(error.retry_after, _LONGEST_ASKED))
        return EndpointFault(kind, str(error), since, next_try, tries)


def _kind_of(error: EndpointError) -> FaultKind:
    return next((kind for fault, kind in _KINDS if isinstance(error, fault)), "down")


def _waits_of(kind: FaultKind) -> tuple[float, float]:
    return _PASSING if kind in ("down", "rate-limited") else _LASTING


def _are_alike(one: FaultKind, other: FaultKind) -> bool:
    return _waits_of(one) == _waits_of(other)
