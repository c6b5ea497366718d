"""The database of a vault: one thread commits the writes of all threads.

Group commit: one transaction, forced to the disk once, serves all threads that wait for it.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing, suppress
from copy import copy
from functools import wraps
from itertools import product
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, Concatenate, NamedTuple, ParamSpec, TypeVar

from companion.errors import JournalError, NoteError
from companion.sqlite import (
    SIDE_FILES,
    FileId,
    NewerFormat,
    closed_on_failure,
    connect,
    error_code,
    explain_obstacle,
    identify_file,
    migrate,
    open_migrated,
    read_format,
    read_migrations,
)

P = ParamSpec("P")
S = TypeVar("S", bound="Store")
T = TypeVar("T")
FileIds = tuple[FileId | None, ...]
"""Which files the database, its -wal and its -shm file are; None for one that does not exist."""

MIGRATIONS = read_migrations(Path(__file__).with_name("tables.sql"))

# In WAL mode a commit with NORMAL makes no fsync; that of the next FULL commit covers it.
# https://www.sqlite.org/pragma.html#pragma_synchronous
_DURABLE = "FULL"
# on macOS fsync leaves what is written in the disk's own cache; what is deleted is overwritten
_PRAGMAS = ("fullfsync=ON", "secure_delete=ON")
_LONGEST_WAIT = 0.05  # seconds that work which can wait is kept for another transaction
_LOCK_WAIT = 2.0  # seconds; only the transaction of another program is waited for


class _Task(NamedTuple):
    """Work for a transaction. kept: if that fails, it is part of the next one."""

    work: Callable[[sqlite3.Connection], Any]
    result: Future[Any]
    durable: bool = False
    can_wait: bool = False
    erases: bool = False
    kept: bool = False


class Database:
    """The journal's database in file. Every method may be called from any thread.

    If the file was deleted or replaced since, durable work raises JournalError.

    commits: how many transactions were forced to the disk.
    """

    def __init__(self, file: Path, *, read_only: bool) -> None:
        """Open the database, or create it. Raises JournalError, as open_database does."""
        self.file = file
        self.commits = 0
        self._read_only = read_only
        self._is_copy = False
        self._db = open_database(file, read_only=read_only)
        self._synchronous = ""
        self._files = identify_files(file)
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._kept: list[_Task] = []
        self._lock = Lock()
        self._closed = False
        self._thread = Thread(target=self._serve, name="journal", daemon=True)
        self._thread.start()

    def ask(
        self,
        work: Callable[[sqlite3.Connection], T],
        *,
        durable: bool = False,
        can_wait: bool = False,
        erases: bool = False,
        kept: bool = False,
    ) -> Future[T]:
        """Return a future with the result of the work, which runs in the next transaction.

        durable: the future is done only once the transaction is on the disk. can_wait: the work may
        wait for other work, to share its transaction. erases: what the work deletes also disappears
        from the write-ahead log, if nobody is reading it. kept: if the transaction fails, as while
        the file is locked, the work is also part of the next one; nobody waits for its future.

        Raises JournalError if the database is closed. The future raises JournalError if the
        transaction fails, and NoteError if work raises it.
        """
        result: Future[T] = Future()
        with self._lock:
            if self._closed:
                raise JournalError(f"the journal {self.file} is closed")
            keeps = kept and not self._read_only
            self._tasks.put(_Task(work, result, durable, can_wait, erases, keeps))
        return result

    def watch(self, touched: Callable[[str, int], None]) -> None:
        """Call touched with table and id of each row that is added, changed or deleted from now on.

        This covers changes, proposals and the outbox. It is called just before the transaction
        ends.
        """
        self.ask(lambda db: _watch_rows(db, touched)).result()

    def select(self, query: str, *values: object) -> list[sqlite3.Row]:
        """Return the rows that the query finds in the next transaction. Raises JournalError."""
        return self.ask(lambda db: db.execute(query, values).fetchall()).result()

    def copy_to_memory(self) -> None:
        """Continue with a writable copy in memory: the database itself is read-only."""

        def copy_all(db: sqlite3.Connection) -> None:
            self._db = connect(":memory:", _LOCK_WAIT)
            self._db.row_factory = sqlite3.Row
            db.backup(self._db)

        if not self._is_copy:
            self._is_copy = True
            self.ask(copy_all).result()

    def close(self) -> None:
        """Force all work to the disk, and close the database. A second call does nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            if not self._read_only:
                self._tasks.put(_Task(touch, Future(), durable=True))
            self._tasks.put(None)
        self._thread.join()

    def _serve(self) -> None:
        open_for_work = True
        while open_for_work:
            waiting = [self._tasks.get()]
            deadline = time.monotonic() + _LONGEST_WAIT
            with suppress(Empty):
                while True:
                    can_wait = all(task and task.can_wait for task in waiting)
                    seconds = deadline - time.monotonic() if can_wait else 0
                    waiting.append(self._tasks.get(timeout=max(0, seconds)))
            open_for_work = None not in waiting
            kept, self._kept = self._kept, []
            self._commit([*kept, *(task for task in waiting if task)])
        self._db.close()

    def _commit(self, batch: list[_Task]) -> None:
        durable, db = any(task.durable for task in batch) and not self._read_only, self._db
        try:
            if durable and any(task.durable and task.work is not touch for task in batch):
                self._require_in_place()
            if self._synchronous != (mode := _DURABLE if durable else "NORMAL"):
                db.execute(f"PRAGMA synchronous={mode}")
                self._synchronous = mode
            db.execute("BEGIN" if self._read_only else "BEGIN IMMEDIATE")
            read_format(db, MIGRATIONS)  # a newer version may have migrated it since
            results = [_attempt(task, db) for task in batch]
            db.execute("COMMIT")
            if any(task.erases for task in batch):
                with suppress(sqlite3.Error):  # it is committed anyway
                    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except Exception as error:  # every thread that waits for a future must get it
            self._fail(batch, error)
            return
        if db is not self._db:
            db.close()
        self.commits += durable
        for task, result in zip(batch, results, strict=True):
            if isinstance(result, NoteError):
                task.result.set_exception(result)
            else:
                task.result.set_result(result)

    def _require_in_place(self) -> None:
        """Raise JournalError if the database or a side file was replaced while in use."""
        now = identify_files(self.file)
        if any(old not in (None, new) for old, new in zip(self._files, now, strict=True)):
            raise JournalError(
                f"the journal {self.file} was deleted or replaced while it was in use; put it back,"
                " or earlier changes can no longer be undone, and start Companion again"
            )

    def _fail(self, batch: list[_Task], error: Exception) -> None:
        with suppress(sqlite3.Error):
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        self._kept = [task._replace(result=Future()) for task in batch if task.kept]
        for task in batch:  # each gets its own exception: threads must not share a traceback
            is_expected = isinstance(error, (sqlite3.Error, NewerFormat))
            task.result.set_exception(
                to_journal_error(error, self.file) if is_expected else copy(error)
            )


