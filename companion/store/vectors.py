"""Vectors of notes, which are searched exactly, and their private SQLite file.

Vectors have length 1, so their product is the cosine of the angle between them: the similarity of
their notes, -1 to 1. They are kept as 8-bit integers, which takes a quarter of the memory at no
measurable cost.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from companion.sqlite import Migration
from companion.vault.index import NoteCache

Floats = NDArray[np.float32]
Rows = NDArray[np.intp]

NO_ROW = -1
"""Stands for a row of zeros, which is similar to nothing."""

_LARGEST = 127  # of 8 bits
_BLOCK = 2048  # vectors compared at once: 4 MB of memory
_MORE = 1024  # rows that a table grows by, or an eighth of it


def pack_vectors(vectors: Floats) -> list[bytes]:
    """Return each row as bytes: its numbers, scaled to eight bits each."""
    largest = np.abs(vectors).max(axis=1, keepdims=True)
    scaled = np.rint(vectors * (_LARGEST / np.maximum(largest, 1e-12))).astype(np.int8)
    return [row.tobytes() for row in scaled]


class VectorTable:
    """Packed vectors by path, all of one encoder, to compare others with.

    Those of deleted notes stay in it. most: how many there will be, about.
    """

    def __init__(self, packed: Mapping[str, bytes] = MappingProxyType({}), most: int = 0) -> None:
        self._numbers = np.zeros((0, 0), np.int8)
        self._lengths: Floats | None = None  # None: not computed yet
        self._most = most
        self._rows: dict[str, int] = {}
        for path, vector in packed.items():
            self.put(path, vector)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, row: int) -> Floats:
        """Return the row as a vector of length 1."""
        made: Floats = self.take([row])[0]
        return made

    def put(self, path: str, packed: bytes) -> None:
        """Add the path's vector, or replace it."""
        vector, size = np.frombuffer(packed, np.int8), len(self)
        if size + 1 >= len(self._numbers):  # a row of zeros stays at the end, for NO_ROW
            grown = max(self._most, size + max(_MORE, size // 8))
            numbers = np.zeros((grown, len(vector)), np.int8)
            if size:
                numbers[:size] = self._numbers[:size]
            self._numbers = numbers
        self._numbers[self._rows.get(path, size)] = vector
        self._rows.setdefault(path, size)
        self._lengths = None

    def rows(self, paths: Iterable[str]) -> Rows:
        """Return the rows of the paths, in their order; NO_ROW for those without a vector."""
        return np.array([self._rows.get(path, NO_ROW) for path in paths], np.intp)

    def take(self, rows: Sequence[int] | Rows) -> Floats:
        """Return the rows as vectors of length 1."""
        if not self._rows:
            return np.zeros((len(rows), 0), np.float32)
        numbers, lengths = self._numbers[rows].astype(np.float32), self._find_lengths()[rows]
        made: Floats = numbers / lengths[:, np.newaxis]
        return made

    def compare(self, vectors: Floats, rows: Rows | None = None) -> Floats:
        """Return the similarity of the rows to the vector; for several vectors, a row each.

        rows: in this order; None: all.
        """
        number = len(self) if rows is None else len(rows)
        similarities = np.zeros((*vectors.shape[:-1], number), np.float32)
        if not self._rows:
            return similarities
        numbers, lengths = self._numbers, self._find_lengths()
        for start in range(0, number, _BLOCK):
            block = slice(start, min(start + _BLOCK, number))
            chosen = block if rows is None else rows[block]
            similarities[..., block] = vectors @ numbers[chosen].astype(np.float32).T
            similarities[..., block] /= lengths[chosen]
        return similarities

    def _find_lengths(self) -> Floats:
        lengths = self._lengths
        if lengths is None or len(lengths) < len(self):  # another thread may add some
            numbers = self._numbers[: len(self)]
            squares = np.einsum("ij,ij->i", numbers, numbers, dtype=np.float32)
            lengths = np.sqrt(np.maximum(squares, 1)).astype(np.float32)
            self._lengths = lengths
        return lengths


def find_largest(values: Floats, number: int) -> list[int]:
    """Return the places of the largest values, the largest first; at most `number`."""
    number = min(number, len(values))
    places = np.argpartition(-values, number - 1)[:number] if number else np.empty(0, np.int64)
    return [int(place) for place in places[np.argsort(-values[places], kind="stable")]]


VectorRow = tuple[str, int, int, int, int, bytes, bytes]
"""The five fields of files.NoteFile, a hash of the text that was encoded, and the vector."""


class VectorStore:
    """The vectors in file, all made by one encoder; see NoteCache."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._cache = NoteCache(file, _MIGRATIONS)

    def identify(self) -> tuple[int, ...]:
        """Return a fingerprint of the file, which changes when anybody writes it."""
        try:
            status = self._file.stat()
        except OSError:
            return (0,)
        return (status.st_ino, status.st_size, status.st_mtime_ns)

    def load_files(self, encoder: str, paths: Mapping[str, str]) -> dict[str, int]:
        """Return the notes that have a vector of the encoder of that name, by path.

        Each has the hash() of the NoteFile that its vector was made from: the whole NoteFile would
        take several times the memory. paths: paths that are already in memory, to be shared.
        """
        files: dict[str, int] = {}

        def take(row: tuple[str, int, int, int, int]) -> None:
            files[paths.get(row[0], row[0])] = hash(row)

        query = "SELECT path, size, mtime_ns, ctime_ns, ino FROM vectors"
        self._cache.read(encoder, take, query)
        return files

    def read_vectors(self, encoder: str, take: Callable[[str, bytes], object]) -> None:
        """Call take with the path and the vector of each note that has one of that encoder."""
        query = "SELECT path, vector FROM vectors"
        self._cache.read(encoder, lambda row: take(*row), query)

    def find_text(self, encoder: str, path: str) -> tuple[bytes, bytes] | None:
        """Return the hash of the note's text and its vector; None if it has none."""
        rows = list[tuple[bytes, bytes]]()
        query = "SELECT text, vector FROM vectors WHERE path = ?"
        self._cache.read(encoder, rows.append, query, path)
        return rows[0] if rows else None

    def find_texts(self, encoder: str, texts: Collection[bytes]) -> dict[bytes, bytes]:
        """Return the vectors of those texts that have one, by the hashes of the texts."""
        rows = list[tuple[bytes, bytes]]()
        marks = ", ".join("?" * len(texts))
        query = f"SELECT text, vector FROM vectors WHERE text IN ({marks})"  # noqa: S608
        self._cache.read(encoder, rows.append, query, *texts)
        return dict(rows)

    def save(self, encoder: str, deleted: Iterable[str], rows: Iterable[VectorRow]) -> None:
        """Delete the rows of the paths in deleted, and insert or replace the rows.

        Rows that another encoder made are deleted first.
        """
        self._cache.save(encoder, "vectors", deleted, rows)


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
    ("ALTER TABLE about RENAME COLUMN encoder TO fingerprint",),
]
