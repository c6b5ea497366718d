"""The journal's database: how it is opened, its tables, and its errors in plain words."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import closing, suppress
from copy import copy
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, NamedTuple, TypeVar

from companion.errors import JournalError, NoteError
from companion.private_files import make_private_folder, open_private
from companion.vault.offered_changes import create_offers

Files = tuple[tuple[int, int] | None, ...]
"""The (device, inode) of the database, of its -wal and its -shm file; None for one not there."""

_SUFFIXES = ("", "-wal", "-shm")
_LOCK_WAIT = 2.0  # seconds; only another program's transaction can make us wait


def open_database(file: Path, *, read_only: bool) -> sqlite3.Connection:
    """Return a connection to the journal in file, its tables brought up to date.

    Read-only: nothing is created or changed; a journal that is missing, or older, is a
    fresh, or a migrated, one in memory.

    Raises JournalError: locked, damaged, unreadable, or from a newer version.
    """
    try:
        db = _open_to_read(file) if read_only else _open_to_write(file)
    except sqlite3.Error as error:
        raise to_journal_error(error, file) from error
    except OSError as error:
        raise JournalError(f"the journal {file} cannot be opened: {error.strerror}") from error
    db.row_factory = sqlite3.Row
    return db


def touch(db: sqlite3.Connection) -> None:
    """Change something, so that the commit is no empty one: SQLite forces only others to disk."""
    db.execute(f"PRAGMA user_version={len(_MIGRATIONS)}")


def identify(file: Path) -> Files:
    """Return which files the journal in file consists of now."""
    return tuple(_identity(f"{file}{suffix}") for suffix in _SUFFIXES)


def remove_remains(file: Path, lost: Files) -> None:
    """Delete the -wal and -shm files of a lost database: SQLite would read them into the next."""
    for suffix, old, now in zip(_SUFFIXES[1:], lost[1:], identify(file)[1:], strict=True):
        if now is not None and now == old:
            with suppress(OSError):
                file.with_name(file.name + suffix).unlink()


def last_id(db: sqlite3.Connection) -> int:
    """Return the highest id that a change ever had; 0 for none."""
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'changes'").fetchone()
    return row[0] if row else 0


def skip_ids(db: sqlite3.Connection, last: int) -> None:
    """Have the next change get an id above last, so that no id means two changes."""
    if last_id(db) < last:
        db.execute("DELETE FROM sqlite_sequence WHERE name = 'changes'")
        db.execute("INSERT INTO sqlite_sequence (name, seq) VALUES ('changes', ?)", (last,))


def to_journal_error(error: sqlite3.Error, file: Path) -> JournalError:
    """Return what the error means for the user, and what to do."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte: without the extension
    return JournalError(f"the journal {file} {_WORDS.get(code, f'cannot be used: {error}')}")


_DAMAGED = (
    "is damaged; move the file aside to start a new one "
    "(the notes are safe, but earlier changes can no longer be undone)"
)
_WORDS = {
    sqlite3.SQLITE_BUSY: "is locked by another program; close that and try again",
    sqlite3.SQLITE_FULL: "cannot grow, the disk is full; free some space and try again",
    sqlite3.SQLITE_CORRUPT: _DAMAGED,
    sqlite3.SQLITE_NOTADB: _DAMAGED,
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; check that its folder may be read and written",
    sqlite3.SQLITE_READONLY: "is read-only; make the file and its folder writable",
    sqlite3.SQLITE_IOERR: "cannot be read or written; check the disk",
}


def _identity(file: str) -> tuple[int, int] | None:
    try:
        seen = Path(file).stat()
    except OSError:
        return None
    return seen.st_dev, seen.st_ino


def _open_to_write(file: Path) -> sqlite3.Connection:
    make_private_folder(file.parent)
    with suppress(FileExistsError):  # closing one that is open elsewhere would drop its locks
        os.close(open_private(file, os.O_RDWR | os.O_CREAT | os.O_EXCL))  # it holds note text
    db = _connect(file)
    try:
        _refuse_newer(db, file)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA fullfsync=ON")  # macOS: fsync alone leaves it in the disk's cache
        _migrate(db)
    except BaseException:
        db.close()
        raise
    return db


def _open_to_read(file: Path) -> sqlite3.Connection:
    if not file.exists():
        return _migrate(_connect(":memory:"))
    db = _connect(file)
    try:
        db.execute("PRAGMA query_only=ON")
        if _refuse_newer(db, file) == len(_MIGRATIONS):
            return db
    except BaseException:
        db.close()
        raise
    with closing(db):
        copy = _connect(":memory:")
        db.backup(copy)
        return _migrate(copy)


