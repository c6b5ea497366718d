"""What a Vault promises, whoever does it: this process, or the vault's daemon over HTTP."""

from __future__ import annotations

import os
import sqlite3
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from companion.app.local_vault import LocalVault
from companion.app.open_vault import name_path, open_vault
from companion.app.remote_vault import RemoteVault
from companion.app.runtime_file import RuntimeFile, write_runtime_file
from companion.app.types.changes import ChangeQuery
from companion.app.types.proposals import ProposalQuery
from companion.app.vault import Vault, all_changes
from companion.config import state_folder
from companion.config.settings import ReviewTable
from companion.errors import NoteChanged, NotThere, UsageError
from tests.daemon.conftest import Serving
from tests.daemon.daemon_fixture import FILLED, STUB, DaemonFixture, open_daemon_fixture
from tests.llm.fake_endpoint import FakeEndpoint

Open = Callable[[], Vault]
HERE, DAEMON = "in this process", "by the daemon"
BOTH = pytest.mark.parametrize("by", [HERE, DAEMON])


@contextmanager
def opened(fixture: DaemonFixture, by: str) -> Iterator[Vault]:
    """Open the vault, whose daemon is started, in one of the two ways."""
    if by == HERE:
        fixture.stop()
        with open_vault(fixture.vault) as vault:
            assert isinstance(vault, LocalVault)
            yield vault
        return
    served = Serving(fixture.daemon)
    try:
        write_runtime_file(
            state_folder(fixture.vault), RuntimeFile(served.port, os.getpid(), "", 0)
        )
        with open_vault(fixture.vault) as vault:
            assert isinstance(vault, RemoteVault)
            yield vault
    finally:
        served.stop()


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
        fixture.space.journal.flush()
        with closing(sqlite3.connect(fixture.space.state / "journal.sqlite3")) as db, db:
            db.execute("UPDATE changes SET made_at = made_at - 3600 * (3 - id)")
        yield fixture


@pytest.fixture(params=[HERE, DAEMON])
def vault(request: pytest.FixtureRequest, notes: DaemonFixture) -> Iterator[Vault]:
    with opened(notes, request.param) as vault:
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


def test_pages_lead_through_all_changes(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("companion.app.vault._LARGEST_PAGE", 2)
    assert vault.changes(ChangeQuery(limit=2)).before == 2
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
    }
    [listed] = vault.changes(ChangeQuery(path="A.md")).changes
    assert listed.diff is None
    [listed] = vault.changes(ChangeQuery(path="A.md", diff=True)).changes
    assert listed == vault.change(1)


def test_what_is_wrong_is_the_same_error(vault: Vault) -> None:
    with pytest.raises(NotThere, match="no change 99"):
        vault.change(99)
    with pytest.raises(UsageError, match="there is no field colour; the fields are aliases"):
        ids(vault, field="colour")
    with pytest.raises(UsageError, match="path: a path is relative to the vault"):
        ids(vault, path="../x")
    with pytest.raises(UsageError, match="since: it is no time with an offset"):
        ids(vault, since="2026-11-25")


def test_undo_tells_of_each_change(vault: Vault) -> None:
    edited = FILLED.replace("It grows", "It shrinks")
    (vault.root / "F/B.md").write_text(edited, encoding="utf-8")
    (vault.root / "F/G/C.md").write_text(edited.replace("What a stub", "My"), encoding="utf-8")
    whole, part, refused, unknown = vault.undo([1, 2, 3, 99], "20261125-104412-3f9a")
    assert whole.model_dump() == {
        "change": 1,
        "path": "A.md",
        "undone_by": 4,
        "left": [],
        "reason": None,
        "code": None,
        "moved_from": None,
    }
    assert (part.undone_by, part.left, part.code) == (5, ["callout"], None) and part.reason
    assert (refused.undone_by, refused.left) == (None, ["description", "callout"])
    assert (refused.code, refused.path) == ("note-changed", "F/G/C.md")
    assert (unknown.code, unknown.reason) == ("not-there", "there is no change 99")
    assert (vault.root / "A.md").read_text(encoding="utf-8") == STUB
    assert ids(vault, run="20261125-104412-3f9a") == [5, 4]
    [again] = vault.undo([1])
    assert (again.code, again.reason) == (
        "note-refused",
        "change 1 was taken back already by change 4",
    )
    with pytest.raises(NoteChanged, match="edited since") as error:
        refused.check()
    assert error.value.path == "F/G/C.md"
    assert whole.check() is whole


