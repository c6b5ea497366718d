"""The journal's database at work: one thread owns it and commits all that waits at once.

So many notes share one fsync, and SQLite sees one thread.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from copy import copy
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, NamedTuple, TypeVar

from companion.errors import JournalError, NoteError
from companion.vault.schema import (
    explain,
    identify,
    last_id,
    open_database,
    remove_remains,
    skip_ids,
    touch,
)

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
                task.result.set_exception(explain(error, self.file))
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
