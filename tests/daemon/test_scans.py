"""The vault changes: notes made, renamed and deleted, events lost, drives and databases gone."""

import errno
import shutil
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from watchdog.observers.api import BaseObserver

from companion.app.types.proposals import Acceptance
from companion.config.settings import IgnoreTable, ReviewTable
from companion.daemon import scans
from companion.enrich import workspace
from companion.enrich.workspace import Workspace
from companion.errors import JournalError, UsageError
from companion.store.moves import follow_events
from companion.store.proposals import Selection
from tests.daemon.daemon_fixture import FILLED, STUB, DaemonFixture, eventually
from tests.examples import Change, delete, labelled, rename, write

OPEN = Selection(states=("open",))


def _waiting(daemon_fixture: DaemonFixture) -> set[str]:
    work = daemon_fixture.daemon.background
    return {*work._due, *work._busy}


@pytest.fixture
def quiet(daemon_fixture: DaemonFixture) -> DaemonFixture:
    """A vault whose notes wait in the background, for an hour."""
    daemon_fixture.settings["settle_seconds"] = 3600.0
    daemon_fixture.note("A.md")
    daemon_fixture.note("F/B.md")
    daemon_fixture.start()
    eventually(lambda: _waiting(daemon_fixture) == {"A.md", "F/B.md"})
    return daemon_fixture


def _move_in(vault: Path) -> None:
    folder = vault.with_name("outside")
    folder.mkdir()
    (folder / "C.md").write_text(STUB)
    folder.rename(vault / "N")


def _replace(vault: Path) -> None:
    (vault / ".new").write_text(FILLED)
    (vault / ".new").replace(vault / "A.md")


CHANGES = {
    "deleted": (delete("A.md"), {"F/B.md"}),
    "renamed": (rename("A.md", "C.md"), {"C.md", "F/B.md"}),
    "renamed in its case only": (rename("A.md", "a.md"), {"a.md", "F/B.md"}),
    "folder moved": (rename("F", "G"), {"A.md", "G/B.md"}),
    "folder deleted": (lambda vault: shutil.rmtree(vault / "F"), {"A.md"}),
    "folder made": (write("N/M/C.md", STUB), {"A.md", "F/B.md", "N/M/C.md"}),
    "folder moved in": (_move_in, {"A.md", "F/B.md", "N/C.md"}),
    "filled by hand": (write("A.md", FILLED), {"F/B.md"}),
    "replaced by another file": (_replace, {"F/B.md"}),
    "hidden": (rename("A.md", ".A.md"), {"F/B.md"}),
}


@labelled(("change", "waiting"), CHANGES)
def test_what_waits_follows_the_vault(
    quiet: DaemonFixture, change: Change, waiting: set[str]
) -> None:
    change(quiet.vault)
    eventually(lambda: _waiting(quiet) == waiting and quiet.status().to_do == len(waiting))


@labelled(("change", "waiting"), CHANGES)
def test_rescan_finds_what_no_event_told(
    quiet: DaemonFixture, change: Change, waiting: set[str]
) -> None:
    quiet.daemon.scans.watcher.stop()
    change(quiet.vault)
    quiet.rescan()
    eventually(lambda: _waiting(quiet) == waiting)  # a note may just be looked at


def _rename_and_edit(vault: Path) -> None:
    (vault / "A.md").rename(vault / "C.md").write_text(STUB + "More.\n")


def _swap_for_a_new_one(vault: Path) -> None:
    """As a program does that writes anew what it keeps the old text of."""
    (vault / "A.md").rename(vault / "Backup.md")
    (vault / "A.md").write_text(STUB + "More.\n")


