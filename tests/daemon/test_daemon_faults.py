"""The endpoint fails: everything waits with the reason, and goes on by itself."""

from typing import Any, NamedTuple
from unittest.mock import Mock

import pytest

from companion.app.engine import circuit_breaker
from companion.errors import JournalError
from tests.daemon.daemon_fixture import STUB, DaemonFixture, eventually, statuses


class Failure(NamedTuple):
    """What the endpoint says, and as what its fault is shown."""

    status: int
    message: str
    kind: str
    words: str


FAILURES = [
    pytest.param(Failure(503, "Marker", "down", "error 503"), id="overloaded"),
    pytest.param(Failure(401, "bad key", "unauthorised", "COMPANION_API_KEY"), id="key refused"),
]


@pytest.fixture
def hasty(daemon_fixture: DaemonFixture, monkeypatch: pytest.MonkeyPatch) -> DaemonFixture:
    """A vault whose daemon tries a failing endpoint again within a moment."""
    monkeypatch.setattr(circuit_breaker, "_TEMPORARY", (0.2, 0.4))
    monkeypatch.setattr(circuit_breaker, "_LASTING", (0.2, 0.4))
    return daemon_fixture


@pytest.mark.parametrize("failure", FAILURES)
def test_fault_pauses_with_its_reason_and_passes_by_itself(
    hasty: DaemonFixture, failure: Failure
) -> None:
    hasty.model.fail(failure.status, failure.message)
    for number in range(6):
        hasty.note(f"{number}.md")
    hasty.start()
    eventually(lambda: hasty.status().fault)
    fault = hasty.status().fault
    assert fault
    assert (fault.kind, failure.words in fault.reason) == (failure.kind, True)
    # each try counts as a note, until it has failed
    eventually(lambda: hasty.status().background.notes_today == 0)
    assert hasty.changes() == []
    hasty.model.mend()
    eventually(lambda: all(hasty.is_filled(f"{number}.md") for number in range(6)))
    eventually(lambda: hasty.status().fault is None)
    assert hasty.status().background.notes_today == 6
    eventually(hasty.is_idle)
    said = hasty.log.getvalue()
    assert said.count("paused") == said.count("the endpoint answers again") == 1
    assert failure.message not in said


def test_few_calls_go_to_an_endpoint_that_fails(
    daemon_fixture: DaemonFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(circuit_breaker, "_TEMPORARY", (3600.0, 3600.0))
    daemon_fixture.model.fail(503)
    for number in range(30):
        daemon_fixture.note(f"{number}.md")
    daemon_fixture.start()
    eventually(lambda: daemon_fixture.status().fault)
    eventually(lambda: not daemon_fixture.status().in_hand)
    daemon_fixture.rescan()
    assert daemon_fixture.model.calls() <= 3  # those that were under way side by side


def test_a_fault_that_lasts_ends_the_run_whoever_meets_it(
    daemon_fixture: DaemonFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the background has the turn to try the endpoint again."""
    daemon_fixture.model.fail(401, "bad key")
    daemon_fixture.concurrency = 1
    for number in range(6):
        daemon_fixture.note(f"{number}.md")
    daemon_fixture.start()
    eventually(lambda: daemon_fixture.status().fault and not daemon_fixture.status().in_hand)
    start = daemon_fixture.daemon.engine.start_run

    def start_late(*arguments: Any) -> None:
        """Have the background take its turn while the run is being begun."""
        tries = daemon_fixture.model.calls()
        daemon_fixture.daemon.resume()
        eventually(lambda: daemon_fixture.model.calls() > tries)
        start(*arguments)

    monkeypatch.setattr(daemon_fixture.daemon.engine, "start_run", start_late)
    run = daemon_fixture.run("0.md", on_fault="stop")
    assert (run.state, "COMPANION_API_KEY" in run.fault) == ("failed", True)


@pytest.mark.parametrize("notes", [1, 5])
def test_run_waits_for_the_endpoint_and_goes_on(hasty: DaemonFixture, notes: int) -> None:
    hasty.settings["settle_seconds"] = 3600.0
    hasty.model.fail(503)
    for number in range(notes):
        hasty.note(f"{number}.md")
    hasty.start()
    run = hasty.run("", wait=False)
    eventually(lambda: "error 503" in run.waits)
    assert (run.state, run.since(0)) == ("running", [])
    hasty.model.mend()
    eventually(lambda: run.is_over)
    assert (run.state, run.waits) == ("done", "")
    assert set(statuses(run).values()) == {"enriched"}


def test_click_tries_a_failing_endpoint_at_once(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.settings["settle_seconds"] = 3600.0
    daemon_fixture.model.fail(401)
    daemon_fixture.note("Stub.md")
    daemon_fixture.start()
    assert daemon_fixture.run("Stub.md", on_fault="stop").state == "failed"
    daemon_fixture.model.mend()
    assert statuses(daemon_fixture.run("Stub.md")) == {"Stub.md": "enriched"}  # not after a minute
    eventually(lambda: daemon_fixture.status().fault is None)


def test_resume_tries_a_failing_endpoint_at_once(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.model.fail(401)
    daemon_fixture.note("Stub.md")
    daemon_fixture.start()
    eventually(lambda: daemon_fixture.status().fault)
    daemon_fixture.model.mend()
    daemon_fixture.daemon.resume()
    eventually(lambda: daemon_fixture.is_filled("Stub.md"))


def test_answer_is_not_lost_to_a_journal_that_fails(
    hasty: DaemonFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also a full disk is waited for, and the model is not asked again."""
    hasty.note("Background.md")
    hasty.start()
    eventually(lambda: hasty.is_filled("Background.md"))
    file = hasty.space.state / "journal.sqlite3"
    begin = hasty.space.journal.begin
    fails = {"Run.md", "Other.md"}

    def begin_unless_full(change: Any, before: bytes, after: bytes) -> int:
        if change.path in fails:
            raise JournalError(f"the journal {file} cannot be written: the disk is full")
        return begin(change, before, after)

    monkeypatch.setattr(hasty.space.journal, "begin", begin_unless_full)
    hasty.note("Other.md")
    eventually(lambda: hasty.status().fault)
    hasty.note("Run.md", STUB.replace("# Stub", "# Stub of a run"))
    run = hasty.run("Run.md", wait=False)
    eventually(lambda: run.waits)
    fails.clear()
    eventually(lambda: run.is_over)
    eventually(lambda: hasty.is_filled("Other.md"))
    assert statuses(run) == {"Run.md": "enriched"}
    assert hasty.model.calls() == 3


def test_nothing_is_asked_while_the_disk_is_full(
    hasty: DaemonFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    hasty.start()
    with monkeypatch.context() as patch:
        patch.setattr("companion.store.journal.disk_usage", lambda _: Mock(free=4096))
        hasty.note("Stub.md")
        eventually(lambda: (fault := hasty.status().fault) and "the disk is full" in fault.reason)
        assert (fault := hasty.status().fault) and fault.kind == "storage"
        run = hasty.run("Stub.md", wait=False)
        eventually(lambda: run.waits)
        assert hasty.model.calls() == 0
    eventually(lambda: hasty.is_filled("Stub.md") and run.is_over)
    assert hasty.model.calls() == 1
