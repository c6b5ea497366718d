"""The journal: what it keeps, and what it says when its database is in no state to."""

import shutil
import sqlite3
import stat
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from threading import Event

import pytest

from companion.errors import JournalError, NoteBusy
from companion.note.edit import Edit, apply_edits
from companion.store import database
from companion.store.journal import Journal, NewChange
from companion.store.proposal import NewProposal
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


@pytest.mark.parametrize(
    ("edits", "after"),
    [
        pytest.param([Edit(1, 3, "")], "ad", id="delete"),
        pytest.param([Edit(3, 4, "z"), Edit(0, 1, "xyz")], "xyzbcz", id="in any order"),
        pytest.param([Edit(1, 1, "x"), Edit(1, 1, "y")], "axybcd", id="two at one offset"),
        pytest.param([Edit(1, 1, "x"), Edit(1, 2, ""), Edit(2, 4, "é")], "axé", id="touching"),
    ],
)
def test_takes_edits_back(journal: Journal, edits: list[Edit], after: str) -> None:
    number = journal.begin(NewChange("1", "a.md", "enrich", edits), b"abcd", after.encode())
    kept = journal.change(number)
    assert kept and apply_edits(after, kept.inverse_edits()) == "abcd"


def test_counts_the_notes_that_hold_an_enrichment(journal: Journal) -> None:
    assert (journal.newest(), journal.count_notes(0)) == (0, 0)
    for path in ("a.md", "a.md", "b.md"):
        journal.done(journal.begin(new_change(path=path), NOTE, ENRICHED))
    journal.begin(new_change(path="pending.md"), NOTE, ENRICHED)
    undo = new_change(ENRICHED, NOTE, "b.md")._replace(kind="undo", undoes=3)
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
    if sys.platform != "win32":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_undo_and_a_redo_mark_what_they_take_back(journal: Journal) -> None:
    states = []
    for undoes in (None, 1, 2, 3):
        before, after = (NOTE, ENRICHED) if undoes in (None, 2) else (ENRICHED, NOTE)
        new = new_change(before, after)._replace(undoes=undoes)
        journal.done(journal.begin(new, before, after))
        states.append([c.state for c in reversed(journal.changes())])
    assert states == [
        ["done"],
        ["undone", "done"],
        ["done", "undone", "done"],
        ["undone", "done", "undone", "done"],
    ]
    first = journal.change(1)
    assert first is not None
    assert first.undone_by == 2


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


def test_many_notes_share_a_commit(journal: Journal) -> None:
    def begin(number: int) -> int:
        return journal.begin(new_change(path=f"{number}.md"), NOTE, ENRICHED)

    with ThreadPoolExecutor(16) as pool:
        numbers = list(pool.map(begin, range(200)))
    assert sorted(numbers) == list(range(1, 201))
    assert 1 <= journal.commits <= 200


def test_only_a_begun_change_waits_for_the_disk(journal: Journal) -> None:
    number = journal.begin(new_change(), NOTE, ENRICHED)
    journal.done(number)
    journal.proposals.add([NewProposal("a.md", TAGS, ["a"])])
    assert journal.proposals.latest("a.md")
    assert journal.commits == 1
    journal.flush()
    assert journal.commits == 2


def test_what_is_recorded_after_a_move_comes_after_it(journal: Journal) -> None:
    held = Event()
    journal._db.ask(lambda db: held.wait())  # all below waits, and goes into one transaction
    journal.notes.record("old.md", NOTE)
    journal.move("old.md", "new.md")
    journal.notes.record("new.md", ENRICHED)
    held.set()
    [(path, seen)] = journal.notes.all().items()
    assert (path, seen and seen.sha256) == ("new.md", sha256(ENRICHED).hexdigest())


def test_a_read_only_journal_creates_nothing(tmp_path: Path) -> None:
    file = tmp_path / "state" / "journal.sqlite3"
    with Journal(file, read_only=True) as journal:
        assert journal.changes() == journal.pending() == []
    assert not file.parent.exists()


def test_reads_while_another_writes(journal: Journal, tmp_path: Path) -> None:
    journal.begin(new_change(), NOTE, ENRICHED)
    with Journal(tmp_path / "state" / "journal.sqlite3", read_only=True) as reader:
        assert [c.state for c in reader.pending()] == ["pending"]
        with pytest.raises(JournalError, match="read-only"):
            reader.begin(new_change(path="b.md"), NOTE, ENRICHED)