def test_a_run_knows_what_waits_for_a_note_that_was_just_renamed(
    quiet: DaemonFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet.run("A.md", propose=True)
    monkeypatch.setattr("companion.daemon.scans._GATHER", 5.0)
    (quiet.vault / "A.md").rename(quiet.vault / "C.md")
    looks, proposals = quiet.daemon.scans, quiet.daemon.space.journal.proposals
    eventually(lambda: looks._moves or proposals.latest("C.md"))
    quiet.run("C.md")
    assert quiet.model.calls() == 1 and quiet.is_filled("C.md")


def test_a_thread_waits_for_the_moves_that_another_records(
    quiet: DaemonFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet.run("A.md", propose=True)
    watched, proposals = quiet.daemon.scans, list[object]()

    def run() -> None:
        watched.follow_moves()
        proposals.append(quiet.daemon.space.journal.proposals.latest("C.md"))

    other = Thread(target=run, daemon=True)

    def follow(*args: Any) -> None:
        if not other.ident:
            other.start()
            other.join(0.1)  # it must not end
        follow_events(*args)

    monkeypatch.setattr(scans, "follow_events", follow)
    (quiet.vault / "A.md").rename(quiet.vault / "C.md")
    eventually(lambda: proposals)
    assert proposals[0]


def test_moves_that_the_journal_could_not_record_are_recorded_later(
    quiet: DaemonFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet.run("A.md", propose=True)
    faults = [JournalError("the disk is full")]

    def follow(*args: Any) -> None:
        if faults:
            raise faults.pop()
        follow_events(*args)

    monkeypatch.setattr(scans, "follow_events", follow)
    _rename_and_edit(quiet.vault)
    eventually(lambda: not faults)
    quiet.rescan()
    assert quiet.daemon.space.journal.proposals.latest("C.md")


MOVES = [
    pytest.param(rename("A.md", "C.md"), {"C.md", "F/B.md"}, id="renamed"),
    pytest.param(rename("A.md", "a.md"), {"a.md", "F/B.md"}, id="renamed in its case only"),
    pytest.param(rename("F", "G"), {"A.md", "G/B.md"}, id="folder moved"),
    pytest.param(_rename_and_edit, {"C.md", "F/B.md"}, id="renamed and edited"),
]


@pytest.fixture
def undone(daemon_fixture: DaemonFixture) -> DaemonFixture:
    """A vault whose two notes were filled, and taken back."""
    daemon_fixture.note("A.md")
    daemon_fixture.note("F/B.md")
    daemon_fixture.start()
    eventually(lambda: daemon_fixture.is_filled("A.md") and daemon_fixture.is_filled("F/B.md"))
    eventually(daemon_fixture.is_idle)
    for change in daemon_fixture.changes():
        daemon_fixture.daemon.outbox.undo(change)
    daemon_fixture.rescan()
    eventually(daemon_fixture.is_idle)
    assert daemon_fixture.read("A.md") == daemon_fixture.read("F/B.md") == STUB
    return daemon_fixture


def _is_remembered(daemon_fixture: DaemonFixture, paths: set[str]) -> bool:
    """Whether the notes are as they were, and their changes are kept under these paths."""
    daemon_fixture.rescan()
    eventually(daemon_fixture.is_idle)
    assert daemon_fixture.model.calls() == 2
    return {change.path for change in daemon_fixture.changes()} == paths


@pytest.mark.parametrize(("move", "paths"), MOVES)
def test_memory_goes_with_a_note_that_an_event_told_of(
    undone: DaemonFixture, move: Change, paths: set[str]
) -> None:
    move(undone.vault)
    eventually(lambda: {change.path for change in undone.changes()} == paths)
    assert _is_remembered(undone, paths)
    for change in undone.changes()[:2]:
        undone.daemon.outbox.undo(change)
    assert all("> A stub is a short" in undone.read(path) for path in paths)


@pytest.mark.parametrize(("move", "paths"), MOVES[:3])
def test_memory_goes_with_a_note_that_no_event_told_of(
    undone: DaemonFixture, move: Change, paths: set[str]
) -> None:
    undone.daemon.scans.watcher.stop()
    move(undone.vault)
    assert _is_remembered(undone, paths)


@pytest.mark.parametrize(("move", "paths"), MOVES[:3])
def test_memory_goes_with_a_note_that_is_moved_while_no_daemon_runs(
    undone: DaemonFixture, move: Change, paths: set[str]
) -> None:
    undone.stop()
    move(undone.vault)
    undone.start()
    assert _is_remembered(undone, paths)


def test_memory_stays_where_a_note_is_written_anew(undone: DaemonFixture) -> None:
    _swap_for_a_new_one(undone.vault)
    undone.rescan()
    eventually(lambda: undone.is_filled("Backup.md"))
    assert {change.path for change in undone.changes()[1:]} == {"A.md", "F/B.md"}
    assert undone.read("A.md") == STUB + "More.\n"


def test_what_a_person_accepted_and_undid_is_not_written_by_itself(
    daemon_fixture: DaemonFixture,
) -> None:
    daemon_fixture.review = ReviewTable(mode="propose")
    daemon_fixture.start()
    daemon_fixture.note("A.md")
    daemon_fixture.rescan()
    eventually(lambda: len(daemon_fixture.daemon.space.journal.proposals.select(OPEN)) == 2)
    wishes = [
        Acceptance(id=each.id)
        for each in daemon_fixture.daemon.space.journal.proposals.select(OPEN)
    ]
    list(daemon_fixture.daemon.vault.decider.accept(wishes))
    daemon_fixture.stop()
    daemon_fixture.review = ReviewTable(mode="write")
    daemon_fixture.start()
    daemon_fixture.daemon.outbox.undo(daemon_fixture.changes()[0])
    daemon_fixture.rescan()
    eventually(daemon_fixture.is_idle)
    assert (daemon_fixture.read("A.md"), daemon_fixture.model.calls()) == (STUB, 1)
    assert {each.flags for each in daemon_fixture.daemon.space.journal.proposals.select(OPEN)} == {
        ("undone",)
    }


def test_vault_that_cannot_be_watched_is_polled(
    daemon_fixture: DaemonFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def schedule(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "limit reached")

    can_schedule = BaseObserver.schedule
    monkeypatch.setattr(BaseObserver, "schedule", schedule)
    monkeypatch.setattr(scans, "_MIN_POLL", 0.2)
    daemon_fixture.start()
    eventually(lambda: daemon_fixture.status().ready)
    assert "limit reached" in daemon_fixture.status().polls
    daemon_fixture.note("Stub.md")
    eventually(lambda: daemon_fixture.is_filled("Stub.md"))
    monkeypatch.setattr(BaseObserver, "schedule", can_schedule)
    daemon_fixture.rescan()
    assert daemon_fixture.status().polls  # it is not tried at each look
    daemon_fixture.daemon.scans.watcher._next_try = 0.0
    daemon_fixture.rescan()
    assert daemon_fixture.status().polls == ""
    said = daemon_fixture.log.getvalue()
    assert said.count("scanned regularly") == 1


def test_note_that_is_excluded_is_forgotten_without_waiting_for_the_next_look_at_all(
    daemon_fixture: DaemonFixture,
) -> None:
    daemon_fixture.review = ReviewTable(mode="propose")
    daemon_fixture.ignore = IgnoreTable(tags=("mine",))
    daemon_fixture.note("Stub.md")
    daemon_fixture.start()
    eventually(lambda: len(_open_values(daemon_fixture)) > 1)
    assert daemon_fixture.daemon.scans.context().may_tell("Stub.md")
    daemon_fixture.note("Stub.md", STUB + "#mine\n")
    eventually(lambda: not daemon_fixture.daemon.space.journal.proposals.paths())
    context = daemon_fixture.daemon.scans.context
    eventually(lambda: not context().may_tell("Stub.md"))


def test_settings_that_change_during_a_scan_do_not_hold_up_the_next_one(
    daemon_fixture: DaemonFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The thread that scans must not wait for a scan."""
    daemon_fixture.note("Stub.md")
    daemon_fixture.start()
    eventually(lambda: daemon_fixture.is_filled("Stub.md"))  # whoever asks knows the vault
    scan = Workspace.scan

    def scan_and_change(space: Workspace) -> object:
        scanned = scan(space)
        (space.root / ".obsidian/app.json").write_text('{"userIgnoreFilters": ["Old/"]}')
        space.refresh()
        return scanned

    monkeypatch.setattr(scans, "_FIRST_SCAN", 0.1)
    monkeypatch.setattr(Workspace, "scan", scan_and_change)
    daemon_fixture.rescan()
    assert "looking at the vault" not in daemon_fixture.log.getvalue()


def _open_values(daemon_fixture: DaemonFixture) -> dict[int, str]:
    found = daemon_fixture.daemon.space.journal.proposals.select(Selection(states=("open",)))
    return {each.id: each.text for each in found}


# --- the vault goes away


def take_away(daemon_fixture: DaemonFixture) -> Path:
    """Rename the vault; return its new path once the daemon has noticed."""
    away = daemon_fixture.vault.with_name("away")
    daemon_fixture.vault.rename(away)
    eventually(lambda: daemon_fixture.status().vault_missing)
    return away


def test_vault_that_is_renamed_away_is_waited_for(
    daemon_fixture: DaemonFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scans, "_MISSING_CHECK", 0.1)
    daemon_fixture.note("Stub.md", FILLED)
    daemon_fixture.start()
    eventually(lambda: daemon_fixture.status().ready)
    away = take_away(daemon_fixture)
    with pytest.raises(UsageError, match="the vault is not available right now"):
        daemon_fixture.run("Stub.md")
    (away / "New.md").write_text(STUB)
    away.rename(daemon_fixture.vault)
    eventually(lambda: daemon_fixture.is_filled("New.md"))
    assert not daemon_fixture.status().vault_missing
    daemon_fixture.note("Later.md", rests=False)
    eventually(lambda: daemon_fixture.is_filled("Later.md"))
    assert daemon_fixture.status().polls == ""


def test_empty_mount_point_is_not_an_empty_vault(
    daemon_fixture: DaemonFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scans, "_MISSING_CHECK", 0.1)
    daemon_fixture.settings["settle_seconds"] = 3600.0
    daemon_fixture.note("Stub.md")
    daemon_fixture.start()
    eventually(lambda: _waiting(daemon_fixture) == {"Stub.md"})
    away = daemon_fixture.vault.with_name("away")
    daemon_fixture.vault.rename(away)
    daemon_fixture.vault.mkdir()
    eventually(lambda: daemon_fixture.status().vault_missing)
    daemon_fixture.vault.rmdir()
    away.rename(daemon_fixture.vault)
    eventually(lambda: not daemon_fixture.status().vault_missing)
    eventually(lambda: _waiting(daemon_fixture) == {"Stub.md"})


def test_drive_that_is_mounted_after_the_start_has_lost_nothing(
    daemon_fixture: DaemonFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scans, "_MISSING_CHECK", 0.1)
    monkeypatch.setattr(workspace, "_LOST_SECONDS", 0.0)  # what is gone was deleted
    daemon_fixture.review = ReviewTable(mode="propose")
    daemon_fixture.note("Stub.md")
    daemon_fixture.start()
    eventually(lambda: len(_open_values(daemon_fixture)) > 1)
    proposed = _open_values(daemon_fixture)
    daemon_fixture.stop()
    away = daemon_fixture.vault.with_name("away")
    daemon_fixture.vault.rename(away)
    daemon_fixture.vault.mkdir()
    daemon_fixture.start()
    daemon_fixture.rescan()
    daemon_fixture.vault.rmdir()
    away.rename(daemon_fixture.vault)
    daemon_fixture.rescan()
    assert not daemon_fixture.status().vault_missing
    assert _open_values(daemon_fixture) == proposed


# --- much at once, and clocks


def test_burst_is_taken_in_whole_and_each_note_enriched_once(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.start()
    eventually(lambda: daemon_fixture.status().ready)
    folder = daemon_fixture.vault / "Burst"
    folder.mkdir()
    plain = "---\ndescription: Mine.\n---\n\nText of mine.\n"
    for number in range(600):
        (folder / f"{number}.md").write_text(plain if number % 50 else STUB)
    stubs = [folder / f"{number}.md" for number in range(0, 600, 50)]
    eventually(lambda: all(file.read_text() == FILLED for file in stubs))
    daemon_fixture.rescan()
    eventually(daemon_fixture.is_idle)
    assert len(daemon_fixture.changes()) == daemon_fixture.model.calls() == len(stubs)
    assert daemon_fixture.status().notes == 600


@pytest.mark.parametrize("gone", ["index.sqlite3", "spending.sqlite3"])
def test_work_goes_on_when_a_database_is_deleted(daemon_fixture: DaemonFixture, gone: str) -> None:
    daemon_fixture.note("One.md")
    daemon_fixture.start()
    eventually(lambda: daemon_fixture.is_filled("One.md"))
    eventually(daemon_fixture.is_idle)
    files = list(daemon_fixture.vault.parent.rglob(f"{gone}*"))
    assert files
    for file in files:
        file.unlink()
    daemon_fixture.note("Two.md", rests=False)
    eventually(lambda: daemon_fixture.is_filled("Two.md"))
    daemon_fixture.rescan()
    eventually(daemon_fixture.is_idle)
    assert daemon_fixture.model.calls() == 2
    assert daemon_fixture.changes("Two.md")
    assert daemon_fixture.status().fault is None


def test_nothing_is_written_once_the_journal_is_deleted(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.note("One.md")
    daemon_fixture.start()
    eventually(lambda: daemon_fixture.is_filled("One.md"))
    eventually(daemon_fixture.is_idle)
    for file in daemon_fixture.vault.parent.rglob("journal.sqlite3*"):
        file.unlink()
    daemon_fixture.note("Two.md", rests=False)
    work = daemon_fixture.daemon.background  # the status would read the journal
    eventually(lambda: work.fault or "start Companion again" in daemon_fixture.log.getvalue())
    assert not daemon_fixture.is_filled("Two.md")


# --- during the call


RENAMED = [
    pytest.param("A.md", "Z.md", "Z.md", False, id="the note"),
    pytest.param("A.md", "Z.md", "Z.md", True, id="and another one gets its name"),
    pytest.param("A.md", "a.md", "a.md", False, id="in its case only"),
    pytest.param("F", "G", "G/B.md", False, id="its folder"),
]


@pytest.mark.parametrize(("old", "new", "note", "again"), RENAMED)
def test_a_note_renamed_while_a_model_is_asked_is_asked_about_once(
    daemon_fixture: DaemonFixture, old: str, new: str, note: str, again: bool
) -> None:
    daemon_fixture.model.think()
    daemon_fixture.note("F/B.md" if old == "F" else old)
    daemon_fixture.start()
    eventually(lambda: daemon_fixture.model.calls() == 1)
    (daemon_fixture.vault / old).rename(daemon_fixture.vault / new)
    eventually(lambda: note in daemon_fixture.space.journal.notes.moved_from)
    if again:
        daemon_fixture.note(old, "No stub.\n")
    daemon_fixture.model.answer()
    eventually(lambda: daemon_fixture.is_filled(note))
    assert daemon_fixture.model.calls() == 1
    assert not again or daemon_fixture.read(old) == "No stub.\n"
