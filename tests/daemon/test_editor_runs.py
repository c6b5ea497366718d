"""Edits for the text of an editor, in UTF-16 offsets: confirmed, journaled, taken back."""

from collections.abc import Callable
from hashlib import sha256

import pytest

from companion.app.types.changes import ChangeQuery, OfferShape
from companion.errors import NoteError, UsageError
from companion.note.editor_text import EditorText
from companion.store.journal import Change
from companion.store.outbox import OutboxRow
from companion.store.undo import Undone
from tests.daemon.daemon_fixture import FILLED, STUB, DaemonFixture, eventually

BOM = "\ufeff"
CALLOUT = "\n> [!ai] AI\n> Mine.\n"
EMOJI = STUB.replace("# Stub", "# Stub 🌱🪴").replace("created:", "mood: 🌞👩‍🔬\ncreated:")


@pytest.fixture
def quiet(daemon_fixture: DaemonFixture) -> DaemonFixture:
    """A vault whose notes wait in the background, for an hour, and whose daemon watches it."""
    daemon_fixture.settings["settle_seconds"] = 3600.0
    daemon_fixture.note("Stub.md")
    daemon_fixture.start()
    eventually(lambda: daemon_fixture.status().ready)
    return daemon_fixture


def applied(text: str, offer: OfferShape) -> str:
    """Return what JavaScript makes of the text with the edits: it counts UTF-16 code units."""
    assert sha256(text.encode()).hexdigest() == offer.base_sha256
    units = text.encode("utf-16-le")
    for edit in sorted(offer.edits, key=lambda each: each.start, reverse=True):
        new = edit.text.encode("utf-16-le")
        units = units[: 2 * edit.start] + new + units[2 * edit.end :]
    made = units.decode("utf-16-le")
    assert sha256(made.encode()).hexdigest() == offer.new_sha256
    return made


def _filled(text: str) -> str:
    """Return the text with the model's usual words, wherever it differs from the usual stub."""
    body = "> [!ai] AI\n> A stub is a short note.\n>\n> It grows.\n\nText of mine."
    return text.replace("description: \n", "description: What a stub is.\n").replace(
        "Text of mine.", body
    )


def request_edits(
    daemon_fixture: DaemonFixture, path: str = "Stub.md", **options: object
) -> OutboxRow:
    """Return the row by which the editor of an open note gets the edits of a run."""
    daemon_fixture.daemon.presence.report("desk", [path])
    daemon_fixture.run(path, wait=False, priority="interactive", **options)
    eventually(lambda: daemon_fixture.daemon.outbox.rows_of([path]))
    (row,) = daemon_fixture.daemon.outbox.rows_of([path])
    return row


def run_on(
    daemon_fixture: DaemonFixture, text: str, path: str = "Stub.md"
) -> tuple[OutboxRow, OfferShape]:
    """Return the row of a run for an editor that shows this text, and its offer."""
    row = request_edits(daemon_fixture, path)
    return row, daemon_fixture.daemon.outbox.give(row.id, text)


def run_confirmed(daemon_fixture: DaemonFixture) -> Change:
    """Return the change of a run whose edits an editor has made in a stub, and confirmed."""
    row, offer = run_on(daemon_fixture, STUB)
    number = daemon_fixture.daemon.outbox.confirm(row.id, offer.base_sha256, offer.new_sha256)
    change = daemon_fixture.space.journal.change(number)
    assert change
    return change


def request_undo(
    daemon_fixture: DaemonFixture, change: Change, text: str
) -> tuple[OutboxRow, OfferShape]:
    """Return the row that takes a change back in an editor that shows this text, and its offer."""
    daemon_fixture.daemon.presence.report("desk", [change.path])
    row = daemon_fixture.daemon.outbox.undo(change)
    assert isinstance(row, OutboxRow)
    return row, daemon_fixture.daemon.outbox.give(row.id, text)


