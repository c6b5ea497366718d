import socket
import threading
import time

import pytest

from companion.daemon.feed import CLIENTS
from companion.daemon.server import MAX_BODY, bind_port
from companion.errors import CompanionError
from tests.daemon.caller import JSON, Caller, make_request
from tests.daemon.conftest import Served
from tests.daemon.daemon_fixture import eventually

SLOW = [
    pytest.param(b"", id="nothing"),
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


def test_all_who_follow_the_feed_are_served_and_end_with_the_daemon(server: Served) -> None:
    number = server.get("/feed").json["number"]
    request = make_request("GET", f"/api/v1/feed?after={number}&wait=25", server.headers)
    statuses: list[int] = []

    def follow() -> None:
        with Caller(server.port) as caller:
            statuses.append(caller.send(request).status)

    threads = [threading.Thread(target=follow) for _ in range(CLIENTS)]
    for each in threads:
        each.start()
    eventually(lambda: not server.daemon.feed._places._value)
    assert server.get(f"/feed?after={number}&wait=25").status == 422  # too many
    assert server.get("/status").status == 200
    began = time.monotonic()
    server.stop()
    for each in threads:
        each.join(60)
    assert statuses == [200] * CLIENTS
    assert time.monotonic() - began < 20  # of the 25 seconds that they would have waited


def test_the_largest_body_is_taken_and_no_larger_one(server: Served) -> None:
    body = b"{}" + b" " * (MAX_BODY - 2)
    assert server.ask("POST", "/api/v1/pause", body, Content_Type=JSON).status == 200
    assert server.ask("POST", "/api/v1/pause", body + b" ", Content_Type=JSON).status == 413
    request = make_request("POST", "/api/v1/pause", server.headers | {"Content-Type": JSON})
    larger = request.replace(b"Content-Length: 0", f"Content-Length: {10 * MAX_BODY}".encode())
    assert server.send(larger).status == 413


def test_listens_on_loopback_only(server: Served) -> None:
    with pytest.raises(ConnectionError):
        socket.create_connection(("127.0.0.2", server.port), 2)


def test_says_that_a_port_is_in_use(server: Served) -> None:
    with pytest.raises(CompanionError) as refused:
        bind_port(server.port)
    assert f"port {server.port} is in use" in str(refused.value)
    assert "--port" in str(refused.value)


def test_two_cannot_bind_a_port_before_they_listen() -> None:
    with bind_port(0) as free:
        port = free.getsockname()[1]
    with bind_port(port), pytest.raises(CompanionError):
        bind_port(port)


def test_a_stopped_server_frees_its_port(server: Served) -> None:
    assert server.get("/status").status == 200
    server.stop()
    eventually(lambda: _is_free(server.port))


def _is_free(port: int) -> bool:
    try:
        bind_port(port).close()
    except CompanionError:
        return False
    return True
