"""The file of daily spending: a call is added only if it exceeds no cap of the day."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from contextlib import suppress
from operator import add
from pathlib import Path
from typing import NamedTuple, TypeVar

from companion.sqlite import (
    SIDE_FILES,
    NewerFormat,
    create_private,
    explain_obstacle,
    open_migrated,
    read_migrations,
)

T = TypeVar("T")

_KEPT_DAYS = 400
_BUSY_SECONDS = 5.0
_NO_LIMIT = 2**62


class BudgetFileUnusable(Exception):
    """The file cannot be read or written; the text says why and what to do."""


class Amount(NamedTuple):
    """What calls cost. microdollars: millionths of a dollar; unpriced: calls of unknown price."""

    input_tokens: int = 0
    output_tokens: int = 0
    microdollars: int = 0
    unpriced: int = 0
    calls: int = 0

    @property
    def tokens(self) -> int:
        """Tokens in and out."""
        return self.input_tokens + self.output_tokens

    def plus(self, other: Amount) -> Amount:
        """Return the sum of each number."""
        return Amount(*map(add, self, other))


class BudgetStore:
    """What was spent each day, by model; for one thread at a time, and any number of processes.

    All methods except close() raise BudgetFileUnusable.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._db: sqlite3.Connection | None = None

    def add(
        self,
        day: str,
        model: str,
        amount: Amount,
        tokens: int | None = None,
        microdollars: int | None = None,
    ) -> bool:
        """Return whether amount was added to the day, which fails only if a cap is exceeded.

        tokens, microdollars: the day's caps; None: no cap. A call that costs nothing does not
        exceed the cap on money. Negative numbers correct an estimate; no sum falls below zero.
        """
        caps = {
            "tokens": _NO_LIMIT if tokens is None else min(tokens, _NO_LIMIT),
            "dollars": _NO_LIMIT if microdollars is None else microdollars,
        }
        return self._execute(_ADD, {**amount._asdict(), **caps, "day": day, "model": model})

    def add_note(self, day: str, vault: str, notes_a_day: int | None) -> bool:
        """Return whether one more background note of the vault was counted; None: no cap."""
        most = _NO_LIMIT if notes_a_day is None else notes_a_day
        if most < 1:
            return False
        return self._execute(_ADD_NOTE, {"day": day, "vault": vault, "most": most})

    def remove_note(self, day: str, vault: str) -> None:
        """Count one background note less."""
        self._execute(_REMOVE_NOTE, {"day": day, "vault": vault})

    def read(self, day: str, vault: str) -> tuple[Amount, int]:
        """Return the spending of the day, and the number of background notes in the vault."""

        def work(db: sqlite3.Connection) -> tuple[Amount, int]:
            notes = db.execute(_READ_NOTES, (day, vault)).fetchone()
            return Amount(*db.execute(_READ, (day,)).fetchone()), notes[0] if notes else 0

        return self._use(work)

    def read_models(self, limit: int) -> dict[str, dict[str, Amount]]:
        """Return the spending on each model, by day, for the last `limit` days with calls."""

        def work(db: sqlite3.Connection) -> dict[str, dict[str, Amount]]:
            by_day: dict[str, dict[str, Amount]] = {}
            for day, model, *rest in db.execute(_READ_MODELS, (limit,)):
                by_day.setdefault(day, {})[model] = Amount(*rest)
            return by_day

        return self._use(work)

    def close(self) -> None:
        """Close the file; it is reopened when needed."""
        db, self._db = self._db, None
        if db:
            with suppress(sqlite3.Error):
                db.close()

    def _execute(self, statement: str, values: Mapping[str, object]) -> bool:
        """Return whether the statement changed a row."""
        # A statement outside BEGIN is a transaction of its own, which takes SQLite's write lock at
        # its start, as BEGIN IMMEDIATE would, and releases the GIL once instead of three times.
        return self._use(lambda db: db.execute(statement, values).rowcount > 0)

    def _use(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return the result of work on the file."""
        try:
            return work(self._open())
        except OSError as error:
            words = f"cannot be written ({error.strerror})"
        except NewerFormat:
            words = "was written by a newer version of Companion; update Companion"
        except sqlite3.Error as error:
            words = explain_obstacle(error) or (
                f"is damaged ({error}); delete it, and what was spent today is counted from zero"
            )
        self.close()
        raise BudgetFileUnusable(f"{self._file} {words}")

    def _open(self) -> sqlite3.Connection:
        """Return the connection, made on first use."""
        if self._db is None:
            create_private(self._file)
            for suffix in ("", *SIDE_FILES):  # of an older version others may read and write it
                with suppress(OSError):
                    self._file.with_name(self._file.name + suffix).chmod(0o600)
            # the disk is waited for every thousand pages; only a power cut may lose something
            pragmas = ("synchronous=NORMAL",)
            self._db = open_migrated(self._file, _MIGRATIONS, _BUSY_SECONDS, pragmas)
            for table in ("spending", "notes"):
                self._db.execute(_FORGET.format(table=table), (_KEPT_DAYS,))
        return self._db


_MIGRATIONS = read_migrations(Path(__file__).with_name("spending.sql"))
_FORGET = """DELETE FROM {table} WHERE day NOT IN
    (SELECT DISTINCT day FROM {table} ORDER BY day DESC LIMIT ?)"""
_COLUMNS = Amount._fields
_READ = f"""SELECT {", ".join(f"coalesce(sum({each}), 0)" for each in _COLUMNS)}
    FROM spending WHERE day = ?"""  # noqa: S608 (our names)
_READ_MODELS = f"""SELECT day, model, {", ".join(_COLUMNS)} FROM spending
    WHERE day IN (SELECT DISTINCT day FROM spending ORDER BY day DESC LIMIT ?)"""  # noqa: S608 (our names)
_ADD = f"""INSERT INTO spending
    SELECT :day, :model, {", ".join(f"max(0, :{each})" for each in _COLUMNS)} WHERE (
        SELECT :input_tokens + :output_tokens + coalesce(sum(input_tokens + output_tokens), 0)
            <= :tokens AND (:microdollars = 0
            OR :microdollars + coalesce(sum(microdollars), 0) <= :dollars)
        FROM spending WHERE day = :day)
    ON CONFLICT (day, model) DO UPDATE SET
        {", ".join(f"{each} = max(0, {each} + :{each})" for each in _COLUMNS)}"""  # noqa: S608 (our names)
_ADD_NOTE = """INSERT INTO notes VALUES (:day, :vault, 1)
    ON CONFLICT (day, vault) DO UPDATE SET notes = notes + 1 WHERE notes < :most"""
_REMOVE_NOTE = "UPDATE notes SET notes = notes - 1 WHERE day = :day AND vault = :vault AND notes"
_READ_NOTES = "SELECT notes FROM notes WHERE day = ? AND vault = ?"
