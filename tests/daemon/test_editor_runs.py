"""Runs on the text of an editor: edits in UTF-16 offsets, confirmed, journaled, taken back."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

import pytest

from companion.app.editor_edits import ClientEdits
from companion.app.engine.runs import Run
from companion.app.types.changes import ChangeQuery
from companion.errors import NoteError, UsageError
from companion.note.editor_text import EditorText
from tests.daemon.conftest import Serving
from tests.daemon.daemon_fixture import (
    FILLED,
    STUB,
    DaemonFixture,
    daemon_fixture,
    eventually,
    fake,
)

__all__ = ["daemon_fixture", "fake"]

BOM = "\ufeff"
EMOJI = STUB.replace("# Stub", "# Stub 🌱🪴").replace("created:", "mood: 🌞👩‍🔬\ncreated:")


@pytest.fixture
def quiet(daemon_fixture: DaemonFixture) -> DaemonFixture:
    """A vault whose notes wait in the background, for an hour, and whose daemon is started."""
    daemon_fixture.settings["settle_seconds"] = 3600.0
    daemon_fixture.note("Stub.md")
    daemon_fixture.start()
    return daemon_fixture


def applied(text: str, offer: ClientEdits) -> str:
    """Return what JavaScript makes of the text with the edits: it counts UTF-16 code units."""
    assert sha256(text.encode()).hexdigest() == offer.base_sha256
    units = text.encode("utf-16-le")
    for start, end, new, _ in sorted(offer.edits, reverse=True):
        units = units[: 2 * start] + new.encode("utf-16-le") + units[2 * end :]
    made = units.decode("utf-16-le")
    assert sha256(made.encode()).hexdigest() == offer.new_sha256
    return made


def _filled(text: str) -> str:
    """Return the text with the model's usual words, wherever it differs from the usual stub."""
    body = "> [!ai] AI\n> A stub is a short note.\n>\n> It grows.\n\nText of mine."
    return text.replace("description: \n", "description: What a stub is.\n").replace(
        "Text of mine.", body
    )


def run_on(
    daemon_fixture: DaemonFixture, text: str, path: str = "Stub.md"
) -> tuple[Run, ClientEdits]:
    """Return an interactive run that is over, and its offer."""
    run = daemon_fixture.run(path, text=text, priority="interactive")
    (entry,) = run.since(0)
    assert entry.edits, entry.result.reason
    assert entry.result.change is None
    return run, entry.edits


@pytest.mark.parametrize(
    ("file", "text"),
    [
        pytest.param(STUB.encode(), STUB, id="as it is saved"),
        pytest.param(STUB.encode(), STUB + "Not saved yet.\n", id="unsaved text"),
        pytest.param(EMOJI.encode(), EMOJI, id="emoji before the edits"),
        pytest.param(
            (BOM + STUB.replace("\n", "\r\n")).encode(), STUB, id="CRLF and BOM in the file"
        ),
    ],
)
def test_offers_edits_and_writes_nothing(quiet: DaemonFixture, file: bytes, text: str) -> None:
    quiet.note("Stub.md", file)
    run, offer = run_on(quiet, text)
    assert applied(text, offer) == _filled(text)
    assert run.state == "done"
    assert (quiet.vault / "Stub.md").read_bytes() == file
    assert quiet.changes() == []


def test_confirmed_edits_are_in_the_history(quiet: DaemonFixture) -> None:
    run, offer = run_on(quiet, EMOJI)
    number = quiet.daemon.confirm(run.id, "Stub.md", offer.base_sha256, offer.new_sha256)
    assert quiet.daemon.confirm(run.id, "Stub.md", offer.base_sha256, offer.new_sha256) == number
    (change,) = quiet.changes("Stub.md")
    assert (change.id, change.run, change.state) == (number, run.id, "done")
    assert quiet.space.journal.images(change.id) == (EMOJI.encode(), _filled(EMOJI).encode())


FORMS = [
    pytest.param(lambda text: text.replace("\n", "\r\n"), id="CRLF"),
    pytest.param(lambda text: BOM + text, id="BOM"),
    pytest.param(lambda text: BOM + text.replace("\n", "\r\n", 5), id="mixed"),
]


