"""Background work: after a note has come to rest, once, and never while somebody is at it."""

import os
import time

import pytest

from companion.app.types.notes import Selection
from companion.daemon import background
from tests.daemon.daemon_fixture import FILLED, STUB, DaemonFixture, eventually

EDITED = STUB + "A line added.\n"
EDITED_FILLED = FILLED + "A line added.\n"
UNTYPED = "---\nstatus: postponed\nnote-type:\n---\n\n# Typed\n\n> [!ai] AI\n> Mine.\n"
POSTPONED = "---\nstatus: postponed\n---\n\n# Koji\n"
SENTENCE = (
    "[[Koji]] is a mould that people in Japan grow on steamed rice or barley, to make miso, soy"
    " sauce and sake of it, on trays of cedar, within two warm and humid days and nights.\n"
)
REWRITTEN = "---\ndescription:\n---\n\n# Other\n\nAll of this is new.\n\nAnd so is this.\n"


def test_each_note_is_a_run_of_its_own(daemon_fixture: DaemonFixture) -> None:
    for name in "ABC":
        daemon_fixture.note(f"{name}.md")
    daemon_fixture.start()
    eventually(lambda: all(daemon_fixture.is_filled(f"{name}.md") for name in "ABC"))
    assert len({change.run for change in daemon_fixture.changes()}) == 3


