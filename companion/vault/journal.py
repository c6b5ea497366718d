"""The journal: every change is in it, on the disk, before it is made to a note.

It is what recovery, history, undo and "asked once per need" stand on. One thread owns the
database and commits all that waits in one transaction, so that many notes share one fsync.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import Future
from copy import copy
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, NamedTuple, Self, TypeVar

from companion.errors import JournalError, NoteBusy, NoteError
from companion.note.edit import apply_edits
from companion.vault.change import Asked, Change, NewChange, Outcome, make_row, read_row
from companion.vault.schema import explain, open_database, touch

__all__ = ["Asked", "Change", "Journal", "NewChange", "Outcome"]

T = TypeVar("T")
_SELECT = """SELECT *, (SELECT max(id) FROM changes AS later
    WHERE later.undoes = changes.id AND later.state = 'done') AS undone_by FROM changes"""


class _Task(NamedTuple):
    work: Callable[[sqlite3.Connection], Any]
    durable: bool
    result: Future[Any]


class Journal:
    """The journal in file. Every method may be called from any thread.

    All of them raise JournalError, with the reason, when the database fails.
    `commits` counts the transactions that were forced to the disk.
    """

    def __init__(self, file: Path, *, read_only: bool = False) -> None:
        """Open the journal, or create it. Read-only: create nothing, a missing one is empty.

        Raises JournalError: locked, damaged, unreadable, or from a newer version.
        """
        self.file = file
        self.commits = 0
        self._read_only = read_only
        self._db = open_database(file, read_only=read_only)
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._closing = Lock()
        self._closed = False
        self._thread = Thread(target=self._serve, name="journal", daemon=True)
        self._thread.start()

    def begin(self, change: NewChange, before: bytes, after: bytes) -> int:
        """Return the id of the change, once it is on the disk with the note as it was before.

        Raises ValueError when the edits do not turn before into after, and NoteBusy when an
        earlier change of the note is still pending.
        """
        row = make_row(change, before, after, time.time())
        return self._ask(lambda db: _insert(db, row, before), durable=True).result()

    def done(self, change: int) -> None:
        """Record that the note holds the change. Returns at once; lost with the power at worst."""
        self._ask(lambda db: _close_done(db, change, time.time()))

    def abandon(self, change: int, remark: str = "") -> None:
        """Record that the note does not hold the change, and why. Returns at once, as `done`."""
        self._ask(lambda db: _close_abandoned(db, change, remark))

    def change(self, change: int) -> Change | None:
        """Return the change with that id."""
        found = self._select("WHERE id = ?", change)
        return found[0] if found else None

    def changes(
        self, path: str | None = None, run: str | None = None, limit: int | None = None
    ) -> list[Change]:
        """Return the changes of one note, of one run, or all; newest first, at most `limit`."""
        where = "WHERE (?1 IS NULL OR path = ?1) AND (?2 IS NULL OR run = ?2)"
        return self._select(where + " ORDER BY id DESC LIMIT ?3", path, run, _no_limit(limit))

    def pending(self) -> list[Change]:
        """Return the changes that were begun and neither done nor abandoned, oldest first."""
        return self._select("WHERE state = 'pending' ORDER BY id")

    def images(self, change: int) -> tuple[bytes, bytes] | None:
        """Return the whole note before and after the change; None when they were pruned."""
        query = "SELECT before FROM images WHERE change = ?"
        row = self._ask(lambda db: db.execute(query, (change,)).fetchone()).result()
        found = self.change(change)
        if row is None or found is None:
            return None
        before: bytes = row["before"]
        return before, apply_edits(before.decode("utf-8"), found.edits).encode("utf-8")

    def prune_images(self, older_than: float) -> int:
        """Return how many images were dropped: those of changes made over so many seconds ago.

        Pending changes keep theirs. Edits and hashes are never dropped.
        """
        query = """DELETE FROM images WHERE change IN (
            SELECT id FROM changes WHERE made_at < ? AND state != 'pending')"""
        limit = time.time() - older_than
        return self._ask(lambda db: db.execute(query, (limit,)).rowcount).result()

    def remember(self, path: str, need: str, outcome: Outcome, reason: str = "") -> None:
        """Record what came of asking for a need. `written` is recorded by `done` itself."""
        row = (path, need, outcome, reason, time.time())
        self._ask(lambda db: db.execute(f"{_REMEMBER} VALUES (?, ?, ?, ?, ?, NULL)", row))

    def asked(self, path: str) -> dict[str, Asked]:
        """Return what was asked for the note, by need."""
        return self._asked("WHERE path = ?", path).get(path, {})

    def all_asked(self) -> dict[str, dict[str, Asked]]:
        """Return what was asked for every note, by path and need."""
        return self._asked("")

    def flush(self) -> None:
        """Force all that was recorded so far to the disk."""
        self._ask(touch, durable=True).result()

    def close(self) -> None:
        """Force all that was recorded to the disk, and close. A second time does nothing."""
        with self._closing:
            if self._closed:
                return
            self._closed = True
            self._tasks.put(_Task(touch, not self._read_only, Future()))
            self._tasks.put(None)
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _select(self, where: str, *values: object) -> list[Change]:
        query = f"{_SELECT} {where}"
        rows = self._ask(lambda db: db.execute(query, values).fetchall()).result()
        return [read_row(row) for row in rows]

    def _asked(self, where: str, *values: object) -> dict[str, dict[str, Asked]]:
        query = f"SELECT * FROM asked {where} ORDER BY path, need"  # noqa: S608
        rows = self._ask(lambda db: db.execute(query, values).fetchall()).result()
        asked: dict[str, dict[str, Asked]] = {}
        for path, need, *rest in rows:
            asked.setdefault(path, {})[need] = Asked(*rest)
        return asked

    def _ask(self, work: Callable[[sqlite3.Connection], T], durable: bool = False) -> Future[T]:
        """Have the journal's thread do the work in its next transaction."""
        result: Future[T] = Future()
        with self._closing:
            if self._closed:
                raise JournalError(f"the journal {self.file} is closed")
            self._tasks.put(_Task(work, durable, result))
        return result

    def _serve(self) -> None:
        open_for_work = True
        while open_for_work:
            waiting = [self._tasks.get()]
            try:
                while True:
                    waiting.append(self._tasks.get_nowait())
            except Empty:
                open_for_work = None not in waiting
            self._commit([task for task in waiting if task])
        self._db.close()

    def _commit(self, batch: list[_Task]) -> None:
        durable = any(task.durable for task in batch) and not self._read_only
        try:
            # In WAL mode NORMAL commits without fsync; the next FULL one carries it along.
            # https://www.sqlite.org/pragma.html#pragma_synchronous
            self._db.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
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

    def _fail(self, batch: list[_Task], error: Exception) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        for task in batch:  # an exception each: threads must not share a traceback
            if isinstance(error, sqlite3.Error):
                task.result.set_exception(explain(error, self.file))
            else:
                task.result.set_exception(copy(error))


