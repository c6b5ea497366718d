import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from companion.app.types.runs import NoteResult
from companion.enrich.job import Result
from companion.errors import EndpointError
from companion.llm.answers import Usage
from companion.store.proposals import Proposal
from tests.daemon.caller import Caller, make_request
from tests.daemon.conftest import Served, Serving
from tests.daemon.daemon_fixture import STUB, DaemonFixture, eventually
from tests.daemon.test_guard import assert_is_problem
from tests.store.stub_note import DESCRIPTION

WAITING = 10  # more than may wait at once
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
    assert answer.status == 202
    run = answer.json["id"]
    assert answer.headers["location"] == f"/api/v1/runs/{run}"
    return str(run)


def make_result(path: str, diff: str | None = None) -> NoteResult:
    """Return the result of a note that was enriched."""
    filled = Proposal(path, DESCRIPTION, "Yes.", remark="shortened", id=7)
    result = Result(
        path,
        "enriched",
        filled=(filled,),
        unfilled=("aliases: left",),
        usage=Usage(10, 5, 1, 4),
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
            "number": 1,
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
            "usage": {"input_tokens": 10, "output_tokens": 5, "calls": 1, "cached_tokens": 4},
            "change": 3,
            "ends_run": False,
            "lacks_heading": False,
            "proposals": [7],
            "decided": [],
            "undone": None,
            "diff": "a diff",
        }
    ]
    assert server.get(f"/runs/{run.id}?since=1").json["results"] == []
    assert [told["id"] for told in server.get("/runs").json["runs"]] == [run.id]
    assert "results" not in server.get("/runs").json["runs"][0]


def test_long_runs_come_in_pieces(server: Served) -> None:
    run = server.daemon.runs.get(start(server))
    assert run is not None
    run.total = 450
    for _ in range(450):
        server.results.put(make_result("Stub.md"))
    eventually(lambda: run.is_over)
    numbers: list[int] = []
    while results := server.get(f"/runs/{run.id}?since={len(numbers)}").json["results"]:
        numbers += [result["number"] for result in results]
    assert numbers == list(range(1, 451))


def test_cancels_a_run(server: Served) -> None:
    run = start(server)
    server.post(f"/runs/{run}/cancel")
    eventually(lambda: server.get(f"/runs/{run}").json["state"] == "cancelled")
    assert server.post(f"/runs/{run}/cancel").json["state"] == "cancelled"


ORDERS = {
    "no paths": ({}, "body/paths"),
    "none": ({"paths": []}, "body/paths"),
    "not a list": ({"paths": "Stub.md"}, "body/paths"),
    "too many": ({"paths": ["a.md"] * 10_001}, "body/paths"),
    "null": ({"paths": [None]}, "body/paths/0"),
    "a number for yes": ({"paths": ["a"], "all": 1}, "body/all"),
    "a word for yes": ({"paths": ["a"], "all": "true"}, "body/all"),
    "a word for agreed": ({"paths": ["a"], "agreed": "yes"}, "body/agreed"),
    "limit": ({"paths": ["a"], "limit": 0}, "body/limit"),
    "a fraction": ({"paths": ["a"], "limit": 1.5}, "body/limit"),
    "yes for a number": ({"paths": ["a"], "limit": True}, "body/limit"),
    "section": ({"paths": ["a"], "section": ""}, "body/section"),
    "line": ({"paths": ["a"], "line": 0}, "body/line"),
    "line of two": ({"paths": ["a", "b"], "line": 1}, "body"),
    "line of the vault": ({"paths": [""], "line": 1}, "body"),
    "line and section": ({"paths": ["a"], "line": 1, "section": "A"}, "body"),
    "priority": ({"paths": ["a"], "priority": 0}, "body/priority"),
    "mode": ({"paths": ["a"], "mode": "force"}, "body/mode"),
    "unknown": ({"paths": ["a"], "dry-run": True}, "body/dry-run"),
}


def test_refuses_orders(server: Served) -> None:
    for label, (body, where) in ORDERS.items():
        answer = server.post("/runs", body or b"{}")
        assert answer.status == 422, label
        assert_is_problem(answer, 422)
        assert [error["where"] for error in answer.json["errors"]] == [where], label
    assert list(server.daemon.runs.values()) == []


def test_unknown_runs_are_not_found(server: Served) -> None:
    assert_is_problem(server.get("/runs/none"), 404)
    assert_is_problem(server.post("/runs/none/cancel"), 404)


def test_refuses_to_wait_too_long(server: Served) -> None:
    assert_is_problem(server.get(f"/runs/{start(server)}?wait=26"), 422)


def test_waits_for_a_result(server: Served) -> None:
    run = server.daemon.runs.get(start(server))
    assert run is not None
    run.total = 2
    with ThreadPoolExecutor() as others:
        answer = others.submit(_ask, server, f"/runs/{run.id}?since=0&wait=25")
        server.results.put(make_result("Stub.md"))
        assert answer.result(60)["next"] == 1
        answer = others.submit(_ask, server, f"/runs/{run.id}?since=1&wait=25")
        server.results.put(EndpointError("the endpoint is down"))
        assert answer.result(60)["fault"] == "the endpoint is down"
    tag = server.get(f"/runs/{run.id}?since=1").headers["etag"]
    assert server.get(f"/runs/{run.id}?since=1&wait=25", If_None_Match=tag).status == 304


def test_those_who_wait_leave_threads_to_others(server: Served) -> None:
    run = server.daemon.runs.get(start(server))
    assert run is not None
    with ThreadPoolExecutor(WAITING) as others:
        path = f"/runs/{run.id}?since=0&wait=25"
        answers = [others.submit(_ask, server, path) for _ in range(WAITING)]
        while sum(answer.done() for answer in answers) < WAITING - 4:
            assert server.get("/status").status == 200
        server.results.put(make_result("Stub.md"))
        assert sorted(answer.result(60)["next"] for answer in answers)[-4:] == [1] * 4


def test_whoever_hangs_up_gives_the_place_back(server: Served) -> None:
    run = start(server)
    request = make_request("GET", f"/api/v1/runs/{run}?wait=25", server.headers)
    lines = [server.open(request) for _ in range(4)]
    waiting: list[threading.Thread] = []

    def has_to_wait() -> bool:
        one = threading.Thread(target=_ask, args=(server, f"/runs/{run}?since=0&wait=25"))
        one.start()
        waiting.append(one)
        one.join(0.3)
        return one.is_alive()

    while has_to_wait():
        pass
    for line in lines:
        line.close()
    gives_up = time.monotonic() + 20  # the places of those who hung up would be free after 25
    while not has_to_wait():
        assert time.monotonic() < gives_up
    assert server.post(f"/runs/{run}/cancel").status == 200
    for one in waiting:
        one.join(60)
        assert not one.is_alive()


def test_nobody_waits_while_the_daemon_stops(server: Served) -> None:
    run = start(server)
    with ThreadPoolExecutor() as others:
        answer = others.submit(_ask, server, f"/runs/{run}?since=0&wait=25")
        server.closing.set()
        assert answer.result(60)["state"] == "running"


def _ask(server: Served, path: str) -> Any:
    """Ask over a connection of its own."""
    with Caller(server.port) as caller:
        return caller.send(make_request("GET", f"/api/v1{path}", server.headers)).json


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
        undone = served.post("/changes/undo", {"changes": [change["id"]]}).json["undone"][0]
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
