"""The vectors of notes: kept in a private SQLite file, and searched exactly.

Vectors are of length 1, so that their product is the cosine of the angle between them: the
similarity of their notes, -1 to 1. They are kept as whole numbers of 8 bits, which costs nothing
that can be measured and takes a quarter of the memory.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from companion.sqlite import Cache, Migration

Floats = NDArray[np.float32]
VectorRow = tuple[str, int, int, int, int, bytes, bytes]
"""The five fields of files.NoteFile, a hash of the text that was encoded, and the vector."""

_LARGEST = 127  # of 8 bits
_BLOCK = 8192  # vectors compared at once: 16 MB of memory


class VectorStore:
    """The vectors in file, all of them made by one encoder; see sqlite.Cache for its faults.

    What is deleted is overwritten in the file.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._cache = Cache(file, _MIGRATIONS)

    def identify(self) -> tuple[int, ...]:
        """Return what is another as soon as anybody has written the file."""
        try:
            status = self._file.stat()
        except OSError:
            return (0,)
        return (status.st_ino, status.st_size, status.st_mtime_ns)

    def load(self, encoder: str) -> list[VectorRow]:
        """Return the rows made by the encoder of that name; none if the file has another's."""

        def work(db: sqlite3.Connection) -> list[VectorRow]:
            db.execute("BEGIN")  # both queries see the same state of the file
            return db.execute("SELECT * FROM vectors").fetchall() if _is_by(db, encoder) else []

        return self._cache.run(work) or []

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
    )
]


def pack_vectors(vectors: Floats) -> list[bytes]:
    """Return each row as bytes, a number in each."""
    largest = np.abs(vectors).max(axis=1, keepdims=True)
    scaled = np.rint(vectors * (_LARGEST / np.maximum(largest, 1e-12))).astype(np.int8)
    return [row.tobytes() for row in scaled]


class VectorTable:
    """Packed vectors, all of one encoder, to compare others with."""

    def __init__(self, packed: Sequence[bytes]) -> None:
        width = len(packed[0]) if packed else 0
        self._numbers = np.frombuffer(b"".join(packed), np.int8).reshape(len(packed), width)
        squares = np.einsum("ij,ij->i", self._numbers, self._numbers, dtype=np.float32)
        self._lengths = np.sqrt(np.maximum(squares, 1))

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, row: int) -> Floats:
        """Return the row as a vector of length 1."""
        made: Floats = self.take([row])[0]
        return made

    def take(self, rows: Sequence[int]) -> Floats:
        """Return the rows as vectors of length 1."""
        made: Floats = self._numbers[rows] / self._lengths[rows, np.newaxis]
        return made

    def compare(self, vectors: Floats) -> Floats:
        """Return the similarity of each row to the vector; to several, each in a row of its own."""
        found = np.empty((*vectors.shape[:-1], len(self)), np.float32)
        for start in range(0, len(self), _BLOCK):
            block = slice(start, start + _BLOCK)
            found[..., block] = vectors @ self._numbers[block].astype(np.float32).T
        found /= self._lengths
        return found


def find_largest(values: Floats, number: int) -> list[int]:
    """Return the places of the largest values, the largest first; at most so many."""
    number = min(number, len(values))
    places = np.argpartition(-values, number - 1)[:number] if number else np.empty(0, np.int64)
    return [int(place) for place in places[np.argsort(-values[places], kind="stable")]]
