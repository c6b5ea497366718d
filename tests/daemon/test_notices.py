"""What clients are told in words: notices, the line of the status, proposals of their notes."""

from collections.abc import Iterator
from typing import Any

import pytest

from companion.app.overview import put_in_words
from companion.app.types.status import Status
from companion.daemon.daemon import Daemon
from companion.store.proposals import Proposal
from tests.daemon.conftest import Served, Serving
from tests.daemon.daemon_fixture import FILLED, STUB, DaemonFixture, eventually
from tests.store.stub_note import CALLOUT, DESCRIPTION

TAGS = DESCRIPTION._replace(kind="tags")
BOTH = "Stub: description and callout filled"


@pytest.fixture
def api(daemon_fixture: DaemonFixture) -> Iterator[Serving[Daemon]]:
    daemon_fixture.settings["enabled"] = False
    daemon_fixture.note("Stub.md")
    served = Serving(daemon_fixture.start())
    yield served
    served.stop()


def follow(server: Serving[Any], number: int, client: str = "c") -> list[dict[str, Any]]:
    """Return the notices after a number, once there are some."""
    notices: list[dict[str, Any]] = []
    while not notices:
        news = server.get(f"/feed?client={client}&after={number}&wait=25").json
        number, notices = news["number"], news["notices"]
    return notices


def start(server: Serving[Any], **options: Any) -> int:
    """Start a run; return the number of the feed before it."""
    number: int = server.get("/feed").json["number"]
    answer = server.post("/runs", {"paths": [""], "client": "c", **options})
    assert answer.status == 200
    return number


def test_a_run_on_a_note_is_told_to_who_asked(api: Serving[Daemon]) -> None:
    number = start(api, paths=["Stub.md"])
    [notice] = follow(api, number)
    [change] = api.get("/changes").json["changes"]
    assert (notice["text"], notice["path"], notice["change"]) == (BOTH, "Stub.md", change["id"])
    assert not notice["is_error"] and notice["run"] is None and notice["waits"] == 0
    assert api.get(f"/feed?client=other&after={number}").json["notices"] == []
    assert api.get(f"/feed?client=c&after={notice['id']}").json["notices"] == []
    api.post("/changes/undo", {"ids": [change["id"]], "client": "c"})
    [notice] = follow(api, notice["id"])
    assert (notice["text"], notice["change"], notice["run"]) == ("Stub: undone", None, None)


def test_a_run_on_many_is_undone_as_one(
    api: Serving[Daemon], daemon_fixture: DaemonFixture
) -> None:
    daemon_fixture.note("B/Other.md")
    [notice] = follow(api, start(api))
    assert notice["text"] == "2 notes filled"
    undone = api.post(f"/changes/undo-all?run={notice['run']}&client=c", {})
    assert undone.status == 200
    [notice] = follow(api, notice["id"])
    assert notice["text"] == "2 changes undone"