@pytest.mark.parametrize("form", FORMS)
def test_file_that_the_client_writes_itself_keeps_its_line_ends_and_mark(
    quiet: DaemonFixture, form: Callable[[str], str]
) -> None:
    text = form(STUB)
    quiet.note("Stub.md", text)
    run, offer = run_on(quiet, text)
    filled = applied(text, offer)
    assert EditorText.of(filled).text == FILLED
    assert all(edit.start == edit.end for edit in offer.edits)
    quiet.note("Stub.md", filled)
    number = quiet.daemon.confirm(run.id, "Stub.md", offer.base_sha256, offer.new_sha256)
    change = quiet.space.journal.change(number)
    assert change
    assert quiet.space.journal.images(change.id) == (text.encode(), filled.encode())
    later = filled + "Typed since.\r\n"
    undo = quiet.daemon.outbox.edits.offer_undo(change, later).edits
    assert applied(later, undo) == text + "Typed since.\r\n"
    quiet.daemon.outbox.undo(change)
    assert quiet.read("Stub.md") == text


def test_change_of_a_note_that_was_renamed_is_that_of_its_new_path(quiet: DaemonFixture) -> None:
    run, offer = run_on(quiet, STUB)
    (quiet.vault / "Stub.md").rename(quiet.vault / "Named.md")
    hashes = offer.base_sha256, offer.new_sha256
    with pytest.raises(UsageError, match=r"Nowhere\.md"):
        quiet.daemon.confirm(run.id, "Stub.md", *hashes, moved_to="Nowhere.md")
    number = quiet.daemon.confirm(run.id, "Stub.md", *hashes, moved_to="Named.md")
    (change,) = quiet.changes("Named.md")
    assert (change.id, quiet.changes("Stub.md")) == (number, [])
    quiet.note("Named.md", FILLED)
    quiet.daemon.outbox.undo(change)
    assert quiet.read("Named.md") == STUB


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(lambda run, offer: (run, offer.base_sha256, "0" * 64), id="another result"),
        pytest.param(lambda run, offer: (run, "0" * 64, offer.new_sha256), id="another base"),
    ],
)
def test_what_was_not_offered_is_not_confirmed(quiet: DaemonFixture, name: object) -> None:
    run, base, new = name(*run_on(quiet, STUB))  # type: ignore[operator]
    with pytest.raises(UsageError, match="no edits were offered"):
        quiet.daemon.confirm(run.id, "Stub.md", base, new)
    assert quiet.changes() == []


