"""The HTTP transport of calls to an endpoint, without leaking keys or headers.

For batches it lends the openai package's client. Anything that this reads from the environment
(OPENAI_API_KEY, OPENAI_ORG_ID, OPENAI_PROJECT_ID, OPENAI_CUSTOM_HEADERS, OPENAI_LOG and others) has
no effect: all requests pass `_GuardedClient`, which sends our own headers and no others. Slow to
import (0.1 s, for httpx2), and the openai package 0.5 s more.
"""

from __future__ import annotations

import json
import logging
import socket
import ssl
import time
from base64 import b64encode
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass
from weakref import WeakSet

import httpx2

from companion import __version__
from companion.errors import UsageError
from companion.llm.endpoint import Endpoint
from companion.llm.endpoint_errors import CallFailed, ErrorReply, unusable_answer_error
from companion.llm.response import Reply

if TYPE_CHECKING:
    from openai import OpenAI

MAX_ANSWER = 1024 * 1024  # bytes
_UNSENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
_CONNECT_TIMEOUT = 10.0  # seconds
_IDLE = 5.0  # seconds that a connection is kept without a call
_IGNORE_ENVIRONMENT: dict[str, Any] = {  # what the package would read there by default
    "api_key": "set by the guard",
    "admin_api_key": "",
    "organization": "",
    "project": "",
    "webhook_secret": "",
}
# whose deployments take a key in a header of its own: learn.microsoft.com/azure/ai-foundry/openai
_AZURE = (".openai.azure.com", ".cognitiveservices.azure.com", ".services.ai.azure.com")
_JWT = "eyJ"  # begins a token of Microsoft Entra ID, which goes into the usual header
_ALLOWED_HEADERS = frozenset((b"host", b"content-type", b"content-length", b"accept"))


class Transport:
    """The connections to one endpoint. Safe to use from any thread.

    max_answer: bytes of a reply. Raises UsageError if the address cannot be that of a server.
    """

    def __init__(self, endpoint: Endpoint, max_answer: int = MAX_ANSWER) -> None:
        self.endpoint = endpoint
        _find_url(endpoint.base_url or "", "")  # before any call
        self._http = _GuardedClient(endpoint, max_answer)

    def post(self, body: dict[str, Any], path: str = "/chat/completions") -> Reply:
        """Return the reply to a request, whatever its status. path: of the API that is asked.

        Its body is left as bytes. The openai package would build typed objects of it, which doubles
        the CPU time of the call, and reject what lenient servers send.

        Raises CallFailed when no reply comes in time, AnswerError when it is over 1 MiB.
        """
        request = httpx2.Request(
            "POST",
            _find_url(self.endpoint.base_url or "", path),
            content=json.dumps(body, ensure_ascii=False, allow_nan=False).encode(),
            headers=_JSON_HEADERS,
            extensions={"timeout": self._http.timeout.as_dict()},
        )
        try:
            return _read_reply(self._http.send(request))
        except httpx2.RequestError as error:
            raise self._failure_of(error) from None

    @contextmanager
    def client(self, retries: int) -> Iterator[OpenAI]:
        """Lend the openai package's client over these connections, for a few calls.

        Raises CallFailed; ErrorReply if the status is an error, after the retries.
        """
        import openai

        # On import the package applies OPENAI_LOG, which would print the prompts to stderr.
        logging.getLogger("openai").setLevel(logging.WARNING)
        client = openai.OpenAI(
            **_IGNORE_ENVIRONMENT,
            base_url=self.endpoint.parts._replace(query="", fragment="").geturl(),
            default_query=dict(parse_qsl(self.endpoint.parts.query)),
            http_client=self._http,
            timeout=self._http.timeout,
            max_retries=retries,
        )
        client._custom_headers = {}  # of OPENAI_CUSTOM_HEADERS, which may name another host
        try:
            yield client
        except openai.APIConnectionError as error:
            raise self._failure_of(error.__cause__ or error) from None
        except openai.APIStatusError as error:
            raise ErrorReply(_read_reply(error.response), error.request.url.path) from None

    def _failure_of(self, error: BaseException) -> CallFailed:
        """Return what the error says about a call that got no reply."""
        sent = not isinstance(error, _UNSENT)
        if isinstance(error, httpx2.TimeoutException):
            slow = not isinstance(error, httpx2.ConnectTimeout)
            return CallFailed("no connection in 10 seconds", slow=slow, sent=sent)
        proxy = self._http.proxy
        through = f"through the proxy {proxy.url.host}:{proxy.url.port}: " if proxy else ""
        return CallFailed(f"{through}{error}", sent=sent)

    def close(self) -> None:
        """Break off the calls in progress, which raise CallFailed, and close the connections."""
        self._http.close()


