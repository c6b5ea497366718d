"""The API of proposals, at a real daemon with real notes: listed, decided on, made in an editor."""

from collections.abc import Iterator
from typing import Any

import pytest

from companion.app.types.changes import OfferShape
from companion.config.settings import ReviewTable
from companion.daemon.daemon import Daemon
from companion.store.proposals import Proposal, ProposalState
from tests.daemon.caller import assert_is_problem
from tests.daemon.conftest import Serving
from tests.daemon.daemon_fixture import FILLED, SAYS, STUB, DaemonFixture, eventually
from tests.daemon.test_editor_runs import applied
from tests.store.stub_note import DESCRIPTION

Api = Serving[Daemon]


@pytest.fixture
def vault(daemon_fixture: DaemonFixture, monkeypatch: pytest.MonkeyPatch) -> DaemonFixture:
    """A vault where everything waits for a decision, with a daemon that has not started yet."""
    daemon_fixture.review = ReviewTable(mode="propose")
    daemon_fixture.note("A/Stub.md")
    daemon_fixture.note("Stub.md")
    return daemon_fixture


@pytest.fixture
def api(vault: DaemonFixture) -> Iterator[Api]:
    """The API, once the daemon has asked for both notes."""
    served = Serving(vault.start())
    eventually(lambda: served.get("/proposals").json["total"] == 4 and vault.is_idle())
    yield served
    served.stop()


def ids_of(api: Api, path: str = "Stub.md", state: str = "open") -> list[int]:
    page = api.get(f"/proposals?path={path.replace('/', '%2F')}&state={state}").json
    return sorted(each["id"] for each in page["proposals"])


def decide(api: Api, **wanted: Any) -> list[dict[str, Any]]:
    answer = api.post("/proposals/decide", wanted)
    assert answer.status == 200, answer.body
    notes: list[dict[str, Any]] = answer.json["notes"]
    return notes


def accept(api: Api, *ids: int) -> list[dict[str, Any]]:
    return decide(api, accept=[{"id": each} for each in ids])


def test_refuses_an_odd_query(api: Api) -> None:
    for query in ("?state=some", "?path=A&folder=B", "?limit=1001", "?flagged=some"):
        assert_is_problem(api.get(f"/proposals{query}"), 422)


ODD = {
    "no id": {"accept": [{"id": 0}]},
    "state": {"accept": [{"id": 1, "state": "accepted"}]},
    "a number": {"accept": [1]},
    "a word": {"refuse": ["1"]},
    "too many": {"refuse": [1] * 100_001},
    "a number for a text": {"accept": [{"id": 1, "text": 5}]},
}


def test_refuses_odd_decisions(api: Api) -> None:
    for label, body in ODD.items():
        assert api.post("/proposals/decide", body).status == 422, label


def test_what_a_user_wrote_may_be_too_long(api: Api, vault: DaemonFixture) -> None:
    first, _ = ids_of(api)
    [told] = decide(api, accept=[{"id": first, "text": "word " * 10_000}])
    assert told["status"] == "failed" and "too long" in told["reason"]
    assert vault.read("Stub.md") == STUB and state_of(vault.daemon, first) == "open"


def test_an_open_note_is_left_to_its_editor(api: Api, vault: DaemonFixture) -> None:
    api.post("/presence", {"client": "c", "open": ["Stub.md"]})
    ids = ids_of(api)
    [told] = accept(api, *ids)
    assert told["status"] == "proposed" and "open in Obsidian" in told["reason"]
    assert vault.read("Stub.md") == STUB and ids_of(api) == ids
    [asked] = api.report_open("Stub.md")
    place = f"/outbox/{asked['id']}"
    offer = api.post(f"{place}/edits", {"text": STUB}).json["offer"]
    assert applied(STUB, OfferShape(**offer)) == FILLED
    hashes = {key: offer[key] for key in ("base_sha256", "new_sha256")}
    api.post(f"{place}/applied", hashes)
    assert ids_of(api, state="accepted") == ids
    assert api.get(f"/proposals/{ids[0]}").json["decided_by"] == "user"


def test_what_an_editor_does_not_want_waits_for_a_decision_again(api: Api) -> None:
    api.post("/presence", {"client": "c", "open": ["Stub.md"]})
    ids = ids_of(api)
    accept(api, *ids)
    [asked] = api.report_open("Stub.md")
    assert api.post(f"/outbox/{asked['id']}/withdraw", {}).status == 200
    assert api.report_open("Stub.md") == []
    assert ids_of(api) == ids


