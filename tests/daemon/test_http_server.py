import socket

import pytest

from companion.daemon import http_server
from companion.daemon.http_server import PortInUse, bind_port
from companion.errors import UsageError
from tests.daemon.caller import JSON, make_request
from tests.daemon.conftest import Served


@pytest.fixture
def one_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request has one second to come in."""
    monkeypatch.setattr(http_server, "_REQUEST_LASTS", 1)
    monkeypatch.setattr(http_server, "_CLEANS_UP", 0)


SLOW = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"G", id="a byte"),
    pytest.param(b"GET /api/v1/status HTTP/1.1\r\nHost: 127.0.0.1", id="half a header"),
    pytest.param(
        b"POST /api/v1/pause HTTP/1.1\r\nContent-Type: application/json\r\n"
        b"Content-Length: 1000\r\n\r\n{",
        id="half a body",
    ),
]


@pytest.mark.parametrize("data", SLOW)
def test_slow_clients_hold_nobody_up(server: Served, data: bytes) -> None:
    lines = [server.open(data) for _ in range(50)]
    assert server.get("/status").status == 200
    assert server.post("/pause").status == 200
    for line in lines:
        line.close()


@pytest.mark.parametrize("data", SLOW)
def test_connections_held_open_keep_nobody_out(server: Served, data: bytes) -> None:
    lines = [server.open(data) for _ in range(400)]
    with server.open() as other:  # one that comes after them
        other.sendall(make_request("GET", "/healthz", server.headers | {"Connection": "close"}))
        assert other.recv(65536).startswith(b"HTTP/1.1 200")
    assert server.get("/status").status == 200
    for line in lines:
        line.close()


def test_those_in_use_are_kept(server: Served) -> None:
    assert server.get("/status").status == 200
    used = server._socket
    lines = [server.open(b"G") for _ in range(400)]
    assert server.get("/status").status == 200
    assert server._socket is used
    for line in lines:
        line.close()


STRANGERS = [
    pytest.param({"Authorization": "Bearer wrong"}, 401, id="token"),
    pytest.param({"Host": "evil.example"}, 421, id="host"),
    pytest.param({"Origin": "https://evil.example"}, 403, id="origin"),
    pytest.param({"Content-Type": "text/plain"}, 415, id="no JSON"),
]


@pytest.mark.parametrize(("headers", "status"), STRANGERS)
def test_the_body_of_a_stranger_is_not_waited_for(
    server: Served, headers: dict[str, str], status: int
) -> None:
    named = server.headers | {"Content-Type": JSON} | headers
    request = make_request("POST", "/api/v1/pause", named)
    with server.open(request.replace(b"Length: 0", b"Length: 1000000")) as line:
        got = b"".join(iter(lambda: line.recv(65536), b""))  # until it is closed
    assert got.startswith(f"HTTP/1.1 {status} ".encode())
    assert got.count(b"HTTP/1.1") == 1
    assert not server.get("/status").json["paused"]


def test_rest_of_a_body_that_was_refused_is_no_request(server: Served) -> None:
    named = server.headers | {"Content-Type": JSON}
    refused = make_request("POST", "/api/v1/pause", named | {"Authorization": "Bearer wrong"})
    inner = make_request("POST", "/api/v1/pause", named, b"{}")
    with server.open(refused.replace(b"Length: 0", b"Length: 1000000") + inner) as line:
        got = b"".join(iter(lambda: line.recv(65536), b""))
    assert got.count(b"HTTP/1.1") == 1
    assert not server.get("/status").json["paused"]


def test_a_slow_request_is_given_up(one_second: None, server: Served) -> None:
    request = make_request("POST", "/api/v1/pause", server.headers | {"Content-Type": JSON})
    assert _drip(server.open(), request + b" " * 200) < len(request) + 200


def test_a_quick_client_is_not_given_up(one_second: None, server: Served) -> None:
    for _ in range(3):
        assert server.get("/status").status == 200


def test_pipelined_requests_are_answered_in_order(server: Served) -> None:
    headers = server.headers
    last = make_request("GET", "/nowhere", headers | {"Connection": "close"})
    requests = make_request("GET", "/healthz", headers) * 3 + last
    with server.open(requests) as line:
        got = b"".join(iter(lambda: line.recv(65536), b""))
    assert [part[:3] for part in got.split(b"HTTP/1.1 ")[1:]] == [b"200"] * 3 + [b"404"]


def test_listens_on_loopback_only(server: Served) -> None:
    with pytest.raises(OSError), socket.socket() as other:
        other.bind(("127.0.0.1", server.port))
    with pytest.raises(ConnectionError):
        socket.create_connection(("127.0.0.2", server.port), 2)


def test_says_that_a_port_is_in_use(server: Served) -> None:
    with pytest.raises(PortInUse) as refused:
        bind_port(server.port)
    assert f"port {server.port} is in use" in str(refused.value)
    assert "--port" in str(refused.value)


def test_two_cannot_bind_a_port_before_they_listen() -> None:
    with bind_port(0) as free:
        port = free.getsockname()[1]
    with bind_port(port), pytest.raises(PortInUse):
        bind_port(port)


@pytest.mark.parametrize("port", [-1, 65_536])
def test_refuses_what_is_no_port(port: int) -> None:
    with pytest.raises(UsageError, match="--port"):
        bind_port(port)


def test_a_stopped_server_frees_its_port(server: Served) -> None:
    assert server.get("/status").status == 200
    server.stop()
    bind_port(server.port).close()


def test_it_ends_at_once(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its loop sleeps an hour, and is woken."""
    monkeypatch.setattr(http_server, "_LOOP", 3600.0)
    for _ in range(20):
        Served(server.daemon).stop()


def _drip(line: socket.socket, data: bytes) -> int:
    """Return how many bytes went out, one by one, before the server closed the connection."""
    line.settimeout(0.05)
    for sent, byte in enumerate(data):
        try:
            line.sendall(bytes([byte]))
            if line.recv(1) == b"":
                return sent
        except TimeoutError:
            continue
        except OSError:
            return sent
    return len(data)