def undo_in_file(daemon_fixture: DaemonFixture, change: Change) -> Undone:
    """Take a change back in its note, which no editor has open any more."""
    daemon_fixture.daemon.presence.report("desk", [])
    undone = daemon_fixture.daemon.outbox.undo(change)
    assert isinstance(undone, Undone)
    return undone


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
    _, offer = run_on(quiet, text)
    assert applied(text, offer) == _filled(text)
    assert (quiet.vault / "Stub.md").read_bytes() == file
    assert quiet.changes() == []


def test_confirmed_edits_are_in_the_history(quiet: DaemonFixture) -> None:
    row, offer = run_on(quiet, EMOJI)
    hashes = offer.base_sha256, offer.new_sha256
    number = quiet.daemon.outbox.confirm(row.id, *hashes)
    assert quiet.daemon.outbox.confirm(row.id, *hashes) == number
    (change,) = quiet.changes("Stub.md")
    assert (change.id, change.run, change.state) == (number, row.run, "done")
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
    row, offer = run_on(quiet, text)
    filled = applied(text, offer)
    assert EditorText.of(filled).text == FILLED
    assert all(edit.start == edit.end for edit in offer.edits)
    quiet.note("Stub.md", filled)
    number = quiet.daemon.outbox.confirm(row.id, offer.base_sha256, offer.new_sha256)
    change = quiet.space.journal.change(number)
    assert change
    assert quiet.space.journal.images(change.id) == (text.encode(), filled.encode())
    later = filled + "Typed since.\r\n"
    undo, edits = request_undo(quiet, change, later)
    assert applied(later, edits) == text + "Typed since.\r\n"
    quiet.daemon.outbox.cancel(undo.id)
    undo_in_file(quiet, change)
    assert quiet.read("Stub.md") == text


def test_change_of_a_note_that_was_renamed_is_that_of_its_new_path(quiet: DaemonFixture) -> None:
    row, offer = run_on(quiet, STUB)
    (quiet.vault / "Stub.md").rename(quiet.vault / "Named.md")
    hashes = offer.base_sha256, offer.new_sha256
    with pytest.raises(UsageError, match=r"Nowhere\.md"):
        quiet.daemon.outbox.confirm(row.id, *hashes, moved_to="Nowhere.md")
    number = quiet.daemon.outbox.confirm(row.id, *hashes, moved_to="Named.md")
    (change,) = quiet.changes("Named.md")
    assert (change.id, quiet.changes("Stub.md")) == (number, [])
    quiet.note("Named.md", FILLED)
    undo_in_file(quiet, change)
    assert quiet.read("Named.md") == STUB


@pytest.mark.parametrize("other", [0, 1], ids=["another base", "another result"])
def test_what_was_not_offered_is_not_confirmed(quiet: DaemonFixture, other: int) -> None:
    row, offer = run_on(quiet, STUB)
    hashes = [offer.base_sha256, offer.new_sha256]
    hashes[other] = "0" * 64
    with pytest.raises(UsageError, match="no edits were offered"):
        quiet.daemon.outbox.confirm(row.id, *hashes)
    assert quiet.changes() == []


@pytest.mark.parametrize("restarts", [False, True], ids=["it runs on", "it is started anew"])
@pytest.mark.parametrize("more", ["", "Typed since.\n"], ids=["as it was made", "typed on"])
def test_edits_never_confirmed_are_journaled_at_the_next_look(
    quiet: DaemonFixture, restarts: bool, more: str
) -> None:
    row, offer = run_on(quiet, STUB)
    if restarts:
        quiet.stop()
    quiet.note("Stub.md", applied(STUB, offer) + more)
    if restarts:
        quiet.start()
    eventually(lambda: [change.run for change in quiet.changes()] == [row.run])
    undo_in_file(quiet, quiet.changes()[0])
    assert quiet.read("Stub.md") == STUB + more


def test_edits_never_confirmed_are_journaled_though_the_note_is_left_alone_now(
    quiet: DaemonFixture,
) -> None:
    row, offer = run_on(quiet, STUB)
    quiet.daemon.scans.watcher.stop()
    quiet.note("Stub.md", applied(STUB, offer).replace("created:", "ai: false\ncreated:"))
    quiet.rescan()
    (change,) = quiet.changes()
    assert change.run == row.run and quiet.space.journal.images(change.id) is None


