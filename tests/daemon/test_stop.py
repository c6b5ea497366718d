"""The end of a daemon: soon, with what is being written finished, and the rest found again."""

import threading
import time
from typing import Any

import pytest

from companion.enrich import apply
from companion.enrich.workspace import Workspace
from companion.store.journal import write_note
from companion.vault.lock import daemon_lock
from tests.daemon.daemon_fixture import FILLED, STUB, DaemonFixture, eventually


def test_stop_during_a_slow_call(
    daemon_fixture: DaemonFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("companion.daemon.daemon._STOP", 0.1)
    daemon_fixture.model.think()
    for number in range(6):
        daemon_fixture.note(f"{number}.md")
    daemon_fixture.start()
    eventually(lambda: daemon_fixture.model.calls() == 3)
    run = daemon_fixture.run("5.md", wait=False)
    eventually(lambda: daemon_fixture.model.calls() == 4)
    daemon_fixture.stop()  # the model thinks on
    assert run.state == "cancelled"
    assert all(daemon_fixture.read(f"{number}.md") == STUB for number in range(6))

    daemon_fixture.model.answer()
    daemon_fixture.start()
    eventually(lambda: all(daemon_fixture.is_filled(f"{number}.md") for number in range(6)))
    assert daemon_fixture.status().background.notes_today == 6
    assert len(daemon_fixture.changes()) == 6


@pytest.mark.parametrize("by_run", [False, True], ids=["in the background", "of a run"])
def test_stop_waits_for_calls_that_are_answered_soon_and_keeps_what_is_answered(
    daemon_fixture: DaemonFixture, monkeypatch: pytest.MonkeyPatch, by_run: bool
) -> None:
    daemon_fixture.model.think()
    if by_run:
        daemon_fixture.settings["settle_seconds"] = 3600.0
    daemon_fixture.note("Stub.md")
    daemon_fixture.start()
    if by_run:
        daemon_fixture.run("Stub.md", wait=False)
    eventually(lambda: daemon_fixture.model.calls() == 1)
    reconciler = daemon_fixture.daemon.scans
    stop = reconciler.stop  # which comes after no further call is made

    def stop_and_answer(timeout: float) -> None:
        daemon_fixture.model.answer()
        stop(timeout)

    monkeypatch.setattr(reconciler, "stop", stop_and_answer)
    daemon_fixture.stop()
    assert daemon_fixture.read("Stub.md") == STUB

    daemon_fixture.settings["settle_seconds"] = 0.15
    daemon_fixture.start()
    eventually(lambda: daemon_fixture.is_filled("Stub.md"))
    assert daemon_fixture.model.calls() == 1


@pytest.mark.parametrize("by_run", [False, True], ids=["in the background", "of a run"])
def test_stop_during_a_write_finishes_it(
    daemon_fixture: DaemonFixture, monkeypatch: pytest.MonkeyPatch, by_run: bool
) -> None:
    writing = threading.Event()

    def write_slowly(*args: Any) -> int:
        writing.set()
        time.sleep(0.5)  # a slow disk
        return write_note(*args)

    monkeypatch.setattr(apply, "write_note", write_slowly)
    if by_run:
        daemon_fixture.settings["settle_seconds"] = 3600.0
    daemon_fixture.note("Stub.md")
    daemon_fixture.start()
    if by_run:
        daemon_fixture.run("Stub.md", wait=False)
    assert writing.wait(60)
    daemon_fixture.stop()
    assert daemon_fixture.read("Stub.md") == FILLED
    daemon_fixture.start()
    assert [change.state for change in daemon_fixture.changes()] == ["done"]
    assert daemon_fixture.space.recovered == []


def test_stop_during_the_look_over_the_vault(
    daemon_fixture: DaemonFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking, may_look = threading.Event(), threading.Event()
    scan = Workspace.scan

    def scan_slowly(self: Workspace, *arguments: object) -> object:
        looking.set()
        may_look.wait(60)
        return scan(self)

    monkeypatch.setattr(Workspace, "scan", scan_slowly)
    monkeypatch.setattr("companion.daemon.daemon._STOP", 0.5)
    daemon_fixture.start()
    assert looking.wait(60)
    daemon_fixture.daemon.stop()
    assert daemon_fixture.daemon.scans._thread.is_alive()
    may_look.set()
    daemon_fixture.daemon.scans._thread.join(60)


def test_stop_while_the_endpoint_fails(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.model.fail(503)
    daemon_fixture.note("Stub.md")
    daemon_fixture.start()
    eventually(lambda: daemon_fixture.status().fault)
    run = daemon_fixture.run("Stub.md", wait=False)
    daemon_fixture.stop()
    assert run.is_over


def test_stop_frees_the_vault_and_a_second_time_does_nothing(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.start()
    daemon_fixture.daemon.stop()
    daemon_fixture.stop()
    with daemon_lock(daemon_fixture.space.state):
        pass


def test_no_thread_is_left(daemon_fixture: DaemonFixture) -> None:
    before = set(threading.enumerate())
    daemon_fixture.note("Stub.md")
    daemon_fixture.start()
    eventually(lambda: daemon_fixture.is_filled("Stub.md"))
    eventually(daemon_fixture.is_idle)
    daemon_fixture.stop()
    eventually(lambda: not [t for t in set(threading.enumerate()) - before if _is_ours(t)])


def _is_ours(thread: threading.Thread) -> bool:
    return thread.name.startswith(("run-", "background", "scans", "look"))


def test_work_of_a_day_survives_many_stops(daemon_fixture: DaemonFixture) -> None:
    """Stopped again and again in the middle, every note is enriched once."""
    for number in range(30):
        daemon_fixture.note(f"{number}.md")
    for _ in range(4):
        _work_a_while(daemon_fixture)
    daemon_fixture.start()
    eventually(lambda: all(daemon_fixture.is_filled(f"{number}.md") for number in range(30)))
    eventually(daemon_fixture.is_idle)
    assert len(daemon_fixture.changes()) == 30
    assert daemon_fixture.model.calls() <= 30 + 4 * 3  # those under way were broken off


def _work_a_while(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.start()
    enough = daemon_fixture.model.calls() + 3
    eventually(lambda: daemon_fixture.model.calls() >= enough or daemon_fixture.is_idle())
    daemon_fixture.stop()