def _read_reply(response: httpx2.Response) -> Reply:
    headers = {name.lower(): value for name, value in response.headers.items()}
    sent_at = response.request.extensions.get("sent_at")
    return Reply(response.status_code, headers, response.content, sent_at)


@lru_cache(maxsize=16)  # each call asks
def _find_url(base_url: str, path: str) -> httpx2.URL:
    """Return the address of a path below the base URL, with this one's query.

    Raises UsageError if it cannot be that of a server.
    """
    parts = urlsplit(base_url)  # without line breaks and tabs
    path = f"{parts.path.rstrip('/')}{path}"
    try:
        url = httpx2.URL(parts._replace(path=path, fragment="").geturl())
        url.raw_host.decode().encode("idna")  # as socket does
    except (httpx2.InvalidURL, UnicodeError) as error:
        raise UsageError(
            f"the endpoint's base URL is not a valid address ({error}); correct it, as in"
            " http://localhost:11434/v1"
        ) from None
    return url


_JSON_HEADERS = httpx2.Headers({"accept": "application/json", "content-type": "application/json"})


class _GuardedClient(httpx2.Client):
    """Sends our own headers only, limits the size and time of a reply, and can break calls off.

    proxy: that the calls go through. There are no redirects, cookies or logins to handle.
    """

    def __init__(self, endpoint: Endpoint, max_answer: int) -> None:
        super().__init__(
            transport=httpx2.BaseTransport(),
            trust_env=False,
            timeout=httpx2.Timeout(endpoint.timeout, connect=_CONNECT_TIMEOUT),
        )
        self._endpoint = endpoint
        self._max_answer = max_answer
        self.proxy = _proxy_for(endpoint)
        self._connect = partial(
            httpx2.HTTPTransport,
            verify=_ssl_context_for(endpoint, self.proxy),
            limits=httpx2.Limits(max_connections=1, keepalive_expiry=_IDLE),
            proxy=self.proxy,
        )
        self._idle: deque[tuple[float, httpx2.HTTPTransport]] = deque()
        own_headers = {
            "accept-encoding": "identity",
            "user-agent": f"callout-companion/{__version__}",
        }
        host = endpoint.parts.hostname or ""
        if endpoint.key and host.endswith(_AZURE) and not endpoint.key.startswith(_JWT):
            own_headers["api-key"] = endpoint.key
        elif endpoint.key:
            own_headers["authorization"] = f"Bearer {endpoint.key}"
        elif endpoint.parts.username:
            login = f"{unquote(endpoint.parts.username)}:{unquote(endpoint.parts.password or '')}"
            own_headers["authorization"] = f"Basic {b64encode(login.encode()).decode()}"
        self._own_headers = httpx2.Headers(own_headers).raw
        self._streams: WeakSet[Any] = WeakSet()

    def send(self, request: httpx2.Request, **_: object) -> httpx2.Response:
        """Return the response, its body read."""
        if self.is_closed:
            raise httpx2.ConnectError("the connections were closed")
        deadline = time.monotonic() + self._endpoint.timeout
        headers = [each for each in request.headers.raw if each[0].lower() in _ALLOWED_HEADERS]
        request.headers = httpx2.Headers([*headers, *self._own_headers])

        def trace(event: str, info: dict[str, Any]) -> None:
            if event == "http11.send_request_body.complete":
                request.extensions = {**request.extensions, "sent_at": time.monotonic()}
            elif event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
                self._streams.add(info["return_value"])  # for close() to break off

        request.extensions = {**request.extensions, "trace": trace}
        with (
            self._lend_connection() as connection,
            closing(connection.handle_request(request)) as response,
        ):
            body = b"".join(self._read(response, deadline))
        return httpx2.Response(
            response.status_code, headers=response.headers, content=body, request=request
        )

    @contextmanager
    def _lend_connection(self) -> Iterator[httpx2.HTTPTransport]:
        """Lend the connection that was used last.

        Each is a pool of its own, because one shared pool would search all of them twice for each
        call.
        """
        try:
            _, connection = self._idle.pop()
        except IndexError:
            connection = self._connect()
        try:
            yield connection
        finally:
            self._idle.append((time.monotonic(), connection))
            self._close_idle(time.monotonic() - _IDLE)

    def _close_idle(self, before: float) -> None:
        """Close the connections that were used last before that; all if this is closed."""
        with suppress(IndexError):  # another thread took it
            while self.is_closed or self._idle[0][0] < before:
                self._idle.popleft()[1].close()

    def _read(self, response: httpx2.Response, deadline: float) -> Iterator[bytes]:
        """Yield the body, up to so many bytes and until the deadline. Raises AnswerError."""
        if response.headers.get("content-encoding", "identity") != "identity":
            reason = "is compressed, although plain text was asked for"
            raise unusable_answer_error(self._endpoint, reason)
        size = 0
        for chunk in response.iter_raw():
            size += len(chunk)
            if size > self._max_answer:
                limit = f"{self._max_answer // 1024 // 1024} MiB"
                raise unusable_answer_error(self._endpoint, f"is longer than {limit}")
            if time.monotonic() > deadline:
                raise httpx2.ReadTimeout("the answer came too slowly")
            yield chunk

    def close(self) -> None:
        """Break off the calls in progress, and close the connections."""
        super().close()  # first: a call that starts now fails as one that was broken off
        for stream in list(self._streams):
            sock = stream.get_extra_info("socket")
            if isinstance(sock, socket.socket):
                with suppress(OSError):  # threads that wait on it return at once
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)
        self._close_idle(0.0)


