"""Rows of notes, their facts and their links in a SQLite file; a scan can find all of it again."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path

from companion.errors import NoteError
from companion.note.links import likely_targets
from companion.note.text import NoteText
from companion.sqlite import Cache, Migration
from companion.vault.files import IndexedNote, NoteFile, read_file

_BLOCK = 1000  # rows of links that are read or written at once


class IndexCache:
    """The rows in file, all of them made under one fingerprint; see sqlite.Cache for its faults."""

    def __init__(self, file: Path) -> None:
        self._try = Cache(file, _MIGRATIONS).run

    def load(self, fingerprint: str) -> list[IndexedNote]:
        """Return the rows made under that fingerprint; none if the file holds those of another."""

        def work(db: sqlite3.Connection) -> list[IndexedNote]:
            db.execute("BEGIN")  # both queries see the same state of the file
            if _fingerprint(db) != fingerprint:
                return []
            return db.execute("SELECT * FROM notes").fetchall()

        return self._try(work) or []

    def load_links(self) -> Iterator[IndexedNote]:
        """Yield the rows of links, which depend on no settings; few at a time are in memory."""
        query = "SELECT * FROM links WHERE path > ? ORDER BY path LIMIT ?"
        last = ""

        def work(db: sqlite3.Connection) -> list[IndexedNote]:
            return db.execute(query, (last, _BLOCK)).fetchall()

        while rows := self._try(work):
            yield from rows
            last = rows[-1][0]

    def save_links(self, deleted: Iterable[str], read: Iterable[IndexedNote]) -> bool:
        """Delete the rows of links of the paths in deleted, and insert or replace those in read.

        Returns whether that is done.
        """

        def work(db: sqlite3.Connection) -> bool:
            db.execute("BEGIN IMMEDIATE")
            db.executemany("DELETE FROM links WHERE path = ?", ((path,) for path in deleted))
            _put(db, "links", read)
            db.execute("COMMIT")
            return True

        return self._try(work) or False

    def save(
        self,
        fingerprint: str,
        deleted: Iterable[str],
        read: Iterable[IndexedNote],
        all_rows: Iterable[IndexedNote],
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


_TABLE = """CREATE TABLE {table} (
    path TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    ino INTEGER NOT NULL,
    {text} TEXT NOT NULL
) WITHOUT ROWID"""
_MIGRATIONS: list[Migration] = [
    ("CREATE TABLE about (fingerprint TEXT NOT NULL)", _TABLE.format(table="notes", text="facts")),
    (_TABLE.format(table="links", text="targets"),),
]


def _fingerprint(db: sqlite3.Connection) -> str | None:
    row = db.execute("SELECT fingerprint FROM about").fetchone()
    return row[0] if row else None


def _put(db: sqlite3.Connection, table: str, rows: Iterable[IndexedNote]) -> None:
    db.executemany(f"INSERT OR REPLACE INTO {table} VALUES (?, ?, ?, ?, ?, ?)", rows)  # noqa: S608


class LinkStore:
    """The targets of all notes' links, in the index's file; in memory where there is none.

    Safe to use from any thread.
    """

    def __init__(self, cache: IndexCache | None = None) -> None:
        self._cache = cache
        self._rows: dict[str, IndexedNote] = {}  # those that the file could not take

    def targets(self, root: Path, files: Mapping[str, NoteFile]) -> Iterator[tuple[str, str]]:
        """Yield the path of each of these notes, and the targets of its links, a line each.

        Only notes that changed since are read. What cannot be read has none.
        """
        own_paths = {path: path for path in files}  # so that the path of a row takes no memory
        deleted, read, now = list[str](), list[IndexedNote](), time.time_ns()
        loaded = self._cache.load_links() if self._cache else ()
        for row in chain(list(self._rows.values()), loaded):
            if (file := files.get(row[0])) is None:
                deleted.append(row[0])
            elif row[:5] == file and (path := own_paths.pop(row[0], None)):
                yield path, row[5]
        for path in own_paths:
            file = files[path]
            targets = _read_targets(root, file)
            if file.is_settled(now):
                read.append((*file, targets))
            if len(read) == _BLOCK:
                self._save(deleted, read)
                deleted, read = [], []
            yield path, targets
        self._save(deleted, read)

    def _save(self, deleted: Sequence[str], read: Sequence[IndexedNote]) -> None:
        for path in deleted:
            self._rows.pop(path, None)
        is_saved = not (deleted or read) or (self._cache and self._cache.save_links(deleted, read))
        if not is_saved:
            self._rows.update((row[0], row) for row in read)


def _read_targets(root: Path, file: NoteFile) -> str:
    try:
        data = read_file(f"{root}/{file.path}", file.size)
        text = NoteText.decode(data).text if data is not None else ""
    except (OSError, NoteError):
        return ""
    return "\n".join(likely_targets(text))
