"""A cache of facts about notes in a SQLite file; a scan can find all of them again."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from companion.errors import NoteError
from companion.note.links import likely_targets
from companion.note.text import NoteText
from companion.sqlite import Cache, Migration
from companion.vault.files import IndexedNote, NoteFile, read_file

_BLOCK = 1000  # rows of links that are read or written at once
_TABLE = """CREATE TABLE {table} (
    path TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    ino INTEGER NOT NULL,
    {text} TEXT NOT NULL
) WITHOUT ROWID"""
INDEX: list[Migration] = [
    ("CREATE TABLE about (fingerprint TEXT NOT NULL)", _TABLE.format(table="notes", text="facts")),
    (_TABLE.format(table="links", text="targets"),),
]
"""The tables of an index. Links depend on no settings."""


class NoteCache:
    """Tables of rows that begin with a note's path, in file; see sqlite.Cache for its faults.

    The table `about` has a fingerprint of what their rows depend on, besides the notes; None:
    nothing else. Deleted data is overwritten in the file.
    """

    def __init__(self, file: Path, migrations: list[Migration]) -> None:
        self._run = Cache(file, migrations).run

    def read(
        self,
        fingerprint: str | None,
        take: Callable[[Any], object],
        query: str,
        *values: object,
    ) -> None:
        """Call take with each row of the query, unless they were made under another fingerprint.

        If the file turns out to be damaged, some may be missing.
        """

        def work(db: sqlite3.Connection) -> None:
            db.execute("BEGIN")  # both queries see the same state of the file
            if _is_made_under(db, fingerprint):
                for row in db.execute(query, values):
                    take(row)

        self._run(work)

    def save(
        self,
        fingerprint: str | None,
        table: str,
        deleted: Iterable[str],
        rows: Iterable[tuple[object, ...]],
        all_rows: Iterable[tuple[object, ...]] | None = None,
    ) -> None:
        """Delete the rows of the paths in deleted, and insert or replace the rows.

        If the table holds rows of another fingerprint, all_rows, or else rows, replace all of them.
        """

        def work(db: sqlite3.Connection) -> None:
            db.execute("PRAGMA secure_delete = ON")
            db.execute("BEGIN IMMEDIATE")
            if is_same := _is_made_under(db, fingerprint):
                delete = f"DELETE FROM {table} WHERE path = ?"  # noqa: S608 (our names)
                db.executemany(delete, ((path,) for path in deleted))
            else:
                db.execute(f"DELETE FROM {table}")  # noqa: S608 (our names)
                db.execute("DELETE FROM about")
                db.execute("INSERT INTO about VALUES (?)", (fingerprint,))
            if new := list(rows if is_same or all_rows is None else all_rows):
                marks = ", ".join("?" * len(new[0]))
                insert = f"INSERT OR REPLACE INTO {table} VALUES ({marks})"  # noqa: S608
                db.executemany(insert, new)
            db.execute("COMMIT")

        self._run(work)


def _is_made_under(db: sqlite3.Connection, fingerprint: str | None) -> bool:
    query = "SELECT 1 FROM about WHERE fingerprint = ?"
    return fingerprint is None or db.execute(query, (fingerprint,)).fetchone() is not None


def link_targets(
    cache: NoteCache, root: Path, files: Mapping[str, NoteFile]
) -> Iterator[tuple[str, str]]:
    """Yield the path of each of these notes, and the targets of its links, a line each.

    Only notes that have changed since are read. An unreadable note has none.
    """
    own_paths = {path: path for path in files}  # so that the path of a row takes no memory
    deleted, read, now = list[str](), list[IndexedNote](), time.time_ns()
    for row in _load_links(cache):
        if (file := files.get(row[0])) is None:
            deleted.append(row[0])
        elif row[:5] == file:
            yield own_paths.pop(row[0]), row[5]
    for path in own_paths:
        file = files[path]
        targets = _read_targets(root, file)
        if file.is_settled(now):
            read.append((*file, targets))
        if len(read) == _BLOCK:
            cache.save(None, "links", (), read)
            read = []
        yield path, targets
    if deleted or read:
        cache.save(None, "links", deleted, read)


def _load_links(cache: NoteCache) -> Iterator[IndexedNote]:
    """Yield the rows of links; few at a time are in memory."""
    query = "SELECT * FROM links WHERE path > ? ORDER BY path LIMIT ?"
    rows = list[IndexedNote]()
    cache.read(None, rows.append, query, "", _BLOCK)
    while rows:
        yield from rows
        last, rows = rows[-1][0], []
        cache.read(None, rows.append, query, last, _BLOCK)


def _read_targets(root: Path, file: NoteFile) -> str:
    try:
        data = read_file(f"{root}/{file.path}", file.size)
        text = NoteText.decode(data).text if data is not None else ""
    except (OSError, NoteError):
        return ""
    return "\n".join(likely_targets(text))
