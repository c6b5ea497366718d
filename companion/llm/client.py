"""The client of an endpoint: a question in, an answer out, as JSON that fits a schema.

Our loop makes calls again, not the package openai's, so that privacy, budget and pace are checked
before each. The package takes half a second to load, which happens with the first call.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from itertools import count
from typing import Any, Protocol

from companion.errors import CompanionError
from companion.llm.answers import (
    Answer,
    Completion,
    NoAnswer,
    Usage,
    make_answer,
    read_completion,
    read_usage,
)
from companion.llm.budget import Budget, Reservation
from companion.llm.connection import Connection
from companion.llm.endpoint import Endpoint
from companion.llm.errors import Cancelled, EndpointDown, RateLimited, RequestRejected
from companion.llm.request import Capabilities, Question, capabilities_of

RETRIES = 3  # further calls after a failed one
_FIRST_DELAY = 0.5  # seconds between the first two calls, doubled for each further one
_LONGEST_WAIT = 60.0  # seconds; where a server asks for more, there is no retry
_RATE_LIMITED = 20  # times the delay, if no wait is asked for: limits are often by the minute

Check = Callable[[], None]
"""Called right before a call goes out; raises the reason not to make it."""


class EndpointSource(Protocol):
    """Lends an endpoint for a call, and starts it first if necessary. An Endpoint is one, too."""

    @property
    def settings(self) -> Endpoint:
        """The endpoint's settings. Address and key are valid only if it need not be started."""

    def lease(self) -> AbstractContextManager[Endpoint]:
        """Lend the endpoint for one call. Raises EndpointError when it cannot be started."""


