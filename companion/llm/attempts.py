"""Retries: calls to an endpoint until one succeeds, with back-off, Retry-After, and limits."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, nullcontext
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

from companion.errors import CompanionError, EndpointError
from companion.llm.budget import Budget, Reservation
from companion.llm.endpoint import Endpoint
from companion.llm.endpoint_errors import (
    LIMIT_STATUSES,
    CallFailed,
    Cancelled,
    OutOfQuota,
    RateLimited,
    Stopped,
    error_for_reply,
    is_loading,
)
from companion.llm.rate_limiter import RateLimiter
from companion.llm.response import Completion, Reply, Usage, read_completion, with_body_status

if TYPE_CHECKING:
    from companion.llm.transport import Transport

RETRIES = 3  # further calls after a failed one
_FIRST_DELAY = 0.5  # seconds between the first two calls, doubled for each further one
_LOADING_RETRIES = 6  # times as many, while a server loads its model: about two minutes
_LONGEST_DELAY = 8.0  # seconds between two calls, unless the server asks for more
_LONGEST_WAIT = 60.0  # seconds; where a server asks for more, there is no retry
_RETRIED_STATUSES = frozenset({408, 409, *LIMIT_STATUSES})


class EndpointSource(Protocol):
    """Lends an endpoint for the duration of a call, and starts it first if necessary.

    An Endpoint is one, too: it already runs, elsewhere or on this machine.
    """

    @property
    def settings(self) -> Endpoint:
        """The endpoint's settings. Address and key are valid only if it need not be started."""

    def lease(self) -> AbstractContextManager[Endpoint]:
        """Lend the endpoint for one call. Raises EndpointError when it cannot be started."""


