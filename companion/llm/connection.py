"""One request to an endpoint by the package openai, and what is wrong with its reply.

Nothing that the package reads from the environment (OPENAI_API_KEY, OPENAI_CUSTOM_HEADERS,
OPENAI_LOG and others) has an effect.
"""

from __future__ import annotations

import logging
import re
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl
from weakref import WeakSet

from companion import __version__
from companion.errors import UsageError
from companion.llm.answers import parse_json
from companion.llm.budget import Reservation
from companion.llm.endpoint import Endpoint
from companion.llm.errors import connection_error, error_for_status, hide_secrets, timeout_error

if TYPE_CHECKING:
    import httpx2

_CONNECT_TIMEOUT = 10.0  # seconds
_UNSENT = ("ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError")  # of httpx2
_PAID_STATUSES = (408, 502, 503, 504)  # the model may have answered
_HEADERS = {
    "accept": "application/json",
    "accept-encoding": "identity",
    "content-type": "application/json",
    "user-agent": f"callout-companion/{__version__}",
}
# how Google and Groq say in an error's message how long to wait
_WAIT = re.compile(r'(?:try again|retry) in ([\d.]+) ?s|"retryDelay": ?"([\d.]+)s"')


class Connection:
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
        """Return the JSON of the reply; None if it is not JSON. Raises as Client.ask does."""
        import httpx2
        import openai

        reservation.sent = True
        endpoint = self.endpoint
        try:
            # as the package's README asks for more than it knows: no models are built, or refused
            reply = self._client.post("/chat/completions", cast_to=httpx2.Response, body=body)
        except openai.APIConnectionError as error:  # or its APITimeoutError
            reservation.sent = type(error.__cause__).__name__ not in _UNSENT
            if isinstance(error, openai.APITimeoutError):
                raise timeout_error(endpoint) from None
            raise connection_error(endpoint, str(error.__cause__ or error)) from None
        except openai.APIStatusError as error:
            reservation.sent = error.status_code in _PAID_STATUSES
            text, wait = error.response.text, _read_wait(error.response)
            said = parse_json(text) or text
            raise error_for_status(error.status_code, said, endpoint, wait) from None
        data = parse_json(reply.text)
        if data is None and reply.text.lstrip().startswith("<"):
            raise error_for_status(200, reply.text, endpoint)
        if isinstance(data, dict) and (fault := data.get("error")):
            reservation.sent = False
            code = str(fault.get("code")) if isinstance(fault, dict) else ""
            status = int(code) if re.fullmatch(r"[45]\d\d", code, re.ASCII) else 200
            raise error_for_status(status, data, endpoint)
        return data

    def close(self) -> None:
        """Break off the calls in progress, and close the connections."""
        for stream in list(self._streams):
            sock = stream.get_extra_info("socket")
            if isinstance(sock, socket.socket):
                with suppress(OSError):  # threads that wait on it return at once
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)
        with suppress(RuntimeError, ValueError, OSError):  # calls end while it closes
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


def _read_wait(reply: httpx2.Response) -> float | None:
    """Return the seconds to wait, by Retry-After (RFC 9110, 10.2.3) or the message, if any."""
    with suppress(ValueError):
        return max(0.0, float(reply.headers.get("retry-after", "")))
    stated = _WAIT.search(reply.text)
    return float(stated[1] or stated[2]) if stated else None
