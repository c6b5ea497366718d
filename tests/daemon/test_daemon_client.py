from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from companion.app.connection import DaemonGone, DaemonRefused
from companion.app.types.results import NoteResult
from companion.daemon.client_runs import RunRequest
from companion.daemon.daemon_client import DaemonClient
from companion.daemon.http_server import bind_port
from companion.daemon.work_queue import Priority
from companion.enrich.selection import JobOptions
from companion.errors import CompanionError, EndpointError, UsageError
from tests.daemon.conftest import Served
from tests.daemon.fake_daemon import make_result


@pytest.fixture
def client(server: Served) -> DaemonClient:
    return DaemonClient(server.port, server.token)


def test_follows_a_run_to_its_end(server: Served, client: DaemonClient) -> None:
    request = RunRequest(
        ["Stub.md", "Left.md"], JobOptions(every=True), Priority.INTERACTIVE, agreed=True
    )
    run = client.start_run(request)
    kept = server.daemon.runs.get(run.id)
    assert kept is not None and kept.request == request
    followed = client.follow(run.id, diff=True)
    kept.add(make_result("Stub.md"))
    result = next(followed)
    assert result.counted
    expected = NoteResult.of(make_result("Stub.md"), diff=result.diff)
    assert result.model_dump(include={*NoteResult.model_fields}) == expected.model_dump()
    assert result.diff and result.diff.endswith("-description:\n+description: Yes.\n ---\n")
    kept.add(make_result("Left.md"))
    assert [one.path for one in followed] == ["Left.md"]
    ended = client.run(run.id)
    assert (ended.state, ended.counts, ended.usage.input_tokens) == ("done", {"enriched": 2}, 20)


def test_follows_more_than_one_answer_holds(server: Served, client: DaemonClient) -> None:
    server.daemon.works_at_once = True
    run = client.start_run(RunRequest(["Stub.md"] * 450))
    assert sum(1 for _ in client.follow(run.id)) == 450


def test_follows_without_the_daemon_holding_back(server: Served, client: DaemonClient) -> None:
    server.closing.set()
    run = client.start_run(RunRequest(["Stub.md"]))
    kept = server.daemon.runs.get(run.id)
    assert kept is not None
    threading.Timer(0.1, kept.add, [make_result("Stub.md")]).start()
    assert [one.path for one in client.follow(run.id)] == ["Stub.md"]


def test_asks_for_the_rest(server: Served, client: DaemonClient) -> None:
    run = client.start_run(RunRequest([""], JobOptions(limit=1), stops_on_fault=True))
    assert client.cancel(run.id).state == "cancelled"


def test_says_why_it_is_refused(server: Served, client: DaemonClient) -> None:
    with pytest.raises(UsageError, match=r"there is no Nowhere\.md"):
        client.start_run(RunRequest(["Nowhere.md"]))
    with pytest.raises(DaemonRefused, match="body/paths/0: a path is relative to the vault"):
        client.start_run(RunRequest(["../x.md"]))
    server.daemon.fails_with = EndpointError("the endpoint is down")
    with pytest.raises(EndpointError, match="the endpoint is down"):
        client.status()
    with pytest.raises(DaemonRefused, match="does not open this daemon"):
        DaemonClient(server.port, "other").status()


def test_a_daemon_that_is_older_than_we_are_says_so(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("companion.app.connection.__version__", "1000.0.0")
    with pytest.raises(
        DaemonRefused, match=r"1000\.0\.0, is too new for Companion .* serve` again"
    ):
        DaemonClient(server.port, server.token).status()


def test_a_body_over_the_limit_is_refused_in_words(client: DaemonClient) -> None:
    with pytest.raises(CompanionError, match="1,048,576 bytes"):
        client.start_run(RunRequest(["Stub.md"], text="x" * 3_000_000))


def test_no_proxy_is_asked(
    server: Served, client: DaemonClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert client.status().notes == 5


def test_nobody_there_is_said() -> None:
    with bind_port(0) as free:
        port = free.getsockname()[1]
    with pytest.raises(DaemonGone, match=f"port {port} does not answer"):
        DaemonClient(port, "t").status()


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
        DaemonClient(stranger.getsockname()[1], "t").status()
