"""The HTTP transport: requests to one endpoint, without leaking keys or headers.

The only module that imports httpx2, which takes 0.1 s. A call is sent as httpx2's transport takes
it: its client and the openai package, which do the same with more comfort, took 1.1 ms of
processor time more for each, about a seventh of what a note takes. All requests pass
`_GuardedTransport`, which sends our own headers and no others.
"""

from __future__ import annotations

import json
import socket
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass
from weakref import WeakSet

import httpx2

from companion import __version__
from companion.errors import UsageError
from companion.llm.endpoint import Endpoint
from companion.llm.endpoint_errors import CallFailed, unusable_answer_error
from companion.llm.response import Reply

MAX_ANSWER = 1024 * 1024  # bytes
_UNSENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
_CONNECT_TIMEOUT = 10.0  # seconds
_CONNECTIONS = 256
_JSON = {"accept": "application/json", "content-type": "application/json"}
_ALLOWED_HEADERS = ("host", "content-type", "content-length", "accept")


class Transport:
    """The connections to one endpoint. Safe for threads. max_answer: bytes of a reply."""

    def __init__(self, endpoint: Endpoint, max_answer: int = MAX_ANSWER) -> None:
        self.endpoint = endpoint
        self._guard = _GuardedTransport(endpoint, max_answer)
        self._timeout = httpx2.Timeout(endpoint.timeout, connect=_CONNECT_TIMEOUT)
        self._http = httpx2.Client(
            transport=self._guard,
            trust_env=False,
            follow_redirects=False,
            timeout=self._timeout,
        )
        self._url_of = cache(self._make_url)

    def post(self, body: dict[str, Any], path: str = "/chat/completions") -> Reply:
        """Return the reply to a request, whatever its status. path: of the API that is asked.

        Raises CallFailed when no reply comes in time, AnswerError when it is over 1 MiB.
        """
        if self._http.is_closed:
            raise CallFailed("the connections were closed", sent=False)
        try:
            return self._guard.post(self._url_of(path), body, self._timeout)
        except httpx2.TimeoutException as error:
            slow, sent = (
                not isinstance(error, httpx2.ConnectTimeout),
                not isinstance(error, _UNSENT),
            )
            raise CallFailed("no connection in 10 seconds", slow=slow, sent=sent) from None
        except httpx2.TransportError as error:
            sent = not isinstance(error, _UNSENT)
            raise CallFailed(str(error) or type(error).__name__, sent=sent) from None

    def request(
        self,
        method: str,
        path: str,
        *,
        body: dict[str, Any] | None = None,
        query: dict[str, str] | None = None,
        form: dict[str, str] | None = None,
        file: tuple[str, bytes] | None = None,
    ) -> Reply:
        """Return the reply to a request of any kind, whatever its status.

        form, file: of a multipart form, the file with its name.

        Raises CallFailed when no reply comes in time, AnswerError when it is too long.
        """
        parts = urlsplit(self.endpoint.base_url)
        url = parts._replace(path=parts.path.rstrip("/") + path, fragment="").geturl()
        try:
            response = self._http.request(
                method,
                url,
                json=body,
                params={**dict(parse_qsl(parts.query)), **(query or {})},
                data=form,
                files=file and {"file": (*file, "application/jsonl")},
            )
        except httpx2.TransportError as error:
            sent = not isinstance(error, _UNSENT)
            raise CallFailed(str(error) or type(error).__name__, sent=sent) from None
        return _read_reply(response)

    def close(self) -> None:
        """Break off the calls under way, which raise CallFailed, and close the connections."""
        self._guard.break_off()
        self._http.close()

    def _make_url(self, path: str) -> httpx2.URL:
        """Return the address of that path of the API, with the query of the endpoint's."""
        parts = urlsplit(self.endpoint.base_url)
        plain = parts._replace(path=parts.path.rstrip("/") + path, query="", fragment="")
        return httpx2.URL(plain.geturl(), params=dict(parse_qsl(parts.query)) or None)


def _read_reply(response: httpx2.Response) -> Reply:
    return Reply(response.status_code, _lowercase(response.headers), response.content)


def _lowercase(headers: httpx2.Headers) -> dict[str, str]:
    """Return the headers by name. As their items are, but for 0.1 ms a reply."""
    found: dict[str, str] = {}
    for raw_name, raw_value in headers.raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