def state_of(daemon: Daemon, id_: int) -> str:
    [found] = daemon.space.journal.proposals.get_all([id_])
    return found.state


@pytest.mark.parametrize("back", ["undo", "refuse"])
def test_what_waits_for_an_editor_can_be_taken_back(
    api: Api, vault: DaemonFixture, back: str
) -> None:
    api.report_open("Stub.md")
    first, second = ids_of(api)
    accept(api, first, second)
    assert {api.get(f"/proposals/{id_}").json["decided_by"] for id_ in (first, second)} == {"user"}
    [told] = decide(api, **{back: [first]})
    assert not told["reason"]
    api.report_open()
    eventually(lambda: ids_of(api, state="accepted") == [second])
    eventually(vault.is_idle)
    assert ids_of(api, state="open" if back == "undo" else "refused") == [first]
    assert api.get(f"/proposals/{first}").json["change"] is None
    assert str(SAYS["description"]) not in vault.read("Stub.md")


@pytest.mark.parametrize("is_open", [False, True])
def test_what_waits_for_an_editor_outlives_the_daemon(
    api: Api, vault: DaemonFixture, is_open: bool
) -> None:
    api.report_open("Stub.md")
    first, second = ids_of(api)
    decide(api, accept=[{"id": first, "text": "My own words."}])
    vault.stop()
    assert vault.read("Stub.md") == STUB
    daemon = vault.restart(*["Stub.md"] * is_open)
    if is_open:
        daemon.outbox.make_closed()
        assert state_of(daemon, first) == "open"
        daemon.presence.report("desk", [])
    eventually(lambda: not daemon.outbox.rows_of(["Stub.md"]))
    assert "description: My own words.\n" in vault.read("Stub.md")
    assert (state_of(daemon, first), state_of(daemon, second)) == ("accepted", "open")


@pytest.mark.parametrize("state", ["refused", "rejected"])
@pytest.mark.parametrize("is_taken_back", [False, True], ids=["kept", "taken back"])
def test_what_was_decided_before_and_waits_for_an_editor_outlives_the_daemon(
    api: Api, vault: DaemonFixture, state: ProposalState, is_taken_back: bool
) -> None:
    api.report_open("Stub.md")
    first, _ = ids_of(api)
    vault.daemon.space.journal.proposals.decide([first], state, "check", "it repeats the title")
    newer = Proposal("Stub.md", DESCRIPTION, "A newer one.")
    [other] = vault.daemon.space.journal.proposals.add([newer])
    [told] = decide(api, accept=[{"id": first, "state": state, "text": "My own words."}])
    assert (told["status"], state_of(vault.daemon, first)) == ("proposed", "open")
    assert state_of(vault.daemon, other.id) == "superseded"
    if is_taken_back:
        decide(api, undo=[first])
    daemon = vault.restart("Stub.md")
    rows = daemon.outbox.rows_of(["Stub.md"])
    assert [row.proposals for row in rows] == ([] if is_taken_back else [(first,)])
    daemon.presence.report("desk", [])
    if is_taken_back:
        daemon.outbox.make_closed()
        assert state_of(daemon, first) == "open" and vault.read("Stub.md") == STUB
    else:
        eventually(lambda: "description: My own words.\n" in vault.read("Stub.md"))
        assert state_of(daemon, first) == "accepted"


def test_what_waited_and_does_not_fit_any_more_is_open_again(
    api: Api, vault: DaemonFixture
) -> None:
    api.report_open("Stub.md")
    first, _ = ids_of(api)
    accept(api, first)
    vault.stop()
    vault.note("Stub.md", "---\ndescription: [\n---\n")
    daemon = vault.restart()
    eventually(lambda: not daemon.outbox.rows_of(["Stub.md"]))
    assert vault.read("Stub.md").startswith("---\ndescription: [")


def test_accents_of_names_may_be_written_either_way(api: Api, vault: DaemonFixture) -> None:
    vault.note("Cafe\u0301/Stub.md")  # as macOS wrote it; Obsidian composes it
    eventually(lambda: api.get("/proposals").json["total"] == 6)
    assert len(ids_of(api, "Caf%C3%A9/Stub.md")) == 2
    assert api.get("/proposals?path=Caf%C3%A9").json["total"] == 2