def test_edit_while_the_model_thinks_stays(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.start_asking()
    daemon_fixture.note("Stub.md", EDITED, rests=False)
    daemon_fixture.model.answer()
    eventually(lambda: daemon_fixture.read("Stub.md") == EDITED_FILLED)
    eventually(daemon_fixture.is_idle)
    assert daemon_fixture.model.calls() == 1
    assert daemon_fixture.status().background.notes_today == 1


def test_rewritten_note_is_asked_for_anew(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.start_asking()
    daemon_fixture.note("Stub.md", REWRITTEN, rests=False)
    daemon_fixture.model.answer()
    eventually(lambda: "What a stub is." in daemon_fixture.read("Stub.md"))
    assert daemon_fixture.model.calls() == 2


def test_answer_outlives_a_note_that_arrives_in_parts(daemon_fixture: DaemonFixture) -> None:
    """A sync client that stalls for longer than the note has to rest."""
    whole = STUB + "".join(f"Line {number} of many about stubs.\n" for number in range(30))
    part = whole[: whole.index("Line 2")]
    daemon_fixture.model.think()
    daemon_fixture.start()
    daemon_fixture.note("Stub.md", whole)
    eventually(lambda: daemon_fixture.model.calls() == 1)
    daemon_fixture.note("Stub.md", part)
    daemon_fixture.model.answer()
    eventually(lambda: "Stub.md: unchanged" in daemon_fixture.log.getvalue())
    eventually(lambda: not daemon_fixture.status().in_hand)
    assert daemon_fixture.read("Stub.md") == part
    daemon_fixture.note("Stub.md", whole, rests=False)
    eventually(lambda: "What a stub is." in daemon_fixture.read("Stub.md"))
    assert daemon_fixture.read("Stub.md").endswith(whole[-40:])
    assert daemon_fixture.model.calls() == 1


def test_answer_outlives_a_drive_that_goes_away(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.start_asking()
    daemon_fixture.vault.rename(daemon_fixture.vault.with_name("away"))
    daemon_fixture.model.answer()
    eventually(lambda: not daemon_fixture.status().in_hand)
    daemon_fixture.vault.with_name("away").rename(daemon_fixture.vault)
    daemon_fixture.rescan()
    eventually(lambda: daemon_fixture.is_filled("Stub.md"))
    assert daemon_fixture.model.calls() == 1


def test_need_that_comes_up_while_the_answer_waits_is_asked_for(
    daemon_fixture: DaemonFixture,
) -> None:
    text = STUB.replace("# Stub", "# Stub\n\n> [!ai] AI\n> Mine.")
    daemon_fixture.start_asking(text)
    question = "\n> [!ai] Why is that?\n"
    mine = text.replace("description: ", "description: My own.")
    daemon_fixture.note("Stub.md", mine + question, rests=False)
    daemon_fixture.model.answer()
    eventually(lambda: "> [!ai] Why is that?\n> A stub is" in daemon_fixture.read("Stub.md"))
    assert "description: My own." in daemon_fixture.read("Stub.md")


def test_own_writes_cause_no_further_call(daemon_fixture: DaemonFixture) -> None:
    for number in range(12):
        daemon_fixture.note(f"Stub {number}.md")
    daemon_fixture.start()
    eventually(lambda: all(daemon_fixture.is_filled(f"Stub {number}.md") for number in range(12)))
    daemon_fixture.rescan()
    eventually(daemon_fixture.is_idle)
    assert daemon_fixture.model.calls() == 12
    assert len(daemon_fixture.changes()) == 12
    assert daemon_fixture.status().to_do == 0


def test_a_note_that_cannot_be_filled_is_left_alone_with_the_reason(
    daemon_fixture: DaemonFixture,
) -> None:
    daemon_fixture.note("Typed.md", UNTYPED)
    daemon_fixture.start()
    eventually(lambda: "Typed.md: unchanged" in daemon_fixture.log.getvalue())
    run = daemon_fixture.run("")
    assert [(each.status, each.path) for each in run.results] == [("unchanged", "Typed.md")]
    assert daemon_fixture.model.calls() == 0


def test_what_was_said_before_a_note_came_is_shown(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.small = True
    daemon_fixture.note("Rice.md", "# Rice\n")
    daemon_fixture.note("Stub.md")
    daemon_fixture.start()
    eventually(lambda: daemon_fixture.changes("Stub.md"))
    daemon_fixture.note("Rice.md", SENTENCE, rests=False)
    daemon_fixture.rescan()
    daemon_fixture.note("Koji.md", POSTPONED, rests=False)
    eventually(lambda: "> A stub is" in daemon_fixture.read("Koji.md"))
    assert daemon_fixture.model.calls("soy sauce and sake") == 1


# --- open notes


def test_note_opened_while_the_model_thinks_is_handed_over_with_its_answer(
    daemon_fixture: DaemonFixture,
) -> None:
    daemon_fixture.start_asking()
    daemon_fixture.daemon.presence.report("desk", ["Stub.md"])
    daemon_fixture.model.answer()
    eventually(lambda: daemon_fixture.space.journal.proposals.latest("Stub.md"))
    assert daemon_fixture.read("Stub.md") == STUB
    result = daemon_fixture.editor_run("Stub.md", EDITED)
    assert daemon_fixture.text_made(result) == EDITED_FILLED
    assert daemon_fixture.model.calls() == 1
    assert daemon_fixture.status().background.notes_today == 1


@pytest.mark.parametrize("reported", ["New.md", "Stub.md"])
def test_note_opened_under_a_new_name_while_the_model_thinks_is_left_alone(
    daemon_fixture: DaemonFixture, monkeypatch: pytest.MonkeyPatch, reported: str
) -> None:
    monkeypatch.setattr("companion.daemon.background._NEXT_TRY", 0.1)
    note = daemon_fixture.start_asking()
    daemon_fixture.daemon.presence.report("desk", [reported])
    note.rename(daemon_fixture.vault / "New.md")
    daemon_fixture.model.answer()
    daemon_fixture.daemon.presence.report("desk", ["New.md"])
    eventually(lambda: daemon_fixture.space.journal.proposals.latest("New.md"))
    assert daemon_fixture.read("New.md") == STUB
    daemon_fixture.daemon.presence.report("desk", [])
    eventually(lambda: daemon_fixture.is_filled("New.md"))
    assert daemon_fixture.model.calls() == 1


def test_answer_for_a_note_that_was_rewritten_in_the_editor_is_not_used(
    daemon_fixture: DaemonFixture,
) -> None:
    daemon_fixture.start_asking()
    daemon_fixture.daemon.presence.report("desk", ["Stub.md"])
    daemon_fixture.model.answer()
    eventually(lambda: daemon_fixture.space.journal.proposals.latest("Stub.md"))
    daemon_fixture.note("Stub.md", REWRITTEN)
    entry = daemon_fixture.editor_run("Stub.md", REWRITTEN)
    assert entry.status == "enriched"
    assert daemon_fixture.model.calls() == 2


def test_note_is_filled_once_it_is_closed(daemon_fixture: DaemonFixture) -> None:
    daemon = daemon_fixture.start()
    daemon.presence.report("desk", ["Stub.md"])
    daemon_fixture.note("Stub.md")
    daemon_fixture.note("Other.md")
    eventually(lambda: daemon_fixture.is_filled("Other.md"))
    assert daemon_fixture.read("Stub.md") == STUB and daemon_fixture.model.calls() == 1
    daemon.presence.report("desk", [])
    eventually(lambda: daemon_fixture.is_filled("Stub.md"))


def test_pause_breaks_a_call_off_and_nothing_is_written(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.start_asking()
    daemon_fixture.daemon.pause()
    eventually(lambda: not daemon_fixture.status().in_hand)
    daemon_fixture.model.answer()
    daemon_fixture.rescan()
    assert daemon_fixture.read("Stub.md") == STUB
    assert daemon_fixture.status().background.notes_today == 0
    daemon_fixture.stop()

    daemon_fixture.start()
    daemon_fixture.rescan()
    assert daemon_fixture.status().paused
    assert daemon_fixture.status().background.off.startswith("paused")
    assert daemon_fixture.model.calls() == 1
    daemon_fixture.daemon.resume()
    eventually(lambda: daemon_fixture.is_filled("Stub.md"))


def test_nothing_is_written_once_pause_has_returned(daemon_fixture: DaemonFixture) -> None:
    for number in range(40):
        daemon_fixture.note(f"Stub {number}.md")
    daemon_fixture.start()
    eventually(lambda: daemon_fixture.model.calls() > 3)
    daemon_fixture.daemon.pause()
    eventually(lambda: not daemon_fixture.status().in_hand)
    held = {file: file.read_bytes() for file in daemon_fixture.vault.glob("*.md")}
    daemon_fixture.rescan()
    assert {file: file.read_bytes() for file in held} == held
    daemon_fixture.daemon.resume()
    eventually(lambda: all(file.read_bytes() == FILLED.encode() for file in held))
    assert len(daemon_fixture.changes()) == 40


# --- caps


def test_notes_a_day_bind_across_restarts_until_tomorrow(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.settings["notes_a_day"] = 2
    for number in range(4):
        daemon_fixture.note(f"Stub {number}.md")
    daemon_fixture.start()
    eventually(lambda: daemon_fixture.status().background.off)
    assert "notes_a_day" in daemon_fixture.status().background.off
    eventually(lambda: len(daemon_fixture.changes()) == 2)
    daemon_fixture.stop()

    daemon_fixture.start()
    eventually(lambda: "notes_a_day" in daemon_fixture.status().background.off)
    assert daemon_fixture.model.calls() == 2
    daemon_fixture.daemon.spending._clock = lambda: time.time() + 86_400
    daemon_fixture.rescan()
    eventually(lambda: len(daemon_fixture.changes()) == 4)
    assert daemon_fixture.status().background.notes_today == 2


# --- asked once


def test_note_that_takes_no_edit_is_filled_once_it_is_mended(daemon_fixture: DaemonFixture) -> None:
    for name, empty in (("Tab.md", "description:\t"), ("Item.md", "description: [ # c\n  ]")):
        daemon_fixture.note(name, STUB.replace("description: ", empty))
    daemon_fixture.start()
    eventually(lambda: "Item.md: skipped" in daemon_fixture.log.getvalue())
    for _ in range(3):
        daemon_fixture.rescan()
        eventually(daemon_fixture.is_idle)
    assert daemon_fixture.model.calls() == 0
    assert "Tab.md" not in daemon_fixture.log.getvalue()
    assert "Tab.md" in daemon_fixture.daemon.vault.scan(Selection()).skipped
    daemon_fixture.note("Tab.md", rests=False)
    daemon_fixture.note("Item.md", rests=False)
    eventually(lambda: daemon_fixture.is_filled("Tab.md") and daemon_fixture.is_filled("Item.md"))
    assert daemon_fixture.log.getvalue().count("Item.md: skipped") == 1


def test_read_only_note_waits_without_a_call(
    daemon_fixture: DaemonFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "_NEXT_TRY", 0.2)
    note = daemon_fixture.note("Stub.md")
    access = os.access
    with monkeypatch.context() as patch:  # root may write anything
        patch.setattr(os, "access", lambda path, mode: path != note and access(path, mode))
        daemon_fixture.start()
        eventually(
            lambda: "Stub.md: put off: it cannot be written" in daemon_fixture.log.getvalue()
        )
        assert (daemon_fixture.model.calls(), daemon_fixture.changes()) == (0, [])
        assert daemon_fixture.status().background.notes_today == 0
    note.touch()
    eventually(lambda: daemon_fixture.is_filled("Stub.md"))


def test_note_made_read_only_while_the_model_thinks_gets_the_answer_later(
    daemon_fixture: DaemonFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "_NEXT_TRY", 0.2)
    note = daemon_fixture.start_asking()
    access = os.access
    with monkeypatch.context() as patch:  # root may write anything
        patch.setattr(os, "access", lambda path, mode: path != note and access(path, mode))
        daemon_fixture.model.answer()
        eventually(
            lambda: "Stub.md: put off: it cannot be written" in daemon_fixture.log.getvalue()
        )
        assert daemon_fixture.changes() == []
    note.touch()
    eventually(lambda: daemon_fixture.is_filled("Stub.md"))
    assert daemon_fixture.model.calls() == 1
