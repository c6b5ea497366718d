"""Calls to an endpoint by the package openai, made again where that may help, under a budget.

Our loop makes the calls again, not the package's, so that privacy, budget and pace are checked
before each. The package takes half a second to load, which happens with the first call. Nothing
that it reads from the environment (OPENAI_API_KEY, OPENAI_CUSTOM_HEADERS, OPENAI_LOG and others)
has an effect.
"""

from __future__ import annotations

import json
import logging
import random
import re
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from email.utils import parsedate_to_datetime
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl
from weakref import WeakSet

from companion import __version__
from companion.errors import CompanionError, UsageError
from companion.llm.answers import Usage, read_usage, remove_surrogates
from companion.llm.budget import Budget, Reservation
from companion.llm.endpoint import Endpoint
from companion.llm.errors import (
    Cancelled,
    EndpointDown,
    RateLimited,
    connection_error,
    error_for_status,
    hide_secrets,
    timeout_error,
)

if TYPE_CHECKING:
    import httpx2

RETRIES = 3  # further calls after a failed one
_FIRST_DELAY = 0.5  # seconds between the first two calls, doubled for each further one
_LONGEST_WAIT = 60.0  # seconds; where a server asks for more, there is no retry
_CONNECT_TIMEOUT = 10.0  # seconds
_UNSENT = ("ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError")  # of httpx2
_PAID_STATUSES = (408, 502, 503, 504)  # the model may have answered
_HEADERS = {
    "accept": "application/json",
    "accept-encoding": "identity",
    "content-type": "application/json",
    "user-agent": f"callout-companion/{__version__}",
}
_MINUTE = 60.5  # seconds; a call counts from when it arrives
# how Google and Groq say in an error's message how long to wait
_WAIT = re.compile(r'(?:try again|retry) in ([\d.]+) ?s|"retryDelay": ?"([\d.]+)s"')

Check = Callable[[], None]
"""Called right before a call goes out; raises the reason not to make it."""

MakeBody = Callable[[Endpoint], Mapping[str, Any]]
"""Returns the body of a request to that endpoint."""


class EndpointSource(Protocol):
    """Lends an endpoint for the duration of a call, and starts it first if necessary.

    An Endpoint is one, too: it already runs, elsewhere or on this machine.
    """

    @property
    def settings(self) -> Endpoint:
        """The endpoint's settings. Address and key are valid only if it need not be started."""

    def lease(self) -> AbstractContextManager[Endpoint]:
        """Lend the endpoint for one call. Raises EndpointError when it cannot be started."""


