"""A folder that becomes a link, out of the vault, while the daemon works on a note in it."""

from typing import Any

import pytest

from tests.daemon.attack_fixture import AttackedDaemon, attacked, let_out
from tests.daemon.daemon_fixture import FILLED, STUB, eventually

__all__ = ["attacked"]

ORDER = {"paths": ["A/Stub.md"], "priority": "interactive"}
WAYS_OUT = [pytest.param("A", id="its folder"), pytest.param("A/Stub.md", id="the note itself")]


@pytest.mark.parametrize("what", WAYS_OUT)
def test_an_answer_is_not_written_through_a_link(attacked: AttackedDaemon, what: str) -> None:
    attacked.daemon_fixture.model.think()
    run = attacked.post("/runs", ORDER).json["id"]
    eventually(lambda: attacked.daemon_fixture.model.calls() == 1)
    let_out(attacked, what, STUB)
    attacked.daemon_fixture.model.answer()
    told = _follow(attacked, run)
    assert told["counts"] in ({"failed": 1}, {"skipped": 1})
    assert attacked.get("/changes").json["changes"] == []


@pytest.mark.parametrize("what", WAYS_OUT)
def test_a_change_is_not_made_through_a_link(attacked: AttackedDaemon, what: str) -> None:
    run = attacked.post("/runs", ORDER).json["id"]
    change = _follow(attacked, run)["results"][0]["change"]
    assert attacked.daemon_fixture.read("A/Stub.md") == FILLED
    let_out(attacked, what, FILLED)
    answers = [
        attacked.get("/note?path=A/Stub.md"),
        attacked.post(f"/changes/{change}/undo"),
        attacked.post("/runs", ORDER | {"mode": "replace", "diff": True}),
        attacked.post("/runs", {"paths": ["A"], "all": True, "mode": "replace"}),
    ]
    assert {answer.status for answer in answers} <= {200, 202, 409, 422}
    eventually(lambda: all(run.is_over for run in list(attacked.daemon.runs.values())))
    assert len(attacked.get("/changes").json["changes"]) == 1


def test_an_editor_gets_no_edits_through_a_link(attacked: AttackedDaemon) -> None:
    is_open = {"client": "desk", "open": ["A/Stub.md"]}
    attacked.post("/presence", is_open)
    attacked.post("/runs", ORDER)
    eventually(lambda: attacked.post("/presence", is_open).json["asked"])
    [row] = attacked.post("/presence", is_open).json["asked"]
    place = f"/outbox/{row['id']}"
    offer = attacked.post(f"{place}/edits", {"text": STUB}).json["offer"]
    let_out(attacked, "A", STUB)
    again = attacked.post(f"{place}/edits", {"text": STUB})
    assert again.status == 409 and "symbolic link" in again.json["detail"]
    hashes = {name: offer[name] for name in ("base_sha256", "new_sha256")}
    made = attacked.post(f"{place}/applied", hashes).json
    attacked.post("/presence", {"client": "desk", "open": []})
    back = attacked.post(f"/changes/{made['change']}/undo")
    assert back.status in (409, 422)


def _follow(attacked: AttackedDaemon, run: str) -> dict[str, Any]:
    eventually(lambda: attacked.get(f"/runs/{run}").json["state"] not in ("queued", "running"))
    told: dict[str, Any] = attacked.get(f"/runs/{run}").json
    return told