def test_a_run_that_fails_says_why(api: Serving[Daemon], daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.model.fail(401, "no such key")
    [notice] = follow(api, start(api))
    assert notice["is_error"] and "401" in notice["text"]


def test_a_note_that_needs_nothing_says_so(
    api: Serving[Daemon], daemon_fixture: DaemonFixture
) -> None:
    daemon_fixture.note("Stub.md", "---\nai: false\n---\n")
    [notice] = follow(api, start(api, paths=["Stub.md"]))
    assert notice["text"].startswith("Stub was left as it is: ")
    assert not notice["is_error"]


def test_an_edit_is_told_once_it_is_made(
    api: Serving[Daemon], daemon_fixture: DaemonFixture
) -> None:
    [stored] = daemon_fixture.space.journal.proposals.add(
        [Proposal("Stub.md", DESCRIPTION, "What a stub is.")]
    )
    api.report_open("Stub.md")
    number = api.get("/feed").json["number"]
    api.post("/proposals/decide", {"accept": [{"id": stored.id}], "client": "c"})
    assert api.get(f"/feed?client=c&after={number}").json["notices"] == []
    [row] = api.get("/feed?client=c").json["edits"]
    offer = api.post(f"/outbox/{row['id']}/edits", {"text": STUB}).json["offer"]
    hashes = {key: offer[key] for key in ("base_sha256", "new_sha256")}
    made = api.post(f"/outbox/{row['id']}/applied", {**hashes, "client": "c"}).json
    [notice] = follow(api, number)
    assert (notice["text"], notice["change"]) == ("Stub: description filled", made["change"])


def test_background_work_is_told_to_all(daemon_fixture: DaemonFixture) -> None:
    served = Serving(daemon_fixture.start())
    try:
        number = served.get("/feed").json["number"]
        daemon_fixture.note("Stub.md")
        for client in ("c", "other"):
            [notice] = follow(served, number, client)
            assert (notice["text"], notice["path"]) == (BOTH, "Stub.md")
    finally:
        served.stop()


def test_the_same_id_starts_one_run(server: Served) -> None:
    body = {"paths": ["Stub.md"], "id": "window-1-run-7"}
    first, second = (server.post("/runs", body).json for _ in range(2))
    assert first["id"] == second["id"] == "window-1-run-7"
    assert len(server.daemon.runs) == 1
    assert server.post("/runs", {**body, "id": "Short!"}).status == 422


def refuse(server: Served, need: Any, *paths: str) -> list[dict[str, Any]]:
    """Refuse a proposal for each note, one after the other; return all notices."""
    notices: list[dict[str, Any]] = []
    for path in paths:
        [stored] = server.daemon.space.journal.proposals.add([Proposal(path, need, ["cups"])])
        number = server.get("/feed").json["number"]
        server.post("/proposals/decide", {"refuse": [stored.id], "client": "c"})
        notices += server.get(f"/feed?client=c&after={number}").json["notices"]
    return notices


def test_the_third_refusal_in_a_folder_offers_to_stop(server: Served) -> None:
    notices = refuse(server, TAGS, *(f"Projects/{each}.md" for each in "abcd"))
    [offer] = [each for each in notices if each["button"]]
    assert offer["button"]["label"] == "Stop proposing tags in Projects"
    settings = server.post("/settings", offer["button"]["change"])
    assert settings.json["ignored"]["fields"] == {"tags": ["Projects"]}
    assert server.daemon.space.config.ignored_folder("Projects/a.md", "tags") == "Projects"
    assert [each["text"] for each in notices if each["run"]] == [
        f"{each}: 1 proposal refused" for each in "abcd"
    ]


def test_what_was_accepted_there_goes_on(server: Served) -> None:
    store = server.daemon.space.journal.proposals
    [stored] = store.add([Proposal("Projects/x.md", TAGS, ["cups"])])
    store.decide([stored.id], "accepted", "user")
    notices = refuse(server, TAGS, *(f"Projects/{each}.md" for each in "abcd"))
    assert not [each for each in notices if each["button"]]


def test_a_client_is_told_the_proposals_of_its_notes(server: Served) -> None:
    store = server.daemon.space.journal.proposals
    server.daemon.space.root.joinpath("Other.md").write_text(STUB)
    first, _ = store.add(
        [Proposal("Stub.md", DESCRIPTION, "One."), Proposal("Other.md", DESCRIPTION, "Two.")]
    )
    assert server.get("/feed?client=c").json["open"] is None
    server.report_open("Stub.md")
    news = server.get("/feed?client=c").json
    assert [each["id"] for each in news["open"]] == [first.id]
    assert server.get(f"/feed?client=c&after={news['number']}").json["open"] is None
    store.add([Proposal("Stub.md", CALLOUT, "Three.")])
    news = server.get(f"/feed?client=c&after={news['number']}").json
    assert len(news["open"]) == 2


LINES: dict[str, tuple[dict[str, Any], str]] = {
    "ready": ({}, "Ready"),
    "paused": ({"paused": True}, "Paused"),
    "to review": ({"proposals": 1200}, "1,200 to review"),
    "at work": ({"in_hand": ["A.md", "B.md"]}, "Enriching 2 notes"),
}


def test_says_in_a_line_what_goes_on(server: Served) -> None:
    status = server.daemon.status()
    for label, (values, line) in LINES.items():
        assert put_in_words(Status.model_validate(vars(status) | values)).line == line, label
    server.post("/runs", {"paths": ["Stub.md"]})
    assert server.get("/status").json["line"] == "Enriching"
    missing = put_in_words(status.model_copy(update={"vault_missing": True}))
    assert missing.line == "Not ready" and "mount its drive" in (missing.missing or "")


def test_says_that_the_model_does_not_answer(
    daemon_fixture: DaemonFixture,
) -> None:
    daemon_fixture.model.fail(503, "down")
    served = Serving(daemon_fixture.start())
    try:
        daemon_fixture.note("Stub.md")
        eventually(lambda: served.get("/status").json["fault"])
        assert served.get("/status").json["line"].startswith("Model not answering: http://")
        daemon_fixture.model.mend()
        served.post("/resume")
        eventually(lambda: daemon_fixture.read("Stub.md") == FILLED)
    finally:
        served.stop()
