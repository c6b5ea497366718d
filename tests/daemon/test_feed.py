import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from companion.daemon.daemon import Daemon
from companion.enrich.workspace import open_workspace
from companion.store.proposals import Proposal
from tests.daemon.caller import Caller, make_request
from tests.daemon.conftest import Served, Serving
from tests.daemon.daemon_fixture import FILLED, STUB, DaemonFixture, eventually
from tests.store.stub_note import CALLOUT, DESCRIPTION

VALUE = Proposal("Stub.md", DESCRIPTION, "What a stub is.")


def wait(server: Serving[Any], number: int, seconds: int = 25) -> Any:
    """Return what the feed tells after a number, over a connection of its own."""
    with Caller(server.port) as caller:
        path = f"/api/v1/feed?after={number}&wait={seconds}"
        answer = caller.send(make_request("GET", path, server.headers))
    assert answer.status == 200
    return answer.json


def is_empty(news: dict[str, Any]) -> bool:
    return news["status"] is None and not (news["runs"] or news["proposals"] or news["changes"])


def test_tells_everything_first_and_then_what_is_new(server: Served) -> None:
    first = server.get("/feed").json
    assert first["is_whole"] and first["status"]["vault"] == server.daemon.root.name
    assert (first["proposals"], first["changes"]) == (None, None)
    again = server.get(f"/feed?after={first['number']}").json
    assert not again["is_whole"] and is_empty(again)
    [stored] = server.daemon.space.journal.proposals.add([VALUE])
    news = server.get(f"/feed?after={first['number']}").json
    assert (news["proposals"], news["changes"], news["is_whole"]) == ([stored.id], [], False)


def test_a_number_of_another_start_tells_everything(server: Served) -> None:
    number = server.get("/feed").json["number"]
    for after in (1, number - 10_000_000, number + 10_000_000):
        assert server.get(f"/feed?after={after}").json["is_whole"]


def test_answers_as_soon_as_there_is_something(server: Served) -> None:
    number = server.get("/feed").json["number"]
    with ThreadPoolExecutor() as others:
        answers = [others.submit(wait, server, number) for _ in range(3)]
        server.post("/pause")
        assert all(each.result(20)["status"]["paused"] for each in answers)


def test_is_quiet_while_nothing_changes(server: Served) -> None:
    number = server.get("/feed").json["number"]
    assert is_empty(wait(server, number, 2))


def test_tells_how_far_a_run_is(server: Served) -> None:
    number = server.get("/feed").json["number"]
    run = server.post("/runs", {"paths": ["Stub.md"]}).json["id"]
    news = wait(server, number)
    assert [each["id"] for each in news["runs"]] == [run]
    server.post(f"/runs/{run}/cancel")
    [told] = wait(server, news["number"])["runs"]
    assert told["state"] == "cancelled"


def test_a_transaction_that_waits_for_a_look_does_not_hang(server: Served) -> None:
    """A row is touched within a transaction, which a look at the status may wait for."""
    number = server.get("/feed").json["number"]
    stopped = threading.Event()

    def write() -> None:
        for turn in range(200):
            need = (DESCRIPTION, CALLOUT)[turn % 2]
            server.daemon.space.journal.proposals.add([replace(VALUE, need=need, value=str(turn))])
        stopped.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not stopped.is_set():
        number = wait(server, number, 1)["number"]
    writer.join(60)


@pytest.fixture
def api(daemon_fixture: DaemonFixture) -> Iterator[Serving[Daemon]]:
    daemon_fixture.settings["enabled"] = False
    daemon_fixture.note("Stub.md")
    served = Serving(daemon_fixture.start())
    yield served
    served.stop()


def test_tells_what_another_process_wrote(api: Serving[Daemon]) -> None:
    number = api.get("/feed").json["number"]
    with ThreadPoolExecutor() as others:
        answer = others.submit(wait, api, number)
        with open_workspace(None, api.daemon.root) as other:
            other.journal.proposals.add([VALUE])
        assert answer.result(20)["proposals"] is None


def test_a_window_is_told_the_edits_it_is_to_make(
    api: Serving[Daemon], daemon_fixture: DaemonFixture
) -> None:
    assert api.report_open("Stub.md") == []
    number = api.get("/feed").json["number"]
    run = api.post("/runs", {"paths": ["Stub.md"], "priority": "interactive"}).json["id"]
    edits: list[dict[str, Any]] = []
    while not edits:
        news = api.get(f"/feed?client=c&after={number}&wait=25").json
        number, edits = news["number"], news["edits"]
    [row] = edits
    assert (row["path"], row["run"], row["change"]) == ("Stub.md", run, None)
    assert api.get("/feed?client=another").json["edits"] == []
    offer = api.post(f"/outbox/{row['id']}/edits", {"text": STUB}).json["offer"]
    daemon_fixture.note("Stub.md", FILLED)
    hashes = {key: offer[key] for key in ("base_sha256", "new_sha256")}
    assert api.post(f"/outbox/{row['id']}/applied", hashes).status == 200
    eventually(lambda: api.get("/feed?client=c").json["edits"] == [])


def test_a_report_holds_while_its_client_reads_the_feed(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("companion.store.claims.REPORT_LASTS", 0.5)
    server.report_open("Stub.md")
    for _ in range(4):
        assert server.daemon.presence.is_open("Stub.md")
        server.get(f"/feed?client=c&after={server.get('/feed').json['number']}&wait=0")
        threading.Event().wait(0.3)
    threading.Event().wait(0.6)
    assert not server.daemon.presence.is_open("Stub.md")
    server.report_open()
    assert server.get("/feed?client=c").json["edits"] == []
