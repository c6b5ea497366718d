"""Somebody who speaks HTTP to a server, byte by byte if need be."""

import json
import socket
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

TIMEOUT = 60.0  # seconds; the server itself waits up to 25 for a scan or an event
JSON = "application/json"


class Answer(NamedTuple):
    """An answer. headers: by their names in lower case; repeated ones joined with a comma."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body's JSON."""
        return json.loads(self.body)


SECURITY = {
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


def assert_is_problem(answer: Answer, status: int) -> None:
    assert answer.status == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert_is_secured(answer)
    problem = answer.json
    assert problem["status"] == status
    assert problem["title"] and problem["detail"] and problem["type"] and problem["code"]


def assert_is_secured(answer: Answer) -> None:
    for name, value in SECURITY.items():
        assert answer.headers.get(name) == value
    assert not [name for name in answer.headers if name.startswith("access-control-")]
    assert not {"server", "via", "x-powered-by"} & set(answer.headers)


class Caller:
    """Sends raw requests over one connection, opened again when the server closes it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._socket: socket.socket | None = None

    def send(self, request: bytes, *, has_body: bool = True) -> Answer:
        """Return the answer to the bytes of a request. has_body: False for HEAD."""
        for attempt in (1, 2):
            try:
                line = self._connection()
                line.sendall(request)
                return self._receive(line, has_body)
            except (BrokenPipeError, ConnectionResetError, _Closed):
                self.close()
                if attempt == 2:
                    raise
        raise AssertionError("unreachable")

    def open(self, data: bytes = b"") -> socket.socket:
        """Return a connection of its own, with data sent over it."""
        line = socket.create_connection(("127.0.0.1", self.port), TIMEOUT)
        line.sendall(data)
        return line

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connection(self) -> socket.socket:
        if self._socket is None:
            self._socket = self.open()
        return self._socket

    def _receive(self, line: socket.socket, has_body: bool) -> Answer:
        data = b""
        while b"\r\n\r\n" not in data:
            data += _more(line)
        head, _, body = data.partition(b"\r\n\r\n")
        first, *rest = head.decode("latin-1").split("\r\n")
        headers: dict[str, str] = {}
        for name, _, value in (line.partition(": ") for line in rest):
            known = headers.get(name.lower())
            headers[name.lower()] = value if known is None else f"{known}, {value}"
        if "transfer-encoding" in headers:  # it goes on, and nobody waits for its end
            self.close()
            return Answer(int(first.split(" ")[1]), headers, b"")
        length = int(headers.get("content-length", 0)) if has_body else 0
        while len(body) < length:
            body += _more(line)
        if headers.get("connection", "").lower() == "close":
            self.close()
        assert len(body) == length, "more came than Content-Length says"
        return Answer(int(first.split(" ")[1]), headers, body)


def make_request(
    method: str, target: str, headers: Mapping[str, str | list[str]], body: bytes = b""
) -> bytes:
    """Return the bytes of a request; a list of values repeats its header."""
    lines = [f"{method} {target} HTTP/1.1"]
    for name, values in headers.items():
        lines += [f"{name}: {value}" for value in ([values] if isinstance(values, str) else values)]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


class _Closed(Exception):
    """The server closed the connection without an answer."""


def _more(line: socket.socket) -> bytes:
    if not (data := line.recv(65536)):
        raise _Closed
    return data
