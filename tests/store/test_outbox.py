"""The outbox: the states of a row; edits are confirmed, or settled by what the note holds."""

from dataclasses import replace
from pathlib import Path

import pytest

from companion.errors import NoteRefused
from companion.store.journal import Journal
from companion.store.moves import follow_events
from companion.store.outbox import OutboxRow
from companion.store.recovery import confirm_made_offers
from tests.examples import labelled
from tests.store.conftest import Bench
from tests.store.stub_note import ENRICHED, NOTE, new_change, offer, record
from tests.store.test_proposals import PROSE, TEXT, add

CRLF = ENRICHED.replace(b"\n", b"\r\n")
MORE = b"Typed on.\n"
BOM = b"\xef\xbb\xbf"
PART = NOTE.replace(b"description: ", b"description: What a stub is.")
REQUEST = OutboxRow("Stub.md", "run-1", None, (1, 2), "user", 30.0)


def test_edits_that_were_given_count_until_they_are_made(journal: Journal) -> None:
    outbox = journal.outbox
    row = outbox.add(REQUEST)
    outbox.offer(row.id, new_change(NOTE, PART), NOTE, PART)
    hashes = outbox.offer(row.id, new_change(), NOTE, ENRICHED)  # in place of the first
    assert [each.state for each in outbox.open_rows()] == ["given"]
    assert journal.changes() == []
    assert outbox.end(row.id, "withdrawn", reason="no") and not outbox.end(row.id, "waiting")
    with pytest.raises(NoteRefused):
        outbox.offer(row.id, new_change(), NOTE, ENRICHED)
    number = outbox.confirm(row.id, hashes)
    assert number and outbox.confirm(row.id, hashes) == number
    now = outbox.get(row.id)
    assert now and (now.state, now.change, now.is_open) == ("made", number, False)
    assert [each.state for each in journal.changes()] == ["done"]


def test_edits_that_were_made_in_the_file_are_no_offer_any_more(journal: Journal) -> None:
    row, hashes = offer(journal, new_change(), NOTE, ENRICHED)
    assert journal.outbox.end(row, "waiting") and journal.outbox.end(row, "made")
    assert (journal.offered(), journal.outbox.confirm(row, hashes)) == ([], None)


def test_request_outlives_its_process(journal: Journal, tmp_path: Path) -> None:
    row = journal.outbox.add(REQUEST)
    assert row == replace(REQUEST, id=1)
    journal.move("Stub.md", "Moved.md")
    journal.close()
    with Journal(tmp_path / "state" / "journal.sqlite3") as later:
        assert later.outbox.open_rows() == [row]


def test_request_to_undo_is_made_by_any_undo(journal: Journal) -> None:
    first = record(journal, new_change(), NOTE, ENRICHED)
    request = OutboxRow("Stub.md", "run-2", undoes=first)
    row = journal.outbox.add(request)
    assert journal.outbox.add(request) == row
    undo = replace(new_change(ENRICHED, NOTE), kind="undo", undoes=first, needs=())
    made = journal.begin(undo, ENRICHED, NOTE)
    journal.done(made)
    assert journal.outbox.get(row.id) == replace(row, state="made", change=made)


def test_request_is_stored_with_what_it_does_to_proposals(journal: Journal) -> None:
    old, other = add(journal, TEXT, PROSE)
    journal.proposals.decide([old, other], "refused", "user")
    [newer] = add(journal, TEXT)
    row = journal.outbox.add(replace(REQUEST, proposals=(old, other)), ("refused",))

    def read() -> list[tuple[str, str]]:
        kept = journal.proposals.get_all([old, other, newer])
        return [(each.state, each.decided_by) for each in kept]

    assert read() == [("open", "user"), ("open", "user"), ("superseded", "")]
    journal.outbox.withdraw([old])
    [now] = journal.outbox.open_rows()
    assert (now.id, now.proposals) == (row.id, (other,))
    assert read() == [("open", ""), ("open", "user"), ("superseded", "")]
    later = journal.outbox.add(now, ("open",))  # in place of the first
    assert [each.id for each in journal.outbox.open_rows()] == [later.id]
    journal.outbox.end(later.id, "withdrawn")
    assert journal.outbox.open_rows() == []
    assert read() == [("open", ""), ("open", ""), ("superseded", "")]


HELD = {
    "made": (NOTE, ENRICHED, ENRICHED, True),
    "not made": (NOTE, ENRICHED, NOTE, False),
    "made, and typed on": (NOTE, ENRICHED, ENRICHED + MORE, True),
    "not made, and typed on": (NOTE, ENRICHED, NOTE + MORE, False),
    "saved with CRLF and a mark": (NOTE, ENRICHED, BOM + CRLF, True),
    "CRLF, and typed on": (NOTE, ENRICHED, CRLF + b"More.\r\n", True),
    "CRLF as before": (NOTE.replace(b"\n", b"\r\n"), CRLF, CRLF + b"More.\r\n", True),
    "a mark as before": (BOM + NOTE, BOM + ENRICHED, BOM + ENRICHED + MORE, True),
    "edited in it": (NOTE, ENRICHED, ENRICHED.replace(b"Prose", b"Mine"), False),
    "rewritten": (NOTE, ENRICHED, b"# Other\n", False),
    "not UTF-8": (NOTE, ENRICHED, b"\xff", False),
    "gone": (NOTE, ENRICHED, None, False),
    "taken out, and typed on": (ENRICHED, NOTE, NOTE + MORE, True),
    "not taken out, and typed on": (ENRICHED, NOTE, ENRICHED + MORE, False),
}


