"""What the journal, the index cache and the budget store share: private SQLite files."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from companion.sqlite import (
    NewerFormat,
    closed_on_failure,
    connect,
    create_private,
    explain_obstacle,
    migrate,
    read_format,
    use_wal,
)

CREATE_TABLE = ("CREATE TABLE numbers (number INTEGER)",)
ADD_ROW = ("INSERT INTO numbers VALUES (1)",)
FAIL = ("INSERT INTO numbers VALUES (2)", "INSERT INTO nowhere VALUES (2)")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "state" / "a #file?.sqlite3"
    create_private(file)
    return file


def test_a_missing_file_is_not_created_by_connecting(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError) as caught:
        connect(tmp_path / "none", 0)
    assert explain_obstacle(caught.value) == (
        "cannot be opened; check that its folder may be read and written"
    )
    assert not list(tmp_path.iterdir())


def test_migrations_are_made_once(file: Path) -> None:
    for migrations in ([CREATE_TABLE], [CREATE_TABLE, ADD_ROW], [CREATE_TABLE, ADD_ROW]):
        with closing(connect(file, 0)) as db:
            migrate(db, migrations)
            assert read_format(db, migrations) == len(migrations)
    with closing(connect(file, 0)) as db:
        assert db.execute("SELECT * FROM numbers").fetchall() == [(1,)]
        with pytest.raises(NewerFormat) as caught:
            read_format(db, [CREATE_TABLE])
    assert (caught.value.version, caught.value.newest) == (2, 1)


def test_a_file_that_is_up_to_date_is_not_written_to(file: Path) -> None:
    for _ in range(2):
        before = file.read_bytes()
        with closing(connect(file, 0)) as db:
            use_wal(db, 0)
            migrate(db, [CREATE_TABLE])
    assert file.read_bytes() == before


def test_migrations_are_all_made_or_none(file: Path) -> None:
    db = connect(file, 0)
    with pytest.raises(sqlite3.OperationalError, match="nowhere"), closed_on_failure(db):
        migrate(db, [CREATE_TABLE, FAIL])
    with pytest.raises(sqlite3.ProgrammingError):
        db.execute("SELECT 1")  # it is closed
    with closing(connect(file, 0)) as db:
        assert read_format(db, [CREATE_TABLE]) == 0
        assert not db.execute("SELECT * FROM sqlite_schema").fetchall()


def test_says_that_another_program_is_in_the_way(file: Path) -> None:
    with closing(connect(file, 0)) as other, closing(connect(file, 0)) as db:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError) as caught:
            use_wal(db, 0.02)
        assert str(explain_obstacle(caught.value)).startswith("is locked by another program")
        other.execute("ROLLBACK")
        use_wal(db, 0)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
