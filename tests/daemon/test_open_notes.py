"""What is asked for in a note that is open is done in its editor, on whatever way it was asked."""

import pytest

from companion.app import outbox
from companion.app.outbox import Outbox
from companion.app.run import Run
from companion.app.types.proposals import Acceptance
from companion.enrich.workspace import open_workspace
from companion.errors import ChangeNotInNote, NoteBusy, NoteChanged, NoteRefused
from companion.store.journal import Change
from companion.store.outbox import OutboxRow
from tests.clock import Clock
from tests.daemon.daemon_fixture import FILLED, STUB, DaemonFixture, eventually, statuses
from tests.daemon.test_editor_runs import applied, quiet

__all__ = ["quiet"]

UNSAVED = STUB + "Not saved yet.\n"


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("companion.app.filler._OPEN_SETTLE", 0.02)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No editor has any time."""
    monkeypatch.setattr(outbox, "PATIENCE", 0.0)


def rows(daemon_fixture: DaemonFixture, path: str = "Stub.md") -> list[OutboxRow]:
    """Return the edits that the editor of the note is asked for."""
    return daemon_fixture.daemon.outbox.rows_of([path])


def open_and_ask(daemon_fixture: DaemonFixture, *paths: str) -> Run:
    """Return a run over notes of which Stub.md is open; the model has answered."""
    daemon_fixture.daemon.presence.report("desk", ["Stub.md"])
    run = daemon_fixture.run(*paths, wait=False)
    eventually(lambda: run.is_over or rows(daemon_fixture))
    return run


def edit(daemon_fixture: DaemonFixture, text: str) -> int:
    """Make the edits that wait in the editor that shows this text, and confirm them."""
    [row] = rows(daemon_fixture)
    offer = daemon_fixture.daemon.outbox.give(row.id, text)
    daemon_fixture.note("Stub.md", applied(text, offer))
    return daemon_fixture.daemon.outbox.confirm(row.id, offer.base_sha256, offer.new_sha256)


@pytest.mark.parametrize("asked", ["Stub.md", ""], ids=["the note", "its folder"])
def test_run_has_an_open_note_edited_in_its_editor(quiet: DaemonFixture, asked: str) -> None:
    quiet.note("Other.md")
    run = open_and_ask(quiet, asked)
    (waiting,) = quiet.daemon.outbox.rows_of(["Stub.md", "Other.md"])
    assert (waiting.path, waiting.run, waiting.undoes) == ("Stub.md", run.id, None)
    if not asked:
        eventually(lambda: quiet.is_filled("Other.md"))
    assert quiet.read("Stub.md") == STUB
    change = edit(quiet, UNSAVED)
    eventually(lambda: run.is_over)
    assert (run.state, run.counts["enriched"]) == ("done", run.total)
    (result,) = (entry for entry in run.results if entry.path == "Stub.md")
    assert result.change == change
    assert [filled.kind for filled in result.changes] == ["description", "callout"]
    assert {each.run for each in quiet.changes()} == {run.id}
    assert quiet.read("Stub.md") == FILLED + "Not saved yet.\n"
    assert rows(quiet) == []
    eventually(lambda: not quiet.status().in_hand)
    assert len(quiet.changes("Stub.md")) == 1


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("taken", [False, True], ids=["it is closed", "an editor takes it later"])
def test_open_note_that_nobody_takes_is_skipped_and_done_later(
    quiet: DaemonFixture, taken: bool
) -> None:
    quiet.note("Other.md")
    quiet.daemon.presence.report("desk", ["Stub.md"])
    run = quiet.run("", all=True)
    assert statuses(run) == {"Stub.md": "skipped", "Other.md": "enriched"}
    (entry,) = (entry for entry in run.results if entry.path == "Stub.md")
    assert (entry.reason or "").startswith("open in Obsidian")
    calls = quiet.model.calls()
    (waiting,) = rows(quiet)
    assert waiting.run == run.id
    quiet.rescan()
    if taken:
        edit(quiet, STUB)
    quiet.daemon.presence.report("desk", [])
    eventually(lambda: quiet.is_filled("Stub.md"))
    eventually(quiet.is_idle_but_for_the_background)
    (change,) = quiet.changes("Stub.md")
    assert change.run == run.id
    assert quiet.model.calls() == calls
    eventually(lambda: rows(quiet) == [])


@pytest.mark.usefixtures("impatient")
def test_what_is_accepted_one_by_one_is_all_done_later(quiet: DaemonFixture) -> None:
    proposed = quiet.run("Stub.md", propose=True)
    (ids,) = (entry.proposals for entry in proposed.results)
    assert len(ids) == 2
    quiet.daemon.presence.report("desk", ["Stub.md"])
    for id_ in ids:
        [made] = quiet.daemon.vault.decider.accept([Acceptance(id=id_)])
        assert made.status == "proposed" and list(made.why_not) == [id_]
    eventually(lambda: not quiet.daemon.active_runs())
    assert quiet.read("Stub.md") == STUB
    quiet.daemon.presence.report("desk", [])
    eventually(lambda: quiet.is_filled("Stub.md"))


def test_editor_that_got_the_edits_has_time_again(
    quiet: DaemonFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_and_ask(quiet, "Stub.md")
    [row] = rows(quiet)
    for patience, is_later in ((90.0, True), (900.0, False)):  # only the first time
        monkeypatch.setattr(outbox, "PATIENCE", patience)
        before = quiet.daemon.outbox.row(row.id).deadline
        quiet.daemon.outbox.give(row.id, STUB)
        assert (quiet.daemon.outbox.row(row.id).deadline > before) == is_later


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("is_open", [False, True], ids=["closed", "open"])
def test_what_a_run_left_to_an_editor_outlives_the_daemon(
    quiet: DaemonFixture, is_open: bool
) -> None:
    run = open_and_ask(quiet, "Stub.md")
    calls = quiet.model.calls()
    quiet.restart(*["Stub.md"] * is_open)
    if is_open:
        assert edit(quiet, UNSAVED) == 1
    eventually(lambda: quiet.read("Stub.md") == FILLED + "Not saved yet.\n" * is_open)
    eventually(lambda: [change.run for change in quiet.changes()] == [run.id])
    eventually(lambda: rows(quiet) == [])
    assert quiet.model.calls() == calls


def test_dry_run_waits_for_nobody(quiet: DaemonFixture) -> None:
    quiet.daemon.presence.report("desk", ["Stub.md"])
    assert statuses(quiet.run("Stub.md", dry_run=True)) == {"Stub.md": "enriched"}
    assert quiet.read("Stub.md") == STUB


def test_cancelled_run_asks_no_editor(quiet: DaemonFixture) -> None:
    quiet.note("Other.md")
    run = open_and_ask(quiet, "Stub.md")
    quiet.daemon.presence.report("desk", ["Stub.md", "Other.md"])
    quiet.run("Other.md", wait=False)
    eventually(lambda: rows(quiet, "Other.md"))
    run.cancel()
    eventually(lambda: rows(quiet) == [])
    assert rows(quiet, "Other.md")


def test_run_is_over_once_its_open_note_is_to_be_left_alone(quiet: DaemonFixture) -> None:
    run = open_and_ask(quiet, "Stub.md")
    quiet.note("Stub.md", STUB.replace("created:", "ai: false\ncreated:"))
    quiet.rescan()
    eventually(lambda: run.is_over)
    assert statuses(run) == {"Stub.md": "skipped"} and run.is_over
    assert run.results[0].reason == outbox.EDITS_DELETED


@pytest.mark.parametrize("is_known", [False, True], ids=["new", "with a proposal"])
def test_note_is_open_that_was_renamed_twice_since_its_editor_reported_it(
    quiet: DaemonFixture, is_known: bool
) -> None:
    if is_known:
        quiet.run("Stub.md", propose=True)
    quiet.daemon.presence.report("desk", ["Stub.md"])
    (quiet.vault / "Stub.md").rename(quiet.vault / "B.md")
    eventually(lambda: quiet.daemon.presence.is_open("B.md"), 10)
    quiet.note("Stub.md", "Another.\n")
    (quiet.vault / "B.md").rename(quiet.vault / "C.md")
    eventually(lambda: quiet.daemon.presence.is_open("C.md"), 10)
    run = quiet.run("C.md", wait=False)
    eventually(lambda: run.is_over or rows(quiet, "C.md"))
    assert quiet.read("C.md") == STUB and rows(quiet, "C.md")


# --- undo


def fill_and_open(daemon_fixture: DaemonFixture) -> Change:
    """Return the change that filled Stub.md, which is open now."""
    daemon_fixture.run("Stub.md")
    daemon_fixture.daemon.presence.report("desk", ["Stub.md"])
    return daemon_fixture.changes()[0]


def request_undo(daemon_fixture: DaemonFixture) -> tuple[Change, OutboxRow]:
    """Return a change of Stub.md, which is open, and the row by which it is to be taken back."""
    change = fill_and_open(daemon_fixture)
    row = daemon_fixture.daemon.outbox.undo(change, "20261125-104412-3f9a")
    assert isinstance(row, OutboxRow)
    assert rows(daemon_fixture) == [row] and row.undoes == change.id
    return change, row


def test_open_note_is_taken_back_in_its_editor(quiet: DaemonFixture) -> None:
    change, row = request_undo(quiet)
    assert quiet.daemon.outbox.undo(change) == row  # asked for once more
    text = FILLED + "Not saved yet.\n"
    offer = quiet.daemon.outbox.give(row.id, text)
    assert applied(text, offer) == UNSAVED
    made = quiet.daemon.outbox.confirm(row.id, offer.base_sha256, offer.new_sha256)
    now = quiet.daemon.outbox.row(row.id)
    assert (now.state, now.change, now.reason) == ("made", made, "")
    assert quiet.is_filled("Stub.md")  # the editor saves it
    assert (quiet.changes()[0].run, quiet.changes()[0].undoes) == ("20261125-104412-3f9a", 1)
    assert rows(quiet) == []


def test_what_stays_where_an_editor_took_back_a_part_is_told(quiet: DaemonFixture) -> None:
    change, row = request_undo(quiet)
    shown = FILLED.replace("It grows", "It shrinks")
    offer = quiet.daemon.outbox.give(row.id, shown)
    assert applied(shown, offer) == shown.replace("What a stub is.", "")
    made = quiet.daemon.outbox.confirm(row.id, offer.base_sha256, offer.new_sha256)
    now, after = quiet.daemon.outbox.row(row.id), quiet.space.journal.change(change.id)
    assert now.reason and after
    assert (now.change, after.remaining) == (made, ["callout"])


def test_reason_why_an_editor_cannot_take_it_back_is_told(quiet: DaemonFixture) -> None:
    _, row = request_undo(quiet)
    mine = FILLED.replace("It grows", "It shrinks").replace("What a stub is", "What mine is")
    with pytest.raises(NoteChanged):
        quiet.daemon.outbox.give(row.id, mine)
    now = quiet.daemon.outbox.row(row.id)
    assert (now.state, now.code) == ("withdrawn", "note-changed") and "edited since" in now.reason
    with pytest.raises(NoteRefused, match="no longer wanted"):
        quiet.daemon.outbox.give(row.id, FILLED)


def test_undo_that_was_made_and_not_confirmed_is_not_made_again(quiet: DaemonFixture) -> None:
    _, row = request_undo(quiet)
    quiet.daemon.outbox.give(row.id, FILLED)
    with pytest.raises(NoteRefused, match="already made"):
        quiet.daemon.outbox.give(row.id, STUB + "Typed since.\n")
    assert quiet.daemon.outbox.row(row.id).change == quiet.changes()[0].id == 2


@pytest.mark.parametrize("restarts", [False, True], ids=["it runs on", "it is restarted"])
@pytest.mark.parametrize("is_given", [False, True], ids=["waiting", "given"])
def test_note_that_is_closed_meanwhile_is_taken_back_in_the_file(
    quiet: DaemonFixture, restarts: bool, is_given: bool
) -> None:
    _, row = request_undo(quiet)
    if is_given:
        quiet.daemon.outbox.give(row.id, FILLED)
    if restarts:
        quiet.restart("Stub.md")
        quiet.daemon.outbox.make_closed()
    assert quiet.read("Stub.md") == FILLED
    quiet.daemon.presence.report("desk", [])
    eventually(lambda: quiet.daemon.outbox.row(row.id).state == "made")
    assert quiet.read("Stub.md") == STUB
    assert [change.undoes for change in quiet.changes()] == [1, None]


def test_closed_note_may_hold_what_its_editor_never_confirmed(quiet: DaemonFixture) -> None:
    _, row = request_undo(quiet)
    quiet.daemon.outbox.give(row.id, FILLED)
    quiet.stop()
    with open_workspace(quiet.config, quiet.vault) as space:
        space.journal.presence.report("desk", [])
        here = Outbox(space)
        away = quiet.vault.rename(quiet.vault.with_name("away"))
        here.make_closed()
        assert here.row(row.id).state == "given"  # nobody can tell
        away.rename(quiet.vault)
        quiet.note("Stub.md", STUB)
        here.make_closed()
        assert here.row(row.id).state == "made"


PUT_OFF = [
    pytest.param(NoteBusy("a lock"), [0, 60, 120], id="busy"),
    pytest.param(NoteChanged("it was being saved"), [0, 60], id="saved meanwhile"),
    pytest.param(ChangeNotInNote("nothing is left of it"), [0], id="gone"),
]


@pytest.mark.parametrize(("error", "tried_at"), PUT_OFF)
def test_closed_note_is_tried_again_where_that_may_help(
    quiet: DaemonFixture, monkeypatch: pytest.MonkeyPatch, error: Exception, tried_at: list[int]
) -> None:
    change, row = request_undo(quiet)
    quiet.stop()
    clock, tries = Clock(0.0), list[float]()

    def fail(*_: object) -> None:
        tries.append(clock())
        raise error

    monkeypatch.setattr(outbox, "undo_change", fail)
    with open_workspace(quiet.config, quiet.vault) as space:
        other = space.journal.outbox.add(OutboxRow("Gone.md", "run-2", undoes=99))
        space.journal.presence.report("desk", [])
        monkeypatch.setattr("companion.app.outbox.time.time", clock)
        here = Outbox(space)
        for clock.now in range(0, 180, 10):
            here.make_closed()
        assert tries == tried_at and here.row(other.id).state == "withdrawn"
        assert here.row(row.id).is_open == (len(tried_at) == 3)
    assert quiet.read("Stub.md") == FILLED and change.state == "done"