@labelled(("before", "after", "found", "held"), HELD)
def test_is_done_when_the_note_holds_it(
    journal: Journal,
    vault: Path,
    before: bytes,
    after: bytes,
    found: bytes | None,
    held: bool,
) -> None:
    edits = offer(journal, new_change(before, after), before, after)
    if found is not None:
        (vault / "Stub.md").write_bytes(found)
    made = confirm_made_offers(vault, journal)
    assert [c.state for c in journal.changes()] == ["done"] * held
    assert made == [c.id for c in journal.changes()]
    assert len(journal.offered()) == (not held)
    number = journal.outbox.confirm(*edits)  # which comes late
    assert [c.id for c in journal.changes()] == [number]
    assert journal.images(number or 0) == (before, after)


def test_is_on_the_disk_before_it_is_offered(tmp_path: Path) -> None:
    file = tmp_path / "journal.sqlite3"
    with Journal(file) as journal:
        edits = offer(journal, new_change(), NOTE, ENRICHED)
        with Journal(file) as reader:
            assert [each.outbox for each in reader.offered()] == [edits[0]]
    with Journal(file) as again:
        number = again.outbox.confirm(*edits)
        assert [(each.id, each.state) for each in again.changes()] == [(number, "done")]


@labelled(
    ("stands", "needs"),
    {"a part": (PART, ("description",)), "the whole": (ENRICHED, ("description", "callout:top"))},
)
def test_what_was_made_is_told_from_what_was_offered_too(
    bench: Bench, stands: bytes, needs: tuple[str, ...]
) -> None:
    for offered, after in ((("description",), PART), (("description", "callout:top"), ENRICHED)):
        made = replace(new_change(NOTE, after), needs=offered)
        offer(bench.journal, made, NOTE, after)
    bench.note.write_bytes(stands + MORE)
    for _ in range(2):
        confirm_made_offers(bench.vault, bench.journal)
    assert [c.needs for c in bench.journal.changes()] == [needs]


def test_is_not_what_a_later_change_made(bench: Bench) -> None:
    offer(bench.journal, new_change(), NOTE, ENRICHED)
    record(bench.journal, replace(new_change(), run="run-2"), NOTE, ENRICHED)
    bench.note.write_bytes(ENRICHED)
    assert confirm_made_offers(bench.vault, bench.journal) == []
    assert [c.run for c in bench.journal.changes()] == ["run-2"]


def test_note_that_was_renamed_is_confirmed_under_its_new_name(journal: Journal) -> None:
    edits = offer(journal, new_change(), NOTE, ENRICHED)
    journal.outbox.confirm(*edits, "Renamed.md")
    assert [c.path for c in journal.changes()] == ["Renamed.md"]


def test_offer_goes_with_its_note_that_is_moved(bench: Bench) -> None:
    offer(bench.journal, new_change(), NOTE, ENRICHED)
    moved = bench.note.rename(bench.vault / "Moved.md")
    follow_events(bench.vault, bench.journal, [("Stub.md", "Moved.md")])
    moved.write_bytes(ENRICHED)
    confirm_made_offers(bench.vault, bench.journal)
    assert [c.path for c in bench.journal.changes()] == ["Moved.md"]


def test_only_the_notes_asked_for_are_looked_at(journal: Journal, vault: Path) -> None:
    for path in ("a.md", "b.md"):
        offer(journal, new_change(path=path), NOTE, ENRICHED)
        (vault / path).write_bytes(ENRICHED)
    confirm_made_offers(vault, journal, ["b.md"])
    assert [c.path for c in journal.changes()] == ["b.md"]


def test_what_nobody_made_is_forgotten_in_the_end(journal: Journal) -> None:
    edits = offer(journal, new_change(), NOTE, ENRICHED)
    journal.outbox.drop(older_than=-1)
    assert journal.outbox.end(edits[0], "withdrawn")
    journal.outbox.drop(older_than=3600)
    assert journal.offered()
    journal.outbox.drop(older_than=-1)
    assert (journal.offered(), journal.outbox.confirm(*edits)) == ([], None)


def test_offer_hinders_no_change_of_the_note(journal: Journal) -> None:
    for _ in range(2):  # two windows
        offer(journal, new_change(), NOTE, ENRICHED)
    assert journal.begin(new_change(), NOTE, ENRICHED)


def test_a_confirmed_change_is_what_one_begun_and_done_is(journal: Journal) -> None:
    journal.done(journal.begin(new_change(path="a.md"), NOTE, ENRICHED))
    record(journal, new_change(path="b.md"), NOTE, ENRICHED)
    done, recorded = (vars(journal.changes(path)[0]) for path in ("a.md", "b.md"))
    own = {"id", "path", "made_at", "outbox"}
    assert {k: v for k, v in recorded.items() if k not in own} == {
        k: v for k, v in done.items() if k not in own
    }
    assert recorded["state"] == "done"
    assert journal.images(recorded["id"]) == (NOTE, ENRICHED)


def test_a_confirmed_change_is_on_the_disk_and_never_pending(tmp_path: Path) -> None:
    file = tmp_path / "journal.sqlite3"
    with Journal(file) as journal:
        number = record(journal, new_change(), NOTE, ENRICHED)
        with Journal(file) as reader:
            assert [(c.id, c.state) for c in reader.changes()] == [(number, "done")]
            assert reader.pending() == []


def test_a_confirmed_change_waits_for_no_pending_one(journal: Journal) -> None:
    pending = journal.begin(new_change(), NOTE, ENRICHED)
    record(journal, new_change(), NOTE, ENRICHED)
    assert [c.id for c in journal.pending()] == [pending]
