"""The journal: what it keeps, and what it says when its database is in no state to."""

import shutil
import sqlite3
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from companion.errors import JournalError, NoteBusy
from companion.note.edits import apply_edits
from companion.store import database
from companion.store.journal import Journal
from companion.store.proposals import Proposal
from tests.examples import labelled
from tests.store.stub_note import ENRICHED, NOTE, TAGS, new_change


def test_keeps_the_whole_change(journal: Journal) -> None:
    new = new_change()
    number = journal.begin(new, NOTE, ENRICHED)
    kept = journal.change(number)
    assert kept is not None
    assert (kept.run, kept.path, kept.kind, kept.state) == ("run-1", "Stub.md", "enrich", "pending")
    assert kept.edits == tuple(new.edits)
    assert kept.needs == ("description", "callout:top")
    assert kept.made_at == pytest.approx(time.time(), abs=5)
    assert apply_edits(ENRICHED.decode(), kept.inverse_edits()).encode() == NOTE
    assert journal.images(number) == (NOTE, ENRICHED)


def test_counts_the_notes_that_hold_an_enrichment(journal: Journal) -> None:
    assert (journal.newest(), journal.count_notes(0)) == (0, 0)
    for path in ("a.md", "a.md", "b.md"):
        journal.done(journal.begin(new_change(path=path), NOTE, ENRICHED))
    journal.begin(new_change(path="pending.md"), NOTE, ENRICHED)
    undo = replace(new_change(ENRICHED, NOTE, "b.md"), kind="undo", undoes=3)
    assert (journal.newest(), journal.count_notes(0)) == (4, 2)
    journal.done(journal.begin(undo, ENRICHED, NOTE))
    assert (journal.count_notes(0), journal.count_notes(time.time() + 60)) == (1, 0)


def test_outlives_its_process(tmp_path: Path) -> None:
    file = tmp_path / "journal.sqlite3"
    with Journal(file) as journal:
        done, pending = (
            journal.begin(new_change(path=path), NOTE, ENRICHED) for path in ("a.md", "b.md")
        )
        journal.done(done)
    with Journal(file) as journal:
        assert [c.id for c in journal.pending()] == [pending]
        assert [(c.id, c.state) for c in journal.changes("a.md")] == [(done, "done")]


def test_one_pending_change_a_note(journal: Journal) -> None:
    number = journal.begin(new_change(), NOTE, ENRICHED)
    with pytest.raises(NoteBusy, match=r"Stub\.md: an earlier change"):
        journal.begin(new_change(), NOTE, ENRICHED)
    journal.abandon(number, "it was edited")
    assert journal.begin(new_change(), NOTE, ENRICHED) == number + 1
    abandoned = journal.change(number)
    assert abandoned is not None
    assert (abandoned.state, abandoned.note) == ("abandoned", "it was edited")
    assert journal.images(number) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(NOTE, ENRICHED + b"more", id="edits make another text"),
        pytest.param(ENRICHED, ENRICHED, id="edits do not fit"),
        pytest.param(NOTE, NOTE, id="nothing changes"),
        pytest.param(b"\xff" + NOTE, ENRICHED, id="not UTF-8"),
    ],
)
def test_refuses_edits_that_do_not_make_the_change(
    journal: Journal, before: bytes, after: bytes
) -> None:
    with pytest.raises(ValueError):
        journal.begin(new_change(), before, after)
    assert journal.changes() == []


def test_prunes_images_and_keeps_history(journal: Journal) -> None:
    done = journal.begin(new_change(path="a.md"), NOTE, ENRICHED)
    journal.done(done)
    pending = journal.begin(new_change(path="b.md"), NOTE, ENRICHED)
    assert journal.prune_images(older_than=3600) == 0
    assert journal.prune_images(older_than=-1) == 1
    assert journal.images(done) is None
    assert journal.images(pending) == (NOTE, ENRICHED)
    assert [c.id for c in journal.changes()] == [pending, done]


def _damage(file: Path) -> None:
    Journal(file).close()
    data = file.read_bytes()
    file.write_bytes(data[:4096] + b"\xee" * (len(data) - 4096))


def _put_a_file_in_place_of_its_folder(file: Path) -> None:
    file.parent.rmdir()
    file.parent.write_text("no folder")


def _make_newer(file: Path) -> None:
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA user_version=999")


SPOILED = {
    "newer": (_make_newer, "another version of Companion .*update Companion"),
    "no database": (lambda file: file.write_bytes(b"nothing" * 999), "is damaged; move the file"),
    "damaged": (_damage, "is damaged; move the file aside"),
    "a folder": (Path.mkdir, "cannot be opened"),
    "no folder to be in": (_put_a_file_in_place_of_its_folder, "cannot be opened"),
}


@labelled(("spoil", "words"), SPOILED)
def test_says_what_is_wrong(tmp_path: Path, spoil: Callable[[Path], None], words: str) -> None:
    file = tmp_path / "state" / "journal.sqlite3"
    file.parent.mkdir()
    spoil(file)
    with pytest.raises(JournalError, match=words), Journal(file) as journal:
        journal.changes()