def test_confirmation_that_the_journal_failed_may_be_repeated(
    quiet: DaemonFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, offer = run_on(quiet, STUB)
    with monkeypatch.context() as patch:

        def fail(*_: object) -> int:
            raise OSError("the disk is full")

        patch.setattr(quiet.space.journal.outbox, "confirm", fail)
        with pytest.raises(OSError, match="full"):
            quiet.daemon.confirm(run.id, "Stub.md", offer.base_sha256, offer.new_sha256)
    assert quiet.daemon.confirm(run.id, "Stub.md", offer.base_sha256, offer.new_sha256)


def test_edits_are_confirmed_after_a_restart(quiet: DaemonFixture) -> None:
    run, offer = run_on(quiet, EMOJI)
    quiet.stop()
    quiet.start()
    number = quiet.daemon.confirm(run.id, "Stub.md", offer.base_sha256, offer.new_sha256)
    (change,) = quiet.changes("Stub.md")
    assert (change.id, change.run, change.state) == (number, run.id, "done")


@pytest.mark.parametrize("restarts", [False, True], ids=["it runs on", "it is started anew"])
@pytest.mark.parametrize("more", ["", "Typed since.\n"], ids=["as it was made", "typed on"])
def test_edits_never_confirmed_are_journaled_at_the_next_look(
    quiet: DaemonFixture, restarts: bool, more: str
) -> None:
    run, offer = run_on(quiet, STUB)
    if restarts:
        quiet.stop()
    quiet.note("Stub.md", applied(STUB, offer) + more)
    if restarts:
        quiet.start()
    eventually(lambda: [change.run for change in quiet.changes()] == [run.id])
    quiet.daemon.outbox.undo(quiet.changes()[0])
    assert quiet.read("Stub.md") == STUB + more


def test_undo_never_confirmed_is_journaled_at_the_next_look(quiet: DaemonFixture) -> None:
    quiet.run("Stub.md")
    (change,) = quiet.changes()
    quiet.daemon.outbox.edits.offer_undo(change, FILLED)
    quiet.rescan()
    assert len(quiet.changes()) == 1
    quiet.note("Stub.md", STUB + "Typed since.\n")
    eventually(lambda: len(quiet.changes()) == 2)
    assert [(c.undoes, c.state) for c in quiet.changes()] == [(1, "done"), (None, "undone")]


def test_edits_are_given_again_on_changed_text_without_a_call(quiet: DaemonFixture) -> None:
    run, _ = run_on(quiet, STUB)
    text = EMOJI + "Typed meanwhile.\n"
    again = quiet.daemon.edits_for_text(run, "Stub.md", text)
    assert applied(text, again) == _filled(text)
    assert quiet.model.calls() == 1
    assert quiet.daemon.confirm(run.id, "Stub.md", again.base_sha256, again.new_sha256)


@pytest.mark.parametrize(
    ("path", "text", "error"),
    [
        pytest.param("Stub.md", "Nothing of it is left.\n", NoteError, id="rewritten"),
        pytest.param("Stub.md", FILLED, NoteError, id="filled meanwhile"),
        pytest.param("Stub.md", STUB.replace("created", "["), NoteError, id="broken"),
        pytest.param("Other.md", STUB, UsageError, id="another note"),
    ],
)
def test_edits_that_have_no_place_any_more_are_refused(
    quiet: DaemonFixture, path: str, text: str, error: type[Exception]
) -> None:
    run, _ = run_on(quiet, STUB)
    with pytest.raises(error):
        quiet.daemon.edits_for_text(run, path, text)
    assert applied(STUB, quiet.daemon.edits_for_text(run, "Stub.md", STUB)) == FILLED


def test_a_note_is_known_by_the_spelling_of_the_editor(quiet: DaemonFixture) -> None:
    on_disk, in_editor = "Cafe\u0301.md", "Caf\u00e9.md"  # as macOS has it
    quiet.note(on_disk)
    run, _ = run_on(quiet, STUB, in_editor)
    again = quiet.daemon.edits_for_text(run, in_editor, STUB + "Typed.\n")
    number = quiet.daemon.confirm(run.id, in_editor, again.base_sha256, again.new_sha256)
    for path in (in_editor, on_disk):
        (change,) = quiet.daemon.vault.changes(ChangeQuery(path=path)).changes
        assert (change.id, change.path) == (number, on_disk)
    (quiet.vault / on_disk).unlink()
    assert quiet.daemon.vault.changes(ChangeQuery(path=in_editor)).changes == [change]


def test_note_that_needs_nothing_gets_no_offer(quiet: DaemonFixture) -> None:
    entry = quiet.editor_run("Stub.md", FILLED)
    assert (entry.result.status, entry.edits) == ("unchanged", None)
    assert quiet.model.calls() == 0


def test_text_that_takes_no_edit_is_not_asked_for(quiet: DaemonFixture) -> None:
    entry = quiet.editor_run("Stub.md", STUB.replace("11\n", "11\t\n"))
    assert (entry.result.status, entry.edits) == ("skipped", None)
    assert "remove it" in entry.result.reason and quiet.model.calls() == 0


def test_half_of_a_character_is_refused_in_words(quiet: DaemonFixture) -> None:
    entry = quiet.editor_run("Stub.md", STUB + "\ud83c")
    assert (entry.result.status, entry.edits) == ("skipped", None)
    assert "half of a character" in entry.result.reason
    run, _ = run_on(quiet, STUB)
    with pytest.raises(NoteError, match="half of a character"):
        quiet.daemon.edits_for_text(run, "Stub.md", STUB + "\ud83c")


def test_section_is_filled_where_it_is_named(quiet: DaemonFixture) -> None:
    text = FILLED + "\n## Why\n\nBecause.\n"
    entry = quiet.editor_run("Stub.md", text, section="Why")
    assert entry.edits
    made = applied(text, entry.edits)
    assert made.startswith(FILLED)
    assert "## Why\n\n> [!ai]+ AI\n> A stub is a short note." in made


LOG = FILLED + "\n## Log\n\nMonday.\n\n## Log\n\nTuesday.\n\n## Log\n\n> [!ai]\n"
TUESDAY = LOG.count("\n", 0, LOG.index("Tuesday")) + 1


@pytest.mark.parametrize("added", ["", "New.\n\n", "# New\n\n"])
def test_section_is_filled_where_the_line_stands(quiet: DaemonFixture, added: str) -> None:
    run = quiet.run("Stub.md", text=LOG, line=TUESDAY, priority="interactive")
    now = LOG.replace("# Stub", f"{added}# Stub")
    made = applied(now, quiet.daemon.edits_for_text(run, "Stub.md", now))
    assert made.startswith(now[: now.index("Tuesday")])
    assert "Monday.\n\n## Log\n\n> [!ai]+ AI\n> A stub is a short note." in made
    assert made.endswith("Tuesday.\n\n## Log\n\n> [!ai]\n")


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        pytest.param(LOG + "\n## Log\n", "4 headings read “Log” now", id="one more"),
        pytest.param(LOG.replace("## Log", "## L", 1), "2 headings read “Log” now", id="one less"),
    ],
)
def test_section_that_is_not_sure_any_more_is_refused(
    quiet: DaemonFixture, now: str, reason: str
) -> None:
    run = quiet.run("Stub.md", text=LOG, line=TUESDAY, priority="interactive")
    with pytest.raises(NoteError, match=reason):
        quiet.daemon.edits_for_text(run, "Stub.md", now)