def test_what_can_be_undone(vault: Vault) -> None:
    edited = FILLED.replace("It grows", "It shrinks")
    (vault.root / "F/B.md").write_text(edited, encoding="utf-8")
    list(vault.undo([1, 2], "undoing"))
    assert ids(vault, undoable="whole") == [3]
    assert ids(vault, undoable="part") == [3, 2]
    assert ids(vault, undoable="part", run="undoing") == [5, 4], "they make the changes again"
    list(vault.undo([4], "undoing"))
    assert ids(vault, undoable="part", run="undoing") == [5], "an undo of the run's own is none"


def test_undo_of_many_is_sent_in_parts(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("companion.app.remote_vault._BATCH", 2)
    monkeypatch.setattr("companion.daemon.api.note_routes._UNDO_SECONDS", 0.0)
    undone = list(vault.undo([3, 2, 1]))
    assert [(each.change, each.undone_by) for each in undone] == [(3, 4), (2, 5), (1, 6)]
    assert len({change.run for change in all_changes(vault, ChangeQuery(before=7))}) == 4


def test_a_note_that_is_gone_keeps_its_changes(vault: Vault) -> None:
    (vault.root / "A.md").unlink()
    assert ids(vault, path="A.md") == [1]
    assert name_path(vault, "A.md", vault.root) == "A.md"
    assert name_path(vault, "F/B", vault.root) == "F/B.md"
    assert name_path(vault, "B.md", vault.root / "F") == "F/B.md"
    for typed in ("Nowhere.md", "../x.md"):
        with pytest.raises(UsageError, match=r"there is no|lies outside"):
            name_path(vault, typed, vault.root)


MOVES: Sequence[Any] = [
    pytest.param("A.md", "Moved.md", id="moved"),
    pytest.param("A.md", "Caf\u0065\u0301.md", id="another Unicode form"),
]


@pytest.mark.parametrize(("old", "new"), MOVES)
def test_a_note_that_was_moved_is_found_by_its_new_path(vault: Vault, old: str, new: str) -> None:
    (vault.root / old).rename(vault.root / new)
    [undone] = vault.undo([1])
    assert (undone.path, undone.moved_from) == (new, old)
    assert ids(vault, path=unicodedata.normalize("NFC", new)) == [4, 1]


PROPOSALS: Sequence[tuple[dict[str, Any], int]] = [
    ({}, 4),
    ({"path": "A.md"}, 2),
    ({"folder": "F"}, 2),
    ({"folder": "Nowhere"}, 0),
    ({"kind": "description"}, 2),
    ({"flagged": True}, 0),
    ({"flagged": False}, 4),
    ({"state": "refused"}, 0),
    ({"state": "all", "latest": True}, 4),
    ({"before": 2}, 1),
    ({"limit": 1}, 1),
]


@BOTH
def test_proposals_and_forgetting_them(
    by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ExitStack() as stack:
        endpoint = stack.enter_context(closing(FakeEndpoint()))
        fixture = stack.enter_context(open_daemon_fixture(tmp_path, endpoint, monkeypatch))
        fixture.settings["settle_seconds"] = 3600.0
        fixture.review = ReviewTable(mode="propose")
        fixture.start()
        for path in ("A.md", "F/B.md"):
            fixture.note(path)
            fixture.run(path)
        vault = stack.enter_context(opened(fixture, by))
        for query, number in PROPOSALS:
            page = vault.proposals(ProposalQuery.of(**query))
            assert len(page.proposals) == number, query
        assert (page.total, page.before) == (4, 4)
        assert vault.forget(["F"]) == 2
        assert vault.proposals(ProposalQuery()).total == 2
        assert [
            p.text for p in vault.proposals(ProposalQuery(folder="F", state="all")).proposals
        ] == [
            None,
            None,
        ]
