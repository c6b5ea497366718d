"""What the journal and the caches share: SQLite files of one format."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from companion.sqlite import Cache, OtherFormat, explain_obstacle, open_file, use_wal
from companion.store.database import FORMAT, set_older_aside

TABLES = "CREATE TABLE numbers (number INTEGER);\nINSERT INTO numbers VALUES (1)"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "a #file?.sqlite3"


def numbers(file: Path) -> list[int]:
    with closing(open_file(file, TABLES, 7, 5)) as db:
        return [number for (number,) in db.execute("SELECT number FROM numbers")]


def test_tables_are_made_once_by_however_many_at_once(file: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert set(map(tuple, pool.map(numbers, [file] * 8))) == {(1,)}


def test_a_file_of_another_format_is_refused(file: Path) -> None:
    numbers(file)
    with pytest.raises(OtherFormat) as caught:
        open_file(file, TABLES, 8, 0)
    assert caught.value.format == 7 and numbers(file) == [1]


def test_tables_that_cannot_be_made_leave_none(file: Path) -> None:
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        open_file(file, TABLES + ";\nINSERT INTO nowhere VALUES (2)", 7, 0)
    assert numbers(file) == [1]


def test_a_cache_of_another_format_or_damaged_begins_anew(file: Path) -> None:
    other = Cache(file, TABLES.replace("(1)", "(2)"))
    assert numbers(file) == [1]
    query = "SELECT number FROM numbers"
    assert other.run(lambda db: db.execute(query).fetchall()) == [(2,)]
    file.write_bytes(b"nothing" * 999)
    assert other.run(lambda db: db.execute(query).fetchall()) == [(2,)]


def test_a_write_ahead_log_waits_for_others(file: Path) -> None:
    numbers(file)
    with closing(sqlite3.connect(file, isolation_level=None, timeout=0)) as other:
        other.execute("PRAGMA journal_mode=DELETE")
        other.execute("BEGIN EXCLUSIVE")
        with closing(sqlite3.connect(file, timeout=0)) as db:
            with pytest.raises(sqlite3.OperationalError) as caught:
                use_wal(db, 0.02)
            assert "another program" in (explain_obstacle(caught.value) or "")


@pytest.mark.parametrize(("version", "moves"), [(37, True), (FORMAT, False), (FORMAT + 1, False)])
def test_the_state_of_an_older_version_is_set_aside(
    tmp_path: Path, version: int, moves: bool
) -> None:
    state = tmp_path / "vault-0123456789ab"
    assert set_older_aside(state) == ""
    state.mkdir()
    with closing(sqlite3.connect(state / "journal.sqlite3")) as db:
        db.execute(f"PRAGMA user_version = {version}")
    said = set_older_aside(state)
    assert bool(said) == moves and state.exists() != moves
    assert not moves or (tmp_path / "vault-0123456789ab.old-37/journal.sqlite3").exists()
