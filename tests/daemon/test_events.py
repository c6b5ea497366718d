"""Events: what changes, told to whoever listens, without a thread of the server for each."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, NamedTuple, Self

import pytest

from companion.app.tokens import rotate_token
from companion.app.types.status import NewToken
from companion.config.settings import ReviewTable
from companion.daemon import events
from companion.daemon.daemon import Daemon
from tests.daemon.caller import make_request
from tests.daemon.conftest import Serving
from tests.daemon.daemon_fixture import DaemonFixture, eventually

_FRAME = re.compile(r"id: (\S+)\nevent: (\w+)\ndata: (.*)\n\n")


class Event(NamedTuple):
    id: str
    name: str
    data: Any


class Listener:
    """Somebody who listens to the events of a daemon."""

    def __init__(self, api: Serving[Daemon], query: str = "", **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = make_request("GET", f"/api/v1/events{query}", api.headers | named)
        self.line = api.open(request)
        self._read = self.line.makefile("rb")
        self.status = int(self._read.readline().split()[1])
        self.headers = dict(iter(self._read_header, ("", "")))
        self.events = self._read_events()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.line.close()

    def _read_events(self) -> Iterator[Event]:
        """Yield events until the stream ends, without the lines that only keep it open."""
        pings = 0
        while size := int(self._read.readline() or b"0", 16):
            text = self._read.read(size + 2).decode()
            pings = pings + 1 if text.startswith(":") else 0
            assert pings < 2, "there is nothing more to tell"
            for id_, name, data in _FRAME.findall(text):
                yield Event(id_, name, json.loads(data))

    def until(self, name: str, **members: Any) -> Event:
        """Return the next event of that name whose data has these members."""
        return next(
            event
            for event in self.events
            if event.name == name and members.items() <= event.data.items()
        )

    def _read_header(self) -> tuple[str, str]:
        name, _, value = self._read.readline().decode().rstrip("\r\n").partition(": ")
        return name.lower(), value


@pytest.fixture
def api(daemon_fixture: DaemonFixture) -> Iterator[Serving[Daemon]]:
    daemon_fixture.settings["settle_seconds"] = 3600.0
    daemon_fixture.review = ReviewTable(mode="propose")
    daemon_fixture.note("Stub.md")
    served = Serving(daemon_fixture.start())
    eventually(lambda: daemon_fixture.status().ready)
    yield served
    served.stop()


def test_tells_what_changes(api: Serving[Daemon], daemon_fixture: DaemonFixture) -> None:
    with Listener(api) as listener:
        assert (listener.status, listener.headers["content-type"]) == (200, "text/event-stream")
        assert listener.headers["cache-control"] == "no-store"
        first = listener.events
        assert [next(first).name for _ in range(3)] == ["reset", "runs", "status"]
        run = daemon_fixture.run("Stub.md")
        assert listener.until("proposals")
        assert listener.until("runs").data["runs"][0]["id"] == run.id
        api.post("/pause")
        assert listener.until("status", paused=True)
        ids = [each["id"] for each in api.get("/proposals").json["proposals"]]
        api.post("/proposals/decide", {"accept": [{"id": id_} for id_ in ids]})
        told = listener.until("proposals", open=0).data
        assert set(told["ids"]) <= set(ids)
        api.post("/presence", {"client": "c", "open": ["Stub.md"]})
        undone = api.post(f"/changes/{daemon_fixture.changes()[0].id}/undo").json
        assert listener.until("outbox").data == {"ids": [undone["waits"]]}


def test_runs_and_a_pause_are_told_at_once(
    api: Serving[Daemon], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "_LOOK", 3600.0)
    with Listener(api) as listener:
        assert listener.until("status")
        changes = api.post("/changes/undo-all?run=20260101-000000-0000").json
        assert listener.until("runs").data["runs"][0]["id"] == changes["id"]
        api.post("/pause")
        assert listener.until("status", paused=True)


FAULTY = ["_count_open", "_runs", "_status", "_add", "_greet", "_tell"]


@pytest.mark.parametrize("name", FAULTY)
def test_after_a_fault_of_ours_everybody_reads_everything_again(
    api: Serving[Daemon],
    daemon_fixture: DaemonFixture,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    monkeypatch.setattr(events, "_LOOK", 0.01)
    with Listener(api) as listener, monkeypatch.context() as broken:
        last = listener.until("status").id
        broken.setattr(api.daemon.events, name, fail)
        api.daemon.events.touch("proposals", 1)
        with Listener(api) as new:
            api.daemon.events.touch("proposals", 1)
            for _ in new.events:
                pass  # until its stream ends
        last = [last, *(each.id for each in listener.events)][-1]
    with Listener(api, Last_Event_ID=last) as listener:
        assert [next(listener.events).name for _ in range(3)] == ["reset", "runs", "status"]
        api.post("/pause")
        assert listener.until("status", paused=True)
    said = daemon_fixture.log.getvalue()
    assert "unexpected RuntimeError" in said and "Marker" not in said
    daemon_fixture.log.truncate(0)  # that line was looked for


def test_a_fault_that_lasts_is_logged_once(
    api: Serving[Daemon], daemon_fixture: DaemonFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "_LOOK", 0.01)
    monkeypatch.setattr(api.daemon.events, "_runs", fail)
    for _ in range(3):
        with Listener(api) as listener:
            assert [*listener.events] == []
    assert daemon_fixture.log.getvalue().count("unexpected RuntimeError") == 1
    daemon_fixture.log.truncate(0)  # that line was looked for


def fail(*_: object) -> Any:
    raise RuntimeError("Marker of a note's text")


def test_who_is_cut_off_early_begins_again(api: Serving[Daemon]) -> None:
    with Listener(api) as listener:
        first = [next(listener.events).id for _ in range(2)]
    for id_ in first:
        with Listener(api, Last_Event_ID=id_) as listener:
            assert [next(listener.events).name for _ in range(3)] == ["reset", "runs", "status"]


def test_who_was_away_gets_what_came_meanwhile(api: Serving[Daemon]) -> None:
    with Listener(api) as listener:
        last = listener.until("status").id
    api.post("/pause")
    with Listener(api, Last_Event_ID=last) as listener:
        event = next(listener.events)
        assert (event.name, event.data["paused"]) == ("status", True)
    with Listener(api, f"?after={last}&once=true") as listener:
        assert [each.name for each in listener.events] == ["status"]
    for unknown in (f"00000000-{last.partition('-')[2]}", f"{last[:8]}-999999"):
        with Listener(api, Last_Event_ID=unknown) as listener:
            assert next(listener.events).name == "reset"


def test_fifty_listeners_slow_nobody(api: Serving[Daemon]) -> None:
    """No thread is held: the same few answer, and none of their answers waits for another."""
    before = {each.name for each in threading.enumerate()}
    with ExitStack() as stack:
        listeners = [stack.enter_context(Listener(api)) for _ in range(50)]
        assert {each.name for each in threading.enumerate()} <= before
        for _ in range(20):
            assert api.get("/proposals").status == 200
        api.post("/pause")
        assert all(each.until("status", paused=True) for each in listeners)


def test_beyond_the_bound_a_stream_ends_with_its_first_event(
    api: Serving[Daemon], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "STREAMS", 1)
    with Listener(api) as stays:
        assert stays.until("status")  # its headers alone may come before it counts
        with Listener(api) as further:
            last = [*further.events][-1]
        assert last.name == "status"
        with Listener(api, Last_Event_ID=last.id) as again:
            api.post("/pause")
            assert [each.name for each in again.events] == ["status"]
        assert stays.until("status", paused=True)


def test_a_stream_ends_with_its_token_also_when_nothing_happens(api: Serving[Daemon]) -> None:
    for end in ("rotated", "revoked"):
        made = api.access.tokens.make(NewToken(name="watcher"))
        with Listener(api, Authorization=f"Bearer {made.token}") as listener:
            assert listener.until("status")
            if end == "rotated":
                api.token = rotate_token()
            else:
                api.post(f"/tokens/{made.id}/revoke")
            assert [*listener.events] == []


def test_a_client_that_reads_nothing_is_let_go(api: Serving[Daemon]) -> None:
    with api.open(make_request("GET", "/api/v1/events", api.headers)):
        eventually(lambda: len(api.daemon.events._listeners) == 1)
        stream = api.daemon.events._listeners[0].stream
        sent = [stream.write(b"x" * 1_000_000) for _ in range(20)]
        assert sent[0] and not sent[-1]


def test_only_the_owner_may_listen(api: Serving[Daemon]) -> None:
    assert Listener(api, Authorization="Bearer x").status == 401
    assert Listener(api, "?after=x").status == 422
