"""The database of a vault: plain SQLite, used by several threads and processes at once."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from itertools import product
from pathlib import Path
from threading import RLock

from companion.errors import JournalError
from companion.sqlite import (
    OtherFormat,
    error_code,
    explain_obstacle,
    identify_file,
    open_file,
)

_TABLES = Path(__file__).with_name("tables.sql").read_text(encoding="utf-8")
_JOURNAL = "journal.sqlite3"
FORMAT = 100
"""The format of the journal; those before 1.0 had smaller numbers."""

# Each commit is on the disk when it returns; on macOS fsync leaves it in the disk's own cache.
# What is deleted is overwritten.
_PRAGMAS = ("fullfsync=ON", "secure_delete=ON")
_LOCK_WAIT = 10.0  # seconds that the transaction of another process is waited for


class Database:
    """The database in file. Every method may be called from any thread."""

    def __init__(self, file: Path) -> None:
        """Open the database, or create it. Raises JournalError, as open_database does."""
        self.file = file
        self._lock = RLock()
        self._db = open_database(file)
        self._identity = identify_file(file)
        self._is_closed = False
        self._flushes: bool | None = None  # not set yet

    @contextmanager
    def transaction(self, *, flush: bool = True) -> Iterator[sqlite3.Connection]:
        """Run the block in a transaction, which is on the disk at its end, or within an outer one.

        If the block raises, nothing of the outermost transaction is kept. flush: False: it is on
        the disk with the next one that is; a power cut until then may lose it, a crash does not.

        Raises JournalError if it fails, or the file was deleted or replaced since it was opened.
        """
        with self._in_words():
            if self._db.in_transaction:
                yield self._db
                return
            if identify_file(self.file) != self._identity:
                raise JournalError(
                    f"the journal {self.file} was deleted or replaced while it was in use; put it"
                    " back, or earlier changes can no longer be undone, and start Companion again"
                )
            if flush != self._flushes:
                self._db.execute(f"PRAGMA synchronous={'FULL' if flush else 'NORMAL'}")
                self._flushes = flush
            with self._db:  # which commits, or rolls back
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db

    def select(self, query: str, *values: object) -> list[sqlite3.Row]:
        """Return the rows that the query finds. Raises JournalError."""
        with self._in_words():
            return self._db.execute(query, values).fetchall()

    def erase_log(self) -> None:
        """Remove what was deleted from the write-ahead log, too, if nobody is reading it."""
        with self._lock, suppress(sqlite3.Error):  # it is deleted anyway
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def version(self) -> int:
        """Return a number that changes when another process has written. Raises JournalError."""
        return int(self.select("PRAGMA data_version")[0][0])

    def watch(self, touched: Callable[[str, int], None]) -> None:
        """Call touched with table and id of each row that this process changes from now on.

        This covers changes, proposals and the outbox. It is called before the transaction ends.
        """
        with self._in_words():
            _watch_rows(self._db, touched)

    def close(self) -> None:
        """Close the database. A second call does nothing."""
        with self._lock:
            self._is_closed = True
            self._db.close()

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        """Let other threads wait; raise SQLite's errors as JournalError."""
        with self._lock:
            if self._is_closed:
                raise JournalError(f"the journal {self.file} is closed")
            try:
                yield
            except sqlite3.Error as error:
                raise to_journal_error(error, self.file) from error


class Store:
    """What a database keeps of one kind. Every method may be called from any thread.

    They all raise JournalError, with the reason, if the database fails.
    """

    def __init__(self, db: Database) -> None:
        self._db = db


def open_database(file: Path) -> sqlite3.Connection:
    """Return a connection to the journal in file, created if it is missing.

    Raises JournalError if it is locked, damaged, unreadable or of another version.
    """
    try:
        db = open_file(file, _TABLES, FORMAT, _LOCK_WAIT, _PRAGMAS)
    except (OtherFormat, sqlite3.Error, OSError) as error:
        raise to_journal_error(error, file) from error
    db.row_factory = sqlite3.Row
    return db


def set_older_aside(state: Path) -> str:
    """Rename a state folder of an older version; return its new name in words, empty if it is none.

    Raises OSError if it cannot be renamed.
    """
    file = state / _JOURNAL
    if not file.exists():
        return ""
    with suppress(sqlite3.Error), closing(sqlite3.connect(file)) as db:
        found: int = db.execute("PRAGMA user_version").fetchone()[0]
        if 0 < found < FORMAT:
            old = state.with_name(f"{state.name}.old-{found}")
            state.rename(old)
            return f"An older version kept its data in another form; they were moved to {old}"
    return ""


def _watch_rows(db: sqlite3.Connection, touched: Callable[[str, int], None]) -> None:
    db.create_function("touched", 2, touched)
    for table, (event, row) in product(
        ("changes", "proposals", "outbox"),
        (("INSERT", "new"), ("UPDATE", "new"), ("DELETE", "old")),
    ):
        db.execute(
            f"CREATE TEMP TRIGGER watch_{table}_{event} AFTER {event} ON main.{table}"
            f" BEGIN SELECT touched('{table}', {row}.id); END"
        )


def to_journal_error(error: Exception, file: Path) -> JournalError:
    """Return an error that says what is wrong with the journal, and what to do about it."""
    if isinstance(error, OSError):
        words = f"cannot be opened: {error.strerror}"
    elif isinstance(error, OtherFormat):
        words = (
            f"was written by another version of Companion (format {error.format}, this one knows"
            f" {FORMAT}); update Companion, and restart companion serve"
        )
    elif error_code(error) in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        words = (
            "is damaged; move the file aside to start a new one "
            "(the notes are safe, but earlier changes can no longer be undone)"
        )
    else:
        words = explain_obstacle(error) or f"cannot be used: {error}"
    return JournalError(f"the journal {file} {words}")


def insert_row(db: sqlite3.Connection, table: str, row: Mapping[str, object]) -> int:
    """Insert a row with these columns, and return its id; the others get their defaults."""
    columns, values = ", ".join(row), ", ".join(f":{column}" for column in row)
    insert = f"INSERT INTO {table} ({columns}) VALUES ({values})"  # noqa: S608 (our own words)
    number = db.execute(insert, row).lastrowid
    assert number is not None
    return number


def to_json(value: object) -> str:
    """Return the value as JSON; an iterable becomes a list."""
    if isinstance(value, Iterable) and not isinstance(value, str | Mapping):
        value = list(value)
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