class Sender:
    """Sends requests to one endpoint, and retries where that may help. Safe to use from any thread.

    Setting `cancelled` ends all waiting for a retry; close() also ends calls in progress. `path`:
    of the API, below the endpoint's base URL. `budget`: counts and limits what the calls use.
    `can_wait`: nobody waits for a single answer, so the service tier is used, and other calls go
    first when a limit a minute is reached. `retries`: further calls after a failed one.
    """

    def __init__(
        self,
        source: EndpointSource,
        cancelled: threading.Event,
        path: str = "/chat/completions",
        budget: Budget | None = None,
        *,
        can_wait: bool = False,
    ) -> None:
        self._source = source
        self._can_wait = can_wait
        self._cancelled = cancelled
        self.retries = RETRIES
        self._path = path
        self._budget = budget
        self.under_way = 0  # calls that were sent, and have no reply yet
        self._closed = self._stopped = False
        self._lock = threading.Lock()
        self._transport: Transport | None = None
        self._slots: AbstractContextManager[object] = nullcontext()

    @property
    def settings(self) -> Endpoint:
        """The settings of the endpoint, as they are now."""
        return self._source.settings.in_tier(can_wait=self._can_wait)

    def _find_limiter(self) -> RateLimiter | None:
        """Return the limiter of the endpoint's calls a minute; None if it has no limits."""
        settings = self._source.settings
        if settings.embedded or self._budget is None:
            return None
        return self._budget.limiter(settings)

    def send(
        self,
        body_for: Callable[[Endpoint], dict[str, Any]],
        input_tokens: int,
        output_tokens: int,
        check: Callable[[], None] | None = None,
    ) -> tuple[Reply, Completion, Endpoint]:
        """Return the first reply that a retry would not change, its completion, and its endpoint.

        Where the status is not 200, the completion is empty, except for its usage.

        Status 408, 409, 429, 498 and 5xx, time-outs (once) and broken connections are retried. The
        tokens, which a call may take, are reserved before each call, and before the endpoint
        starts. Where a limit a minute is used up, the call waits for its turn. check: called right
        before each call goes out; what it raises is raised. Raises EndpointError when the retries
        fail too, or a cap of the day is reached; Cancelled when the user stops the work.
        """
        with ExitStack() as slot:
            slot.enter_context(self._slots)
            for attempt in count():
                error: CompanionError | None = None
                wait, retries = 0.0, self.retries
                reserved = self._reserve(input_tokens, output_tokens)
                with reserved as reservation, self._source.lease() as lent:
                    endpoint = lent.in_tier(can_wait=self._can_wait)
                    body = body_for(endpoint)
                    reservation.tier = body.get("service_tier")
                    try:
                        reply = self._post(endpoint, body, reservation, check)
                        if reply.status in _RETRIED_STATUSES or reply.status >= 500:
                            error, wait = error_for_reply(reply, endpoint), reply.retry_after
                            retries *= _LOADING_RETRIES if is_loading(reply) else 1
                        else:
                            slot.close()  # another call may go while this one is counted
                        completion = _settle(reservation, reply)
                    except CallFailed as failure:
                        error = failure.to_error(endpoint)
                        if failure.slow:
                            retries = min(retries, 1)
                if error is None:
                    return reply, completion, endpoint
                self._wait_for_retry(error, wait, attempt, retries)
        raise AssertionError("unreachable")

    def _wait_for_retry(
        self, error: CompanionError, wait: float, attempt: int, retries: int
    ) -> None:
        """Wait until the call may be made again; raise the error if that would not help."""
        if isinstance(error, RateLimited):
            error.retry_after = wait or None
            if wait <= _LONGEST_WAIT and (limiter := self._find_limiter()):
                limiter.hold(wait)  # the other calls would be refused, too
        if attempt >= retries or wait > _LONGEST_WAIT or isinstance(error, OutOfQuota):
            raise error
        self._cancelled.wait(max(wait, retry_delay(attempt)))
        self._check_open()

    def limit_calls(self, slots: AbstractContextManager[object]) -> None:
        """Make each send() hold one of these slots, including its waits between calls."""
        self._slots = slots

    def stop(self) -> None:
        """Make no further calls: send() raises Stopped. Calls in progress are finished."""
        self._stopped = True

    def close(self) -> None:
        """Break off the calls in progress, which raise Cancelled, and make no further ones."""
        with self._lock:
            self._closed = True
            transport, self._transport = self._transport, None
        if transport:
            transport.close()

    def _reserve(self, input_tokens: int, output_tokens: int) -> Reservation:
        """Return the reservation, once it is the call's turn; a waiting call has reserved nothing.

        Between LimitReached and Cancelled, Cancelled is raised.
        """
        turn, tokens = None, input_tokens + output_tokens
        if limiter := self._find_limiter():
            turn = limiter.line_up(tokens, can_wait=self._can_wait)
        try:
            while True:
                self._check_open()
                reservation = Reservation()
                if self._budget:
                    reservation = self._budget.reserve(input_tokens, output_tokens, patient=True)
                if not (turn and (wait := turn.take())):
                    reservation.turn = turn
                    return reservation
                reservation.release()
                self._cancelled.wait(wait)
        except BaseException as error:
            if turn:
                turn.end(None, sent=False)
            if isinstance(error, EndpointError):
                self._check_open()
            raise

    def _post(
        self,
        endpoint: Endpoint,
        body: dict[str, Any],
        reservation: Reservation,
        check: Callable[[], None] | None,
    ) -> Reply:
        """Return the reply to one call."""
        from companion.llm.transport import Transport

        with self._lock:
            self._check_open()
            if self._transport is None or self._transport.endpoint != endpoint:
                # the threads that still wait on the old one keep it until the last has its reply
                self._transport = Transport(endpoint)
            transport = self._transport
        if check:
            check()
        with self._lock:
            self._check_open()
            self.under_way += 1
        reservation.sent = True
        try:
            return with_body_status(transport.post(body, self._path))
        except CallFailed as failure:
            reservation.sent = failure.sent
            self._check_open()
            raise
        finally:
            with self._lock:
                self.under_way -= 1

    def _check_open(self) -> None:
        """Raise Cancelled or Stopped when no further call may be made."""
        if self._closed or self._cancelled.is_set():
            raise Cancelled("The work was stopped; nothing else was written")
        if self._stopped:
            raise Stopped("No more calls are made, as all notes meet the same error")


def retry_delay(attempt: int) -> float:
    """Return the seconds to wait after the failed attempt, counted from 0.

    They double each time, with some randomness, so that threads do not all call at once.
    """
    jitter = random.uniform(0.75, 1.25)  # noqa: S311 (no secret)
    return min(_LONGEST_DELAY, _FIRST_DELAY * 2.0**attempt) * jitter


def _settle(reservation: Reservation, reply: Reply) -> Completion:
    """Replace the reserved amount of the call by the usage in the reply; return its completion.

    One that says it came from another service tier is paid at the usual price.
    """
    turn = reservation.turn
    if turn:
        turn.sent_at = reply.sent_at
    completion = read_completion(reply)
    if reply.status != 200 or reply.is_web_page:  # it is paid only if it counts tokens
        is_paid = completion.usage.input_tokens > 0
        completion = Completion(usage=completion.usage if is_paid else Usage())
    if completion.tier not in ("", reservation.tier):
        reservation.tier = None
    reservation.settle(completion.usage)
    if turn:
        turn.record(reply.headers)
    return completion