def _proxy_for(endpoint: Endpoint) -> httpx2.Proxy | None:
    """Return the system's proxy for the endpoint; None for one on this machine."""
    parts = endpoint.parts
    if endpoint.is_local or proxy_bypass(parts.hostname or ""):
        return None
    proxies = getproxies()
    url = proxies.get(parts.scheme) or proxies.get("all")
    if not url:
        return None
    try:
        proxy = httpx2.Proxy(url if "://" in url else f"http://{url}")
    except ValueError:
        proxy = None
    if proxy is None or proxy.url.scheme not in ("http", "https"):
        raise UsageError(
            f"The proxy for {endpoint.address} is not an http or https address;"
            " correct HTTPS_PROXY, HTTP_PROXY or ALL_PROXY, or name the host in NO_PROXY"
        )
    return proxy


def _ssl_context_for(endpoint: Endpoint, proxy: httpx2.Proxy | None) -> ssl.SSLContext:
    """Return the certificates to trust: the system's, or those that SSL_CERT_FILE names."""
    is_encrypted = bool(proxy) or endpoint.parts.scheme == "https"
    try:
        return httpx2.create_ssl_context(verify=is_encrypted)
    except OSError as error:
        raise UsageError(
            f"The certificates for {endpoint.address} cannot be read ({error.strerror}); correct"
            " SSL_CERT_FILE"
        ) from None
