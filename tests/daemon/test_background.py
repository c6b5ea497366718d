"""Background work: after a note has come to rest, once, and never while somebody is at it."""

from __future__ import annotations

import os
import threading
import time
from datetime import date, timedelta
from typing import Self

import pytest

from companion.config.tables import LimitsTable
from companion.daemon import gate, presence
from companion.daemon.queue import Priority
from companion.enrich.asker import Asker
from tests.daemon.daemon_fixture import FILLED, SETTLE, STUB, Keeper, eventually, fake, keeper

__all__ = ["fake", "keeper"]

EDITED = STUB + "A line added.\n"
EDITED_FILLED = FILLED + "A line added.\n"
REWRITTEN = "---\ndescription:\n---\n\n# Other\n\nAll of this is new.\n\nAnd so is this.\n"


def test_saved_stub_is_filled(keeper: Keeper) -> None:
    keeper.start()
    keeper.note("Stub.md", rests=False)
    eventually(lambda: keeper.is_filled("Stub.md"))
    eventually(keeper.is_idle)
    assert "Stub.md: filled description, callout (change 1)" in keeper.log.getvalue()
    assert keeper.status().background.notes_today == 1


def test_stub_that_was_there_at_the_start_is_filled(keeper: Keeper) -> None:
    keeper.note("Folder/Stub.md")
    keeper.start()
    eventually(lambda: keeper.is_filled("Folder/Stub.md"))


def test_each_note_is_a_run_of_its_own(keeper: Keeper) -> None:
    for name in "ABC":
        keeper.note(f"{name}.md")
    keeper.start()
    eventually(lambda: all(keeper.is_filled(f"{name}.md") for name in "ABC"))
    assert len({change.run for change in keeper.changes()}) == 3


def test_its_callout_begins_as_those_of_the_vault(keeper: Keeper) -> None:
    for number in range(3):
        keeper.note(f"Mine {number}.md", "# Mine\n\n> [!ai]- KI\n> Said.\n")
    keeper.note("Stub.md")
    keeper.start()
    eventually(lambda: keeper.read("Stub.md") == FILLED.replace("> [!ai] AI", "> [!ai]- KI"))


def test_never_asked_within_the_settle_time(keeper: Keeper) -> None:
    keeper.settings["settle_seconds"] = 0.8
    keeper.start()
    eventually(lambda: keeper.status().ready)
    for number in range(7):
        keeper.note("Stub.md", f"{STUB}{number}\n", rests=False)
        saved = time.monotonic()
        time.sleep(0.15)  # the user's pause
    eventually(lambda: keeper.read("Stub.md") == f"{FILLED}6\n")
    assert keeper.model.last_at() >= saved + 0.7  # times of files count in steps
    assert keeper.model.calls() == 1


def test_edit_while_the_model_thinks_stays(keeper: Keeper) -> None:
    keeper.model.think()
    keeper.start()
    keeper.note("Stub.md")
    eventually(lambda: keeper.model.calls() == 1)
    keeper.note("Stub.md", EDITED, rests=False)
    keeper.model.answer()
    eventually(lambda: keeper.read("Stub.md") == EDITED_FILLED)
    eventually(keeper.is_idle)
    assert keeper.model.calls() == 1
    assert keeper.status().background.notes_today == 1


def test_edit_while_the_model_thinks_rests_whatever_its_clock_says(keeper: Keeper) -> None:
    keeper.settings["settle_seconds"] = 0.8
    keeper.model.think()
    keeper.start()
    keeper.note("Stub.md")
    eventually(lambda: keeper.model.calls() == 1)
    file = keeper.note("Stub.md", EDITED)
    os.utime(file, (time.time() + 7200, time.time() + 7200))
    saved = time.monotonic()
    keeper.model.answer()
    eventually(lambda: keeper.read("Stub.md") == EDITED_FILLED)
    assert time.monotonic() >= saved + 0.7
    assert keeper.model.calls() == 1


def test_rewritten_note_is_asked_for_anew(keeper: Keeper) -> None:
    keeper.model.think()
    keeper.start()
    keeper.note("Stub.md")
    eventually(lambda: keeper.model.calls() == 1)
    keeper.note("Stub.md", REWRITTEN, rests=False)
    keeper.model.answer()
    eventually(lambda: "What a stub is." in keeper.read("Stub.md"), timeout=30)
    assert keeper.model.calls() == 2


