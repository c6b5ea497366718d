"""The outbox: the states of a row; edits are confirmed, or settled by what the note holds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from companion.errors import NoteRefused
from companion.note.edit import diff_edits
from companion.store.journal import Journal, NewChange
from companion.store.moves import follow_events
from companion.store.outbox_row import Event, OutboxRow, Request, RowState, next_state
from companion.store.recover import confirm_made_offers
from tests.store.stub_note import ENRICHED, NOTE, offer, record
from tests.store.test_proposals import PROSE, TEXT

NewChangeOf = Callable[..., NewChange]
CRLF = ENRICHED.replace(b"\n", b"\r\n")
MORE = b"Typed on.\n"
REQUEST = Request("Stub.md", "run-1", None, (1, 2), "user", 30.0)

EVENTS: tuple[Event, ...] = ("give", "confirm", "find", "miss", "write", "withdraw")
STATES: dict[RowState, tuple[RowState | None, ...]] = {
    "waiting": ("given", "made", "made", None, "made", "withdrawn"),
    "given": ("given", "made", "made", "waiting", None, "withdrawn"),
    "made": (None, "made", None, None, None, None),
    "withdrawn": (None, "made", "made", None, None, None),
}
TO_STATE: dict[RowState, tuple[Event, ...]] = {
    "waiting": ("give", "miss"),
    "given": ("give",),
    "made": ("give", "confirm"),
    "withdrawn": ("give", "withdraw"),
}
STEPS = [
    pytest.param(state, event, to, id=f"{state}, {event}")
    for state, row in STATES.items()
    for event, to in zip(EVENTS, row, strict=True)
]


@pytest.mark.parametrize(("state", "event", "to"), STEPS)
def test_state_after_an_event(
    journal: Journal, change: NewChangeOf, state: RowState, event: Event, to: RowState | None
) -> None:
    assert next_state(state, event) == to
    outbox = journal.outbox
    row = outbox.add(REQUEST)
    for each in (*TO_STATE[state], event):
        if each == "give":
            if to is None and event == "give" and outbox.open_rows() == []:
                with pytest.raises(NoteRefused):
                    outbox.offer(row.id, change(), NOTE, ENRICHED)
                continue
            hashes = outbox.offer(row.id, change(), NOTE, ENRICHED)
        elif each in ("confirm", "find"):
            outbox.confirm(row.id, hashes, event=each)
        else:
            outbox.step(row.id, each)
    now = outbox.get(row.id)
    assert now and now.state == (to or state)
    assert [each.id for each in outbox.open_rows()] == [row.id] * (
        now.state in ("waiting", "given")
    )
    made = len(journal.changes())
    assert made == ("confirm" in TO_STATE[state] or (event in ("confirm", "find") and to == "made"))


def test_request_outlives_its_process(journal: Journal, tmp_path: Path) -> None:
    row = journal.outbox.add(REQUEST)
    assert row == OutboxRow(1, REQUEST, "waiting")
    journal.move("Stub.md", "Moved.md")
    journal.close()
    with Journal(tmp_path / "state" / "journal.sqlite3") as later:
        assert later.outbox.open_rows() == [row._replace(request=REQUEST._replace(path="Stub.md"))]


def test_request_to_undo_is_made_by_any_undo(journal: Journal, change: NewChangeOf) -> None:
    first = record(journal, change(), NOTE, ENRICHED)
    request = Request("Stub.md", "run-2", undoes=first)
    row = journal.outbox.add(request)
    assert journal.outbox.add(request) == row
    undo = change(ENRICHED, NOTE)._replace(kind="undo", undoes=first, needs=())
    made = journal.begin(undo, ENRICHED, NOTE)
    journal.done(made)
    assert journal.outbox.get(row.id) == row._replace(state="made", change=made)


def test_request_is_on_the_disk_at_once_with_what_it_does_to_proposals(journal: Journal) -> None:
    old, other = journal.proposals.add([TEXT, PROSE])
    journal.proposals.decide([old, other], "refused", "user")
    [newer] = journal.proposals.add([TEXT])
    before = journal.commits
    row = journal.outbox.add(REQUEST._replace(proposals=(old, other)), ("refused",))
    assert journal.commits == before + 1

    def read() -> list[tuple[str, str]]:
        kept = journal.proposals.get_all([old, other, newer])
        return [(each.state, each.decided_by) for each in kept]

    assert read() == [("open", "user"), ("open", "user"), ("superseded", "")]
    journal.outbox.withdraw([old])
    [now] = journal.outbox.open_rows()
    assert (now.id, now.request.proposals) == (row.id, (other,))
    assert read() == [("open", ""), ("open", "user"), ("superseded", "")]
    later = journal.outbox.add(now.request, ("open",))  # in place of the first
    assert [each.id for each in journal.outbox.open_rows()] == [later.id]
    journal.outbox.step(later.id, "withdraw")
    assert journal.outbox.open_rows() == []
    assert read() == [("open", ""), ("open", ""), ("superseded", "")]


HELD = [
    pytest.param(NOTE, ENRICHED, ENRICHED, True, id="made"),
    pytest.param(NOTE, ENRICHED, NOTE, False, id="not made"),
    pytest.param(NOTE, ENRICHED, ENRICHED + MORE, True, id="made, and typed on"),
    pytest.param(NOTE, ENRICHED, NOTE + MORE, False, id="not made, and typed on"),
    pytest.param(NOTE, ENRICHED, b"\xef\xbb\xbf" + CRLF, True, id="saved with CRLF and BOM"),
    pytest.param(NOTE, ENRICHED, CRLF + b"More.\r\n", True, id="CRLF, and typed on"),
    pytest.param(NOTE, ENRICHED, ENRICHED.replace(b"Prose", b"Mine"), False, id="edited in it"),
    pytest.param(NOTE, ENRICHED, b"# Other\n", False, id="rewritten"),
    pytest.param(NOTE, ENRICHED, b"\xff", False, id="not UTF-8"),
    pytest.param(NOTE, ENRICHED, None, False, id="gone"),
    pytest.param(ENRICHED, NOTE, NOTE + MORE, True, id="taken out, and typed on"),
    pytest.param(ENRICHED, NOTE, ENRICHED + MORE, False, id="not taken out, and typed on"),
]


@pytest.mark.parametrize(("before", "after", "found", "held"), HELD)
def test_is_done_when_the_note_holds_it(
    journal: Journal,
    vault: Path,
    change: NewChangeOf,
    before: bytes,
    after: bytes,
    found: bytes | None,
    held: bool,
) -> None:
    edits = offer(journal, change(before, after), before, after)
    if found is not None:
        (vault / "Stub.md").write_bytes(found)
    made = confirm_made_offers(vault, journal)
    assert [c.state for c in journal.changes()] == ["done"] * held
    assert made == [c.id for c in journal.changes()]
    assert len(journal.outbox.unconfirmed()) == (not held)
    number = journal.outbox.confirm(*edits)  # which comes late
    assert [c.id for c in journal.changes()] == [number]
    assert journal.images(number or 0) == (before, after)


def test_is_on_the_disk_before_it_is_offered(tmp_path: Path, change: NewChangeOf) -> None:
    file = tmp_path / "journal.sqlite3"
    with Journal(file) as journal:
        before = journal.commits
        edits = offer(journal, change(), NOTE, ENRICHED)
        assert journal.commits == before + 2
        with Journal(file, read_only=True) as reader:
            assert [each[:2] for each in reader.outbox.unconfirmed()] == [edits]
    with Journal(file) as again:
        number = again.outbox.confirm(*edits)
        assert (number, again.proposals.latest("Stub.md")["callout:top"].change) == (1, 1)


def test_the_part_that_was_made_is_told_from_the_whole(
    journal: Journal, vault: Path, note: Path
) -> None:
    part = NOTE.replace(b"description: ", b"description: What a stub is.")
    for need, after in (("description", part), ("callout", ENRICHED)):
        edits = diff_edits(NOTE.decode(), after.decode())
        offer(journal, NewChange("run-1", "Stub.md", "enrich", edits, (need,)), NOTE, after)
    note.write_bytes(part + MORE)
    confirm_made_offers(vault, journal)
    assert [c.needs for c in journal.changes()] == [("description",)]


def test_whole_is_settled_once_where_parts_were_offered_too(
    journal: Journal, vault: Path, note: Path
) -> None:
    part = NOTE.replace(b"description: ", b"description: What a stub is.")
    for needs, after in ((("description",), part), (("description", "callout:top"), ENRICHED)):
        edits = diff_edits(NOTE.decode(), after.decode())
        offer(journal, NewChange("run-1", "Stub.md", "enrich", edits, needs), NOTE, after)
    note.write_bytes(ENRICHED + MORE)
    for _ in range(2):
        confirm_made_offers(vault, journal)
    assert [c.needs for c in journal.changes()] == [("description", "callout:top")]


def test_is_not_what_a_later_change_made(
    journal: Journal, vault: Path, note: Path, change: NewChangeOf
) -> None:
    offer(journal, change(), NOTE, ENRICHED)
    record(journal, change()._replace(run="run-2"), NOTE, ENRICHED)
    note.write_bytes(ENRICHED)
    assert confirm_made_offers(vault, journal) == []
    assert [c.run for c in journal.changes()] == ["run-2"]


def test_is_told_of_a_file_with_a_byte_order_mark_or_cr(
    journal: Journal, vault: Path, note: Path, change: NewChangeOf
) -> None:
    for mark, newline in ((b"\xef\xbb\xbf", b"\n"), (b"", b"\r\n")):
        before, after = (mark + each.replace(b"\n", newline) for each in (NOTE, ENRICHED))
        offer(journal, change(before, after), before, after)
        note.write_bytes(after + b"More." + newline)
        assert len(confirm_made_offers(vault, journal)) == 1


def test_note_that_was_renamed_is_confirmed_under_its_new_name(
    journal: Journal, change: NewChangeOf
) -> None:
    edits = offer(journal, change(), NOTE, ENRICHED)
    journal.outbox.confirm(*edits, "Renamed.md")
    assert [c.path for c in journal.changes()] == ["Renamed.md"]
    assert journal.proposals.latest("Renamed.md")


def test_offer_goes_with_its_note_that_is_moved(
    journal: Journal, vault: Path, note: Path, change: NewChangeOf
) -> None:
    offer(journal, change(), NOTE, ENRICHED)
    note.rename(vault / "Moved.md")
    follow_events(vault, journal, [("Stub.md", "Moved.md")])
    (vault / "Moved.md").write_bytes(ENRICHED)
    confirm_made_offers(vault, journal)
    assert [c.path for c in journal.changes()] == ["Moved.md"]


def test_only_the_notes_asked_for_are_looked_at(
    journal: Journal, vault: Path, change: NewChangeOf
) -> None:
    for path in ("a.md", "b.md"):
        offer(journal, change(path=path), NOTE, ENRICHED)
        (vault / path).write_bytes(ENRICHED)
    confirm_made_offers(vault, journal, ["b.md"])
    assert [c.path for c in journal.changes()] == ["b.md"]


def test_what_nobody_made_is_forgotten_in_the_end(journal: Journal, change: NewChangeOf) -> None:
    edits = offer(journal, change(), NOTE, ENRICHED)
    journal.outbox.drop(older_than=-1)
    assert journal.outbox.step(edits[0], "withdraw")
    journal.outbox.drop(older_than=3600)
    assert journal.outbox.unconfirmed()
    journal.outbox.drop(older_than=-1)
    assert (journal.outbox.unconfirmed(), journal.outbox.confirm(*edits)) == ([], None)


def test_offer_hinders_no_change_of_the_note(journal: Journal, change: NewChangeOf) -> None:
    for _ in range(2):  # two windows
        offer(journal, change(), NOTE, ENRICHED)
    assert journal.begin(change(), NOTE, ENRICHED)


def test_a_confirmed_change_is_what_one_begun_and_done_is(
    journal: Journal, change: NewChangeOf
) -> None:
    journal.done(journal.begin(change(path="a.md"), NOTE, ENRICHED))
    record(journal, change(path="b.md"), NOTE, ENRICHED)
    done, recorded = (vars(journal.changes(path)[0]) for path in ("a.md", "b.md"))
    own = {"id", "path", "made_at"}
    assert {k: v for k, v in recorded.items() if k not in own} == {
        k: v for k, v in done.items() if k not in own
    }
    assert recorded["state"] == "done"
    assert journal.images(recorded["id"]) == (NOTE, ENRICHED)
    outcomes = {
        path: {need: (a.state, a.reason) for need, a in journal.proposals.latest(path).items()}
        for path in ("a.md", "b.md")
    }
    assert outcomes["b.md"] == outcomes["a.md"] != {}
    assert {a.change for a in journal.proposals.latest("b.md").values()} == {recorded["id"]}


def test_a_confirmed_change_is_on_the_disk_and_never_pending(
    tmp_path: Path, change: NewChangeOf
) -> None:
    file = tmp_path / "journal.sqlite3"
    with Journal(file) as journal:
        before = journal.commits
        number = record(journal, change(), NOTE, ENRICHED)
        assert journal.commits == before + 3  # of row and offer, and of what came of it
        with Journal(file, read_only=True) as reader:
            assert [(c.id, c.state) for c in reader.changes()] == [(number, "done")]
            assert reader.pending() == []


def test_a_confirmed_change_waits_for_no_pending_one(journal: Journal, change: NewChangeOf) -> None:
    pending = journal.begin(change(), NOTE, ENRICHED)
    record(journal, change(), NOTE, ENRICHED)
    assert [c.id for c in journal.pending()] == [pending]


def test_the_image_of_a_confirmed_change_is_pruned(journal: Journal, change: NewChangeOf) -> None:
    number = record(journal, change(), NOTE, ENRICHED)
    assert journal.prune_images(older_than=-1) == 1
    assert journal.images(number) is None
