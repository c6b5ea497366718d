"""Rows of notes, their facts and their links in a SQLite file; a scan can find all of it again."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar

from companion.sqlite import (
    SIDE_FILES,
    Migration,
    NewerFormat,
    closed_on_failure,
    connect,
    create_private,
    explain_obstacle,
    migrate,
    read_format,
)

T = TypeVar("T")
Row = tuple[str, int, int, int, int, str]
"""The five fields of files.NoteFile, of a note as it was read, and its facts or links as text."""

_BUSY_SECONDS = 0.5


class IndexCache:
    """The rows in file, all of them made under one fingerprint.

    A file that is damaged or from a newer version is deleted. If it is locked, or cannot be
    written, nothing is loaded or saved. No error reaches the caller.
    """

    def __init__(self, file: Path) -> None:
        self._file = file

    def load(self, fingerprint: str) -> list[Row]:
        """Return the rows made under that fingerprint; none if the file holds those of another."""

        def work(db: sqlite3.Connection) -> list[Row]:
            db.execute("BEGIN")  # both queries see the same state of the file
            if _fingerprint(db) != fingerprint:
                return []
            return db.execute("SELECT * FROM notes").fetchall()

        return self._try(work) or []

    def load_links(self) -> list[Row]:
        """Return the rows of links, which depend on no settings."""
        return self._try(lambda db: db.execute("SELECT * FROM links").fetchall()) or []

    def save_links(self, deleted: Iterable[str], read: Iterable[Row]) -> None:
        """Delete the rows of links of the paths in deleted, and insert or replace those in read."""

        def work(db: sqlite3.Connection) -> None:
            db.execute("BEGIN IMMEDIATE")
            db.executemany("DELETE FROM links WHERE path = ?", ((path,) for path in deleted))
            _put(db, "links", read)
            db.execute("COMMIT")

        self._try(work)

    def save(
        self, fingerprint: str, deleted: Iterable[str], read: Iterable[Row], all_rows: Iterable[Row]
    ) -> None:
        """Delete the rows of the paths in deleted, and insert or replace the rows in read.

        If the file holds rows of another fingerprint, all of them are replaced by all_rows.
        """

        def work(db: sqlite3.Connection) -> None:
            db.execute("BEGIN IMMEDIATE")
            if _fingerprint(db) == fingerprint:
                db.executemany("DELETE FROM notes WHERE path = ?", ((path,) for path in deleted))
                _put(db, "notes", read)
            else:
                db.execute("DELETE FROM notes")
                db.execute("DELETE FROM about")
                db.execute("INSERT INTO about VALUES (?)", (fingerprint,))
                _put(db, "notes", all_rows)
            db.execute("COMMIT")

        self._try(work)

    def _try(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """Return the result of the work, or None. A damaged file is deleted, and it runs again."""
        for _ in range(2):
            try:
                with closing(self._open()) as db:
                    return work(db)
            except OSError:
                return None
            except (sqlite3.Error, NewerFormat) as error:
                if isinstance(error, sqlite3.Error) and explain_obstacle(error):
                    return None
                for suffix in ("", "-journal", *SIDE_FILES):
                    with suppress(OSError):
                        self._file.with_name(self._file.name + suffix).unlink()
        return None

    def _open(self) -> sqlite3.Connection:
        """Return the database, created if need be. Raises sqlite3.Error, OSError, NewerFormat."""
        create_private(self._file)
        db = connect(self._file, _BUSY_SECONDS)
        with closed_on_failure(db):
            # a row shows by itself whether it is still true, so nothing is forced to the disk
            db.execute("PRAGMA synchronous = OFF")
            if read_format(db, _MIGRATIONS) < len(_MIGRATIONS):
                migrate(db, _MIGRATIONS)
        return db


def _create_tables(db: sqlite3.Connection) -> None:
    db.execute("CREATE TABLE about (fingerprint TEXT NOT NULL)")
    db.execute(_TABLE.format(table="notes", text="facts"))


def _create_links(db: sqlite3.Connection) -> None:
    db.execute(_TABLE.format(table="links", text="targets"))


_TABLE = """CREATE TABLE {table} (
    path TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    ino INTEGER NOT NULL,
    {text} TEXT NOT NULL
) WITHOUT ROWID"""
_MIGRATIONS: list[Migration] = [_create_tables, _create_links]


def _fingerprint(db: sqlite3.Connection) -> str | None:
    row = db.execute("SELECT fingerprint FROM about").fetchone()
    return row[0] if row else None


def _put(db: sqlite3.Connection, table: str, rows: Iterable[Row]) -> None:
    db.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?, ?, ?, ?)", rows)  # noqa: S608