def test_reads_an_older_format_without_changing_it(tmp_path: Path) -> None:
    file = tmp_path / "journal.sqlite3"
    sqlite3.connect(file).close()
    file.touch()
    with Journal(file, read_only=True) as journal:
        assert journal.changes() == []
    assert file.read_bytes() == b""


def _damage(file: Path) -> None:
    Journal(file).close()
    data = file.read_bytes()
    file.write_bytes(data[:4096] + b"\xee" * (len(data) - 4096))


def _put_a_file_in_place_of_its_folder(file: Path) -> None:
    file.parent.rmdir()
    file.parent.write_text("no folder")


def _make_newer(file: Path) -> None:
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA user_version=99")


SPOILED = {
    "newer": (_make_newer, "newer version of Companion .*update Companion"),
    "no database": (lambda file: file.write_bytes(b"nothing" * 999), "is damaged; move the file"),
    "damaged": (_damage, "is damaged; move the file aside"),
    "a folder": (Path.mkdir, "cannot be opened"),
    "no folder to be in": (_put_a_file_in_place_of_its_folder, "cannot be opened"),
}


@pytest.mark.parametrize("read_only", [False, True], ids=["write", "read"])
@labelled(("spoil", "words"), SPOILED)
def test_says_what_is_wrong(
    tmp_path: Path, spoil: Callable[[Path], None], words: str, read_only: bool
) -> None:
    file = tmp_path / "state" / "journal.sqlite3"
    file.parent.mkdir()
    spoil(file)
    if spoil is _put_a_file_in_place_of_its_folder and read_only:
        pytest.skip("a missing journal is an empty one to its reader")
    with pytest.raises(JournalError, match=words), Journal(file, read_only=read_only) as journal:
        journal.changes()


def test_what_is_done_while_the_journal_is_locked_is_recorded_later(journal: Journal) -> None:
    first = journal.begin(new_change(), NOTE, ENRICHED)
    second = journal.begin(new_change(path="changed.md"), NOTE, ENRICHED)
    journal._db._db.execute("PRAGMA busy_timeout = 0")
    with closing(sqlite3.connect(journal._db.file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        journal.done(first)
        journal.abandon(second, "it was edited in the meantime")
        with pytest.raises(JournalError, match="is locked"):
            journal.flush()
    assert [each.state for each in journal.changes()] == ["abandoned", "done"]
    journal.done(journal.begin(new_change(ENRICHED, NOTE), ENRICHED, NOTE))
    journal.done(journal.begin(new_change(path="other.md"), NOTE, ENRICHED))
    assert [each.state for each in journal.changes()] == ["done", "done", "abandoned", "done"]


def _locked(file: Path, journal: Journal) -> Callable[[], object]:
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other.close


def _migrated(file: Path, journal: Journal) -> Callable[[], object]:
    other = sqlite3.connect(file, isolation_level=None)
    [known] = other.execute("PRAGMA user_version").fetchone()
    other.execute("PRAGMA user_version = 99")

    def restore() -> None:
        assert other.execute("PRAGMA user_version").fetchone() == (99,), "it stays as it was made"
        other.execute(f"PRAGMA user_version = {known}")
        other.close()

    return restore


def _full(file: Path, journal: Journal) -> Callable[[], object]:
    def allow(pages: int) -> None:
        journal._db.ask(lambda db: db.execute(f"PRAGMA max_page_count = {pages}")).result()

    allow(1)  # as many as there are now
    return lambda: allow(1 << 30)


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        pytest.param(_locked, "is locked by another program; close that", id="locked"),
        pytest.param(_migrated, "newer version of Companion .*start companion serve", id="newer"),
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
        asked = [NewProposal(f"{n}.md", TAGS, [long], source=NOTE) for n in range(2)]
        first, second = journal.proposals.add(asked)
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
    pytest.param(_remove("-wal"), id="-wal deleted"),
    pytest.param(_remove("-shm"), id="-shm deleted"),
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


@not_on_windows
def test_closing_makes_no_new_file(tmp_path: Path) -> None:
    file = tmp_path / "state" / "journal.sqlite3"
    with Journal(file) as journal:
        journal.begin(new_change(), NOTE, ENRICHED)
        shutil.rmtree(file.parent)
    assert not file.parent.exists()


@not_on_windows
def test_a_reader_keeps_the_file_it_opened(tmp_path: Path) -> None:
    file = tmp_path / "journal.sqlite3"
    with Journal(file) as journal:
        journal.begin(new_change(), NOTE, ENRICHED)
        with Journal(file, read_only=True) as reader:
            assert len(reader.changes()) == 1
            _remove("", "-wal", "-shm")(file)
            assert len(reader.changes()) == 1
            assert not file.exists()
