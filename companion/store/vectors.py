"""The vectors of notes in a private SQLite file.

Vectors have length 1, so that their product is the cosine of the angle between them: the similarity
of their notes, -1 to 1. The file has them as 8-bit integers, at no measurable cost.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from companion.vault.files import NoteFile
from companion.vault.index import NoteCache

Floats = NDArray[np.float32]

VectorRow = tuple[str, int, int, int, int, bytes, bytes]
"""The five fields of files.NoteFile, a hash of the text that was encoded, and the vector."""

_LARGEST = 127  # of 8 bits
_BLOCK = 4096  # vectors compared at once: 8 MB of memory


def pack_vectors(vectors: Floats) -> list[bytes]:
    """Return each row as bytes: its numbers, scaled to eight bits each."""
    largest = np.abs(vectors).max(axis=1, keepdims=True)
    scaled = np.rint(vectors * (_LARGEST / np.maximum(largest, 1e-12))).astype(np.int8)
    return [row.tobytes() for row in scaled]


def compare_vectors(packed: bytes, number: int, vector: Floats) -> list[float]:
    """Return the similarity of each of that many packed vectors to the vector."""
    matrix, scores = np.frombuffer(packed, np.int8).reshape(number, -1 if number else 0), []
    for start in range(0, number, _BLOCK):
        rows = matrix[start : start + _BLOCK].astype(np.float32)
        lengths = np.maximum(np.linalg.norm(rows, axis=1), 1)
        scores += (rows @ vector / lengths / max(float(np.linalg.norm(vector)), 1e-12)).tolist()
    return scores


class VectorStore:
    """The vectors in file, all made by one encoder; see NoteCache."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._cache = NoteCache(file, _TABLES)

    def identify(self) -> tuple[int, ...]:
        """Return a fingerprint of the file, which changes when anybody writes it."""
        try:
            status = self._file.stat()
        except OSError:
            return (0,)
        return (status.st_ino, status.st_size, status.st_mtime_ns)

    def read_files(self, encoder: str) -> dict[str, int]:
        """Return the hash() of the NoteFile that each vector of the encoder is from, by path."""
        query = "SELECT path, size, mtime_ns, ctime_ns, ino FROM vectors"
        return {row[0]: hash(NoteFile(*row)) for row in self._cache.read(encoder, query)}

    def read_vectors(self, encoder: str) -> tuple[list[str], bytes]:
        """Return the paths of the notes that have a vector of the encoder, and these, packed."""
        rows = self._cache.read(encoder, "SELECT path, vector FROM vectors")
        return [path for path, _ in rows], b"".join(vector for _, vector in rows)

    def find(self, encoder: str, path: str) -> tuple[bytes, Floats] | None:
        """Return the hash of the note's text and its vector; None if it has none."""
        query = "SELECT text, vector FROM vectors WHERE path = ?"
        rows = self._cache.read(encoder, query, path)
        return (rows[0][0], np.frombuffer(rows[0][1], np.int8).astype(np.float32)) if rows else None

    def save(self, encoder: str, deleted: Iterable[str], rows: Iterable[VectorRow]) -> None:
        """Delete the rows of the paths in deleted, and insert or replace the rows.

        Rows that another encoder made are deleted first.
        """
        self._cache.save(encoder, "vectors", deleted, rows)


_TABLES = """CREATE TABLE about (fingerprint TEXT NOT NULL);
CREATE TABLE vectors (
    path TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL,
    ctime_ns INTEGER NOT NULL,
    ino INTEGER NOT NULL,
    text BLOB NOT NULL,
    vector BLOB NOT NULL
) WITHOUT ROWID"""
