"""Requests with an `Idempotency-Key`: what got no answer is asked again, and not done twice."""

import json
from contextlib import closing
from types import SimpleNamespace
from typing import Any

import pytest

from companion.daemon.daemon import Daemon
from companion.store import journal
from tests.daemon.caller import JSON, Answer, make_request
from tests.daemon.conftest import Serving
from tests.daemon.daemon_fixture import DaemonFixture, eventually
from tests.daemon.test_api_proposals import Api, api, ids_of, vault

__all__ = ["api", "vault"]


def send(api: Serving[Daemon], path: str, body: Any, key: str = "k1") -> Answer:
    data = json.dumps(body).encode()
    return api.ask("POST", f"/api/v1{path}", data, Content_Type=JSON, Idempotency_Key=key)


def test_a_decision_whose_answer_got_lost_is_not_made_twice(api: Api, vault: DaemonFixture) -> None:
    first, second = ids_of(api)
    body = {"accept": [{"id": first}]}
    headers = api.headers | {"Content-Type": JSON, "Idempotency-Key": "k1"}
    data = json.dumps(body).encode()
    with closing(api.open(make_request("POST", "/api/v1/proposals/decide", headers, data))):
        eventually(lambda: len(vault.changes()) == 1)
    eventually(lambda: send(api, "/proposals/decide", body).status == 200)
    [note] = send(api, "/proposals/decide", body).json["notes"]
    assert (note["status"], note["change"]) == ("enriched", vault.changes()[0].id)
    assert len(vault.changes()) == 1
    other = send(api, "/proposals/decide", {"accept": [{"id": second}]})
    assert (other.status, other.json["code"]) == (422, "key-reused")
    assert send(api, "/proposals/decide", {"accept": [{"id": second}]}, "k2").status == 200
    assert len(vault.changes()) == 2


def test_a_run_is_started_once_also_across_a_restart(api: Api, vault: DaemonFixture) -> None:
    body = {"paths": ["Stub.md"], "retry": True}
    first = send(api, "/runs", body)
    assert first.status == 202
    eventually(vault.is_idle)
    calls = vault.model.calls()
    api.stop()
    vault.stop()
    again = Serving(vault.start())
    try:
        answer = send(again, "/runs", body)
        assert (answer.status, answer.json) == (202, first.json)
        assert answer.headers["location"] == first.headers["location"]
        assert again.get("/runs").json["runs"] == [] and vault.model.calls() == calls
    finally:
        again.stop()


def test_what_was_interrupted_is_not_done_again_unasked(api: Api) -> None:
    keys = api.daemon.space.journal.request_keys
    [first, *_] = ids_of(api)
    wrong = {"refuse": [first], "nonsense": 1}
    assert send(api, "/proposals/decide", wrong).status == 422
    assert send(api, "/proposals/decide", {"refuse": [first]}).status == 200, "it was never begun"
    keys._db.select("UPDATE request_keys SET answer = NULL RETURNING key")
    answer = send(api, "/proposals/decide", {"refuse": [first]})
    assert (answer.status, answer.json["code"]) == (409, "outcome-unknown")
    assert send(api, "/proposals/decide", {"refuse": [first]}, "a b").status == 422


def test_keys_are_kept_for_a_day_and_only_so_many(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = api.daemon.space.journal.request_keys
    monkeypatch.setattr(journal, "_MOST_KEYS", 2)
    now = 1_790_000_000.0
    monkeypatch.setattr(journal, "time", SimpleNamespace(time=lambda: now))
    assert [keys.begin("a", "x") for _ in range(2)] == [None, ("x", None, True)]
    now += 1
    assert keys.begin("b", "x") is None
    keys.finish("b", "answer")
    now += 1
    assert keys.begin("c", "x") is None and keys.begin("b", "x") == ("x", "answer", False)
    now += 24 * 3600
    assert keys.begin("b", "x") is None


def test_the_answer_about_the_backlog_is_given_once(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.settings["backlog"] = "ask"
    daemon_fixture.note("Stub.md")
    server = Serving(daemon_fixture.start())
    daemon_fixture.rescan()
    try:
        answers = [send(server, "/backlog", {"fill": False, "notes": 1}) for _ in range(2)]
        assert [answer.status for answer in answers] == [200, 200]
        assert send(server, "/backlog", {"fill": False, "notes": 1}, "k2").status != 200
    finally:
        server.stop()
