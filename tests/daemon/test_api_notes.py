from dataclasses import replace

import pytest

from companion.app.types.notes import Selection
from companion.store.proposals import Proposal
from tests.daemon.caller import assert_is_problem
from tests.daemon.conftest import Served
from tests.daemon.daemon_fixture import FILLED, STUB, DaemonFixture
from tests.store.stub_note import CALLOUT, DESCRIPTION

NOTES = {
    "A/Done.md": FILLED,
    "A/Stub.md": STUB,
    "Left.md": STUB,
    "Plain.md": "# Plain\n\nText of mine.\n",
    "Skipped.md": STUB.replace("created", "ai: false\ncreated"),
    "Stub.md": STUB + "\n## Why\n\n> [!ai] Why?\n",
}


@pytest.fixture
def notes(server: Served, daemon_fixture: DaemonFixture) -> Served:
    """The server of a vault with NOTES; what Left.md needs was asked for in vain."""
    for path, text in NOTES.items():
        daemon_fixture.note(path, text)
    asked = [
        Proposal("Left.md", need, None, "rejected", reason="none")
        for need in (DESCRIPTION, CALLOUT)
    ]
    server.daemon.space.journal.proposals.add(asked)
    server.daemon.scans.scan_all()
    return server


REFUSED = {
    "none at all": "/changes?limit=0",
    "too many": "/changes?limit=1001",
    "a fraction": "/changes?limit=1.5",
    "no number": "/changes?limit=ten",
    "less than none": "/changes?limit=-1",
    "nothing": "/changes?limit=",
    "no path": "/changes?path=../a",
    "a name that is unknown": "/changes?path=Stub.md&x=5",
    "before the first": "/changes?before=0",
    "before nothing": "/changes?before=9007199254740992",
    "run": "/changes?run=../x",
}


def test_refuses_queries(server: Served) -> None:
    for label, path in REFUSED.items():
        answer = server.get(path)
        assert answer.status == 422, label
        assert_is_problem(answer, 422)
        assert answer.json["errors"][0]["where"], label


def test_what_is_no_number_of_a_change_is_not_found(server: Served) -> None:
    for number in ("-1", "x", "9007199254740991"):
        assert_is_problem(server.get(f"/changes/{number}"), 404)
    for number in ("0", "9007199254740992", "9" * 900):
        assert_is_problem(server.get(f"/changes/{number}"), 422)


HASHES = {"base_sha256": "1" * 64, "new_sha256": "0" * 64}
UNFIT = {
    "no changes": ("/changes/undo", {}),
    "no number of a change": ("/changes/undo", {"ids": [0]}),
    "too many": ("/changes/undo", {"ids": [1] * 1001}),
    "no hashes": ("/outbox/3/applied", {}),
    "short": ("/outbox/3/applied", HASHES | {"base_sha256": "0" * 63}),
    "capitals": ("/outbox/3/applied", HASHES | {"base_sha256": "A" * 64}),
    "a line end": ("/outbox/3/applied", HASHES | {"new_sha256": "0" * 64 + "\n"}),
    "moved out of the vault": ("/outbox/3/applied", HASHES | {"moved_to": "../Named.md"}),
}


def test_refuses_bodies(server: Served) -> None:
    for label, (path, body) in UNFIT.items():
        answer = server.post(path, body)
        assert answer.status == 422, label
        assert_is_problem(answer, 422)


def test_what_is_to_do_is_the_same_everywhere(
    notes: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("companion.daemon.daemon._REFRESH", 0.0)  # nobody scans but this test
    waiting = Proposal("Left.md", DESCRIPTION, "What a stub is.", flags=("unsupported",))
    kept = Proposal("A/Stub.md", DESCRIPTION, "What a stub is.")
    notes.daemon.space.journal.proposals.add([waiting, kept, replace(kept, need=CALLOUT)])
    notes.daemon.space.journal.proposals.add([replace(waiting, path="Stub.md")])
    notes.daemon.scans.scan_all()
    to_do = ["A/Stub.md", "Stub.md"]
    assert notes.get("/status").json["to_do"] == 2
    report = notes.daemon.vault.scan(Selection())
    assert sorted(path for path, note in report.notes.items() if note.needs) == to_do
    assert "without a call" in report.notes["A/Stub.md"].needs[0].reason
    assert notes.post("/runs", {"paths": [""], "limit": 20}).json["total"] == 2
