import socket
import threading
from collections.abc import Iterator
from unittest.mock import Mock

import pytest

from companion.app.connection import Connection, DaemonGone, DaemonRefused
from companion.app.local_vault import LocalVault
from companion.app.types.base import Nothing
from companion.app.types.status import Status
from companion.daemon.http_server import bind_port
from companion.errors import CompanionError, EndpointError
from tests.daemon.conftest import Served, daemon_fixture, server

__all__ = ["daemon_fixture", "server"]


@pytest.fixture
def client(server: Served) -> Connection:
    return Connection(server.port, server.token)


def status(connection: Connection) -> Status:
    return connection.get("/status", Status)


def test_says_why_it_is_refused(
    server: Served, client: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_down = Mock(side_effect=EndpointError("the endpoint is down"))
    monkeypatch.setattr(LocalVault, "status", is_down)
    with pytest.raises(EndpointError, match="the endpoint is down"):
        status(client)
    with pytest.raises(DaemonRefused, match="does not open this daemon"):
        status(Connection(server.port, "other"))


def test_a_daemon_that_is_older_than_we_are_says_so(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("companion.app.connection.__version__", "1000.0.0")
    with pytest.raises(
        DaemonRefused, match=r"1000\.0\.0, is too new for Companion .* serve` again"
    ):
        status(Connection(server.port, server.token))


def test_a_body_over_the_limit_is_refused_in_words(client: Connection) -> None:
    with pytest.raises(CompanionError, match="1,048,576 bytes"):
        client.post("/runs", Nothing, {"text": "x" * 3_000_000})


def test_no_proxy_is_asked(
    server: Served, client: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert status(client).notes == 1


def test_nobody_there_is_said() -> None:
    with bind_port(0) as free:
        port = free.getsockname()[1]
    with pytest.raises(DaemonGone, match=f"port {port} does not answer"):
        status(Connection(port, "t"))


ANSWERS = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"SSH-2.0-OpenSSH\r\n", id="another protocol"),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", id="half an answer"),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", id="another server"),
    pytest.param(b"HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno", id="another server's error"),
    pytest.param(
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n",
        id="a redirect",
    ),
]


@pytest.fixture
def stranger() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.mark.parametrize("answer", ANSWERS)
def test_strangers_are_no_daemon(stranger: socket.socket, answer: bytes) -> None:
    def serve() -> None:
        line, _ = stranger.accept()
        with line:
            line.recv(65536)
            line.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    with pytest.raises(DaemonGone):
        status(Connection(stranger.getsockname()[1], "t"))
