"""The notes that the journal has records of: what each held, and where it was moved."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256
from sqlite3 import Connection
from typing import NamedTuple

from companion.store.database import Database, Store

Move = tuple[str, str]
"""The old and the new path of a note or a folder."""


class Fingerprint(NamedTuple):
    """Identifies the content of a note.

    sha256: hexadecimal. size: bytes. mtime_ns: Unix time, nanoseconds; 0 if only reading the file
    tells whether it changed. seen_at: when the note first held this; gone_at: when it was last
    found missing, 0 if it never was; both Unix time, seconds. ino: the inode of its file; 0 if it
    is not known.
    """

    sha256: str
    size: int
    mtime_ns: int
    seen_at: float
    gone_at: float = 0.0
    ino: int = 0

    @property
    def is_gone(self) -> bool:
        """Whether the note was missing when it was last looked for."""
        return self.gone_at > self.seen_at


class RememberedNotes(Store):
    """The notes that the journal has records of.

    Read-only: a move is recorded in a copy in memory, for this process alone.
    """

    def __init__(self, db: Database, *, read_only: bool) -> None:
        super().__init__(db)
        self._moves: list[tuple[str, str, float]] = []  # since this was opened, each with its time
        self._read_only = read_only

    def all(self) -> dict[str, Fingerprint | None]:
        """Return the last fingerprint of each note, by path; None for a note never seen."""
        rows = self._db.select(_SELECT)
        return {path: Fingerprint(*rest) if rest[0] else None for path, *rest in rows}

    def update(self, seen: Iterable[tuple[str, Fingerprint]]) -> None:
        """Record the fingerprints of these notes. Returns at once."""
        rows = [(path, *fingerprint[:4], fingerprint.ino) for path, fingerprint in seen]
        if rows and not self._read_only:
            self._db.ask(lambda db: db.executemany(_PUT, rows), can_wait=True)

    def record_gone(self, paths: Iterable[str]) -> None:
        """Record that these notes are missing now. Returns at once."""
        rows = [(time.time(), path) for path in paths]
        if rows and not self._read_only:
            query = "UPDATE notes SET gone_at = ? WHERE path = ?"
            self._db.ask(lambda db: db.executemany(query, rows), can_wait=True)

    def gone_at(self, path: str) -> float:
        """Return when the note was last found missing, Unix time, seconds; 0: never.

        A note that came back unchanged does not count as missing.
        """
        rows = self._db.select("SELECT gone_at FROM notes WHERE path = ?", path)
        return float(rows[0]["gone_at"]) if rows else 0.0

    def record(self, path: str, data: bytes | None, seen_at: float | None = None) -> None:
        """Record that the note holds data, or will once it is written. Returns at once.

        data: None if its content is not known. seen_at: when it was seen to hold that, Unix time,
        seconds; None: just now. A note that was moved since is found again.
        """
        at = time.time() if seen_at is None else seen_at
        kept = data is not None
        self._db.ask(lambda db: put_note(db, path, data, at), can_wait=True, kept=kept)

    def move(self, old: str, new: str) -> None:
        """Record that the note at old was moved to new, and move its records.

        The proposals for the note at old supersede those for one at new.
        """
        self._moves.append((old, new, time.monotonic()))
        if self._read_only:
            self._db.copy_to_memory()

        def rename(db: Connection) -> None:
            if not db.execute("SELECT 1 FROM notes WHERE path = ?", (old,)).fetchone():
                return  # another thread has found the move, too
            # where both have a pending change, the old path stays, for recovery to settle
            db.execute("UPDATE OR IGNORE changes SET path = ? WHERE path = ?", (new, old))
            db.execute("UPDATE proposals SET state = 'superseded' WHERE path = ?", (new,))
            db.execute("UPDATE proposals SET path = ? WHERE path = ?", (new, old))
            db.execute(
                "UPDATE OR REPLACE notes SET path = ?, gone_at = 0 WHERE path = ?", (new, old)
            )
            db.execute("UPDATE outbox SET path = ? WHERE path = ?", (new, old))

        self._db.ask(rename)

    @property
    def moved_from(self) -> dict[str, str]:
        """The old paths of the notes moved since this was opened, by their new paths."""
        return {new: old for old, new, _ in self._moves}

    def recent_moves(self, seconds: float) -> Iterator[Move]:
        """Yield the moves that were recorded in the last `seconds`, the latest first."""
        since = time.monotonic() - seconds
        for old, new, at in reversed(self._moves):
            if at < since:
                return
            yield old, new

    def follow(self, path: str) -> Callable[[], str]:
        """Return a function that returns the current path, when called, of the note now at path."""
        begun = len(self._moves)

        def current() -> str:
            at = path
            for old, new, _ in self._moves[begun:]:
                at = new if at == old else at
            return at

        return current


def put_note(db: Connection, path: str, data: bytes | None, seen_at: float) -> None:
    """Record that the note holds data; None: it is not known. seen_at: Unix time, seconds."""
    if data is None:
        db.execute(_NAME, (path,))
    else:
        db.execute(_PUT, (path, sha256(data).hexdigest(), len(data), 0, seen_at, 0))


# one that comes back just as it was, as with its drive, was not deleted
_PUT = """INSERT INTO notes (path, sha256, size, mtime_ns, seen_at, ino) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (path) DO UPDATE SET sha256 = excluded.sha256, size = excluded.size,
    mtime_ns = excluded.mtime_ns, seen_at = excluded.seen_at,
    ino = iif(excluded.ino, excluded.ino, ino),
    gone_at = iif(notes.sha256 = excluded.sha256 AND gone_at > notes.seen_at, 0, gone_at)"""
_NAME = (
    "INSERT OR IGNORE INTO notes (path, sha256, size, mtime_ns, seen_at) VALUES (?, '', -1, 0, 0)"
)
_SELECT = "SELECT path, sha256, size, mtime_ns, seen_at, gone_at, ino FROM notes"
