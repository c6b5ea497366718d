"""Open SQLite files that only their owner may read.

A vault's database, the user's budget, and caches of notes and vectors are opened here. `PRAGMA
user_version` counts the migrations that a file has been through; a file with more migrations than
are known is refused.
"""

from __future__ import annotations

import os
import re
import sqlite3
import time
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from companion.private_files import make_private_folder

T = TypeVar("T")
FileId = tuple[int, int]
"""The device and inode of a file: another file with the same name has different ones."""

Migration = Sequence[str]
"""The SQL statements that bring the tables of a file up to the next format."""

SIDE_FILES = ("-wal", "-shm")
"""What SQLite appends to a file's name for the files that it keeps beside it in WAL mode."""

_BUSY_PAUSE = 0.01  # seconds
_CACHE_BUSY_SECONDS = 0.5


class NewerFormat(Exception):
    """The file has been through migrations that this version does not know.

    version: of the file. newest: the newest that is known.
    """

    def __init__(self, version: int, newest: int) -> None:
        super().__init__(f"format {version}, this version knows {newest}")
        self.version = version
        self.newest = newest


class Cache:
    """A SQLite file whose content can be computed again: no error reaches the caller.

    A damaged file, or one from a newer version, is deleted. If it is locked, or cannot be written,
    nothing is read or written.
    """

    def __init__(self, file: Path, migrations: Sequence[Migration]) -> None:
        self._file = file
        self._migrations = migrations

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """Return the result of the work, or None. A damaged file is deleted, and it runs again."""
        for _ in range(2):
            try:
                with closing(self._open()) as db:
                    return work(db)
            except OSError:
                return None
            except (sqlite3.Error, NewerFormat) as error:
                if isinstance(error, sqlite3.Error) and explain_obstacle(error):
                    return None
                for suffix in ("", "-journal", *SIDE_FILES):
                    with suppress(OSError):
                        self._file.with_name(self._file.name + suffix).unlink()
        return None

    def _open(self) -> sqlite3.Connection:
        # a row shows by itself whether it is still true, so nothing is forced to the disk
        pragmas = ("synchronous=OFF",)
        return open_migrated(self._file, self._migrations, _CACHE_BUSY_SECONDS, pragmas, wal=False)


def read_migrations(file: Path) -> list[Migration]:
    """Return the migrations in an SQL file, each after a line of its number: `-- 1`."""
    steps = re.split(r"^-- \d+\n", file.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [step.split(";\n")[:-1] for step in steps[1:]]


def open_migrated(
    file: Path,
    migrations: Sequence[Migration],
    busy_seconds: float,
    pragmas: Iterable[str] = (),
    *,
    wal: bool = True,
) -> sqlite3.Connection:
    """Return a connection to the database in file, created if it is missing, with current tables.

    busy_seconds: as in connect. pragmas: settings of the connection. wal: whether readers continue
    while somebody writes; see use_wal.

    Raises sqlite3.Error, OSError, and NewerFormat, before anything is written.
    """
    create_private(file)
    db = connect(file, busy_seconds)
    with closed_on_failure(db):
        is_old = read_format(db, migrations) < len(migrations)
        if wal:
            use_wal(db, busy_seconds)
        for pragma in pragmas:
            db.execute(f"PRAGMA {pragma}")
        if is_old:
            migrate(db, migrations)
    return db


def connect(database: Path | str, busy_seconds: float) -> sqlite3.Connection:
    """Return a connection to an existing file, or to a new database in memory (`:memory:`).

    No transaction is begun implicitly, and SQL may call fold(). Any thread may use the connection,
    one at a time. busy_seconds: how long a statement waits for another connection's transaction.

    Raises sqlite3.Error.
    """
    name = f"{database.absolute().as_uri()}?mode=rw" if isinstance(database, Path) else database
    db = sqlite3.connect(
        name, uri=True, timeout=busy_seconds, isolation_level=None, check_same_thread=False
    )
    db.create_function("fold", 1, fold, deterministic=True)
    return db


def fold(text: str | None) -> str:
    """Return the text as searches compare it, ignoring case and Unicode form."""
    return unicodedata.normalize("NFC", text or "").casefold()


def create_private(file: Path) -> None:
    """Create the file and its folder if they are missing, for their owner alone. Raises OSError."""
    make_private_folder(file.parent)
    # O_EXCL: opening and closing a file that this process has open elsewhere would drop its locks
    with suppress(FileExistsError):
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


@contextmanager
def closed_on_failure(db: sqlite3.Connection) -> Iterator[None]:
    """Close the connection if the block raises."""
    try:
        yield
    except BaseException:
        db.close()
        raise


def read_format(db: sqlite3.Connection, migrations: Sequence[Migration]) -> int:
    """Return how many of the migrations the database has been through. Raises NewerFormat."""
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    if version > len(migrations):
        raise NewerFormat(version, len(migrations))
    return version


def migrate(db: sqlite3.Connection, migrations: Sequence[Migration]) -> None:
    """Bring the tables up to date in one transaction: all migrations are made, or none.

    A file that is up to date is not written to.
    """
    if read_format(db, migrations) == len(migrations):
        return
    db.execute("BEGIN IMMEDIATE")
    for migration in migrations[read_format(db, migrations) :]:
        for statement in migration:
            db.execute(statement)
    db.execute(f"PRAGMA user_version={len(migrations)}")
    db.execute("COMMIT")


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
