"""The vectors of notes in a private SQLite file."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from companion.sqlite import Cache, Migration

VectorRow = tuple[str, int, int, int, int, bytes, bytes]
"""The five fields of files.NoteFile, a hash of the text that was encoded, and the vector."""


class VectorStore:
    """The vectors in file, all made by one encoder. sqlite.Cache says what becomes of errors.

    What is deleted is overwritten in the file.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._cache = Cache(file, _MIGRATIONS)

    def identify(self) -> tuple[int, ...]:
        """Return a fingerprint of the file, which changes when anybody writes it."""
        try:
            status = self._file.stat()
        except OSError:
            return (0,)
        return (status.st_ino, status.st_size, status.st_mtime_ns)

    def load_files(self, encoder: str, paths: Mapping[str, str]) -> dict[str, int]:
        """Return the notes that have a vector of the encoder of that name, by path.

        Each has the hash() of the NoteFile that its vector was made from: the whole would take
        several times the memory. paths: paths that are in memory already, to be shared.
        """
        query = "SELECT path, size, mtime_ns, ctime_ns, ino FROM vectors"

        def work(db: sqlite3.Connection) -> dict[str, int]:
            db.execute("BEGIN")  # both queries see the same state of the file
            rows = db.execute(query) if _is_by(db, encoder) else ()
            return {paths.get(row[0], row[0]): hash(row) for row in rows}

        return self._cache.run(work) or {}

    def read_vectors(self, encoder: str, take: Callable[[str, bytes], object]) -> None:
        """Call take with the path and the vector of each note that has one of that encoder.

        If the file turns out to be damaged, some may be missing.
        """

        def work(db: sqlite3.Connection) -> None:
            db.execute("BEGIN")
            if _is_by(db, encoder):
                for path, vector in db.execute("SELECT path, vector FROM vectors"):
                    take(path, vector)

        self._cache.run(work)

    def find_text(self, encoder: str, path: str) -> tuple[bytes, bytes] | None:
        """Return the hash of the note's text and its vector; None if it has none."""
        query = "SELECT text, vector FROM vectors WHERE path = ?"

        def work(db: sqlite3.Connection) -> tuple[bytes, bytes] | None:
            row: tuple[bytes, bytes] | None = db.execute(query, (path,)).fetchone()
            return row if _is_by(db, encoder) else None

        return self._cache.run(work)

    def find_texts(self, encoder: str, texts: Collection[bytes]) -> dict[bytes, bytes]:
        """Return the vectors of those of the texts that have one, by the hashes of the texts."""
        query = "SELECT text, vector FROM vectors WHERE text = ? LIMIT 1"

        def work(db: sqlite3.Connection) -> dict[bytes, bytes]:
            hashes = texts if _is_by(db, encoder) else ()
            return dict(row for text in hashes for row in db.execute(query, (text,)))

        return self._cache.run(work) or {}

    def save(self, encoder: str, deleted: Iterable[str], rows: Iterable[VectorRow]) -> None:
        """Delete the rows of the paths in deleted, and insert or replace the rows.

        Rows that another encoder made are deleted first.
        """

        def work(db: sqlite3.Connection) -> None:
            db.execute("PRAGMA secure_delete = ON")
            db.execute("BEGIN IMMEDIATE")
            if not _is_by(db, encoder):
                db.execute("DELETE FROM vectors")
                db.execute("DELETE FROM about")
                db.execute("INSERT INTO about VALUES (?)", (encoder,))
            db.executemany("DELETE FROM vectors WHERE path = ?", ((path,) for path in deleted))
            db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            db.execute("COMMIT")

        self._cache.run(work)


def _is_by(db: sqlite3.Connection, encoder: str) -> bool:
    row = db.execute("SELECT encoder FROM about").fetchone()
    return row is not None and row[0] == encoder


_MIGRATIONS: list[Migration] = [
    (
        "CREATE TABLE about (encoder TEXT NOT NULL)",
        """CREATE TABLE vectors (
            path TEXT PRIMARY KEY,
            size INTEGER NOT NULL,
            mtime_ns INTEGER NOT NULL,
            ctime_ns INTEGER NOT NULL,
            ino INTEGER NOT NULL,
            text BLOB NOT NULL,
            vector BLOB NOT NULL
        ) WITHOUT ROWID""",
    ),
    ("CREATE INDEX vectors_of_text ON vectors (text)",),
]
