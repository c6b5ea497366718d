"""The HTTP server: waitress, hardened against any program that may connect to a loopback port.

waitress is pure Python and has no dependencies. It reads requests in one loop before it passes them
to a thread, so slow clients occupy no thread, and neither do answers that stay open. Only this
module uses names that waitress does not document; pyproject.toml pins its version for that.
"""

from __future__ import annotations

import errno
import logging
import os
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from waitress import wasyncore
from waitress.channel import ClientDisconnected, HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import create_server
from waitress.task import ErrorTask, WSGITask
from waitress.utilities import Error

from companion.app.problem import PROBLEM_JSON, http_problem
from companion.daemon.guard import MAX_BODY, SECURITY, Guard
from companion.errors import CompanionError, UsageError

HAND_OVER = "companion.hand_over"
"""In the WSGI environment: a function that returns the Stream which sends the rest of the body,
once the headers are sent; it takes whether the request's token is still valid. It occupies no
thread.
"""

_HOST = "127.0.0.1"
_THREADS = 8  # half of them may wait for results, see companion.daemon.api.vault_routes
_CONNECTIONS = 150  # of more, the oldest one without an answer so far is closed
_MAX_CONNECTIONS = 200  # while others are being closed; beyond, none is accepted
_MAX_HEADER = 16 * 1024  # bytes of the request line and all headers
_SMALL_BODY = 16 * 1024  # bytes; a larger body is read only if the headers are accepted
_REQUEST_LASTS = 30  # seconds that a request may take to arrive, or a connection be idle
_CLEANS_UP = 5  # seconds between two checks for connections that exceed this
_UNREAD = 256 * 1024  # bytes that a stream's client may be behind
_LOOP = 1.0  # seconds that the loop sleeps at most
_ENDS = 3.0  # seconds that answers in progress have to finish when the server stops


class PortInUse(CompanionError):
    """Another program is listening on the port."""


class Server:
    """The server on a port that bind_port() bound. It answers while run() is running."""

    def __init__(self, app: Guard, listener: socket.socket) -> None:
        self._map: dict[int, Any] = {}
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._server = create_server(
            app,
            map=self._map,
            sockets=[listener],
            threads=_THREADS,
            connection_limit=_MAX_CONNECTIONS,
            channel_timeout=_REQUEST_LASTS,
            cleanup_interval=_CLEANS_UP,
            channel_request_lookahead=1,  # else a waiting client's disconnect is not noticed
            max_request_header_size=_MAX_HEADER,
            max_request_body_size=MAX_BODY + 1,  # waitress also refuses a body of exactly this size
            ident=None,
            log_socket_errors=False,
        )
        self._server.channel_class = partial(_Channel, app.may_send_body)
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)

    def run(self) -> None:
        """Answer requests until stop() is called; then finish answers in progress, and close."""
        while not self._stopping.is_set():
            self._turn(_LOOP)
        self._woken.wait()  # what stop() writes to is closed below
        self._server.accepting = False
        self._server.task_dispatcher.shutdown(timeout=_ENDS)
        self._turn(0)
        wasyncore.close_all(self._map)

    def stop(self) -> None:
        """Make run() return soon. Safe to call from any thread, and from a signal handler."""
        if not self._stopping.is_set():
            self._stopping.set()  # first: the loop checks it when it is woken
            self._server.pull_trigger()
            self._woken.set()

    def _turn(self, timeout: float) -> None:
        wasyncore.loop(timeout=timeout, use_poll=True, map=self._map, count=1)


