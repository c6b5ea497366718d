"""Runs that clients ask for: what they work on, their progress, cancelling, and who goes first."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from companion.app.engine import runs
from companion.enrich import note_writer
from companion.enrich.enricher import Enricher
from companion.errors import ConsentMissing, UsageError
from companion.store.journal import write_note
from tests.daemon.daemon_fixture import (
    FILLED,
    STUB,
    DaemonFixture,
    daemon_fixture,
    eventually,
    fake,
    statuses,
)

__all__ = ["daemon_fixture", "fake"]

DONE = FILLED.replace("created", "made")
PLAIN = "# Plain\n\nText of mine.\n"
COST = r"about [\d,]+ tokens in and [\d,]+ out, which cost nothing .*\.$"


@pytest.fixture
def quiet(daemon_fixture: DaemonFixture) -> DaemonFixture:
    """A vault whose notes only runs work on: the background waits for an hour."""
    daemon_fixture.settings["settle_seconds"] = 3600.0
    return daemon_fixture


@pytest.mark.parametrize(
    ("paths", "options", "worked_on"),
    [
        pytest.param([""], {}, {"A.md", "F/B.md", "F/G/C.md"}, id="the vault"),
        pytest.param(["F"], {}, {"F/B.md", "F/G/C.md"}, id="a folder"),
        pytest.param(["F/G/C.md", "A.md"], {}, {"F/G/C.md", "A.md"}, id="notes"),
        pytest.param(["F", "F/B.md", "F"], {}, {"F/B.md", "F/G/C.md"}, id="once each"),
        pytest.param(["Plain.md"], {}, {"Plain.md"}, id="a named note that is no stub"),
        pytest.param([""], {"limit": 1}, {"A.md"}, id="at most one"),
        pytest.param(["Done.md"], {}, {"Done.md"}, id="a note that needs nothing"),
        pytest.param(["Empty"], {}, set(), id="an empty folder"),
        pytest.param(
            ["F"],
            {"all": True},
            {"F/B.md", "F/G/C.md", "F/Plain.md"},
            id="every note of a folder",
        ),
    ],
)
def test_works_on(
    quiet: DaemonFixture, paths: list[str], options: dict[str, Any], worked_on: set[str]
) -> None:
    for path in ("A.md", "F/B.md", "F/G/C.md"):
        quiet.note(path)
    quiet.note("Plain.md", PLAIN)
    quiet.note("F/Plain.md", PLAIN)
    quiet.note("Done.md", DONE)
    quiet.note("F/Skipped.md", STUB.replace("description", "ai: false\ndescription"))
    (quiet.vault / "Empty").mkdir()
    quiet.start()
    run = quiet.run(*paths, **options)
    assert run.state == "done"
    assert {path for path, status in statuses(run).items() if status != "skipped"} == worked_on
    for path in worked_on & {"A.md", "F/B.md", "F/G/C.md"}:
        assert quiet.is_filled(path)
    assert run.total == len(worked_on) == run.counts.total()


def test_note_that_was_just_made_is_in_a_run_over_its_folder(quiet: DaemonFixture) -> None:
    quiet.start()
    eventually(lambda: quiet.status().ready)
    quiet.note("F/New.md")
    assert statuses(quiet.run("F")) == {"F/New.md": "enriched"}


def test_dry_run_writes_nothing(quiet: DaemonFixture) -> None:
    quiet.note("Stub.md")
    quiet.start()
    run = quiet.run("Stub.md", dry_run=True)
    assert run.since(0)[0].result.new == FILLED
    assert quiet.read("Stub.md") == STUB
    assert quiet.changes() == []


@pytest.mark.parametrize(
    ("paths", "options", "why"),
    [
        pytest.param(["No.md"], {}, "there is no No.md", id="not there"),
        pytest.param(["../Out.md"], {}, "relative to the vault", id="outside"),
        pytest.param(["F"], {"section": "H"}, "--section works on notes", id="section of a folder"),
    ],
)
def test_is_refused(
    quiet: DaemonFixture, paths: list[str], options: dict[str, Any], why: str
) -> None:
    quiet.note("A.md")
    quiet.note("F/B.md")
    (quiet.vault.parent / "Out.md").write_text("out")
    quiet.start()
    with pytest.raises(UsageError, match=why):
        quiet.run(*paths, **options)


def test_note_that_is_renamed_while_the_model_thinks_is_written_under_its_new_name(
    quiet: DaemonFixture,
) -> None:
    note = quiet.note("Stub.md")
    quiet.model.think()
    quiet.start()
    run = quiet.run("Stub.md", wait=False)
    eventually(lambda: quiet.model.calls() == 1)
    note.rename(quiet.vault / "New.md")
    quiet.model.answer()
    eventually(lambda: run.is_over)
    assert statuses(run) == {"New.md": "enriched"} and quiet.is_filled("New.md")
    quiet.rescan()
    assert {each.state for each in quiet.space.journal.proposals.select()} == {"accepted"}


LARGE = [
    pytest.param(True, [""], {}, True, id="the vault"),
    pytest.param(True, ["F"], {"dry_run": True}, True, id="a dry run"),
    pytest.param(True, ["F/A.md", "F/B.md", "F/C.md"], {}, True, id="notes, as many"),
    pytest.param(True, ["F"], {"agreed": True}, False, id="agreed"),
    pytest.param(True, ["F"], {"limit": 2}, False, id="a limit"),
    pytest.param(True, ["F/A.md"], {}, False, id="a note"),
    pytest.param(False, ["F"], {}, False, id="a model on this machine"),
]


@pytest.mark.parametrize(("is_remote", "paths", "options", "is_refused"), LARGE)
def test_large_run_at_a_remote_endpoint_is_agreed_to_first(
    quiet: DaemonFixture,
    monkeypatch: pytest.MonkeyPatch,
    is_remote: bool,
    paths: list[str],
    options: dict[str, Any],
    is_refused: bool,
) -> None:
    monkeypatch.setattr("companion.enrich.cost.ASK_FROM", 2)
    monkeypatch.setattr("companion.config.Config.is_remote", is_remote)
    for name in "ABC":
        quiet.note(f"F/{name}.md")
    quiet.start()
    if not is_refused:
        assert quiet.run(*paths, **options).counts["enriched"] > 0
        return
    with pytest.raises(ConsentMissing, match=rf"^3 notes would .* m at {quiet.url}.*: {COST}"):
        quiet.run(*paths, **options)
    assert (quiet.model.calls(), quiet.daemon.engine.runs.all()) == (0, [])


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


def test_progress_can_be_followed(quiet: DaemonFixture) -> None:
    for name in "ABC":
        quiet.note(f"{name}.md")
    quiet.model.think()
    quiet.start()
    run = quiet.run("A.md", "B.md", "C.md", wait=False)
    eventually(lambda: quiet.model.calls() == 3)
    assert (run.state, run.since(0)) == ("running", [])
    quiet.model.answer()
    seen = 0
    while not run.is_over:
        run.wait(seen, 10)
        seen = max([entry.number for entry in run.since(seen)], default=seen)
    assert [entry.number for entry in run.since(0)] == [1, 2, 3]
    assert [entry.number for entry in run.since(2)] == [3]
    assert run.usage.calls == 3


def test_cancelled_run_begins_nothing_further(quiet: DaemonFixture) -> None:
    for number in range(8):
        quiet.note(f"Stub {number}.md")
    quiet.model.think()
    quiet.start()
    run = quiet.run("", wait=False)
    eventually(lambda: quiet.model.calls() == 4)
    quiet.daemon.engine.cancel(run)
    assert run.state == "cancelled"
    quiet.model.answer()
    eventually(quiet.is_idle_but_for_the_background)
    assert set(statuses(run).values()) == {"proposed"} and run.counts.total() == 4
    assert quiet.changes() == []
    assert quiet.model.calls() == 4
    kept = quiet.space.journal.proposals.select()  # what was asked for is paid for
    assert {each.state for each in kept} == {"open"} and len({each.path for each in kept}) == 4
    assert set(statuses(quiet.run("")).values()) == {"enriched"} and quiet.model.calls() == 8


def test_what_is_being_written_when_a_run_is_cancelled_is_finished(
    quiet: DaemonFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    writing, may_write = threading.Event(), threading.Event()

    def write_slowly(*args: Any) -> int:
        writing.set()
        assert may_write.wait(60)
        return write_note(*args)

    monkeypatch.setattr(note_writer, "write_note", write_slowly)
    quiet.note("Stub.md")
    quiet.start()
    run = quiet.run("Stub.md", wait=False)
    assert writing.wait(60)
    quiet.daemon.engine.cancel(run)
    may_write.set()
    eventually(lambda: run.since(0))
    assert (run.state, quiet.read("Stub.md")) == ("cancelled", FILLED)
    assert run.since(0)[0].result.change == quiet.changes()[0].id


def test_two_runs_over_one_note_take_it_one_after_the_other(quiet: DaemonFixture) -> None:
    quiet.note("Stub.md")
    quiet.model.think()
    quiet.start()
    one, two = (quiet.run("Stub.md", wait=False) for _ in range(2))
    eventually(lambda: quiet.model.calls() == 1)
    assert quiet.status().in_hand == ["Stub.md"]
    quiet.model.answer()
    for run in (one, two):
        run.wait(0, 20)
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
    run.wait(0, 20)
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
    mine.wait(0, 20)
    eventually(lambda: quiet.model.calls() == 9)


def test_finished_runs_are_forgotten_after_a_while(
    quiet: DaemonFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "_KEPT", 2)
    quiet.note("Done.md", FILLED)
    quiet.start()
    names = [quiet.run("Done.md").id for _ in range(5)]
    kept = [run.id for run in quiet.daemon.engine.runs.all()]
    assert kept == list(reversed(names))[: len(kept)]
    assert len(kept) == 3
    eventually(lambda: not any(run.enricher for run in quiet.daemon.engine.runs.all()))


def test_note_that_needs_nothing_says_nothing_of_the_endpoint(quiet: DaemonFixture) -> None:
    """A run that asked no model must not end a pause for the endpoint's sake."""
    quiet.note("Stub.md")
    quiet.note("Done.md", FILLED)
    quiet.start()
    quiet.model.fail(503)
    run = quiet.run("Stub.md", on_fault="stop")
    assert run.state == "failed"
    assert statuses(quiet.run("Done.md")) == {"Done.md": "unchanged"}
    assert quiet.status().fault
    assert "answers again" not in quiet.log.getvalue()


def test_fault_of_ours_costs_one_note_of_a_run(
    quiet: DaemonFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = Enricher.ask

    def ask_and_fail(self: Enricher, job: object) -> object:
        if "Bad" in str(job):
            raise RuntimeError("Marker of a note's text")
        return ask(self, job)  # type: ignore[arg-type]

    monkeypatch.setattr(Enricher, "ask", ask_and_fail)
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