def _connect(file: Path | str) -> sqlite3.Connection:
    where = f"{file.absolute().as_uri()}?mode=rw" if isinstance(file, Path) else file
    # check_same_thread: the journal hands the connection over to its own thread
    return sqlite3.connect(
        where, uri=True, timeout=_LOCK_WAIT, isolation_level=None, check_same_thread=False
    )


def _refuse_newer(db: sqlite3.Connection, file: Path) -> int:
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    if version > len(_MIGRATIONS):
        raise JournalError(
            f"the journal {file} was written by a newer version of Companion "
            f"(format {version}, this one knows {len(_MIGRATIONS)}); update Companion"
        )
    return version


def _migrate(db: sqlite3.Connection) -> sqlite3.Connection:
    """Bring the tables up to date, all or nothing; `PRAGMA user_version` counts the steps made."""
    db.execute("BEGIN IMMEDIATE")
    done: int = db.execute("PRAGMA user_version").fetchone()[0]
    for step in _MIGRATIONS[done:]:
        step(db)
    db.execute(f"PRAGMA user_version={len(_MIGRATIONS)}")
    db.execute("COMMIT")
    return db


def _create_tables(db: sqlite3.Connection) -> None:
    # the images lie in a table of their own, so that they can be dropped and history stays
    db.execute(
        """CREATE TABLE changes (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            run TEXT NOT NULL,
            path TEXT NOT NULL,
            kind TEXT NOT NULL,
            state TEXT NOT NULL DEFAULT 'pending',
            made_at REAL NOT NULL,
            before_sha256 TEXT NOT NULL,
            after_sha256 TEXT NOT NULL,
            edits TEXT NOT NULL,
            needs TEXT NOT NULL,
            model TEXT NOT NULL,
            note TEXT NOT NULL,
            undoes INTEGER REFERENCES changes (id)
        )"""
    )
    db.execute("CREATE INDEX changes_of_path ON changes (path)")
    db.execute("CREATE INDEX changes_of_run ON changes (run)")
    db.execute("CREATE INDEX undoing_changes ON changes (undoes) WHERE undoes IS NOT NULL")
    db.execute("CREATE UNIQUE INDEX pending_paths ON changes (path) WHERE state = 'pending'")
    db.execute("CREATE TABLE images (change INTEGER PRIMARY KEY, before BLOB NOT NULL)")
    db.execute(
        """CREATE TABLE asked (
            path TEXT NOT NULL,
            need TEXT NOT NULL,
            outcome TEXT NOT NULL,
            reason TEXT NOT NULL,
            asked_at REAL NOT NULL,
            change INTEGER,
            PRIMARY KEY (path, need)
        ) WITHOUT ROWID"""
    )


def _add_parts(db: sqlite3.Connection) -> None:
    """Keep which edits of a change an undo takes back, and which of its own are taken back."""
    db.execute("ALTER TABLE changes ADD COLUMN parts TEXT")
    db.execute("ALTER TABLE changes ADD COLUMN taken TEXT NOT NULL DEFAULT '[]'")
    db.execute(
        """UPDATE changes SET taken = (SELECT json_group_array(key) FROM json_each(edits))
        WHERE state = 'undone'"""
    )


def _add_notes(db: sqlite3.Connection) -> None:
    """Keep what each note held when last seen, to find it again where it is moved."""
    db.execute(
        """CREATE TABLE notes (
            path TEXT PRIMARY KEY,
            sha256 TEXT NOT NULL,
            size INTEGER NOT NULL,
            mtime_ns INTEGER NOT NULL,
            seen_at REAL NOT NULL
        ) WITHOUT ROWID"""
    )
    db.execute(
        """INSERT INTO notes SELECT path, after_sha256, -1, 0, made_at FROM changes
        WHERE id IN (SELECT max(id) FROM changes WHERE state != 'abandoned' GROUP BY path)"""
    )
    db.execute("INSERT OR IGNORE INTO notes SELECT DISTINCT path, '', -1, 0, 0 FROM asked")


_MIGRATIONS: list[Callable[[sqlite3.Connection], None]] = [
    _create_tables,
    _add_parts,
    _add_notes,
    create_offers,
]


T = TypeVar("T")
_log = logging.getLogger(__name__)
# In WAL mode NORMAL commits without fsync; the next FULL one carries it along.
# https://www.sqlite.org/pragma.html#pragma_synchronous
_DURABLE = "FULL"
_PATIENCE = 0.05  # seconds that work which can wait is kept for another's transaction