class Client(AbstractContextManager["Client"]):
    """Asks one endpoint, from any number of threads; close() it at the end.

    Setting `cancelled` ends all waiting; close() also breaks off calls in progress, and leaves the
    source and the budget open. budget: counts and limits what the calls use. retries: further calls
    after a failed one. usage: of all calls so far. slots: held during each call, so that clients
    can share a number. under_way: calls that were sent, and have no reply yet.

    All questions raise EndpointError when the endpoint is not available, or a cap is reached
    (LimitReached, before anything is sent), AnswerError when there is no usable answer to this one,
    Cancelled when the work is stopped.
    """

    def __init__(
        self,
        source: EndpointSource,
        cancelled: threading.Event | None = None,
        budget: Budget | None = None,
    ) -> None:
        self.retries = RETRIES
        self.usage = Usage()
        self.slots: AbstractContextManager[object] = nullcontext()
        self.under_way = 0
        self._source = source
        self._cancelled = cancelled or threading.Event()
        self._budget = budget
        self._is_stopped = False
        self._lock = threading.Lock()
        self._connection: Connection | None = None

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def settings(self) -> Endpoint:
        """The settings of the endpoint, as they are now."""
        return self._source.settings

    @property
    def capabilities(self) -> Capabilities:
        """What is known about the endpoint."""
        return capabilities_of(self.settings)

    def stop(self) -> None:
        """Make no further calls, which raise Cancelled. Calls in progress are finished."""
        self._is_stopped = True

    def close(self) -> None:
        """Break off the calls in progress, which raise Cancelled, and make no further ones."""
        self._is_stopped = True
        with self._lock:
            connection, self._connection = self._connection, None
        if connection:
            connection.close()

    def ask(self, question: Question, check: Check | None = None) -> Answer:
        """Return the model's answer, whose data fits the question's schema, if it has one.

        An unusable answer is asked for once more: with twice the tokens, or room for thoughts, if
        it was cut off, and the schema in its prompt. The embedded model, which just goes on and
        on, is not asked again. check: called right before each call goes out.
        """
        usage = Usage()
        for is_last in (False, True):
            completion, endpoint = self._complete(question, check)
            usage += completion.usage
            self.capabilities.thinks |= completion.is_thoughts
            is_cut = completion.finish == "length"
            is_last |= is_cut and endpoint.embedded
            if is_last or not is_cut:
                try:
                    return make_answer(completion._replace(usage=usage), question.schema, endpoint)
                except NoAnswer as error:
                    if is_last or not error.fault:
                        raise
            tokens = question.max_tokens * (2 if is_cut else 1)
            question = question._replace(max_tokens=tokens, schema_in_prompt=True)
        raise AssertionError("unreachable")

    def _complete(self, question: Question, check: Check | None) -> tuple[Completion, Endpoint]:
        """Return the completion, and who answered.

        It is asked for in the best mode, and with the parameters, that the endpoint does not
        reject.
        """
        capabilities = self.capabilities
        modes = list(capabilities.modes) if question.schema else [""]
        while True:
            dropped = capabilities.dropped
            try:
                result = self._call(question.in_mode(modes[0]), check)
            except RequestRejected as error:
                if not capabilities.drop_parameter(error.said, dropped):
                    if len(modes) == 1:
                        raise
                    del modes[0]
                continue
            if question.schema:
                capabilities.modes = (modes[0],)
            return result

    def _call(self, question: Question, check: Check | None) -> tuple[Completion, Endpoint]:
        """Return the completion in the reply to one request; and who answered.

        The tokens, which it may take, are reserved before each try. Status 408, 409, 429 and 5xx,
        time-outs (once) and broken connections are tried again.

        Raises EndpointError when the retries fail too, or a limit is reached; AnswerError when the
        endpoint rejects this request, or it is over a whole day's limit; Cancelled; and what
        check raises.
        """
        for attempt in count():
            self._wait_for_turn()
            # the slot first: what only waits for one would use up the budget of the others
            with (
                self.slots,
                self._reserve(question) as reservation,
                self._source.lease() as endpoint,
            ):
                try:
                    data = self._try_once(question, endpoint, reservation, check)
                    return read_completion(data), endpoint
                except (EndpointDown, RateLimited) as error:
                    failure = error
            self._wait_for_retry(failure, attempt)
        raise AssertionError("unreachable")

    def _try_once(
        self, question: Question, endpoint: Endpoint, reserved: Reservation, check: Check | None
    ) -> Any:
        """Return the JSON of the reply to one call; settle its reservation by what it used."""
        connection = self._connect(endpoint)
        if check:
            check()
        with self._lock:
            self._check_open()
            self.under_way += 1
        try:
            data = connection.send(self.capabilities.body_for(question, endpoint), reserved)
        except (CompanionError, RuntimeError):  # httpx2 raises that for a client just closed
            self._check_open()  # closed, so it was broken off
            raise
        finally:
            with self._lock:
                self.under_way -= 1
        usage = read_usage(data)
        reserved.settle(usage)
        with self._lock:
            self.usage += usage
        return data

    def _connect(self, endpoint: Endpoint) -> Connection:
        with self._lock:
            self._check_open()
            if self._connection is None or self._connection.endpoint != endpoint:
                # threads that wait on the old one keep it until the last has its reply
                self._connection = Connection(endpoint)
            return self._connection

    def _wait_for_turn(self) -> None:
        """Wait for as long as the endpoint takes no calls; another client may have been told."""
        self._check_open()
        while (seconds := self.capabilities.held_until - time.monotonic()) > 0:
            self._cancelled.wait(seconds)
            self._check_open()

    def _wait_for_retry(self, error: EndpointDown | RateLimited, attempt: int) -> None:
        """Wait until the call may be made again; raise the error if that would not help."""
        delay = _FIRST_DELAY * 2.0**attempt * random.uniform(0.75, 1.25)  # noqa: S311 (no secret)
        is_limited, is_slow = isinstance(error, RateLimited), getattr(error, "is_slow", False)
        delay = error.retry_after or delay * (_RATE_LIMITED if is_limited else 1)
        retries = min(self.retries, 1) if is_slow else self.retries
        if attempt >= retries or delay > _LONGEST_WAIT:
            raise error
        if is_limited:  # the other calls would be refused, too
            self.capabilities.held_until = time.monotonic() + delay
        self._cancelled.wait(delay)

    def _reserve(self, question: Question) -> Reservation:
        if self._budget is None:
            return Reservation()
        output_tokens = self.capabilities.output_limit(question, self.settings)
        return self._budget.reserve(question.estimate_tokens(), output_tokens)

    def _check_open(self) -> None:
        """Raise Cancelled when no further call may be made."""
        if self._is_stopped or self._cancelled.is_set():
            raise Cancelled("The work was stopped; nothing else was written")
