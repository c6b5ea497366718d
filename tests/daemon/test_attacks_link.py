"""A folder that becomes a link, out of the vault, while the daemon works on a note in it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.daemon.daemon_fixture import FILLED, STUB, eventually
from tests.daemon.siege import Besieged, besieged, fake, keeper, let_out

__all__ = ["besieged", "fake", "keeper"]

ORDER = {"paths": ["A/Stub.md"], "priority": "interactive"}
IN_EDITOR = ORDER | {"apply": "client", "text": STUB}
WAYS_OUT = [pytest.param("A", id="its folder"), pytest.param("A/Stub.md", id="the note itself")]


@pytest.mark.parametrize("what", WAYS_OUT)
def test_an_answer_is_not_written_through_a_link(besieged: Besieged, what: str) -> None:
    besieged.keeper.model.think()
    run = besieged.post("/runs", ORDER).json["id"]
    eventually(lambda: besieged.keeper.model.calls() == 1)
    let_out(besieged, what, STUB)
    besieged.keeper.model.answer()
    told = _follow(besieged, run)
    assert told["counts"] in ({"failed": 1}, {"skipped": 1})
    assert besieged.get("/changes").json["changes"] == []


@pytest.mark.parametrize("what", WAYS_OUT)
def test_a_change_is_not_made_through_a_link(besieged: Besieged, what: str) -> None:
    run = besieged.post("/runs", ORDER).json["id"]
    change = _follow(besieged, run)["results"][0]["change"]
    assert besieged.keeper.read("A/Stub.md") == FILLED
    let_out(besieged, what, FILLED)
    answers = [
        besieged.get("/notes?path=A/Stub.md"),
        besieged.post(f"/changes/{change}/undo"),
        besieged.post("/runs", ORDER | {"force": True}),
        besieged.post("/runs", {"paths": ["A"], "all": True, "force": True}),
    ]
    assert {answer.status for answer in answers} <= {200, 202, 409, 422}
    eventually(lambda: all(run.is_over for run in besieged.daemon.runs.all()))
    assert len(besieged.get("/changes").json["changes"]) == 1


def test_an_editor_gets_edits_of_its_own_text_only(besieged: Besieged) -> None:
    run = besieged.post("/runs", IN_EDITOR).json["id"]
    offer = _follow(besieged, run)["results"][0]["offer"]
    let_out(besieged, "A", STUB)
    again = besieged.post(f"/runs/{run}/edits", {"path": "A/Stub.md", "text": STUB})
    assert again.json == offer
    hashes = {name: offer[name] for name in ("base_sha256", "new_sha256")}
    made = besieged.post(f"/runs/{run}/applied", {"path": "A/Stub.md", **hashes}).json
    back = besieged.post(f"/changes/{made['change']}/undo")
    assert back.status in (409, 422)


def _follow(besieged: Besieged, run: str) -> dict[str, Any]:
    eventually(lambda: besieged.get(f"/runs/{run}").json["state"] not in ("queued", "running"))
    told: dict[str, Any] = besieged.get(f"/runs/{run}?diff=true").json
    return told
