"""The journal's SQLite file: how it is opened, its tables, and its errors in plain words."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path

from companion.errors import JournalError
from companion.sqlite import (
    SIDE_FILES,
    FileId,
    Migration,
    NewerFormat,
    closed_on_failure,
    connect,
    create_private,
    error_code,
    explain_obstacle,
    identify_file,
    migrate,
    read_format,
    use_wal,
)
from companion.vault.batch_rows import create_batches
from companion.vault.offered_changes import create_offers
from companion.vault.proposal_rows import create_open_index, create_proposals

FileIds = tuple[FileId | None, ...]
"""Which files the database, its -wal and its -shm file are; None for one that does not exist."""

_LOCK_WAIT = 2.0  # seconds; only the transaction of another program is waited for


def open_database(file: Path, *, read_only: bool) -> sqlite3.Connection:
    """Return a connection to the journal in file, with its tables brought up to date.

    Read-only: nothing is created or changed. In place of a missing journal an empty one in memory
    is returned, and in place of an older one a migrated copy in memory.

    Raises JournalError if it is locked, damaged, unreadable or from a newer version.
    """
    try:
        db = _open_to_read(file) if read_only else _open_to_write(file)
    except NewerFormat as error:
        raise JournalError(
            f"the journal {file} was written by a newer version of Companion "
            f"(format {error.version}, this one knows {error.newest}); update Companion"
        ) from error
    except sqlite3.Error as error:
        raise to_journal_error(error, file) from error
    except OSError as error:
        raise JournalError(f"the journal {file} cannot be opened: {error.strerror}") from error
    db.row_factory = sqlite3.Row
    return db


def touch(db: sqlite3.Connection) -> None:
    """Write something: SQLite forces earlier commits to the disk only with one that writes."""
    db.execute(f"PRAGMA user_version={len(_MIGRATIONS)}")


def identify_files(file: Path) -> FileIds:
    """Return which files the journal in file consists of now."""
    return tuple(identify_file(f"{file}{suffix}") for suffix in ("", *SIDE_FILES))


def delete_side_files(file: Path, lost: FileIds) -> None:
    """Delete the side files of a lost database, which SQLite would read into the next one.

    lost: what identify_files returned for it; side files that were replaced since are kept.
    """
    for suffix, old, now in zip(SIDE_FILES, lost[1:], identify_files(file)[1:], strict=True):
        if now is not None and now == old:
            with suppress(OSError):
                file.with_name(file.name + suffix).unlink()


def last_ids(db: sqlite3.Connection) -> dict[str, int]:
    """Return the highest id that a row ever had, of each table that never gives one twice."""
    return {row["name"]: row["seq"] for row in db.execute("SELECT name, seq FROM sqlite_sequence")}


def skip_ids(db: sqlite3.Connection, last: Mapping[str, int]) -> None:
    """Make the next row of each table get an id above these, so that no two ever share one."""
    now = last_ids(db)
    for table, highest in last.items():
        if now.get(table, 0) < highest:
            db.execute("DELETE FROM sqlite_sequence WHERE name = ?", (table,))
            db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table, highest))


def to_journal_error(error: sqlite3.Error, file: Path) -> JournalError:
    """Return an error that says what is wrong with the journal, and what to do about it."""
    words = explain_obstacle(error) or f"cannot be used: {error}"
    if error_code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        words = (
            "is damaged; move the file aside to start a new one "
            "(the notes are safe, but earlier changes can no longer be undone)"
        )
    return JournalError(f"the journal {file} {words}")


def _open_to_write(file: Path) -> sqlite3.Connection:
    create_private(file)
    db = connect(file, _LOCK_WAIT)
    with closed_on_failure(db):
        read_format(db, _MIGRATIONS)  # before anything is written
        use_wal(db, _LOCK_WAIT)
        db.execute("PRAGMA fullfsync=ON")  # on macOS fsync leaves it in the disk's own cache
        db.execute("PRAGMA secure_delete=ON")  # what is deleted is overwritten
        migrate(db, _MIGRATIONS)
    return db


def _open_to_read(file: Path) -> sqlite3.Connection:
    if not file.exists():
        memory = connect(":memory:", _LOCK_WAIT)
    else:
        db = connect(file, _LOCK_WAIT)
        with closed_on_failure(db):
            db.execute("PRAGMA query_only=ON")
            if read_format(db, _MIGRATIONS) == len(_MIGRATIONS):
                return db
        with closing(db):
            memory = connect(":memory:", _LOCK_WAIT)
            db.backup(memory)
    migrate(memory, _MIGRATIONS)
    return memory


def _create_tables(db: sqlite3.Connection) -> None:
    # images have a table of their own, so that they can be deleted while the history stays
    db.execute(
        """CREATE TABLE changes (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            run TEXT NOT NULL,
            path TEXT NOT NULL,
            kind TEXT NOT NULL,
            state TEXT NOT NULL DEFAULT 'pending',
            made_at REAL NOT NULL,
            before_sha256 TEXT NOT NULL,
            after_sha256 TEXT NOT NULL,
            edits TEXT NOT NULL,
            needs TEXT NOT NULL,
            model TEXT NOT NULL,
            note TEXT NOT NULL,
            undoes INTEGER REFERENCES changes (id)
        )"""
    )
    db.execute("CREATE INDEX changes_of_path ON changes (path)")
    db.execute("CREATE INDEX changes_of_run ON changes (run)")
    db.execute("CREATE INDEX undoing_changes ON changes (undoes) WHERE undoes IS NOT NULL")
    db.execute("CREATE UNIQUE INDEX pending_paths ON changes (path) WHERE state = 'pending'")
    db.execute("CREATE TABLE images (change INTEGER PRIMARY KEY, before BLOB NOT NULL)")
    db.execute(
        """CREATE TABLE asked (
            path TEXT NOT NULL,
            need TEXT NOT NULL,
            outcome TEXT NOT NULL,
            reason TEXT NOT NULL,
            asked_at REAL NOT NULL,
            change INTEGER,
            PRIMARY KEY (path, need)
        ) WITHOUT ROWID"""
    )


def _add_parts(db: sqlite3.Connection) -> None:
    """Store which edits an undo takes back (parts), and which of a change are undone (taken)."""
    db.execute("ALTER TABLE changes ADD COLUMN parts TEXT")
    db.execute("ALTER TABLE changes ADD COLUMN taken TEXT NOT NULL DEFAULT '[]'")
    db.execute(
        """UPDATE changes SET taken = (SELECT json_group_array(key) FROM json_each(edits))
        WHERE state = 'undone'"""
    )


def _add_notes(db: sqlite3.Connection) -> None:
    """Store a fingerprint of each note, by which it is found again after it was moved."""
    db.execute(
        """CREATE TABLE notes (
            path TEXT PRIMARY KEY,
            sha256 TEXT NOT NULL,
            size INTEGER NOT NULL,
            mtime_ns INTEGER NOT NULL,
            seen_at REAL NOT NULL
        ) WITHOUT ROWID"""
    )
    db.execute(
        """INSERT INTO notes SELECT path, after_sha256, -1, 0, made_at FROM changes
        WHERE id IN (SELECT max(id) FROM changes WHERE state != 'abandoned' GROUP BY path)"""
    )
    db.execute("INSERT OR IGNORE INTO notes SELECT DISTINCT path, '', -1, 0, 0 FROM asked")


_MIGRATIONS: list[Migration] = [
    _create_tables,
    _add_parts,
    _add_notes,
    create_offers,
    create_proposals,
    create_batches,
    create_open_index,
]