class _GuardedTransport(httpx2.BaseTransport):
    """Sends our own headers only, limits the size and time of a reply, and can break calls off."""

    def __init__(self, endpoint: Endpoint, max_answer: int) -> None:
        self._endpoint = endpoint
        self._max_answer = max_answer
        proxy = _proxy_for(endpoint)
        self._inner = httpx2.HTTPTransport(
            verify=bool(proxy) or endpoint.base_url.startswith("https:"),
            trust_env=not endpoint.is_local,
            limits=httpx2.Limits(
                max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS
            ),
            proxy=proxy,
        )
        self._streams: WeakSet[Any] = WeakSet()
        self._headers = {
            "accept-encoding": "identity",
            "user-agent": f"callout-companion/{__version__}",
            **_authorization(endpoint),
        }

    def post(self, url: httpx2.URL, body: dict[str, Any], timeout: httpx2.Timeout) -> Reply:
        """Return the reply to a question, read to its end."""
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        request = httpx2.Request(
            "POST",
            url,
            headers={**_JSON, **self._headers},
            content=text.encode("utf-8"),
            extensions={"timeout": timeout.as_dict()},
        )
        response, parts = self._exchange(request)
        try:
            return Reply(response.status_code, _lowercase(response.headers), b"".join(parts))
        finally:
            response.close()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        headers = {
            name: request.headers[name] for name in _ALLOWED_HEADERS if name in request.headers
        }
        request.headers = httpx2.Headers({**headers, **self._headers})
        response, parts = self._exchange(request)
        return httpx2.Response(
            response.status_code,
            headers=response.headers,
            stream=parts,
            extensions=response.extensions,
        )

    def _exchange(self, request: httpx2.Request) -> tuple[httpx2.Response, _LimitedBody]:
        """Return the response to the request, and its body, which is yet to be read."""
        deadline = time.monotonic() + self._endpoint.timeout
        request.extensions = {**request.extensions, "trace": self._remember_stream}
        response = self._inner.handle_request(request)
        if response.headers.get("content-encoding", "identity") != "identity":
            response.close()
            raise unusable_answer_error(
                self._endpoint, "is compressed, although plain text was asked for"
            )
        return response, _LimitedBody(response, self._endpoint, deadline, self._max_answer)

    def _remember_stream(self, event: str, info: dict[str, Any]) -> None:
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._streams.add(info["return_value"])

    def break_off(self) -> None:
        """Shut the sockets down, so that threads waiting on them return at once."""
        for stream in list(self._streams):
            sock = stream.get_extra_info("socket")
            if isinstance(sock, socket.socket):
                with suppress(OSError):
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)

    def close(self) -> None:
        self._inner.close()


class _LimitedBody(httpx2.SyncByteStream):
    """The body of a reply, up to so many bytes and until the deadline."""

    def __init__(
        self, response: httpx2.Response, endpoint: Endpoint, deadline: float, most: int
    ) -> None:
        self._most = most
        self._response = response
        self._endpoint = endpoint
        self._deadline = deadline

    def __iter__(self) -> Iterator[bytes]:
        size = 0
        for chunk in self._response.iter_raw():
            size += len(chunk)
            if size > self._most:
                limit = f"{self._most // 1024 // 1024} MiB"
                raise unusable_answer_error(self._endpoint, f"is longer than {limit}")
            if time.monotonic() > self._deadline:
                raise httpx2.ReadTimeout("the answer came too slowly")
            yield chunk

    def close(self) -> None:
        self._response.close()


def _authorization(endpoint: Endpoint) -> dict[str, str]:
    """Return the header that says who asks: by the key, else by a user name in the base URL."""
    if endpoint.api_key:
        return {"authorization": f"Bearer {endpoint.api_key}"}
    parts = urlsplit(endpoint.base_url)
    if not (parts.username or parts.password):
        return {}
    named = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return {"authorization": f"Basic {b64encode(named.encode('utf-8')).decode('ascii')}"}


def _proxy_for(endpoint: Endpoint) -> httpx2.Proxy | None:
    """Return the proxy of the system's settings for the endpoint; None for one on this machine."""
    parts = urlsplit(endpoint.base_url)
    if endpoint.is_local or proxy_bypass(parts.hostname or ""):
        return None
    proxies = getproxies()
    url = proxies.get(parts.scheme) or proxies.get("all")
    if not url:
        return None
    try:
        return httpx2.Proxy(url if "://" in url else f"http://{url}")
    except ValueError:
        raise UsageError(
            f"The proxy for {endpoint.address} is not an http or https address;"
            " correct HTTPS_PROXY or HTTP_PROXY, or name the host in NO_PROXY"
        ) from None