def test_line_below_no_heading_is_refused(quiet: DaemonFixture) -> None:
    with pytest.raises(NoteError, match="line 2 stands below no heading"):
        quiet.run("Stub.md", text=LOG, line=2)
    (quiet.vault / "F").mkdir()
    with pytest.raises(UsageError, match="works on notes"):
        quiet.run("F", line=2)


def test_section_of_a_line_in_the_file(quiet: DaemonFixture) -> None:
    quiet.note("Stub.md", LOG.replace("\n", "\r\n"))
    quiet.run("Stub.md", line=TUESDAY)
    text = quiet.read("Stub.md").replace("\r\n", "\n")
    assert "Monday.\n\n## Log\n\n> [!ai]+ AI\n> A stub" in text and text.endswith("> [!ai]\n")


def test_confirmed_note_has_no_need_though_it_is_not_saved_yet(quiet: DaemonFixture) -> None:
    run, offer = run_on(quiet, STUB)
    quiet.daemon.confirm(run.id, "Stub.md", offer.base_sha256, offer.new_sha256)
    quiet.rescan()
    assert quiet.status().to_do == 0
    assert quiet.status().waiting["background"] == 0


# --- undo


@pytest.mark.parametrize("mark", ["", BOM])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_undo_in_the_file_of_what_was_made_in_an_editor(
    quiet: DaemonFixture, newline: str, mark: str
) -> None:
    run, offer = run_on(quiet, STUB)
    number = quiet.daemon.confirm(run.id, "Stub.md", offer.base_sha256, offer.new_sha256)
    quiet.note("Stub.md", mark + FILLED.replace("\n", newline))  # as the editor saves it
    change = quiet.space.journal.change(number)
    assert change
    undo = quiet.daemon.outbox.undo(change).change
    assert quiet.read("Stub.md") == mark + STUB.replace("\n", newline)
    assert quiet.changes()[0].id == undo
    assert quiet.changes()[1].state == "undone"


def test_undo_in_the_editor_of_what_was_written_into_the_file(quiet: DaemonFixture) -> None:
    quiet.note("Stub.md", STUB.replace("\n", "\r\n"))
    quiet.run("Stub.md")
    (change,) = quiet.changes()
    shown = FILLED + "Typed since 🌱.\n"
    offer = quiet.daemon.outbox.edits.offer_undo(change, shown).edits
    assert applied(shown, offer) == STUB + "Typed since 🌱.\n"
    made = quiet.daemon.outbox.edits.confirm(
        f"change {change.id}", offer.base_sha256, offer.new_sha256
    )
    assert (
        quiet.daemon.outbox.edits.confirm(
            f"change {change.id}", offer.base_sha256, offer.new_sha256
        )
        == made
    )
    assert quiet.changes()[0].undoes == change.id


def test_undo_by_the_api_of_what_an_editor_shows(quiet: DaemonFixture) -> None:
    quiet.run("Stub.md")
    served = Serving(quiet.daemon)
    try:
        made = served.post("/changes/1/undo", {"apply": "client", "text": FILLED}).json
        assert (made["left"], made["reason"]) == ([], None)
        hashes = {name: made["offer"][name] for name in ("base_sha256", "new_sha256")}
        assert served.post("/changes/1/applied", hashes).json == {"change": 2}
        refused = served.post("/changes/1/undo")
    finally:
        served.stop()
    assert (refused.status, refused.json["path"]) == (422, "Stub.md")
    assert refused.json["type"].endswith(":note-refused")