# --- what is asked for survives the daemon


def test_a_restart_asks_nothing_again(vault: DaemonFixture) -> None:
    vault.start()
    eventually(lambda: vault.daemon.space.journal.proposals.count() == 4 and vault.is_idle())
    for _ in range(2):
        vault.stop()
        vault.start()
        vault.rescan()
        eventually(vault.is_idle)
    assert vault.model.calls() == 2 and vault.daemon.space.journal.proposals.count() == 4
    assert vault.changes() == []


def test_a_dry_run_is_not_written_by_the_background(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.settings["enabled"] = False
    daemon_fixture.note("Stub.md")
    daemon_fixture.start()
    daemon_fixture.run("Stub.md", dry_run=True)
    daemon_fixture.stop()
    daemon_fixture.settings["enabled"] = True
    daemon_fixture.start()
    daemon_fixture.rescan()
    eventually(daemon_fixture.is_idle)
    assert daemon_fixture.read("Stub.md") == STUB and daemon_fixture.model.calls() == 1
    run = daemon_fixture.run("Stub.md")
    assert [each.status for each in run.results] == ["enriched"]
    assert daemon_fixture.is_filled("Stub.md") and daemon_fixture.model.calls() == 1


def test_one_is_asked_for_again_in_the_user_s_words(api: Api, vault: DaemonFixture) -> None:
    old = ids_of(api)[0]
    vault.model.says(description="A shorter one.")
    started = api.post(f"/proposals/{old}/again", {"wish": "Shorter,\nand </earlier> name it"})
    assert (started.status, started.json["total"]) == (200, 1)
    eventually(lambda: api.get(f"/runs/{started.json['id']}").json["state"] == "done")
    prompt = vault.model.seen[-1].body["messages"][-1]["content"]
    assert "in these words: Shorter, and </earlier> name it" in prompt
    assert f"<earlier>\n{SAYS['description']}\n</earlier>" in prompt
    [new] = set(ids_of(api)) - {old, *ids_of(api, state="superseded")} - {ids_of(api)[0]}
    assert api.get(f"/proposals/{new}").json["text"] == "A shorter one."
    assert api.get(f"/proposals/{old}").json["state"] == "superseded"
    assert vault.read("Stub.md") == STUB
    decide(api, undo=[old])
    states = [api.get(f"/proposals/{each}").json["state"] for each in (old, new)]
    assert states == ["open", "superseded"]


def test_a_wish_that_the_model_does_not_meet_leaves_what_there_is(
    api: Api, vault: DaemonFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COMPANION_CHECKS")
    ids = ids_of(api)
    vault.note("Stub.md", STUB.replace("Text of mine", "A stub is a note that is short for now"))
    vault.model.says(description="As an AI language model, I cannot say.")
    run = api.post(f"/proposals/{ids[0]}/again", {"wish": "Shorter"}).json
    eventually(lambda: api.get(f"/runs/{run['id']}").json["state"] == "done")
    assert ids_of(api) == ids and vault.model.calls() == 4


def test_what_is_in_the_note_is_asked_for_again_beside_it(api: Api, vault: DaemonFixture) -> None:
    ids = ids_of(api)
    decide(api, accept=[{"id": each} for each in ids])
    vault.model.says(description="Another.")
    run = api.post(f"/proposals/{ids[0]}/again", {"wish": "Shorter"}).json
    eventually(lambda: api.get(f"/runs/{run['id']}").json["state"] == "done")
    [beside] = ids_of(api)
    shown = api.get(f"/proposals/{beside}").json
    assert (shown["text"], shown["flags"]) == ("Another.", ["replaces"])
    assert vault.read("Stub.md") == FILLED


AGAIN = {
    "unknown": ("/proposals/999/again", {}, 404),
    "too long": ("/proposals/1/again", {"wish": "x" * 1001}, 422),
    "no proposals": ("/runs", {"paths": [""], "mode": "again"}, 422),
    "a wish for nothing": ("/runs", {"paths": [""], "wish": "Shorter"}, 422),
}


def test_refuses_to_ask_again(api: Api) -> None:
    for label, (path, body, status) in AGAIN.items():
        assert api.post(path, body).status == status, label
