"""The endpoint fails: everything waits with the reason, and goes on by itself."""

from typing import Any, NamedTuple
from unittest.mock import Mock

import pytest

from companion.daemon import background
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
    monkeypatch.setattr(background, "_FIRST_PAUSE", 0.2)
    monkeypatch.setattr(background, "_LONGEST_PAUSE", 0.4)
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
    monkeypatch.setattr(background, "_FIRST_PAUSE", 3600.0)
    daemon_fixture.model.fail(503)
    for number in range(30):
        daemon_fixture.note(f"{number}.md")
    daemon_fixture.start()
    eventually(lambda: daemon_fixture.status().fault)
    eventually(lambda: not daemon_fixture.status().in_hand)
    daemon_fixture.rescan()
    assert daemon_fixture.model.calls() <= 3  # those that were under way side by side


def test_click_tries_a_failing_endpoint_at_once(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.settings["settle_seconds"] = 3600.0
    daemon_fixture.model.fail(401)
    daemon_fixture.note("Stub.md")
    daemon_fixture.start()
    assert daemon_fixture.run("Stub.md").state == "failed"
    daemon_fixture.model.mend()
    assert statuses(daemon_fixture.run("Stub.md")) == {"Stub.md": "enriched"}


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
    assert hasty.run("Run.md").state == "failed"
    fails.clear()
    eventually(lambda: hasty.is_filled("Other.md"))
    eventually(lambda: hasty.changes("Run.md"))
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
        assert hasty.run("Stub.md").state == "failed"
        assert hasty.model.calls() == 0
    eventually(lambda: hasty.is_filled("Stub.md"))
    assert hasty.model.calls() == 1