def test_answer_outlives_a_note_that_is_broken_for_a_while(keeper: Keeper) -> None:
    keeper.model.think()
    keeper.start()
    keeper.note("Stub.md")
    eventually(lambda: keeper.model.calls() == 1)
    keeper.note("Stub.md", STUB.replace("created:", "description: [\ncreated:"))
    keeper.model.answer()
    eventually(lambda: not keeper.status().in_hand)
    keeper.note("Stub.md", rests=False)
    eventually(lambda: keeper.is_filled("Stub.md"))
    assert keeper.model.calls() == 1


def test_answer_outlives_a_drive_that_goes_away(keeper: Keeper) -> None:
    keeper.model.think()
    keeper.start()
    keeper.note("Stub.md")
    eventually(lambda: keeper.model.calls() == 1)
    keeper.vault.rename(keeper.vault.with_name("away"))
    keeper.model.answer()
    eventually(lambda: not keeper.status().in_hand)
    keeper.vault.with_name("away").rename(keeper.vault)
    keeper.rescan()
    eventually(lambda: keeper.is_filled("Stub.md"))
    assert keeper.model.calls() == 1


def test_need_that_comes_up_while_the_answer_waits_is_asked_for(keeper: Keeper) -> None:
    text = STUB.replace("# Stub", "# Stub\n\n> [!ai] AI\n> Mine.")
    keeper.model.think()
    keeper.start()
    keeper.note("Stub.md", text)
    eventually(lambda: keeper.model.calls() == 1)
    question = "\n> [!ai] Why is that?\n"
    mine = text.replace("description: ", "description: My own.")
    keeper.note("Stub.md", mine + question, rests=False)
    keeper.model.answer()
    eventually(lambda: "> [!ai] Why is that?\n> A stub is" in keeper.read("Stub.md"))
    assert "description: My own." in keeper.read("Stub.md")


def test_own_writes_cause_no_further_call(keeper: Keeper) -> None:
    for number in range(12):
        keeper.note(f"Stub {number}.md")
    keeper.start()
    eventually(lambda: all(keeper.is_filled(f"Stub {number}.md") for number in range(12)))
    keeper.rescan()
    eventually(keeper.is_idle)
    assert keeper.model.calls() == 12
    assert len(keeper.changes()) == 12
    assert keeper.status().to_do == 0


# --- open notes


def test_open_note_is_left_to_its_client(keeper: Keeper) -> None:
    keeper.start()
    assert keeper.daemon.report_presence("desk", ["Stub.md"]) == []
    keeper.note("Stub.md")
    eventually(lambda: keeper.daemon.report_presence("desk", ["Stub.md", "Other.md"]))
    assert keeper.daemon.report_presence("desk", ["Stub.md"]) == ["Stub.md"]
    assert keeper.model.calls() == 0
    entry = keeper.editor_run("Stub.md", STUB, priority=Priority.BACKGROUND)
    assert entry.result.new == FILLED
    assert keeper.read("Stub.md") == STUB
    assert keeper.daemon.report_presence("desk", ["Stub.md"]) == []
    assert keeper.status().background.notes_today == 1


def test_open_note_is_handed_over_in_the_spelling_of_its_client(keeper: Keeper) -> None:
    on_disk, in_editor = "Cafe\u0301/Zo\u0308e.md", "Caf\u00e9/Z\u00f6e.md"  # as macOS has it
    keeper.start()
    keeper.daemon.report_presence("desk", [in_editor])
    keeper.note(on_disk)
    eventually(lambda: keeper.daemon.report_presence("desk", [in_editor]) == [in_editor])
    entry = keeper.editor_run(in_editor, STUB, priority=Priority.BACKGROUND)
    assert (entry.result.path, entry.result.new) == (on_disk, FILLED)
    assert keeper.daemon.report_presence("desk", [in_editor]) == []


