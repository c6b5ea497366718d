"""The HTTP server: waitress, on the loopback interface alone.

It reads requests in one loop before it passes them to a thread, so slow clients occupy no thread.
"""

from __future__ import annotations

import errno
import logging
import os
import socket
import threading
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from waitress import create_server
from werkzeug.wsgi import ClosingIterator

from companion.daemon.feed import CLIENTS
from companion.errors import CompanionError, UsageError

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MAX_BODY = 1024 * 1024  # bytes of a request
_HOST = "127.0.0.1"
_THREADS = CLIENTS + 8  # those that follow the feed wait in a thread
_CONNECTIONS = 200
_MAX_HEADER = 16 * 1024  # bytes of the request line and all headers
_REQUEST_LASTS = 30  # seconds that a connection may be idle
_ENDS = 2.0  # seconds that answers in progress have to finish when the server stops


class Server:
    """The server of an application on a port that bind_port() bound."""

    def __init__(self, app: WSGIApplication, listener: socket.socket) -> None:
        self._app = app
        self._answering = 0
        self._changed = threading.Condition()
        self._is_stopped = False
        self._server = create_server(
            self._answer,
            sockets=[listener],
            threads=_THREADS,
            connection_limit=_CONNECTIONS,
            channel_timeout=_REQUEST_LASTS,
            channel_request_lookahead=1,  # else a waiting client's disconnect is not noticed
            max_request_header_size=_MAX_HEADER,
            max_request_body_size=MAX_BODY + 1,  # waitress refuses a body of exactly this size
            ident=None,
            log_socket_errors=False,
        )
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)

    def run(self) -> None:
        """Answer requests until stop() is called and all connections are closed."""
        with suppress(OSError):  # the listener is closed while it is waited for
            self._server.run()

    def stop(self) -> None:
        """Take no more requests, and wait at most two seconds for answers in progress."""
        with self._changed:
            self._is_stopped = True
            self._changed.wait_for(lambda: not self._answering, _ENDS)
        self._server.close()

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        with self._changed:
            if self._is_stopped:
                start_response("503 Service Unavailable", [("Connection", "close")])
                return []
            self._answering += 1
        try:
            return ClosingIterator(self._app(environ, start_response), self._finish)
        except BaseException:
            self._finish()
            raise

    def _finish(self) -> None:
        with self._changed:
            self._answering -= 1
            self._changed.notify_all()


def bind_port(port: int) -> socket.socket:
    """Return a socket bound to the port on 127.0.0.1; port 0: any free port.

    Raises CompanionError if it is in use, UsageError if it may not be used.
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
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise CompanionError(
                f"port {port} is in use by another program; stop that, or choose another port "
                "with --port (0: any free one)"
            ) from None
        why = error.strerror or error
        raise UsageError(f"port {port} cannot be used ({why}); choose one with --port") from None
    return listener
