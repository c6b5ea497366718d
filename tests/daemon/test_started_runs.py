"""Runs that clients ask for: what they work on, their progress, cancelling, and who goes first."""

import threading
from typing import Any

import pytest

from companion.enrich import apply
from companion.enrich.pipeline import Enricher
from companion.errors import ConsentMissing
from companion.store.journal import write_note
from tests.daemon.daemon_fixture import FILLED, STUB, DaemonFixture, eventually, statuses

DONE = FILLED.replace("created", "made")


@pytest.fixture
def quiet(daemon_fixture: DaemonFixture) -> DaemonFixture:
    """A vault whose notes only runs work on: the background waits for an hour."""
    daemon_fixture.settings["settle_seconds"] = 3600.0
    return daemon_fixture


def test_note_that_was_just_made_is_in_a_run_over_its_folder(quiet: DaemonFixture) -> None:
    quiet.start()
    eventually(lambda: quiet.status().ready)
    quiet.note("F/New.md")
    assert statuses(quiet.run("F")) == {"F/New.md": "enriched"}


def test_some_notes_tell_what_very_many_cost(
    quiet: DaemonFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("companion.config.Config.is_remote", True)
    for number in range(60):
        quiet.note(f"{number}.md", STUB.replace("Text of mine.", f"Text of mine: {number:02}."))
    quiet.start()
    told = []
    for most in (60, 20):
        monkeypatch.setattr("companion.enrich.cost._SAMPLE", most)
        with pytest.raises(ConsentMissing) as refused:
            quiet.run("")
        told.append(str(refused.value))
    assert told[1] == f"about {told[0]}"


def test_what_is_being_written_when_a_run_is_cancelled_is_finished(
    quiet: DaemonFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, may_write = threading.Event(), threading.Event()

    def write_slowly(*args: Any) -> int:
        writing.set()
        assert may_write.wait(60)
        return write_note(*args)

    monkeypatch.setattr(apply, "write_note", write_slowly)
    quiet.note("Stub.md")
    quiet.start()
    run = quiet.run("Stub.md", wait=False)
    assert writing.wait(60)
    run.cancel()
    may_write.set()
    eventually(lambda: run.results)
    assert quiet.read("Stub.md") == FILLED
    assert run.results[0].change == quiet.changes()[0].id


def test_two_runs_over_one_note_ask_once(quiet: DaemonFixture) -> None:
    quiet.note("Stub.md")
    quiet.model.think()
    quiet.start()
    one, two = (quiet.run("Stub.md", wait=False) for _ in range(2))
    eventually(lambda: quiet.model.calls() == 1)
    eventually(lambda: one.is_over or two.is_over)
    quiet.model.answer()
    eventually(lambda: one.is_over and two.is_over)
    assert sorted([*statuses(one).values(), *statuses(two).values()]) == ["enriched", "unchanged"]
    assert (quiet.model.calls(), len(quiet.changes())) == (1, 1)


def test_background_leaves_a_worker_to_who_waits(daemon_fixture: DaemonFixture) -> None:
    for number in range(6):
        daemon_fixture.note(f"Background {number}.md")
    daemon_fixture.note("Mine.md", DONE.replace("description: What a stub is.", "description:"))
    daemon_fixture.model.think()
    daemon_fixture.start()
    eventually(lambda: daemon_fixture.model.calls() == 3)
    run = daemon_fixture.run("Mine.md", wait=False, priority="interactive")
    eventually(lambda: "Mine.md" in daemon_fixture.status().in_hand)
    eventually(lambda: daemon_fixture.model.calls() == 4)
    daemon_fixture.model.answer()
    eventually(lambda: run.results)
    assert statuses(run) == {"Mine.md": "enriched"}


def test_click_is_asked_about_while_all_that_a_folder_may_take_waits(quiet: DaemonFixture) -> None:
    quiet.concurrency = 2
    for number in range(8):
        quiet.note(f"F/{number}.md")
    quiet.note("Mine.md", STUB.replace("# Stub", "# Mine"))
    quiet.model.think()
    quiet.start()
    quiet.run("F", wait=False)
    eventually(lambda: quiet.model.calls() == 2)
    mine = quiet.run("Mine.md", wait=False, priority="interactive")
    eventually(lambda: quiet.model.calls("Mine") == 1)
    assert quiet.model.calls() == 3
    quiet.model.answer()
    eventually(lambda: mine.results)
    eventually(lambda: quiet.model.calls() == 9)


def test_finished_runs_are_forgotten_after_a_while(
    quiet: DaemonFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("companion.daemon.daemon._KEPT", 2)
    quiet.note("Done.md", FILLED)
    quiet.start()
    names = [quiet.run("Done.md").id for _ in range(5)]
    kept = [run.id for run in list(quiet.daemon.runs.values())]
    assert kept == names[-3:]


def test_fault_of_ours_costs_one_note_of_a_run(
    quiet: DaemonFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill = Enricher.fill

    def fill_and_fail(self: Enricher, job: object, *more: object) -> object:
        if "Bad" in str(job):
            raise RuntimeError("Marker of a note's text")
        return fill(self, job, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(Enricher, "fill", fill_and_fail)
    for name in ("A", "Bad", "C"):
        quiet.note(f"{name}.md")
    quiet.start()
    run = quiet.run("A.md", "Bad.md", "C.md")
    assert run.state == "done"
    assert statuses(run) == {"A.md": "enriched", "Bad.md": "failed", "C.md": "enriched"}
    said = quiet.log.getvalue()
    assert "unexpected RuntimeError" in said
    assert "Marker" not in said
    quiet.log.truncate(0)  # that line was looked for