class Store:
    """What a database keeps of one kind. Every method may be called from any thread.

    They all raise JournalError, with the reason, if the database fails.
    """

    def __init__(self, db: Database) -> None:
        self._db = db


def transaction(
    *, durable: bool = False, erases: bool = False
) -> Callable[[Callable[Concatenate[S, sqlite3.Connection, P], T]], Callable[Concatenate[S, P], T]]:
    """Return a decorator for methods of a Store: they run in a transaction, and get its connection.

    The caller waits for the end of the transaction. durable, erases: as in Database.ask.
    """

    def decorate(
        method: Callable[Concatenate[S, sqlite3.Connection, P], T],
    ) -> Callable[Concatenate[S, P], T]:
        @wraps(method)
        def run(store: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
            def work(db: sqlite3.Connection) -> T:
                return method(store, db, *args, **kwargs)

            return store._db.ask(work, durable=durable, erases=erases).result()

        return run

    return decorate


def _attempt(task: _Task, db: sqlite3.Connection) -> Any:
    """Return the result of the task, or the NoteError that it raised: other tasks go on."""
    try:
        return task.work(db)
    except NoteError as error:
        return error


def open_database(file: Path, *, read_only: bool) -> sqlite3.Connection:
    """Return a connection to the journal in file, with its tables brought up to date.

    Read-only: nothing is created or changed. A missing journal is replaced by an empty one in
    memory, and an older one by a migrated copy in memory.

    Raises JournalError if it is locked, damaged, unreadable or from a newer version.
    """
    try:
        if read_only:
            db = _open_to_read(file)
        else:
            db = open_migrated(file, MIGRATIONS, _LOCK_WAIT, _PRAGMAS)
    except (NewerFormat, sqlite3.Error, OSError) as error:
        raise to_journal_error(error, file) from error
    db.row_factory = sqlite3.Row
    return db


def touch(db: sqlite3.Connection) -> None:
    """Write something: SQLite forces earlier commits to the disk only with a commit that writes."""
    db.execute(f"PRAGMA user_version={len(MIGRATIONS)}")


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


def identify_files(file: Path) -> FileIds:
    """Return which files the journal in file consists of now."""
    return tuple(identify_file(f"{file}{suffix}") for suffix in ("", *SIDE_FILES))


def to_journal_error(error: Exception, file: Path) -> JournalError:
    """Return an error that says what is wrong with the journal, and what to do about it."""
    if isinstance(error, OSError):
        words = f"cannot be opened: {error.strerror}"
    elif isinstance(error, NewerFormat):
        words = (
            f"was written by a newer version of Companion (format {error.version}, this one knows"
            f" {error.newest}); update Companion, and restart companion serve"
        )
    elif error_code(error) in (
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
    ):
        words = (
            "is damaged; move the file aside to start a new one "
            "(the notes are safe, but earlier changes can no longer be undone)"
        )
    else:
        words = explain_obstacle(error) or f"cannot be used: {error}"
    return JournalError(f"the journal {file} {words}")


def _open_to_read(file: Path) -> sqlite3.Connection:
    if not file.exists():
        memory = connect(":memory:", _LOCK_WAIT)
    else:
        db = connect(file, _LOCK_WAIT)
        with closed_on_failure(db):
            db.execute("PRAGMA query_only=ON")
            if read_format(db, MIGRATIONS) == len(MIGRATIONS):
                return db
        with closing(db):
            memory = connect(":memory:", _LOCK_WAIT)
            db.backup(memory)
    migrate(memory, MIGRATIONS)
    return memory