class Caller:
    """Calls one endpoint, and retries where that may help. Safe to use from any thread.

    Setting `cancelled` ends all waiting; close() also breaks off calls in progress. budget: counts
    and limits what the calls use; it is left open. retries: further calls after a failed one.
    usage: of all calls so far. slots: held during each call, so that callers can share a number.
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
        self.under_way = 0  # calls that were sent, and have no reply yet
        self._source = source
        self._cancelled = cancelled or threading.Event()
        self._budget = budget
        self._is_stopped = False
        self._lock = threading.Lock()
        self._connection: _Connection | None = None

    @property
    def settings(self) -> Endpoint:
        """The settings of the endpoint, as they are now."""
        return self._source.settings

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

    def call(
        self, make_body: MakeBody, input_tokens: int, output_tokens: int, check: Check | None = None
    ) -> tuple[Any, Endpoint]:
        """Return the JSON of the reply to a request, None if it is not JSON; and who answered.

        The tokens, which it may take, are reserved before each try. Status 408, 409, 429, 498 and
        5xx, time-outs (once) and broken connections are tried again.

        Raises EndpointError when the retries fail too, or a limit is reached; AnswerError when the
        endpoint rejects this request, or it is over a whole day's limit; Cancelled; and what
        check raises.
        """
        for attempt in count():
            self._wait_for_turn()
            # the slot first: what only waits for one would use up the budget of the others
            with (
                self.slots,
                self._reserve(input_tokens, output_tokens) as reservation,
                self._source.lease() as endpoint,
            ):
                try:
                    return self._try_once(make_body, endpoint, reservation, check), endpoint
                except (EndpointDown, RateLimited) as error:
                    failure = error
            self._wait_for_retry(failure, attempt)
        raise AssertionError("unreachable")

    def _try_once(
        self, make_body: MakeBody, endpoint: Endpoint, reserved: Reservation, check: Check | None
    ) -> Any:
        """Return the JSON of the reply to one call; settle its reservation by what it used."""
        connection = self._connect(endpoint)
        if check:
            check()
        with self._lock:
            self._check_open()
            self.under_way += 1
        try:
            data = connection.send(make_body(endpoint), reserved)
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

    def _connect(self, endpoint: Endpoint) -> _Connection:
        with self._lock:
            self._check_open()
            if self._connection is None or self._connection.endpoint != endpoint:
                # threads that wait on the old one keep it until the last has its reply
                self._connection = _Connection(endpoint)
            return self._connection

    def _wait_for_turn(self) -> None:
        self._check_open()
        settings = self.settings
        while not settings.embedded and (seconds := pace_of(settings).take()):
            self._cancelled.wait(seconds)
            self._check_open()

    def _wait_for_retry(self, error: EndpointDown | RateLimited, attempt: int) -> None:
        """Wait until the call may be made again; raise the error if that would not help."""
        wait, retries = error.retry_after or 0.0, self.retries
        if isinstance(error, EndpointDown) and error.is_slow:
            retries = min(retries, 1)
        if isinstance(error, RateLimited) and 0 < wait <= _LONGEST_WAIT:
            pace_of(self.settings).hold(wait)  # the other calls would be refused, too
        if attempt >= retries or wait > _LONGEST_WAIT:
            raise error
        jitter = random.uniform(0.75, 1.25)  # noqa: S311 (no secret)
        self._cancelled.wait(max(wait, _FIRST_DELAY * 2.0**attempt * jitter))

    def _reserve(self, input_tokens: int, output_tokens: int) -> Reservation:
        if self._budget is None:
            return Reservation()
        return self._budget.reserve(input_tokens, output_tokens)

    def _check_open(self) -> None:
        """Raise Cancelled when no further call may be made."""
        if self._is_stopped or self._cancelled.is_set():
            raise Cancelled("The work was stopped; nothing else was written")


class _Connection:
    """The package's client for one endpoint; calls in progress can be broken off.

    Raises UsageError if the address, a proxy or the certificates cannot be used.
    """

    def __init__(self, endpoint: Endpoint) -> None:
        import openai

        for name in ("openai", "httpx2"):  # OPENAI_LOG would print the prompts
            logging.getLogger(name).setLevel(logging.WARNING)
        self.endpoint = endpoint
        self._streams: WeakSet[Any] = WeakSet()
        try:
            http = openai.DefaultHttpxClient(
                trust_env=not endpoint.is_local,  # proxies, and SSL_CERT_FILE
                follow_redirects=False,
                event_hooks={"request": [self._prepare]},
            )
            self._client = openai.OpenAI(
                api_key=endpoint.key or "none",
                admin_api_key="",
                organization="",
                project="",
                webhook_secret="",
                base_url=endpoint.parts._replace(query="", fragment="").geturl(),
                default_query=dict(parse_qsl(endpoint.parts.query)),
                http_client=http,
                timeout=openai.Timeout(endpoint.timeout, connect=_CONNECT_TIMEOUT),
                max_retries=0,
            )
        except Exception as error:  # httpx2's for an address, ssl's, the one for a SOCKS proxy
            said = hide_secrets(str(error), endpoint)
            raise UsageError(
                f"{endpoint.address} cannot be asked: its address, the proxy (HTTPS_PROXY,"
                f" HTTP_PROXY, ALL_PROXY) or SSL_CERT_FILE is not valid ({said}); correct that"
            ) from None

    def send(self, body: Mapping[str, Any], reservation: Reservation) -> Any:
        """Return the JSON of the reply; None if it is not JSON. Raises as Caller.call does."""
        import httpx2
        import openai

        reservation.sent = True
        endpoint = self.endpoint
        try:
            # as the package's README asks for more than it knows: no models are built, or refused
            reply = self._client.post("/chat/completions", cast_to=httpx2.Response, body=body)
            data = _read_json(reply.text)
        except openai.APITimeoutError as error:
            reservation.sent = type(error.__cause__).__name__ not in _UNSENT
            raise timeout_error(endpoint) from None
        except openai.APIConnectionError as error:
            reservation.sent = type(error.__cause__).__name__ not in _UNSENT
            raise connection_error(endpoint, str(error.__cause__ or error)) from None
        except openai.APIStatusError as error:
            status, wait = error.status_code, _read_wait(error)
            reservation.sent = status in _PAID_STATUSES
            data = _read_json(error.response.text)
            raise error_for_status(status, data, endpoint, wait) from None
        if isinstance(data, str):
            if data.lstrip().startswith("<"):
                raise error_for_status(200, data, endpoint)
            return None
        if status := _find_status(data):
            reservation.settle(read_usage(data) if read_usage(data).input_tokens else Usage())
            raise error_for_status(status, data, endpoint)
        return data

    def close(self) -> None:
        """Break off the calls in progress, and close the connections."""
        for stream in list(self._streams):
            sock = stream.get_extra_info("socket")
            if isinstance(sock, socket.socket):
                with suppress(OSError):  # threads that wait on it return at once
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)
        self._client.close()

    def _prepare(self, request: httpx2.Request) -> None:
        """Send our own headers alone, and follow the request's connection."""
        endpoint, headers = self.endpoint, dict(_HEADERS)
        for name in ("content-length", "authorization"):
            if name in request.headers:
                headers[name] = request.headers[name]
        if endpoint.key:
            headers["authorization"] = f"Bearer {endpoint.key}"
        elif not endpoint.parts.username:  # else httpx2 has set it
            headers.pop("authorization", None)
        headers["host"] = request.url.netloc.decode()
        request.headers = type(request.headers)(headers)
        request.extensions["trace"] = self._trace

    def _trace(self, event: str, info: dict[str, Any]) -> None:
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._streams.add(info["return_value"])