class _Task(NamedTuple):
    work: Callable[[sqlite3.Connection], Any]
    durable: bool
    can_wait: bool
    result: Future[Any]


class Database:
    """The database in file. Every method may be called from any thread.

    When the file was deleted or replaced meanwhile, the next durable work goes into the one that
    is there then, a new one if need be. Its ids go on where the lost one's ended.

    `commits` counts the transactions that were forced to the disk.
    """

    def __init__(self, file: Path, *, read_only: bool) -> None:
        """Open or create it. Raises JournalError: locked, damaged, unreadable, newer."""
        self.file = file
        self.commits = 0
        self._read_only = read_only
        self._db = open_database(file, read_only=read_only)
        self._files = identify(file)
        self._last_id = 0
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._closing = Lock()
        self._closed = False
        self._thread = Thread(target=self._serve, name="journal", daemon=True)
        self._thread.start()

    def ask(
        self,
        work: Callable[[sqlite3.Connection], T],
        *,
        durable: bool = False,
        can_wait: bool = False,
    ) -> Future[T]:
        """Have the work done in the next transaction; durable: on the disk before it answers.

        can_wait: no transaction is made for it at once; another one takes it along.

        Raises JournalError when the database is closed; the future does when it fails.
        """
        result: Future[T] = Future()
        with self._closing:
            if self._closed:
                raise JournalError(f"the journal {self.file} is closed")
            self._tasks.put(_Task(work, durable, can_wait, result))
        return result

    def close(self) -> None:
        """Force all that was asked for to the disk, and close. A second time does nothing."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            if not self._read_only:
                self._tasks.put(_Task(touch, True, False, Future()))
            self._tasks.put(None)
        self._thread.join()

    def _serve(self) -> None:
        open_for_work = True
        while open_for_work:
            waiting = [self._tasks.get()]
            deadline = time.monotonic() + _PATIENCE
            with suppress(Empty):
                while True:
                    left = deadline - time.monotonic() if _can_wait(waiting) else 0
                    waiting.append(self._tasks.get(timeout=max(0, left)))
            open_for_work = None not in waiting
            self._commit([task for task in waiting if task])
        self._db.close()

    def _commit(self, batch: list[_Task]) -> None:
        durable = any(task.durable for task in batch) and not self._read_only
        try:
            if durable and any(task.work is not touch for task in batch):
                self._follow_file()
            self._db.execute(f"PRAGMA synchronous={_DURABLE if durable else 'NORMAL'}")
            self._db.execute("BEGIN" if self._read_only else "BEGIN IMMEDIATE")
            answers = [_attempt(task, self._db) for task in batch]
            self._db.execute("COMMIT")
        except Exception as error:  # whatever it is, the threads that wait must hear of it
            self._fail(batch, error)
            return
        self.commits += durable
        for task, answer in zip(batch, answers, strict=True):
            if isinstance(answer, NoteError):
                task.result.set_exception(answer)
            else:
                task.result.set_result(answer)

    def _follow_file(self) -> None:
        """Open the database anew when it, its -wal or its -shm file is not the one in use."""
        found = identify(self.file)
        if found == self._files:
            return
        with suppress(sqlite3.Error):  # it is closed when an earlier attempt failed
            self._last_id = last_id(self._db)
        self._db.close()  # first: in one process, two on one -shm file undo each other's locks
        if lost := found[0] != self._files[0]:
            remove_remains(self.file, self._files)
        self._db = open_database(self.file, read_only=False)
        skip_ids(self._db, self._last_id)
        self._files = identify(self.file)
        if lost:
            _log.warning(
                "the journal %s was deleted or replaced; what is there now is used, "
                "and earlier changes can no longer be undone",
                self.file,
            )

    def _fail(self, batch: list[_Task], error: Exception) -> None:
        with suppress(sqlite3.Error):  # it may be closed: see _follow_file
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
        for task in batch:  # an exception each: threads must not share a traceback
            if isinstance(error, sqlite3.Error):
                task.result.set_exception(to_journal_error(error, self.file))
            else:
                task.result.set_exception(copy(error))


def _can_wait(tasks: list[_Task | None]) -> bool:
    return all(task and task.can_wait for task in tasks)


def _attempt(task: _Task, db: sqlite3.Connection) -> Any:
    """Return the answer, or the NoteError that concerns this task alone."""
    try:
        return task.work(db)
    except NoteError as error:
        return error
