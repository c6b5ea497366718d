"""What a Vault promises."""

import sqlite3
import threading
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from companion.app.decider import Decider
from companion.app.open_vault import name_path, open_vault
from companion.app.types.changes import ChangeQuery, Undone
from companion.app.types.notes import Selection
from companion.app.types.proposals import Decisions, PlaceQuery, ProposalQuery
from companion.app.types.runs import NoteResult
from companion.app.vault import Vault, all_changes
from companion.config.settings import AgentsTable, ReviewTable
from companion.errors import NoteChanged, NoteRefused, NotThere, UsageError
from tests.cli.user import KEY
from tests.daemon.daemon_fixture import FILLED, STUB, DaemonFixture, open_daemon_fixture
from tests.llm.fake_endpoint import FakeEndpoint


@pytest.fixture
def notes(
    tmp_path: Path, fake: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> Iterator[DaemonFixture]:
    """Changes 1 to 3, each a run: in A.md, F/B.md and F/G/C.md, an hour apart."""
    monkeypatch.setenv("COMPANION_CHECKS", "off")
    with open_daemon_fixture(tmp_path, fake, monkeypatch) as fixture:
        fixture.settings["settle_seconds"] = 3600.0
        fixture.start()
        for path in ("A.md", "F/B.md", "F/G/C.md"):
            fixture.note(path)
            fixture.run(path)
        with closing(sqlite3.connect(fixture.space.state / "journal.sqlite3")) as db, db:
            db.execute("UPDATE changes SET made_at = made_at - 3600 * (3 - id)")
        yield fixture


@pytest.fixture
def vault(notes: DaemonFixture) -> Iterator[Vault]:
    notes.stop()
    with open_vault(notes.vault) as vault:
        yield vault


def ids(vault: Vault, **query: Any) -> list[int]:
    """Return the ids of the changes that fit."""
    return [change.id for change in vault.changes(ChangeQuery.of(**query)).changes]


def test_changes(vault: Vault) -> None:
    newest = vault.changes(ChangeQuery(limit=1)).changes[0]
    first = vault.change(1)
    queries: list[tuple[dict[str, Any], list[int]]] = [
        ({}, [3, 2, 1]),
        ({"path": ""}, [3, 2, 1]),
        ({"path": "A.md"}, [1]),
        ({"path": "F"}, [3, 2]),
        ({"path": "F/G"}, [3]),
        ({"path": "Nowhere.md"}, []),
        ({"run": newest.run}, [3]),
        ({"run": "none"}, []),
        ({"since": newest.made_at - 1}, [3]),
        ({"until": first.made_at + 1}, [1]),
        ({"since": first.made_at, "until": newest.made_at - 1, "path": "F"}, [2]),
        ({"since": "2001-01-01T00:00:00Z"}, [3, 2, 1]),
        ({"field": "description"}, [3, 2, 1]),
        ({"field": "tags"}, []),
        ({"model": "m"}, [3, 2, 1]),
        ({"model": "other"}, []),
        ({"undoable": "whole"}, [3, 2, 1]),
        ({"before": 3}, [2, 1]),
        ({"before": 3, "limit": 1}, [2]),
    ]
    for query, expected in queries:
        assert ids(vault, **query) == expected, query


def test_pages_lead_through_all_changes(vault: Vault) -> None:
    assert vault.changes(ChangeQuery(limit=2)).next == 2
    assert [change.id for change in all_changes(vault, ChangeQuery())] == [3, 2, 1]


def test_a_change_is_as_history_tells_it(vault: Vault) -> None:
    told = vault.change(3).model_dump(mode="json")
    assert told.pop("diff").startswith("--- a/F/G/C.md\n+++ b/F/G/C.md\n")
    assert len(told.pop("run")) == 20 and told.pop("made_at").endswith("Z")
    assert told == {
        "id": 3,
        "path": "F/G/C.md",
        "kind": "enrich",
        "state": "done",
        "needs": ["description", "callout:top"],
        "model": "m",
        "note": "",
        "undoes": None,
        "undone_by": None,
        "left": [],
        "decided_by": "setting",
    }
    [listed] = vault.changes(ChangeQuery(path="A.md")).changes
    assert listed.diff is None
    [listed] = vault.changes(ChangeQuery(path="A.md", diff=True)).changes
    assert listed == vault.change(1)


SCANS: Sequence[tuple[dict[str, Any], list[str], list[str], int]] = [
    ({}, ["F/Stub.md"], ["Left.md"], 5),
    ({"paths": ["F"]}, ["F/Stub.md"], [], 3),
    ({"paths": ["F/Stub", "A.md"]}, ["F/Stub.md", "A.md"], [], 2),
    ({"paths": ["Left.md"]}, [], ["Left.md"], 1),
    ({"field": "callout"}, ["F/Stub.md"], ["Left.md"], 5),
    ({"field": "tags"}, [], ["Left.md"], 5),
    ({"tag": "none"}, [], [], 5),
]


def test_scan_looks_at_the_notes_as_they_are_now(vault: Vault) -> None:
    (vault.root / "F/Stub.md").write_text(STUB, encoding="utf-8")
    left = STUB.replace("created", "ai: false\ncreated")
    (vault.root / "Left.md").write_text(left, encoding="utf-8")
    for options, notes, skipped, looked_at in SCANS:
        report = vault.scan(Selection.of(**options))
        told = sorted(report.notes), sorted(report.skipped), report.looked_at
        assert told == (sorted(notes), skipped, looked_at), options
    note = vault.scan(Selection(paths=["F"])).notes["F/Stub.md"]
    assert note.model_dump()["needs"] == [
        {"kind": kind, "heading": None, "question": None, "reason": need.reason}
        for kind, need in zip(("description", "callout"), note.needs, strict=True)
    ]
    with pytest.raises(UsageError, match=r"there is no Nowhere\.md"):
        vault.scan(Selection(paths=["Nowhere.md"]))
    with pytest.raises(UsageError, match="there is no field colour"):
        vault.scan(Selection(field="colour"))


def test_what_is_wrong_is_the_same_error(vault: Vault) -> None:
    with pytest.raises(NotThere, match="no change 99"):
        vault.change(99)
    with pytest.raises(UsageError, match="there is no field colour; the fields are aliases"):
        ids(vault, field="colour")
    with pytest.raises(UsageError, match="path: a path is relative to the vault"):
        ids(vault, path="../x")
    with pytest.raises(UsageError, match="since: it is not a time with an offset"):
        ids(vault, since="2026-11-25")


def take_back(vault: Vault, changes: list[int], run: str | None = None) -> list[Undone]:
    return [result.undone for result in vault.undo(changes, run) if result.undone]


def test_undo_tells_of_each_change(vault: Vault) -> None:
    edited = FILLED.replace("It grows", "It shrinks")
    (vault.root / "F/B.md").write_text(edited, encoding="utf-8")
    (vault.root / "F/G/C.md").write_text(edited.replace("What a stub", "My"), encoding="utf-8")
    whole, part, refused, unknown = take_back(vault, [1, 2, 3, 99], "20261125-104412-3f9a")
    assert whole.model_dump() == {
        "change": 1,
        "path": "A.md",
        "undone_by": 4,
        "left": [],
        "reason": None,
        "code": None,
        "moved_from": None,
        "waits": None,
    }
    assert (part.undone_by, part.left, part.code) == (5, ["callout"], None) and part.reason
    assert (refused.undone_by, refused.left) == (None, ["description", "callout"])
    assert (refused.code, refused.path) == ("note-changed", "F/G/C.md")
    assert (unknown.code, unknown.reason) == ("not-there", "there is no change 99")
    assert (vault.root / "A.md").read_text(encoding="utf-8") == STUB
    assert ids(vault, run="20261125-104412-3f9a") == [5, 4]
    [again] = take_back(vault, [1])
    assert (again.code, again.reason) == (
        "note-refused",
        "change 1 was taken back already by change 4",
    )


def test_what_can_be_undone(vault: Vault) -> None:
    edited = FILLED.replace("It grows", "It shrinks")
    (vault.root / "F/B.md").write_text(edited, encoding="utf-8")
    list(vault.undo([1, 2], "undoing"))
    assert ids(vault, undoable="whole") == [3]
    assert ids(vault, undoable="part") == [3, 2]
    assert ids(vault, undoable="part", run="undoing") == [5, 4], "they make the changes again"
    list(vault.undo([4], "undoing"))
    assert ids(vault, undoable="part", run="undoing") == [5], "an undo of the run's own is none"


UNDO_ALL: Sequence[tuple[dict[str, Any], list[int]]] = [
    ({}, [3, 2, 1]),
    ({"path": "F"}, [3, 2]),
    ({"field": "description"}, [3, 2, 1]),
    ({"undoable": "whole"}, [3, 1]),
    ({"run": "none"}, []),
]


@pytest.mark.parametrize(("filter_", "expected"), UNDO_ALL)
def test_a_run_takes_back_all_that_a_filter_means(
    vault: Vault, filter_: dict[str, Any], expected: list[int]
) -> None:
    (vault.root / "F/B.md").write_text(FILLED.replace("It grows", "It shrinks"), "utf-8")
    list(vault.undo([2]))  # in part
    run = vault.undo_all(ChangeQuery.of(**filter_))
    results = list(run)
    undone = [each.undone for each in results if each.undone]
    assert ([each.change for each in undone], run.total) == (expected, len(expected))
    statuses = {each.undone.change: each.status for each in results if each.undone}
    assert statuses == {id_: "failed" if id_ == 2 else "undone" for id_ in expected}
    assert {vault.change(each.undone_by).run for each in undone if each.undone_by} <= {run.id}


def test_a_note_that_is_gone_keeps_its_changes(vault: Vault) -> None:
    (vault.root / "A.md").unlink()
    assert ids(vault, path="A.md") == [1]
    assert name_path(vault, "A.md", vault.root) == "A.md"
    assert name_path(vault, "F/B", vault.root) == "F/B.md"
    assert name_path(vault, "B.md", vault.root / "F") == "F/B.md"
    for typed in ("Nowhere.md", "../x.md"):
        with pytest.raises(UsageError, match=r"there is no|is outside"):
            name_path(vault, typed, vault.root)


MOVES: Sequence[Any] = [
    pytest.param("A.md", "Moved.md", id="moved"),
    pytest.param("A.md", "Caf\u0065\u0301.md", id="another Unicode form"),
]


@pytest.mark.parametrize(("old", "new"), MOVES)
def test_a_note_that_was_moved_is_found_by_its_new_path(vault: Vault, old: str, new: str) -> None:
    (vault.root / old).rename(vault.root / new)
    [undone] = take_back(vault, [1])
    assert (undone.path, undone.moved_from) == (new, old)
    assert ids(vault, path=unicodedata.normalize("NFC", new)) == [4, 1]


def write_settings(folder: Path, endpoint: FakeEndpoint, more: str) -> None:
    """Write the settings that the fixture's daemon is given, for the vault in this process."""
    (folder / "home").mkdir()
    model = f'[endpoint]\nbase_url = "{endpoint.url}"\nmodel = "m"\napi_key = "{KEY}"\n'
    (folder / "home" / "config.toml").write_text(model + more)


@contextmanager
def proposing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    """Open a vault with a description and a callout, 1 to 4, proposed for A.md and F/B.md."""
    monkeypatch.setenv("COMPANION_CHECKS", "off")
    with ExitStack() as stack:
        endpoint = stack.enter_context(closing(FakeEndpoint()))
        fixture = stack.enter_context(open_daemon_fixture(folder, endpoint, monkeypatch))
        more = '[review]\nmode = "propose"\n[agents]\nmay_accept = ["description"]\n'
        write_settings(folder, endpoint, more)
        fixture.settings["settle_seconds"] = 3600.0
        fixture.review = ReviewTable(mode="propose")
        fixture.agents = AgentsTable(may_accept=("description",))
        fixture.start()
        for path in ("A.md", "F/B.md"):
            fixture.note(path)
            fixture.run(path)
        fixture.rescan()
        fixture.stop()
        yield stack.enter_context(open_vault(fixture.vault))


@pytest.fixture
def proposed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    with proposing(tmp_path, monkeypatch) as vault:
        yield vault


PROPOSALS: Sequence[tuple[dict[str, Any], list[int]]] = [
    ({}, [4, 3, 2, 1]),
    ({"path": "A.md"}, [2, 1]),
    ({"path": "F"}, [4, 3]),
    ({"path": "Nowhere"}, []),
    ({"field": "description"}, [3, 1]),
    ({"field": "callout"}, [4, 2]),
    ({"flagged": True}, []),
    ({"flagged": False}, [4, 3, 2, 1]),
    ({"state": "refused"}, []),
    ({"state": "decided"}, []),
    ({"state": "all"}, [4, 3, 2, 1]),
    ({"tag": "none"}, []),
    ({"before": 2}, [1]),
    ({"limit": 1}, [4]),
]


def test_proposals(proposed: Vault) -> None:
    for query, expected in PROPOSALS:
        page = proposed.proposals(ProposalQuery.of(**query))
        assert [each.id for each in page.proposals] == expected, query
        if "before" not in query and "limit" not in query:
            assert proposed.proposal_ids(ProposalQuery.of(**query)).ids == expected, query
    assert (page.total, page.next) == (4, 4)
    assert proposed.proposal(1) == proposed.proposals(ProposalQuery(before=2)).proposals[0]
    with pytest.raises(NotThere, match="no proposal 99"):
        proposed.proposal(99)
    with pytest.raises(UsageError, match="there is no field colour"):
        proposed.proposals(ProposalQuery(field="colour"))


def test_the_place_of_a_proposal(proposed: Vault) -> None:
    note = proposed.root / "A.md"
    note.write_text(note.read_text().replace("description:", "cover: 😀\ndescription:"))
    place = proposed.place(1, PlaceQuery())
    parts = place.parts
    assert (place.title, place.new_values) == ("Stub", [])
    assert [text for mark, text in parts if mark == "+"] == ["What a stub is."]
    before = note.read_text().encode("utf-16-le")[: place.start * 2].decode("utf-16-le")
    assert before.endswith("cover: 😀\ndescription: ")
    note.unlink()
    with pytest.raises(NoteChanged, match="no longer there"):
        proposed.place(1, PlaceQuery())


def decide(vault: Vault, **decisions: Any) -> list[NoteResult]:
    return list(vault.decide(Decisions.of(**decisions)))


def test_decisions(proposed: Vault) -> None:
    unknown, a, b = sorted(
        decide(proposed, accept=[{"id": 1, "text": "Mine."}, {"id": 3}, {"id": 2}, {"id": 99}]),
        key=lambda each: each.path,
    )
    assert (a.path, a.status, a.change) == ("A.md", "enriched", 1)
    accepted = [(each.id, each.state, each.reason) for each in a.decided]
    assert accepted == [(1, "accepted", None), (2, "accepted", None)]
    assert (a.changes[0].kind, a.changes[0].text) == ("description", "Mine.")
    assert (b.path, b.status, b.change) == ("F/B.md", "enriched", 2)
    assert (unknown.status, unknown.reason) == ("failed", "there is no proposal 99")
    assert len({change.run for change in proposed.changes(ChangeQuery()).changes}) == 1
    [again] = decide(proposed, accept=[{"id": 1}])
    assert again.status == "failed" and "it was accepted already (change 1)" in str(again.reason)
    [back] = decide(proposed, undo=[1, 2])
    assert {each.state for each in back.decided} == {"open"} and back.change == 3
    assert (proposed.root / "A.md").read_text(encoding="utf-8") == STUB
    [refused] = decide(proposed, refuse=[2], reason="No.")
    assert (refused.status, proposed.proposal(2).reason) == ("refused", "No.")
    [taken] = decide(proposed, accept=[{"id": 2, "state": "refused"}])
    assert taken.status == "enriched"


def test_one_undo_takes_a_run_of_decisions_back(proposed: Vault) -> None:
    run = proposed.decide(Decisions.of(accept=[{"id": 1}, {"id": 3}], refuse=[2], reason="No."))
    decided = {each.id: each.state for result in run for each in result.decided}
    assert decided == {1: "accepted", 3: "accepted", 2: "refused"}
    back = proposed.undo_all(ChangeQuery(run=run.id))
    assert back.total == len(list(back)) == 3
    assert proposed.proposals(ProposalQuery(limit=1)).total == 4
    assert {(proposed.root / path).read_text("utf-8") for path in ("A.md", "F/B.md")} == {STUB}


def test_of_a_run_that_is_cancelled_what_is_done_stays_and_is_said(
    proposed: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept, is_begun, is_cancelled = Decider.accept, threading.Event(), threading.Event()

    def accept_one(*of: Any, **options: Any) -> Iterator[Any]:
        for decision in accept(*of, **options):
            is_begun.set()
            assert is_cancelled.wait(60)
            yield decision

    def cancel() -> None:
        is_begun.wait(60)
        run.cancel()
        is_cancelled.set()

    monkeypatch.setattr(Decider, "accept", accept_one)
    run = proposed.decide(Decisions.of(accept=[{"id": id_} for id_ in (1, 2, 3, 4)]))
    threading.Thread(target=cancel, daemon=True).start()
    results = list(run)
    assert [(each.path, each.status) for each in results] == [("A.md", "enriched")]
    assert (run.is_cancelled, run.total) == (True, 2)
    assert [each.id for each in proposed.proposals(ProposalQuery()).proposals] == [4, 3]


def test_a_program_proposes(proposed: Vault) -> None:
    made = proposed.propose("A.md", "description", "Mine.", script="importer").proposal
    assert made and (made.model, made.flags) == ("script:importer", ["program"])
    assert proposed.proposal(1).state == "superseded"
    with pytest.raises(UsageError, match="there is no field colour"):
        proposed.propose("A.md", "colour", "x")
    with pytest.raises(UsageError, match="cannot be the name of a script"):
        proposed.propose("A.md", "description", "x", script="../x")


def test_an_agent(proposed: Vault) -> None:
    agent = proposed.agent("tester")
    (proposed.root / "Private.md").write_text("---\nai: false\ndescription:\n---\n")
    for path in ("New.md", "Other.md"):
        (proposed.root / path).write_text("---\ndescription:\n---\nText of a stub.\n")
    notes = agent.scan(limit=1)
    assert [(note.path, note.needs[0].kind) for note in notes.notes] == [("New.md", "description")]
    assert (notes.next, notes.total) == ("New.md", 2)
    assert [note.path for note in agent.scan(after="New.md").notes] == ["Other.md"]
    assert agent.scan("/".join(["0" * 255] * 16)).total == 0, "a name that no disk takes"
    read = agent.read_note("A.md")
    assert [(need.kind, need.proposed) for need in read.needs] == [
        ("description", 1),
        ("callout", 2),
    ]
    assert "Text" in read.text and "sentence" in read.needs[0].instruction
    with pytest.raises(NotThere, match="that agents may see"):
        agent.read_note("Private.md")
    assert [each.id for each in agent.list_proposals("F").proposals] == [4, 3]
    with pytest.raises(NoteRefused, match="proposal 1 for it is"):
        agent.propose("A.md", "description", "What it is.")
    [made] = agent.accept([1]).notes
    assert (made.status, made.change) == ("enriched", 1)
    [refused] = agent.accept([2]).notes
    assert refused.status == "failed" and "do not let agents" in (refused.reason or "")
    [back] = agent.undo(1).notes
    assert [each.state for each in back.decided] == ["open"]
    with pytest.raises(NotThere, match="you have no change 1"):
        agent.undo(1)


def test_forgetting(proposed: Vault) -> None:
    assert proposed.forget(["F"]) == 2
    assert proposed.proposals(ProposalQuery()).total == 2
    forgotten = proposed.proposals(ProposalQuery(path="F", state="all")).proposals
    assert [(each.text, each.state) for each in forgotten] == [(None, "refused")] * 2