def _attempt(task: _Task, db: sqlite3.Connection) -> Any:
    """Return the answer, or the NoteError that concerns this task alone."""
    try:
        return task.work(db)
    except NoteError as error:
        return error


_REMEMBER = "INSERT OR REPLACE INTO asked (path, need, outcome, reason, asked_at, change)"


def _insert(db: sqlite3.Connection, row: dict[str, object], before: bytes) -> int:
    query = "SELECT id FROM changes WHERE path = :path AND state = 'pending'"
    if db.execute(query, row).fetchone():
        reason = "an earlier change of it is not finished; it is recovered at the next start"
        raise NoteBusy(reason, str(row["path"]))
    columns, values = ", ".join(row), ", ".join(f":{name}" for name in row)
    insert = f"INSERT INTO changes ({columns}) VALUES ({values}) RETURNING id"  # noqa: S608
    change: int = db.execute(insert, row).fetchone()[0]
    db.execute("INSERT INTO images (change, before) VALUES (?, ?)", (change, before))
    return change


def _close_done(db: sqlite3.Connection, change: int, now: float) -> None:
    db.execute("UPDATE changes SET state = 'done' WHERE id = ?", (change,))
    query = """SELECT changes.path, need.value, 'written', '', ?, changes.id
        FROM changes, json_each(changes.needs) AS need WHERE changes.id = ?"""
    db.execute(f"{_REMEMBER} {query}", (now, change))
    _mark_undone(db, change)


def _close_abandoned(db: sqlite3.Connection, change: int, remark: str) -> None:
    query = "UPDATE changes SET state = 'abandoned', note = trim(note || ' ' || ?) WHERE id = ?"
    db.execute(query, (remark, change))


def _mark_undone(db: sqlite3.Connection, change: int) -> None:
    """Mark the change that this one undoes; if that was an undo itself, what it undid is back."""
    state = "undone"
    query = "SELECT undoes FROM changes WHERE id = ?"
    while (undoes := db.execute(query, (change,)).fetchone()[0]) is not None:
        db.execute("UPDATE changes SET state = ? WHERE id = ?", (state, undoes))
        state = "done" if state == "undone" else "undone"
        change = undoes


def _no_limit(limit: int | None) -> int:
    return -1 if limit is None else limit  # SQLite's word for it
