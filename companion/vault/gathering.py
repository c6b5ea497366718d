"""What threads want written to the journal at about the same time, written in one go."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Generic, TypeVar

from companion.vault.journal_db import Database

T = TypeVar("T")


class Gathering(Generic[T]):
    """Items that threads want written, each in the next transaction; those of one, in one go.

    write: writes items, in the order in which they were added.
    """

    def __init__(
        self, db: Database, write: Callable[[sqlite3.Connection, Sequence[T]], None]
    ) -> None:
        self._db = db
        self._write = write
        self._lock = Lock()
        self._group: list[T] | None = None

    def add(self, item: T) -> None:
        """Have the item written. Returns at once. Raises JournalError, as Database.ask does."""
        with self._lock:
            if self._group is not None:
                self._group.append(item)
                return
            group = [item]
            self._db.ask(lambda db: self._write_group(db, group), can_wait=True)
            self._group = group

    def end_group(self) -> None:
        """Have what is added from now on written after the work that is asked for from now on."""
        with self._lock:
            self._group = None

    def _write_group(self, db: sqlite3.Connection, group: list[T]) -> None:
        with self._lock:
            if self._group is group:
                self._group = None
        self._write(db, group)