def _locked(file: Path, journal: Journal) -> Callable[[], object]:
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other.close


def _full(file: Path, journal: Journal) -> Callable[[], object]:
    def allow(pages: int) -> None:
        journal._db.select(f"PRAGMA max_page_count = {pages}")

    allow(1)  # as many as there are now
    return lambda: allow(1 << 30)


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        pytest.param(_locked, "is locked by another program; close that", id="locked"),
        pytest.param(_full, "cannot grow, the disk is full; free some space", id="full"),
    ],
)
def test_says_what_is_wrong_while_it_is_open_and_loses_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    harm: Callable[[Path, Journal], Callable[[], object]],
    words: str,
) -> None:
    monkeypatch.setattr(database, "_LOCK_WAIT", 0.05)
    file, long = tmp_path / "journal.sqlite3", "long " * 100_000
    with Journal(file) as journal:
        new = [Proposal(f"{n}.md", TAGS, [long]) for n in range(2)]
        first, second = (each.id for each in journal.proposals.add(new, NOTE))
        mend = harm(file, journal)
        with pytest.raises(JournalError, match=words):
            journal.proposals.edit_value(first, [long, long])
        with pytest.raises(JournalError, match=words):
            journal.begin(new_change(NOTE, long.encode()), NOTE, long.encode())
        mend()
        kept = journal.proposals.get_all([first, second])
        assert [(each.state, each.value) for each in kept] == [("open", [long])] * 2
        assert journal.proposals.decide([first], "refused", "user") == [first]
        assert journal.begin(new_change(), NOTE, ENRICHED) == 1


@pytest.mark.parametrize("processes", [1, 3])
def test_many_write_at_once(journal: Journal, processes: int) -> None:
    """Each connection is as another process is."""
    journals = [journal, *(Journal(journal._db.file) for _ in range(processes - 1))]

    def fill(number: int) -> int:
        own = journals[number % processes]
        change = own.begin(new_change(path=f"{number}.md"), NOTE, ENRICHED)
        own.done(change)
        return change

    before = journal._db.version()
    with ThreadPoolExecutor(16) as pool:
        numbers = list(pool.map(fill, range(100)))
    assert sorted(numbers) == list(range(1, 101))
    assert [each.state for each in journals[-1].changes()] == ["done"] * 100
    assert (journal._db.version() != before) == (processes > 1)
    for other in journals[1:]:
        other.close()


def test_nothing_of_a_transaction_that_fails_is_kept(journal: Journal) -> None:
    with pytest.raises(ZeroDivisionError), journal._db.transaction():
        journal.begin(new_change(), NOTE, ENRICHED)
        raise ZeroDivisionError
    assert journal.changes() == [] and journal.notes.all() == {}


def test_says_that_it_is_closed(journal: Journal) -> None:
    journal.close()
    journal.close()
    with pytest.raises(JournalError, match="is closed"):
        journal.changes()


def test_pages_by_id(journal: Journal) -> None:
    assert journal.newest() == 0
    for path in ("a.md", "b.md", "a.md", "a.md"):
        journal.done(journal.begin(new_change(path=path), NOTE, ENRICHED))
    assert journal.newest() == 4
    assert [c.id for c in journal.changes(before=4)] == [3, 2, 1]
    assert [c.id for c in journal.changes(before=4, limit=2)] == [3, 2]
    assert [c.id for c in journal.changes(path="a.md", before=4)] == [3, 1]
    assert [c.id for c in journal.changes(run="run-1", before=2)] == [1]
    assert journal.changes(before=1) == journal.changes(before=-1) == []
    assert len(journal.changes(before=1 << 70)) == 4
    assert journal.change(99) is None and journal.images(99) is None


def _remove(*suffixes: str) -> Callable[[Path], None]:
    def remove(file: Path) -> None:
        for suffix in suffixes:
            file.with_name(file.name + suffix).unlink()

    return remove


def _replace(file: Path) -> None:
    other = file.with_name("other.sqlite3")
    Journal(other).close()
    other.replace(file)


not_on_windows = pytest.mark.skipif(sys.platform == "win32", reason="an open file stays there")
LOSSES = [
    pytest.param(_remove("", "-wal", "-shm"), id="deleted"),
    pytest.param(lambda file: shutil.rmtree(file.parent), id="its folder deleted"),
    pytest.param(_replace, id="replaced"),
]


@not_on_windows
@pytest.mark.parametrize("lose", LOSSES)
def test_refuses_changes_once_its_file_is_lost(
    tmp_path: Path, lose: Callable[[Path], None]
) -> None:
    file = tmp_path / "state" / "journal.sqlite3"
    with Journal(file) as journal:
        journal.begin(new_change(path="a.md"), NOTE, ENRICHED)
        lose(file)
        for _ in range(2):
            with pytest.raises(JournalError, match=r"deleted or replaced.*start Companion again"):
                journal.begin(new_change(path="b.md"), NOTE, ENRICHED)
    with Journal(file) as journal:
        assert journal.begin(new_change(path="later.md"), NOTE, ENRICHED)
