"""The file of what was spent, as a file: opened, shared, deleted, damaged, brought up to date."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

_KEPT_DAYS = 400
_BUSY_SECONDS = 5.0
_BUSY_PAUSE = 0.01  # seconds
_log = logging.getLogger(__name__)


class LedgerUnusable(Exception):
    """The file cannot be read or written; the text says why and what to do."""


class LedgerFile:
    """The SQLite file of a ledger; for one thread at a time, and any number of processes.

    A damaged file is set aside and begun anew, and so is one that was deleted meanwhile: `count`
    says how many there were.
    """

    def __init__(self, file: Path) -> None:
        self.count = 0
        self._file = file
        self._db: sqlite3.Connection | None = None
        self._identity: tuple[int, int] | None = None

    def use(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what work finds in the file; in a new one, where it is damaged.

        Raises LedgerUnusable.
        """
        for attempt in range(2):
            try:
                return work(self._open())
            except OSError as error:
                raise LedgerUnusable(f"{self._file} cannot be written ({error.strerror})") from None
            except sqlite3.Error as error:
                code = getattr(error, "sqlite_errorcode", 0) & 0xFF
                if not attempt and _identity(self._file) != self._identity:
                    continue  # deleted just now
                if attempt or code in _NO_DAMAGE:
                    self.close()
                    words = _NO_DAMAGE.get(code, f"cannot be used ({error})")
                    raise LedgerUnusable(f"{self._file} {words}") from None
                self._set_aside(error)
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        db, self._db = self._db, None
        if db:
            with suppress(sqlite3.Error):
                db.close()

    def _open(self) -> sqlite3.Connection:
        """Return the connection, a new one when the file is not the one that it was."""
        if self._db and _identity(self._file) == self._identity:
            return self._db
        self.close()
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileExistsError):
            os.close(os.open(self._file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        self._keep_private()
        before, self._identity = self._identity, _identity(self._file)
        self.count += self._identity != before
        self._db = sqlite3.connect(
            f"{self._file.absolute().as_uri()}?mode=rw",
            uri=True,
            timeout=_BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        self._migrate(self._db)
        return self._db

    def _keep_private(self) -> None:
        """Take from others what they may do with the file, which an older version let them."""
        for suffix in ("", "-wal", "-shm"):
            with suppress(OSError):
                self._file.with_name(self._file.name + suffix).chmod(0o600)

    def _migrate(self, db: sqlite3.Connection) -> None:
        """Bring the tables up to date; `PRAGMA user_version` counts the steps made."""
        _switch_to_wal(db)
        # the disk is waited for every thousand pages; a kill loses nothing, only a power cut may
        db.execute("PRAGMA synchronous=NORMAL")
        db.execute("BEGIN IMMEDIATE")
        done: int = db.execute("PRAGMA user_version").fetchone()[0]
        if done > len(_MIGRATIONS):
            self.close()
            raise LedgerUnusable(
                f"{self._file} was written by a newer version of Companion; update Companion"
            )
        for step in _MIGRATIONS[done:]:
            step(db)
        for table in ("days", "notes"):
            db.execute(_FORGET.format(table=table), (_KEPT_DAYS,))
        db.execute(f"PRAGMA user_version={len(_MIGRATIONS)}")
        db.execute("COMMIT")

    def _set_aside(self, error: sqlite3.Error) -> None:
        """Rename the damaged file, unless another process has done so already."""
        self.close()
        if _identity(self._file) != self._identity:
            return
        aside = self._file.with_name(f"{self._file.name}.damaged")
        try:
            for suffix in ("-wal", "-shm"):  # before a new file has such
                self._file.with_name(self._file.name + suffix).unlink(missing_ok=True)
            self._file.replace(aside)
        except OSError as fault:
            raise LedgerUnusable(
                f"{self._file} is damaged ({error}) and cannot be moved aside ({fault.strerror})"
            ) from None
        _log.warning("%s was damaged (%s); what was spent is counted anew", self._file, error)


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(file)  # noqa: PTH116 (twice as fast, and before every call)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _switch_to_wal(db: sqlite3.Connection) -> None:
    """Let readers and a writer be at work at once; for this, SQLite itself does not wait."""
    end = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            db.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(_BUSY_PAUSE)


_NO_DAMAGE = {
    sqlite3.SQLITE_BUSY: "is locked by another program; close that and try again",
    sqlite3.SQLITE_LOCKED: "is locked by another program; close that and try again",
    sqlite3.SQLITE_FULL: "cannot grow, the disk is full; free some space",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; check that its folder may be read and written",
    sqlite3.SQLITE_PERM: "cannot be opened; check that its folder may be read and written",
    sqlite3.SQLITE_READONLY: "is read-only; make the file and its folder writable",
    sqlite3.SQLITE_IOERR: "cannot be read or written; check the disk",
}


def _create_tables(db: sqlite3.Connection) -> None:
    db.execute(
        """CREATE TABLE days (
            day TEXT PRIMARY KEY,
            input_tokens INTEGER NOT NULL,
            output_tokens INTEGER NOT NULL,
            microdollars INTEGER NOT NULL,
            unpriced INTEGER NOT NULL,
            calls INTEGER NOT NULL
        ) WITHOUT ROWID"""
    )
    db.execute(
        """CREATE TABLE notes (
            day TEXT NOT NULL,
            vault TEXT NOT NULL,
            notes INTEGER NOT NULL,
            PRIMARY KEY (day, vault)
        ) WITHOUT ROWID"""
    )


_MIGRATIONS: list[Callable[[sqlite3.Connection], None]] = [_create_tables]
_FORGET = """DELETE FROM {table} WHERE day NOT IN
    (SELECT DISTINCT day FROM {table} ORDER BY day DESC LIMIT ?)"""