def bind_port(port: int) -> socket.socket:
    """Return a socket bound to the port on 127.0.0.1; port 0: any free port.

    Raises PortInUse, and UsageError if the port may not be used.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name == "nt":  # its SO_REUSEADDR would let a second server take the same port
        listener.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_EXCLUSIVEADDRUSE"), 1)  # noqa: B009
    else:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((_HOST, port))
        if port:  # on Linux two sockets may bind a port as long as neither listens
            listener.listen()
    except (OSError, OverflowError) as error:
        listener.close()
        if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
            raise PortInUse(
                f"port {port} is in use by another program; stop that, or choose another port "
                "with --port (0: any free one)"
            ) from None
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"port {port} cannot be used ({why}); choose one with --port") from None
    return listener


class _LengthRequired(Error):  # type: ignore[misc]  # waitress has no types
    code = 411
    reason = "Length Required"


class _Parser(HTTPRequestParser):  # type: ignore[misc]
    """Reads a request. A chunked body is refused, since its length is unknown.

    may_send_body: whether a request with these headers (a WSGI environment) is accepted. If not,
    it is answered without reading a large body, and the connection is closed.
    """

    error: Error | None

    def __init__(self, adj: Any, may_send_body: Callable[[dict[str, Any]], bool]) -> None:
        super().__init__(adj)
        self._may_send_body = may_send_body
        self._is_judged = False

    def received(self, data: bytes) -> int:
        is_refused = False
        taken: int = super().received(data)
        if self.chunked or "TRANSFER_ENCODING" in self.headers:
            self.error = self.error or _LengthRequired("")
            self.completed = True
        if self.headers_finished and not (self.completed or self._is_judged):
            self._is_judged = True
            # the part of the WSGI environment that is checked before the body is read
            bare = ("CONTENT_LENGTH", "CONTENT_TYPE")  # without a prefix, by PEP 3333
            named = {k if k in bare else f"HTTP_{k}": value for k, value in self.headers.items()}
            named |= {"REQUEST_URI": self.request_uri, "REQUEST_METHOD": self.command.upper()}
            if self.content_length > _SMALL_BODY and not self._may_send_body(named):
                self.headers["CONNECTION"] = "close"  # what follows is the body, no request
                self.completed = is_refused = True
        if self.error or is_refused:
            self.expect_continue = False  # else waitress would still ask for the body
        return taken


class _ErrorTask(ErrorTask):  # type: ignore[misc]
    """Answers a malformed request with a problem, and with the headers of every answer."""

    def execute(self) -> None:
        error = self.request.error
        body = http_problem(error.code, _DETAILS.get(error.code, _DETAILS[400])).dump()
        self.status = f"{error.code} {error.reason}"
        self.response_headers += [("Content-Type", PROBLEM_JSON), *SECURITY]
        self.set_close_on_finish()
        self.content_length = len(body)
        self.write(body)


class Stream:
    """The body of an answer that stays open, in chunks, after the thread that began it is free.

    once: whether it ends with the next write. is_allowed: returns whether the request's token is
    still valid. begin: called once its headers are sent.
    """

    def __init__(self, task: _Task, is_allowed: Callable[[], bool]) -> None:
        self.once = False
        self.is_allowed = is_allowed
        self.begin: Callable[[], object] = bool
        self._task = task

    def write(self, data: bytes) -> bool:
        """Send data, without waiting; return whether the client is still there and keeps up."""
        channel = self._task.channel
        if channel.total_outbufs_len > _UNREAD:
            channel.will_close = True
            channel.server.pull_trigger()
            return False
        try:
            self._task.write(data)
        except (ClientDisconnected, OSError):  # it has left, or the server has ended
            return False
        return True

    def end(self) -> None:
        """End the answer."""
        channel = self._task.channel
        with suppress(ClientDisconnected, OSError):
            if self._task.chunked_response:
                channel.write_soon(b"0\r\n\r\n")
            channel.close_when_flushed = True
            channel.server.pull_trigger()


class _Task(WSGITask):  # type: ignore[misc]
    """Answers a request; the body of one that was handed over continues in a stream."""

    stream: Stream | None = None

    def get_environment(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environment()
        environ[HAND_OVER] = self._hand_over
        return environ

    def _hand_over(self, is_allowed: Callable[[], bool]) -> Stream:
        self.stream = Stream(self, is_allowed)
        return self.stream

    def finish(self) -> None:
        if self.stream is None or not self.status.startswith("200"):
            super().finish()
            return
        if not self.wrote_header:
            self.write(b"")
        self.close_on_finish = False
        self.channel.is_stream = True
        self.stream.begin()


class _Channel(HTTPChannel):  # type: ignore[misc]
    """A connection. Bytes of an incomplete request do not keep it alive.

    If there are too many connections, a new one closes the oldest one without an answer so far, so
    connections held open do not lock out others.
    """

    error_task_class = _ErrorTask
    task_class = _Task
    last_activity: float
    is_answered = False
    is_stream = False  # its answer stays open, and it takes no further request

    def __init__(
        self, may_send_body: Callable[[dict[str, Any]], bool], server: Any, *facts: Any, **more: Any
    ) -> None:
        super().__init__(server, *facts, **more)
        self._may_send_body = may_send_body
        others = [one for one in server.active_channels.values() if one is not self]
        idle = [one for one in others if not (one.requests or one.will_close)]
        if idle and len(others) >= _CONNECTIONS:
            min(idle, key=lambda one: (one.is_answered, one.last_activity)).will_close = True

    def parser_class(self, adj: Any) -> _Parser:
        """Return the parser of a request; waitress calls this as if it were the class."""
        return _Parser(adj, self._may_send_body)

    def service(self) -> None:
        self.is_answered = True
        super().service()

    def received(self, data: bytes) -> bool:
        if self.is_stream:
            return False
        read: bool = super().received(data)
        return read

    def handle_write(self) -> None:
        if not self.is_stream:
            super().handle_write()
            return
        with self.outbuf_lock:  # which waitress takes only while a thread answers
            super().handle_write()

    def handle_read(self) -> None:
        before = self.last_activity if self.request is not None else None
        super().handle_read()
        if before is not None and self.request is not None:
            self.last_activity = before


_DETAILS = {
    400: "This HTTP request cannot be read.",
    411: "A body needs a Content-Length; it is not taken in chunks.",
    413: f"A body has at most {MAX_BODY:,} bytes.",
    431: f"The request line and headers have at most {_MAX_HEADER:,} bytes.",
    500: "Companion failed here; its log says where.",
    501: "This way of sending a body is not supported.",
}
