"""Calls to an endpoint until one gets through: retries, back-off, Retry-After, giving up."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Protocol

from companion.errors import CompanionError, EndpointError
from companion.llm.budget import Reservation
from companion.llm.endpoint import Endpoint
from companion.llm.endpoint_errors import (
    CallFailed,
    Cancelled,
    OutOfQuota,
    RateLimited,
    Reply,
    Stopped,
    error_for_reply,
    timeout_error,
    unreachable_error,
)
from companion.llm.response import read_completion, with_body_status

if TYPE_CHECKING:
    from companion.llm.transport import Transport

_LONGEST_DELAY = 8.0  # seconds between two calls, unless the server asks for more
_LONGEST_WAIT = 60.0  # seconds; a server that asks for more is given up at once
_RETRIED = frozenset({408, 409, 429})


class EndpointSource(Protocol):
    """What lends an endpoint for the time of a call, starting it where need be."""

    @property
    def settings(self) -> Endpoint:
        """The endpoint's settings. Address and key hold only where it need not be started."""

    def lease(self) -> AbstractContextManager[Endpoint]:
        """Lend the endpoint for one call. Raises EndpointError when it cannot be started."""


class FixedSource:
    """An endpoint that somebody else runs."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.settings = endpoint

    def lease(self) -> AbstractContextManager[Endpoint]:
        """Lend the endpoint."""
        return nullcontext(self.settings)


class Attempts:
    """Sends requests to one endpoint, from any number of threads.

    `first_delay` is in seconds: what is waited before the second call, doubled for each further
    one. Setting `cancelled` ends all waiting for a next call; close() ends the calls too.
    """

    def __init__(
        self, source: EndpointSource, cancelled: threading.Event, first_delay: float
    ) -> None:
        self._source = source
        self._cancelled = cancelled
        self._first_delay = first_delay
        self._closed = self._stopped = False
        self._lock = threading.Lock()
        self._current: Transport | None = None
        self._slots: AbstractContextManager[object] = nullcontext()

    def send(
        self,
        body_for: Callable[[Endpoint], dict[str, Any]],
        reserve: Callable[[], Reservation] = Reservation,
    ) -> tuple[Reply, Endpoint]:
        """Return the first reply that another call would not change, and who gave it.

        Status 408, 409, 429 and 5xx, time-outs (once) and broken connections are tried again.
        Each call reserves what it may take before it goes out, and before the endpoint starts.

        Raises EndpointError when it stays so, Cancelled when the user stops the work.
        """
        with self._slots:
            return self._send(body_for, reserve)

    def limit(self, at_once: int) -> None:
        """Let at most so many send() at once, the waits between their calls included."""
        self._slots = threading.BoundedSemaphore(at_once)

    def _send(
        self,
        body_for: Callable[[Endpoint], dict[str, Any]],
        reserve: Callable[[], Reservation],
    ) -> tuple[Reply, Endpoint]:
        attempt = 0
        while True:
            fault, wait, limit = None, 0.0, self._source.settings.retries
            with self._reserved(reserve) as reservation, self._source.lease() as endpoint:
                try:
                    reply = self._post(endpoint, body_for(endpoint), reservation)
                    fault, wait = _passing_fault(reply, endpoint)
                except CallFailed as failure:
                    fault = timeout_error(endpoint) if failure.slow else None
                    limit = min(limit, 1) if failure.slow else limit
                    fault = fault or unreachable_error(endpoint, failure.reason)
            if fault is None:
                return reply, endpoint
            if attempt >= limit or wait > _LONGEST_WAIT or isinstance(fault, OutOfQuota):
                raise fault
            self._pause(attempt, wait)
            attempt += 1

    def stop(self) -> None:
        """Take no more calls, which raise Stopped; those under way are finished."""
        self._stopped = True

    def close(self) -> None:
        """Break off the calls under way, which raise Cancelled, and take no more."""
        with self._lock:
            self._closed = True
            wire, self._current = self._current, None
        if wire:
            wire.close()

    def _reserved(self, reserve: Callable[[], Reservation]) -> Reservation:
        self._check()
        try:
            return reserve()
        except EndpointError:
            self._check()
            raise

    def _post(self, endpoint: Endpoint, body: dict[str, Any], reservation: Reservation) -> Reply:
        self._check()
        wire = self._wire(endpoint)
        reservation.sent = True
        try:
            reply = with_body_status(wire.post(body))
        except CallFailed as failure:
            reservation.sent = failure.sent
            self._check()
            raise
        if reply.status == 200 and not reply.is_web_page:
            reservation.settle(read_completion(reply).usage)
        else:
            reservation.release()
        return reply

    def _wire(self, endpoint: Endpoint) -> Transport:
        """Return the line to endpoint; a new one when its address or key is another now.

        The old one is left to the threads that still wait on it, and goes with the last of them.
        """
        from companion.llm.transport import Transport

        with self._lock:
            self._check()
            if self._current is None or self._current.endpoint != endpoint:
                self._current = Transport(endpoint)
            return self._current

    def _pause(self, attempt: int, wait: float) -> None:
        delay = min(_LONGEST_DELAY, self._first_delay * 2**attempt)
        jitter = random.uniform(0.75, 1.25)  # noqa: S311 (no secret: spreads the threads' calls)
        self._cancelled.wait(max(wait, delay * jitter))
        self._check()

    def _check(self) -> None:
        if self._closed or self._cancelled.is_set():
            raise Cancelled("The work was stopped; what was not written yet was left as it was")
        if self._stopped:
            raise Stopped("Nothing more was asked, for a fault that all notes share")


def _passing_fault(reply: Reply, endpoint: Endpoint) -> tuple[CompanionError | None, float]:
    """Return the error that may pass, None when there is none, and the seconds to wait."""
    if reply.status not in _RETRIED and reply.status < 500:
        return None, 0.0
    fault, wait = error_for_reply(reply, endpoint), _retry_after(reply)
    if isinstance(fault, RateLimited):
        fault.retry_after = wait or None
    return fault, wait


def _retry_after(reply: Reply) -> float:
    """Return the seconds that Retry-After asks for (RFC 9110, 10.2.3: seconds or a date), or 0."""
    value = reply.headers.get("retry-after", "").strip()
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, TypeError, OverflowError):
        return 0.0