def test_note_opened_while_the_model_thinks_is_handed_over_with_its_answer(
    keeper: Keeper,
) -> None:
    keeper.model.think()
    keeper.start()
    keeper.note("Stub.md")
    eventually(lambda: keeper.model.calls() == 1)
    keeper.daemon.report_presence("desk", ["Stub.md"])
    keeper.model.answer()
    eventually(lambda: keeper.daemon.report_presence("desk", ["Stub.md"]) == ["Stub.md"])
    assert keeper.read("Stub.md") == STUB
    entry = keeper.editor_run("Stub.md", EDITED, priority=Priority.BACKGROUND)
    assert entry.result.new == EDITED_FILLED
    assert keeper.model.calls() == 1
    assert keeper.status().background.notes_today == 1


def test_note_that_was_open_for_a_while_gets_the_answer_that_waits(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("companion.daemon.background._OPEN_LOOK", 0.1)
    keeper.model.think()
    keeper.start()
    keeper.note("Stub.md")
    eventually(lambda: keeper.model.calls() == 1)
    keeper.daemon.report_presence("desk", ["Stub.md"])
    keeper.model.answer()
    eventually(lambda: keeper.daemon.report_presence("desk", ["Stub.md"]) == ["Stub.md"])
    keeper.daemon.report_presence("desk", [])
    eventually(lambda: keeper.is_filled("Stub.md"))
    assert keeper.model.calls() == 1


def test_answer_for_a_note_that_was_rewritten_in_the_editor_is_not_used(keeper: Keeper) -> None:
    keeper.model.think()
    keeper.start()
    keeper.note("Stub.md")
    eventually(lambda: keeper.model.calls() == 1)
    keeper.daemon.report_presence("desk", ["Stub.md"])
    keeper.model.answer()
    eventually(lambda: keeper.daemon.report_presence("desk", ["Stub.md"]) == ["Stub.md"])
    entry = keeper.editor_run("Stub.md", REWRITTEN, priority=Priority.BACKGROUND)
    assert entry.result.status == "enriched"
    assert keeper.model.calls() == 2


def test_presence_expires(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("companion.daemon.background._OPEN_LOOK", 0.1)
    monkeypatch.setattr(presence.Presence.__init__, "__defaults__", (time.monotonic, 1.0))
    keeper.start()
    keeper.daemon.report_presence("desk", ["Stub.md"])
    began = time.monotonic()
    keeper.note("Stub.md")
    eventually(lambda: keeper.is_filled("Stub.md"))
    assert keeper.model.last_at() >= began + 0.9
    assert keeper.status().open_notes == 0


# --- pause


def test_pause_breaks_a_call_off_and_nothing_is_written(keeper: Keeper) -> None:
    keeper.model.think()
    keeper.start()
    keeper.note("Stub.md")
    eventually(lambda: keeper.model.calls() == 1)
    keeper.daemon.pause()
    assert not keeper.status().in_hand
    keeper.model.answer()
    keeper.rescan()
    assert keeper.read("Stub.md") == STUB
    assert keeper.status().background.notes_today == 0
    keeper.stop()

    keeper.start()
    keeper.rescan()
    assert keeper.status().paused
    assert keeper.status().background.off.startswith("paused")
    assert keeper.model.calls() == 1
    keeper.daemon.resume()
    eventually(lambda: keeper.is_filled("Stub.md"))


def test_nothing_is_written_once_pause_has_returned(keeper: Keeper) -> None:
    for number in range(40):
        keeper.note(f"Stub {number}.md")
    keeper.start()
    eventually(lambda: keeper.model.calls() > 3)
    keeper.daemon.pause()
    held = {file: file.read_bytes() for file in keeper.vault.glob("*.md")}
    keeper.rescan()
    assert {file: file.read_bytes() for file in held} == held
    keeper.daemon.resume()
    eventually(lambda: all(file.read_bytes() == FILLED.encode() for file in held))
    assert len(keeper.changes()) == 40


def test_work_goes_on_after_a_pause_in_the_moment_it_begins(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that took its note just before the pause opens its enricher just after it."""
    keeper.start()
    paused = threading.Event()
    is_open = keeper.daemon._presence.is_open

    def pause_meanwhile(path: str) -> bool:
        if not paused.is_set():
            paused.set()
            keeper.daemon._gate.pause()
            keeper.daemon._background.stop()
        return is_open(path)

    monkeypatch.setattr(keeper.daemon._presence, "is_open", pause_meanwhile)
    keeper.note("Stub.md")
    eventually(paused.is_set)
    eventually(lambda: not keeper.status().in_hand)
    keeper.daemon.resume()
    eventually(lambda: keeper.is_filled("Stub.md"))


def test_call_that_is_broken_off_before_it_is_sent_is_made_later(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """httpx2 raises RuntimeError for a client that was closed in that moment."""
    ask = Asker.ask
    paused = threading.Event()

    def ask_too_late(self: Asker, *arguments: object) -> object:
        if not paused.is_set():
            keeper.daemon._gate.pause()
            keeper.daemon._background.stop()
            paused.set()
            raise RuntimeError("Cannot send a request, as the client has been closed.")
        return ask(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Asker, "ask", ask_too_late)
    keeper.note("Stub.md")
    keeper.start()
    eventually(paused.is_set)
    eventually(lambda: not keeper.status().in_hand)
    keeper.daemon.resume()
    eventually(lambda: keeper.is_filled("Stub.md"))


def test_pause_ends_what_the_background_does_in_an_editor(keeper: Keeper) -> None:
    keeper.model.think()
    keeper.start()
    keeper.daemon.report_presence("desk", ["Stub.md"])
    keeper.note("Stub.md")
    eventually(lambda: keeper.daemon.report_presence("desk", ["Stub.md"]))
    run = keeper.run("Stub.md", wait=False, text=STUB, priority=Priority.BACKGROUND)
    eventually(lambda: keeper.model.calls() == 1)
    keeper.daemon.pause()
    assert run.state == "cancelled"
    eventually(lambda: not keeper.status().in_hand)


# --- caps


class Tomorrow(date):
    @classmethod
    def today(cls) -> Self:
        return super().today() + timedelta(days=1)


def test_notes_a_day_bind_across_restarts_until_tomorrow(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper.settings["notes_a_day"] = 2
    for number in range(4):
        keeper.note(f"Stub {number}.md")
    keeper.start()
    eventually(lambda: keeper.status().background.off)
    assert "notes_a_day" in keeper.status().background.off
    eventually(lambda: len(keeper.changes()) == 2)
    keeper.stop()

    keeper.start()
    eventually(lambda: "notes_a_day" in keeper.status().background.off)
    assert keeper.model.calls() == 2
    monkeypatch.setattr(gate, "date", Tomorrow)
    keeper.daemon._spending._clock = lambda: time.time() + 86_400
    keeper.rescan()
    eventually(lambda: len(keeper.changes()) == 4)
    assert keeper.status().background.notes_today == 2


def test_notes_in_editors_count_as_notes_of_the_day(keeper: Keeper) -> None:
    keeper.settings["notes_a_day"] = 1
    keeper.start()
    keeper.daemon.report_presence("desk", ["Stub.md", "Other.md"])
    keeper.note("Stub.md")
    keeper.note("Other.md")
    keeper.editor_run("Stub.md", STUB, priority=Priority.BACKGROUND)
    entry = keeper.editor_run("Other.md", STUB, priority=Priority.BACKGROUND)
    assert (entry.result.status, entry.result.ends_run) == ("failed", True)
    assert "notes_a_day" in keeper.status().background.off
    assert keeper.daemon.report_presence("desk", ["Stub.md", "Other.md"]) == []
    assert keeper.model.calls() == 1


def test_cap_on_tokens_holds_the_background_and_ends_runs(keeper: Keeper) -> None:
    keeper.limits = LimitsTable(tokens_a_day=10)
    keeper.note("Stub.md")
    keeper.start()
    eventually(lambda: "tokens_a_day" in keeper.status().background.off)
    run = keeper.run("Stub.md")
    assert (run.state, "tokens_a_day" in run.fault) == ("failed", True)
    assert keeper.model.calls() == 0
    assert keeper.status().background.notes_today == 0
    assert keeper.status().fault is None


# --- asked once


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        pytest.param({"description": "", "callout": ""}, STUB, id="nothing to say"),
        pytest.param({"description": "x" * 5000, "callout": "x" * 50_000}, STUB, id="rejected"),
        pytest.param(
            {}, "---\n? description\n:\n---\n\nText of mine.\n", id="no place in the note"
        ),
    ],
)
def test_what_comes_to_nothing_is_asked_for_once(
    keeper: Keeper, answer: dict[str, object], text: str
) -> None:
    keeper.model.says(**answer)
    keeper.note("Stub.md", text)
    keeper.start()
    eventually(keeper.is_idle)
    eventually(lambda: keeper.model.calls() or keeper.status().to_do == 0)
    eventually(keeper.is_idle)
    calls = keeper.model.calls()
    keeper.rescan()
    (keeper.vault / "Stub.md").touch()  # an event, and a new time of change
    eventually(keeper.is_idle)
    keeper.stop()
    keeper.start()
    keeper.rescan()
    eventually(keeper.is_idle)
    assert keeper.model.calls() == calls <= 1
    assert keeper.read("Stub.md") == text


def test_note_that_takes_no_edit_is_filled_once_it_is_mended(keeper: Keeper) -> None:
    for name, empty in (("Tab.md", "description:\t"), ("Item.md", "description: [ # c\n  ]")):
        keeper.note(name, STUB.replace("description: ", empty))
    keeper.start()
    eventually(lambda: keeper.status().ready)
    for _ in range(3):
        keeper.rescan()
        eventually(keeper.is_idle)
    assert keeper.model.calls() == 0
    assert keeper.log.getvalue().count("Item.md: left alone") == 1
    assert "Tab.md" not in keeper.log.getvalue()
    assert keeper.daemon.notes.look_at("Tab.md").skipped
    assert keeper.daemon.notes.look_at("Tab.md").needs == ()
    keeper.note("Tab.md", rests=False)
    keeper.note("Item.md", rests=False)
    eventually(lambda: keeper.is_filled("Tab.md") and keeper.is_filled("Item.md"))


def test_read_only_note_waits_without_a_call(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = keeper.note("Stub.md")
    access = os.access
    with monkeypatch.context() as patch:  # root may write anything
        patch.setattr(os, "access", lambda path, mode: path != note and access(path, mode))
        keeper.start()
        eventually(lambda: "Stub.md: put off: it cannot be written" in keeper.log.getvalue())
        for _ in range(3):
            keeper.rescan()
        assert keeper.log.getvalue().count("put off") == 1
        assert (keeper.model.calls(), keeper.changes()) == (0, [])
        assert keeper.status().background.notes_today == 0
    note.chmod(0o640)  # a new time of change of its state
    keeper.rescan()
    eventually(lambda: keeper.is_filled("Stub.md"))


def test_note_made_read_only_while_the_model_thinks_gets_the_answer_later(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper.model.think()
    note = keeper.note("Stub.md")
    keeper.start()
    eventually(lambda: keeper.model.calls() == 1)
    access = os.access
    with monkeypatch.context() as patch:  # root may write anything
        patch.setattr(os, "access", lambda path, mode: path != note and access(path, mode))
        keeper.model.answer()
        eventually(lambda: "Stub.md: put off: it cannot be written" in keeper.log.getvalue())
        assert keeper.changes() == []
    note.chmod(0o640)
    keeper.rescan()
    eventually(lambda: keeper.is_filled("Stub.md"))
    assert keeper.model.calls() == 1


def test_endpoint_off_means_it_only_scans(keeper: Keeper) -> None:
    keeper.settings["notes_a_day"] = 0
    keeper.note("Stub.md")
    keeper.start()
    eventually(lambda: "notes_a_day" in keeper.status().background.off)
    assert keeper.status().to_do == 1
    assert keeper.model.calls() == 0


def test_time_of_change_in_the_future_is_no_reason_to_wait_for_ever(keeper: Keeper) -> None:
    file = keeper.note("Stub.md")
    later = time.time() + 86_400
    os.utime(file, (later, later))
    keeper.start()
    began = time.monotonic()
    eventually(lambda: keeper.is_filled("Stub.md"))
    assert keeper.model.last_at() >= began + SETTLE - 0.05