def test_edits_are_given_again_on_changed_text_without_a_call(quiet: DaemonFixture) -> None:
    row, _ = run_on(quiet, STUB)
    text = EMOJI + "Typed meanwhile.\n"
    again = quiet.daemon.outbox.give(row.id, text)
    assert applied(text, again) == _filled(text)
    assert quiet.model.calls() == 1
    assert quiet.daemon.outbox.confirm(row.id, again.base_sha256, again.new_sha256)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Nothing of it is left.\n", id="rewritten"),
        pytest.param(STUB.replace("description: ", "description: My own.") + CALLOUT, id="filled"),
        pytest.param(STUB.replace("created", "["), id="broken"),
    ],
)
def test_edits_that_have_no_place_any_more_are_refused(quiet: DaemonFixture, text: str) -> None:
    row, _ = run_on(quiet, STUB)
    with pytest.raises(NoteError):
        quiet.daemon.outbox.give(row.id, text)
    assert applied(STUB, quiet.daemon.outbox.give(row.id, STUB)) == FILLED


def test_edits_whose_text_is_deleted_are_no_longer_offered(quiet: DaemonFixture) -> None:
    row = request_edits(quiet)
    quiet.daemon.space.journal.proposals.forget(["Stub.md"], "its text was deleted")
    with pytest.raises(NoteError):
        quiet.daemon.outbox.give(row.id, STUB)
    assert quiet.daemon.outbox.row(row.id).state == "withdrawn"


def test_a_note_is_known_by_the_spelling_of_the_editor(quiet: DaemonFixture) -> None:
    on_disk, in_editor = "Cafe\u0301.md", "Caf\u00e9.md"  # as macOS has it
    quiet.note(on_disk)
    row, offer = run_on(quiet, STUB + "Typed.\n", in_editor)
    number = quiet.daemon.outbox.confirm(row.id, offer.base_sha256, offer.new_sha256)
    for path in (in_editor, on_disk):
        (change,) = quiet.daemon.vault.changes(ChangeQuery(path=path)).changes
        assert (change.id, change.path) == (number, on_disk)
    (quiet.vault / on_disk).unlink()
    assert quiet.daemon.vault.changes(ChangeQuery(path=in_editor)).changes == [change]


def test_half_of_a_character_is_refused_in_words(quiet: DaemonFixture) -> None:
    row, _ = run_on(quiet, STUB)
    with pytest.raises(NoteError, match="half of a character"):
        quiet.daemon.outbox.give(row.id, STUB + "\ud83c")


LOG = FILLED + "\n## Log\n\nMonday.\n\n## Log\n\nTuesday.\n\n## Log\n\n> [!ai]\n"
TUESDAY = LOG.count("\n", 0, LOG.index("Tuesday")) + 1


@pytest.mark.parametrize("added", ["", "New.\n\n", "# New\n\n"])
def test_section_is_filled_where_the_line_stands(quiet: DaemonFixture, added: str) -> None:
    quiet.note("Stub.md", LOG)
    row = request_edits(quiet, section=TUESDAY)
    now = LOG.replace("# Stub", f"{added}# Stub")
    made = applied(now, quiet.daemon.outbox.give(row.id, now))
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
    quiet.note("Stub.md", LOG)
    row = request_edits(quiet, section=TUESDAY)
    with pytest.raises(NoteError, match=reason):
        quiet.daemon.outbox.give(row.id, now)


def test_line_below_no_heading_is_refused(quiet: DaemonFixture) -> None:
    with pytest.raises(NoteError, match="line 2 stands below no heading"):
        quiet.run("Stub.md", section=2)
    (quiet.vault / "F").mkdir()
    with pytest.raises(UsageError, match="works on notes"):
        quiet.run("F", section=2)


def test_confirmed_note_has_no_need_though_it_is_not_saved_yet(quiet: DaemonFixture) -> None:
    run_confirmed(quiet)
    quiet.rescan()
    assert quiet.status().to_do == 0
    assert quiet.status().background.waiting == 0
