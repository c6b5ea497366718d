"""The end of a daemon: soon, with what is being written finished, and the rest found again."""

from __future__ import annotations

import threading
import time

import pytest

from companion.enrich.enricher import Enricher
from companion.enrich.workspace import Workspace
from companion.vault.lock import vault_lock
from tests.daemon.daemon_fixture import FILLED, STUB, Keeper, eventually, fake, keeper

__all__ = ["fake", "keeper"]


def test_stop_during_a_slow_call(keeper: Keeper) -> None:
    keeper.model.think()
    for number in range(6):
        keeper.note(f"{number}.md")
    keeper.start()
    eventually(lambda: keeper.model.calls() == 3)
    run = keeper.run("5.md", wait=False)
    eventually(lambda: keeper.model.calls() == 4)
    keeper.stop()  # the model thinks on
    assert run.state == "cancelled"
    assert all(keeper.read(f"{number}.md") == STUB for number in range(6))

    keeper.model.answer()
    keeper.start()
    eventually(lambda: all(keeper.is_filled(f"{number}.md") for number in range(6)))
    assert keeper.status().background.notes_today == 6
    assert len(keeper.changes()) == 6


@pytest.mark.parametrize("by_run", [False, True], ids=["in the background", "of a run"])
def test_stop_during_a_write_finishes_it(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch, by_run: bool
) -> None:
    writing = threading.Event()
    commit = Enricher._commit

    def commit_slowly(self: Enricher, *arguments: object) -> int:
        writing.set()
        time.sleep(0.5)  # a slow disk
        return commit(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Enricher, "_commit", commit_slowly)
    if by_run:
        keeper.settings["settle_seconds"] = 3600.0
    keeper.note("Stub.md")
    keeper.start()
    if by_run:
        keeper.run("Stub.md", wait=False)
    assert writing.wait(20)
    keeper.stop()
    assert keeper.read("Stub.md") == FILLED
    keeper.start()
    assert [change.state for change in keeper.changes()] == ["done"]
    assert keeper.space.recovered == []


def test_stop_during_the_look_over_the_vault(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    looking, may_look = threading.Event(), threading.Event()
    scan = Workspace.scan

    def scan_slowly(self: Workspace, *arguments: object) -> object:
        looking.set()
        may_look.wait(20)
        return scan(self)

    monkeypatch.setattr(Workspace, "scan", scan_slowly)
    monkeypatch.setattr("companion.daemon.daemon._STOP", 0.5)
    keeper.start()
    assert looking.wait(20)
    keeper.daemon.stop()
    assert keeper.daemon._reconciler._thread.is_alive()
    may_look.set()
    keeper.daemon._reconciler._thread.join(20)


def test_stop_while_the_endpoint_fails(keeper: Keeper) -> None:
    keeper.model.fail(503)
    keeper.note("Stub.md")
    keeper.start()
    eventually(lambda: keeper.status().fault)
    run = keeper.run("Stub.md", wait=False)
    keeper.stop()
    assert run.is_over


def test_stop_frees_the_vault_and_a_second_time_does_nothing(keeper: Keeper) -> None:
    keeper.start()
    keeper.daemon.stop()
    keeper.stop()
    with vault_lock(keeper.space.state):
        pass


def test_no_thread_is_left(keeper: Keeper) -> None:
    before = set(threading.enumerate())
    keeper.note("Stub.md")
    keeper.start()
    eventually(lambda: keeper.is_filled("Stub.md"))
    eventually(keeper.is_idle)
    keeper.stop()
    eventually(lambda: not [t for t in set(threading.enumerate()) - before if _is_ours(t)])


def _is_ours(thread: threading.Thread) -> bool:
    return thread.name.startswith(("worker", "reconciler", "journal"))


def test_work_of_a_day_survives_many_stops(keeper: Keeper) -> None:
    """Stopped again and again in the middle, every note is enriched once."""
    for number in range(30):
        keeper.note(f"{number}.md")
    for _ in range(4):
        _work_a_while(keeper)
    keeper.start()
    eventually(lambda: all(keeper.is_filled(f"{number}.md") for number in range(30)))
    eventually(keeper.is_idle)
    assert len(keeper.changes()) == 30
    assert keeper.model.calls() <= 30 + 4 * 3  # those under way were broken off


def _work_a_while(keeper: Keeper) -> None:
    keeper.start()
    enough = keeper.model.calls() + 3
    eventually(lambda: keeper.model.calls() >= enough or keeper.is_idle())
    keeper.stop()
