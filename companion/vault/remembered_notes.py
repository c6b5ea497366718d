"""The notes that the journal knows: what each held when last seen, and where it is now."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256
from typing import NamedTuple

from companion.vault.change import Change
from companion.vault.group_commit import Database

UNKNOWN_SIZE = -1  # of a note as a change left it before sizes were kept


class Fingerprint(NamedTuple):
    """What a note held. size: bytes. mtime_ns: Unix time, nanoseconds; 0: look at it again.

    seen_at: Unix time, seconds, when it was seen so first.
    """

    sha256: str
    size: int
    mtime_ns: int
    seen_at: float


class RememberedNotes:
    """The notes that changes and what was asked are kept of. From any thread.

    Read-only: a move holds in this process, and nothing is written.

    moved_from: by path, where the notes were that were found to be moved since this was opened.
    """

    def __init__(self, db: Database, *, read_only: bool) -> None:
        self.moved_from: dict[str, str] = {}
        self._read_only = read_only
        self._db = db
        self._now: dict[str, str] = {}
        self._kept_as: dict[str, str] = {}

    def all(self) -> dict[str, Fingerprint | None]:
        """Return what each of them held when last seen, by path; None: it was never seen."""
        rows = self._db.ask(lambda db: db.execute(_SELECT).fetchall()).result()
        return {
            self.current_path(path): Fingerprint(*rest) if rest[0] else None for path, *rest in rows
        }

    def update(self, seen: Iterable[tuple[str, Fingerprint]]) -> None:
        """Take down what these notes hold. Returns at once."""
        rows = [(path, *fingerprint) for path, fingerprint in seen]
        if rows and not self._read_only:
            self._db.ask(lambda db: db.executemany(_PUT, rows), can_wait=True)

    def record(self, path: str, data: bytes | None) -> None:
        """Take down that the note holds data, or will as soon as it is written. Returns at once.

        None: what it holds is not known.
        """
        now = time.time()
        if data is None:
            self._db.ask(lambda db: db.execute(_NAME, (path,)), can_wait=True)
            return
        self._db.ask(lambda db: put_note(db, path, data, now), can_wait=True)

    def move(self, old: str, new: str) -> None:
        """Have all that is kept of the note at old be kept of the one at new.

        Of what was asked of both, that of old counts.
        """
        self.moved_from[new] = old
        if self._read_only:
            self._now[self.stored_path(old)], self._kept_as[new] = new, self.stored_path(old)
        else:
            self._db.ask(lambda db: _move(db, old, new))

    def with_current_paths(self, changes: Iterable[Change]) -> list[Change]:
        """Return the changes with the paths at which their notes are now."""
        if not self._now:
            return list(changes)
        return [replace(change, path=self.current_path(change.path)) for change in changes]

    def current_path(self, path: str) -> str:
        """Return where the note is that is kept under this path."""
        return self._now.get(path, path)

    def stored_path(self, path: str) -> str:
        """Return the path that the note, now at path, is kept under."""
        return self._kept_as.get(path, path)


def restore_fingerprint(db: sqlite3.Connection, change: int) -> None:
    """Take down that the note holds what it did before the change, which was not made."""
    query = "SELECT path, before FROM changes JOIN images ON change = id WHERE id = ?"
    for path, before in db.execute(query, (change,)).fetchall():
        put_note(db, path, before, time.time())


def put_note(db: sqlite3.Connection, path: str, data: bytes, seen_at: float) -> None:
    """Take down that the note holds data."""
    db.execute(_PUT, (path, sha256(data).hexdigest(), len(data), 0, seen_at))


_PUT = "INSERT OR REPLACE INTO notes VALUES (?, ?, ?, ?, ?)"
_NAME = (
    "INSERT OR IGNORE INTO notes (path, sha256, size, mtime_ns, seen_at) VALUES (?, '', -1, 0, 0)"
)
_SELECT = "SELECT path, sha256, size, mtime_ns, seen_at FROM notes"


def _move(db: sqlite3.Connection, old: str, new: str) -> None:
    # a change that is pending at both stays where it is: recovery looks at it
    db.execute("UPDATE OR IGNORE changes SET path = ? WHERE path = ?", (new, old))
    db.execute("UPDATE OR REPLACE asked SET path = ? WHERE path = ?", (new, old))
    db.execute("UPDATE OR REPLACE notes SET path = ? WHERE path = ?", (new, old))
    db.execute("UPDATE offers SET path = ? WHERE path = ?", (new, old))
