import json
from pathlib import Path
from typing import Any

import pytest

from companion.app.types.runs import NoteResult
from companion.enrich.job import Result
from companion.llm.answers import Usage
from companion.store.proposals import Proposal
from tests.daemon.caller import assert_is_problem
from tests.daemon.conftest import Served, Serving
from tests.daemon.daemon_fixture import STUB, DaemonFixture, eventually
from tests.store.stub_note import DESCRIPTION

ANSWERS = Path(__file__).parents[2] / "obsidian-plugin/tests/host/answers.json"
VARYING = {
    "version": "0.3.0",
    "pid": 4711,
    "started_at": "2026-01-01T08:00:00Z",
    "made_at": "2026-01-01T12:00:00Z",
    "endpoint": "http://127.0.0.1:1/v1",
    "id": "run1",
    "run": "run1",
}


def start(server: Served, **options: Any) -> str:
    answer = server.post("/runs", {"paths": ["Stub.md"], **options})
    assert answer.status == 200
    return str(answer.json["id"])


def make_result(path: str, diff: str | None = None) -> NoteResult:
    """Return the result of a note that was enriched."""
    filled = Proposal(path, DESCRIPTION, "Yes.", remark="shortened", id=7)
    result = Result(
        path,
        "enriched",
        filled=(filled,),
        unfilled=("aliases: left",),
        usage=Usage(10, 5, 1),
        old="---\ndescription:\n---\n",
        new="---\ndescription: Yes.\n---\n",
        change=3,
    )
    return NoteResult.of(result, diff=diff)


def test_follows_a_run(server: Served) -> None:
    run = server.daemon.runs.get(start(server, diff=True))
    assert run is not None
    before = server.get(f"/runs/{run.id}").json
    assert (before["results"], before["next"]) == ([], 0)
    server.results.put(make_result("Stub.md", "a diff"))
    eventually(lambda: run.is_over)
    after = server.get(f"/runs/{run.id}?since=0").json
    assert (after["state"], after["next"], after["counts"]) == ("done", 1, {"enriched": 1})
    assert after["results"] == [
        {
            "counted": True,
            "path": "Stub.md",
            "status": "enriched",
            "reason": None,
            "changes": [
                {
                    "kind": "description",
                    "heading": None,
                    "reason": "empty description",
                    "text": "Yes.",
                    "remark": "shortened",
                }
            ],
            "left": ["aliases: left"],
            "usage": {"input_tokens": 10, "output_tokens": 5, "calls": 1},
            "change": 3,
            "ends_run": False,
            "proposals": [7],
            "decided": [],
            "undone": None,
            "diff": "a diff",
        }
    ]
    assert server.get(f"/runs/{run.id}?since=1").json["results"] == []
    [told] = server.get("/feed").json["runs"]
    assert told["id"] == run.id and "results" not in told


def test_long_runs_come_in_pieces(server: Served) -> None:
    run = server.daemon.runs.get(start(server))
    assert run is not None
    run.total = 450
    for _ in range(450):
        server.results.put(make_result("Stub.md"))
    eventually(lambda: run.is_over)
    pieces, since = [], 0
    while since < 450:
        since = server.get(f"/runs/{run.id}?since={since}").json["next"]
        pieces.append(since)
    assert pieces == [200, 400, 450]


def test_cancels_a_run(server: Served) -> None:
    run = start(server)
    server.post(f"/runs/{run}/cancel")
    eventually(lambda: server.get(f"/runs/{run}").json["state"] == "cancelled")
    assert server.post(f"/runs/{run}/cancel").json["state"] == "cancelled"


ORDERS = {
    "no paths": ({}, "paths"),
    "none": ({"paths": []}, "paths"),
    "not a list": ({"paths": "Stub.md"}, "paths"),
    "too many": ({"paths": ["a.md"] * 10_001}, "paths"),
    "null": ({"paths": [None]}, "paths"),
    "a number for yes": ({"paths": ["a"], "all": 1}, "all"),
    "a word for yes": ({"paths": ["a"], "all": "true"}, "all"),
    "a word for agreed": ({"paths": ["a"], "agreed": "yes"}, "agreed"),
    "limit": ({"paths": ["a"], "limit": 0}, "limit"),
    "a fraction": ({"paths": ["a"], "limit": 1.5}, "limit"),
    "yes for a number": ({"paths": ["a"], "limit": True}, "limit"),
    "section": ({"paths": ["a"], "section": ""}, "section"),
    "line": ({"paths": ["a"], "section": 0}, "section"),
    "priority": ({"paths": ["a"], "priority": 0}, "priority"),
    "mode": ({"paths": ["a"], "mode": "force"}, "mode"),
    "unknown": ({"paths": ["a"], "dry-run": True}, "dry-run"),
}


def test_refuses_orders(server: Served) -> None:
    for label, (body, where) in ORDERS.items():
        answer = server.post("/runs", body or b"{}")
        assert answer.status == 422, label
        assert_is_problem(answer, 422)
        assert {error["where"].split("/")[0] for error in answer.json["errors"]} == {where}, label
    assert list(server.daemon.runs.values()) == []


def test_unknown_runs_are_not_found(server: Served) -> None:
    assert_is_problem(server.get("/runs/none"), 404)
    assert_is_problem(server.post("/runs/none/cancel"), 404)


def test_the_plugin_is_tested_with_the_answers_of_today(daemon_fixture: DaemonFixture) -> None:
    """Its fake daemon answers as this one does."""
    daemon_fixture.settings["settle_seconds"] = 3600.0
    daemon_fixture.note("Stub.md")
    served = Serving(daemon_fixture.start())
    try:
        eventually(lambda: daemon_fixture.status().background.waiting)
        status = served.get("/status").json
        run = served.get(f"/runs/{daemon_fixture.run('Stub.md').id}?since=0").json
        change = served.get(f"/changes/{run['results'][0]['change']}").json
        served.post("/presence", {"client": "desk", "open": ["Stub.md"]})
        undone = served.post("/changes/undo", {"ids": [change["id"]]}).json["undone"][0]
        gone = served.post(f"/outbox/{undone['waits']}/edits", {"text": STUB}).json
        answers = {"status": status, "run": run, "change": change, "gone": gone}
    finally:
        served.stop()
    for answer in answers.values():
        for name, value in VARYING.items():
            if isinstance(answer.get(name), type(value)):
                answer[name] = value
    expected = json.dumps(answers, indent=1) + "\n"
    if not ANSWERS.exists() or ANSWERS.read_text(encoding="utf-8") != expected:
        ANSWERS.write_text(expected, encoding="utf-8", newline="\n")
        pytest.fail(f"{ANSWERS.name} was out of date and has been written; look at it")
