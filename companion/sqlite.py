"""Open SQLite files. `PRAGMA user_version` has the format of the tables in a file."""

from __future__ import annotations

import os
import sqlite3
import time
import unicodedata
from collections.abc import Callable, Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeVar
from zlib import crc32

from companion.private_files import make_private_folder

T = TypeVar("T")
FileId = tuple[int, int]
"""The device and inode of a file: another file with the same name has different ones."""

_BUSY_PAUSE = 0.01  # seconds
_CACHE_BUSY_SECONDS = 0.5


class OtherFormat(Exception):
    """The file's tables are those of another version of Companion. format: of the file."""

    def __init__(self, found: int) -> None:
        super().__init__(f"format {found}")
        self.format = found


class Cache:
    """A SQLite file whose content can be computed again: no error reaches the caller.

    A damaged file, or one of another version, is deleted. If it is locked, or cannot be written,
    nothing is read or written.
    """

    def __init__(self, file: Path, tables: str) -> None:
        self._file = file
        self._tables = tables

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """Return the result of the work, or None. A damaged file is deleted, and it runs again."""
        # a row shows by itself whether it is still true, so nothing is forced to the disk
        opening = self._tables, crc32(self._tables.encode()) >> 1, _CACHE_BUSY_SECONDS
        for _ in range(2):
            try:
                with closing(open_file(self._file, *opening, ["synchronous=OFF"], wal=False)) as db:
                    return work(db)
            except OSError:
                return None
            except (sqlite3.Error, OtherFormat) as error:
                if isinstance(error, sqlite3.Error) and explain_obstacle(error):
                    return None
                for suffix in ("", "-journal", "-wal", "-shm"):
                    with suppress(OSError):
                        self._file.with_name(self._file.name + suffix).unlink()
        return None


def open_file(
    file: Path,
    tables: str,
    file_format: int,
    busy_seconds: float,
    pragmas: Iterable[str] = (),
    *,
    wal: bool = True,
) -> sqlite3.Connection:
    """Return a connection to the database in file, created with its tables if it is missing.

    Any thread may use it, one at a time. No transaction is begun implicitly, and SQL may call
    fold(). tables: the statements that make them. busy_seconds: how long a statement waits for
    another connection's transaction. wal: whether readers continue while somebody writes.

    Raises sqlite3.Error, OSError, and OtherFormat, before anything is written.
    """
    make_private_folder(file.parent)
    db = sqlite3.connect(file, timeout=busy_seconds, isolation_level=None, check_same_thread=False)
    try:
        db.create_function("fold", 1, fold, deterministic=True)
        is_new = _check_format(db, file_format)
        if wal:
            use_wal(db, busy_seconds)
        for pragma in pragmas:
            db.execute(f"PRAGMA {pragma}")
        if is_new:
            db.execute("BEGIN IMMEDIATE")
            if _check_format(db, file_format):  # else another process has made them
                for statement in tables.split(";\n"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version={file_format}")
            db.execute("COMMIT")
    except BaseException:
        db.close()
        raise
    return db


def _check_format(db: sqlite3.Connection, file_format: int) -> bool:
    """Return whether the file has no tables yet. Raises OtherFormat."""
    found: int = db.execute("PRAGMA user_version").fetchone()[0]
    if found not in (0, file_format):
        raise OtherFormat(found)
    return not found


def fold(text: str | None) -> str:
    """Return the text as searches compare it, ignoring case and Unicode form."""
    return unicodedata.normalize("NFC", text or "").casefold()


def use_wal(db: sqlite3.Connection, busy_seconds: float) -> None:
    """Switch to a write-ahead log, in which readers and a writer do not wait for each other.

    Does what SQLite itself does not: waits for other connections. Raises sqlite3.Error.
    """
    end = time.monotonic() + busy_seconds
    while True:
        try:
            db.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error_code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                raise
            time.sleep(_BUSY_PAUSE)


def identify_file(file: str | Path) -> FileId | None:
    """Return the identity of the file at that path, with one os.stat; None if there is none."""
    try:
        status = os.stat(file)  # noqa: PTH116 (twice as fast as Path.stat, before every call)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def error_code(error: Exception) -> int:
    """Return SQLite's primary result code (https://sqlite.org/rescode.html); 0 if it has none."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def explain_obstacle(error: Exception) -> str | None:
    """Return why the file cannot be used at the moment, and what to do; None if it is damaged.

    The words follow the name of the file. None also stands for errors that no healthy file gives.
    """
    if getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_IOERR_SHMSIZE:
        return FULL  # the file beside it that processes share in WAL mode cannot grow
    return _OBSTACLES.get(error_code(error))


_LOCKED = "is locked by another program; close that and try again"
FULL = "cannot grow, the disk is full; free some space and try again"
_NOT_OPENED = "cannot be opened; check that its folder may be read and written"
_OBSTACLES = {
    sqlite3.SQLITE_BUSY: _LOCKED,
    sqlite3.SQLITE_LOCKED: _LOCKED,
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_CANTOPEN: _NOT_OPENED,
    sqlite3.SQLITE_PERM: _NOT_OPENED,
    sqlite3.SQLITE_READONLY: "is read-only; make the file and its folder writable",
    sqlite3.SQLITE_IOERR: "cannot be read or written; check the disk, and that it has room",
}