def test_undo_in_the_editor_of_what_can_go(quiet: DaemonFixture) -> None:
    quiet.run("Stub.md")
    (change,) = quiet.changes()
    shown = FILLED.replace("It grows", "It shrinks")
    made = quiet.daemon.outbox.edits.offer_undo(change, shown)
    assert applied(shown, made.edits) == shown.replace("What a stub is.", "")
    assert made.left == ["callout"] and "callout" in made.reason
    quiet.daemon.outbox.edits.confirm(
        f"change {change.id}", made.edits.base_sha256, made.edits.new_sha256
    )
    assert (quiet.changes()[1].state, quiet.changes()[1].left) == ("done", ["callout"])


def test_undo_that_was_undone_is_journaled_anew(quiet: DaemonFixture) -> None:
    run, offer = run_on(quiet, STUB)
    number = quiet.daemon.confirm(run.id, "Stub.md", offer.base_sha256, offer.new_sha256)
    for expected in ("undone", "done", "undone"):
        change = quiet.space.journal.change(number)
        assert change
        if change.state == "done":
            text, taken_back = FILLED, change
        else:
            text, taken_back = STUB, quiet.changes()[0]
        undo = quiet.daemon.outbox.edits.offer_undo(taken_back, text).edits
        quiet.daemon.outbox.edits.confirm(
            f"change {taken_back.id}", undo.base_sha256, undo.new_sha256
        )
        after = quiet.space.journal.change(number)
        assert after
        assert after.state == expected
    assert len(quiet.changes()) == 4


def test_what_was_taken_back_is_not_offered_to_be_taken_back_again(quiet: DaemonFixture) -> None:
    quiet.run("Stub.md")
    (change,) = quiet.changes()
    quiet.daemon.outbox.undo(change)
    change = quiet.changes()[1]
    with pytest.raises(NoteError, match="was taken back already by change 2"):
        quiet.daemon.outbox.edits.offer_undo(change, FILLED)


def test_what_was_taken_back_is_left_by_the_background(daemon_fixture: DaemonFixture) -> None:
    daemon_fixture.note("Stub.md")
    daemon_fixture.start()
    eventually(lambda: daemon_fixture.is_filled("Stub.md"))
    eventually(daemon_fixture.is_idle)
    daemon_fixture.daemon.outbox.undo(daemon_fixture.changes()[0])
    daemon_fixture.rescan()
    (daemon_fixture.vault / "Stub.md").touch()
    daemon_fixture.rescan()
    eventually(daemon_fixture.is_idle)
    assert daemon_fixture.read("Stub.md") == STUB
    assert daemon_fixture.model.calls() == 1


def test_some_of_the_changes_may_be_wanted_and_the_others_refused(quiet: DaemonFixture) -> None:
    run, _ = run_on(quiet, STUB)
    (entry,) = run.since(0)
    kinds = [filling.need.kind for filling in entry.result.filled]
    wanted, refused = kinds.index("callout"), kinds.index("description")
    some = quiet.daemon.edits_for_text(run, "Stub.md", STUB, only=[wanted])
    text = applied(STUB, some)
    assert "> A stub is a short note." in text and "description: \n" in text
    quiet.daemon.confirm(run.id, "Stub.md", some.base_sha256, some.new_sha256)
    list(quiet.daemon.decisions.refuse([entry.result.proposals[refused]]))
    quiet.note("Stub.md", text)
    (left,) = quiet.daemon.notes.note("Stub.md").left
    assert left.startswith("description: ") and "refused" in left
    with pytest.raises(NoteError):
        quiet.daemon.edits_for_text(run, "Stub.md", STUB, only=[])


@pytest.mark.parametrize("only", [[7], [0, 2], [-1]])
def test_numbers_of_no_change_are_named(quiet: DaemonFixture, only: list[int]) -> None:
    run, _ = run_on(quiet, STUB)
    with pytest.raises(UsageError, match=r"has 2 changes, .* there is no (7|2|-1)"):
        quiet.daemon.edits_for_text(run, "Stub.md", STUB, only)


def test_requests_alone(quiet: DaemonFixture) -> None:
    quiet.note("Stub.md", STUB + "\n> [!ai] Why?\n")
    run = quiet.run("Stub.md", mode="requests")
    (entry,) = run.since(0)
    assert [filling.need.question for filling in entry.result.filled] == ["Why?"]
    assert (quiet.vault / "Stub.md").read_text().startswith(STUB + "\n> [!ai] Why?\n> ")