def _read_json(text: str) -> Any:
    """Return the JSON value of text, without lone surrogates; text itself if it is none."""
    try:
        return remove_surrogates(json.loads(text))
    except (ValueError, RecursionError):
        return text


def _find_status(data: Any) -> int:
    """Return the status of an error that a gateway sends in a reply of status 200; 0: none.

    It is 200 if it does not say. OpenRouter has it in its only choice if the model's provider fails
    midway.
    """
    if not isinstance(data, dict):
        return 0
    choices = data.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    in_choice = choice.get("error") if isinstance(choice, dict) else None
    error = in_choice or data.get("error")
    if not error or (isinstance(choice, dict) and choice.get("finish_reason") == "stop"):
        return 0
    data["error"] = error  # where messages are looked for
    code = str(error.get("code")) if isinstance(error, dict) else ""
    return int(code) if re.fullmatch(r"[45]\d\d", code, re.ASCII) else 502 if choice else 200


def _read_wait(error: Any) -> float | None:
    """Return the seconds to wait, by Retry-After (RFC 9110, 10.2.3) or the message, if any."""
    value = error.response.headers.get("retry-after", "").strip()
    if value:
        with suppress(ValueError):
            return max(0.0, float(value))
        with suppress(ValueError, TypeError, OverflowError):
            return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    stated = _WAIT.search(error.response.text)
    return float(stated[1] or stated[2]) if stated else None


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
