"""The index's file: rows of notes and their facts, in SQLite. All of it can be found again."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

from companion.private_files import make_private_folder, open_private

T = TypeVar("T")
Row = tuple[str, int, int, int, int, str]
"""A note as it was when it was read, the five of files.NoteFile, and its facts as text."""

_VERSION = 1
_BUSY_SECONDS = 0.5
_NO_DAMAGE = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_PERM,
)
_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS about (fingerprint TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS notes (
    path TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    ino INTEGER NOT NULL,
    facts TEXT NOT NULL
) WITHOUT ROWID;
PRAGMA user_version = {_VERSION};
COMMIT;
"""


class IndexCache:
    """The rows kept in file, all under one fingerprint.

    A file that is damaged or of another version is deleted; one that is locked, or cannot be
    written, is done without. No error reaches the caller.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def load(self, fingerprint: str) -> list[Row]:
        """Return the rows kept under fingerprint; none when the file keeps those of another."""
        return self._try(lambda db: _load(db, fingerprint)) or []

    def save(
        self, fingerprint: str, gone: Iterable[str], read: Iterable[Row], every: Iterable[Row]
    ) -> None:
        """Take out the paths that are gone and put in the rows read.

        Where the file keeps rows of another fingerprint, they give way to every row.
        """

        def work(db: sqlite3.Connection) -> None:
            db.execute("BEGIN IMMEDIATE")
            if _fingerprint(db) == fingerprint:
                db.executemany("DELETE FROM notes WHERE path = ?", ((path,) for path in gone))
                _put(db, read)
            else:
                db.execute("DELETE FROM notes")
                db.execute("DELETE FROM about")
                db.execute("INSERT INTO about VALUES (?)", (fingerprint,))
                _put(db, every)
            db.execute("COMMIT")

        self._try(work)

    def _try(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """Return what the work finds, or None; a second attempt follows on a damaged file."""
        for _ in range(2):
            try:
                with closing(self._open()) as db:
                    return work(db)
            except OSError:
                return None
            except sqlite3.Error as error:
                if _code(error) in _NO_DAMAGE:
                    return None
                self._delete()
        return None

    def _open(self) -> sqlite3.Connection:
        """Return the database, made if need be. Raises sqlite3.Error, OSError."""
        make_private_folder(self._file.parent)
        with suppress(FileExistsError):  # closing one that is open elsewhere would drop its locks
            os.close(open_private(self._file, os.O_RDWR | os.O_CREAT | os.O_EXCL))
        db = sqlite3.connect(self._file, timeout=_BUSY_SECONDS, isolation_level=None)
        try:
            # A row tells itself whether it is still true, so nothing need be forced to the disk.
            db.execute("PRAGMA synchronous = OFF")
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version not in (0, _VERSION):
                raise sqlite3.DatabaseError(f"of version {version}")
            if version == 0:
                db.executescript(_SCHEMA)
        except sqlite3.Error:
            db.close()
            raise
        return db

    def _delete(self) -> None:
        for suffix in ("", "-journal", "-wal", "-shm"):
            with suppress(OSError):
                self._file.with_name(self._file.name + suffix).unlink()


def _load(db: sqlite3.Connection, fingerprint: str) -> list[Row]:
    db.execute("BEGIN")  # both questions see the same state of the file
    if _fingerprint(db) != fingerprint:
        return []
    return db.execute("SELECT * FROM notes").fetchall()


def _fingerprint(db: sqlite3.Connection) -> str | None:
    row = db.execute("SELECT fingerprint FROM about").fetchone()
    return row[0] if row else None


def _put(db: sqlite3.Connection, rows: Iterable[Row]) -> None:
    db.executemany("INSERT OR REPLACE INTO notes VALUES (?, ?, ?, ?, ?, ?)", rows)


def _code(error: sqlite3.Error) -> int | None:
    """Return SQLite's primary result code (https://sqlite.org/rescode.html), if it has one."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF
