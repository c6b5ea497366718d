"""The file of what was spent each day: SQLite, shared by every process of the user's."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from companion.llm.ledger_file import LedgerFile

_NO_LIMIT = 2**62


class Amount(NamedTuple):
    """What calls took. microdollars: millionths of a dollar; unpriced: calls of no known price."""

    input_tokens: int = 0
    output_tokens: int = 0
    microdollars: int = 0
    unpriced: int = 0
    calls: int = 0

    @property
    def tokens(self) -> int:
        """Tokens in and out."""
        return self.input_tokens + self.output_tokens

    def minus(self, other: Amount) -> Amount:
        """Return what is left without other; negative where other is more."""
        return Amount(*(mine - its for mine, its in zip(self, other, strict=True)))


class Ledger:
    """What was spent a day, in `file`; for one thread at a time, and any number of processes.

    A damaged file is set aside and begun anew, and so is one that was deleted meanwhile: `files`
    counts those there were. Everything raises LedgerUnusable.
    """

    def __init__(self, file: Path) -> None:
        self._file = LedgerFile(file)

    @property
    def files(self) -> int:
        """How many files there were so far."""
        return self._file.count

    def add(
        self, day: str, amount: Amount, tokens: int | None = None, microdollars: int | None = None
    ) -> bool:
        """Return whether amount was added to the day: not beyond this many in all; None: no cap.

        What costs nothing is not held up by a cap on the price.
        """
        most_tokens = _NO_LIMIT if tokens is None else min(tokens, _NO_LIMIT)
        most_dollars = _NO_LIMIT if microdollars is None else microdollars
        if amount.tokens > most_tokens or amount.microdollars > most_dollars:
            return False
        values = {**amount._asdict(), "day": day, "tokens": most_tokens, "dollars": most_dollars}
        return self._change(_ADD, values)

    def correct(self, day: str, reserved: Amount, took: Amount, files: int) -> None:
        """Put what a call took in place of what was reserved when `files` was that number.

        No cap holds here, and nothing falls below zero. In a new file nothing was reserved.
        """

        def work(db: sqlite3.Connection) -> None:
            more = took.minus(reserved) if self.files == files else took
            db.execute(_CORRECT, {**more._asdict(), "day": day})

        self._file.use(work)

    def add_note(self, day: str, vault: str, most: int | None) -> bool:
        """Return whether one more background note of the vault was counted: not beyond most."""
        most = _NO_LIMIT if most is None else most
        if most < 1:
            return False
        return self._change(_ADD_NOTE, {"day": day, "vault": vault, "most": most})

    def take_note_back(self, day: str, vault: str) -> None:
        """Count one background note less."""
        self._change(_TAKE_NOTE_BACK, {"day": day, "vault": vault})

    def read(self, day: str, vault: str) -> tuple[Amount, int]:
        """Return what the day took, and its background notes in the vault."""

        def work(db: sqlite3.Connection) -> tuple[Amount, int]:
            row = db.execute(_READ, {"day": day}).fetchone()
            notes = db.execute(_READ_NOTES, {"day": day, "vault": vault}).fetchone()
            return Amount(*row) if row else Amount(), notes[0] if notes else 0

        return self._file.use(work)

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        self._file.close()

    def _change(self, statement: str, values: Mapping[str, object]) -> bool:
        # One statement is a transaction of its own, which takes SQLite's write lock from its begin
        # (as BEGIN IMMEDIATE would) and lets go of Python's lock once instead of three times.
        return self._file.use(lambda db: db.execute(statement, values).rowcount > 0)


_ADD = """INSERT INTO days
    VALUES (:day, :input_tokens, :output_tokens, :microdollars, :unpriced, :calls)
    ON CONFLICT (day) DO UPDATE SET
        input_tokens = input_tokens + :input_tokens,
        output_tokens = output_tokens + :output_tokens,
        microdollars = microdollars + :microdollars,
        unpriced = unpriced + :unpriced,
        calls = calls + :calls
    WHERE input_tokens + output_tokens + :input_tokens + :output_tokens <= :tokens
        AND (:microdollars = 0 OR microdollars + :microdollars <= :dollars)"""
_CORRECT = """INSERT INTO days
    VALUES (
        :day, max(0, :input_tokens), max(0, :output_tokens), max(0, :microdollars),
        max(0, :unpriced), max(0, :calls)
    )
    ON CONFLICT (day) DO UPDATE SET
        input_tokens = max(0, input_tokens + :input_tokens),
        output_tokens = max(0, output_tokens + :output_tokens),
        microdollars = max(0, microdollars + :microdollars),
        unpriced = max(0, unpriced + :unpriced),
        calls = max(0, calls + :calls)"""
_READ = f"SELECT {', '.join(Amount._fields)} FROM days WHERE day = :day"  # noqa: S608 (our names)
_ADD_NOTE = """INSERT INTO notes VALUES (:day, :vault, 1)
    ON CONFLICT (day, vault) DO UPDATE SET notes = notes + 1 WHERE notes < :most"""
_TAKE_NOTE_BACK = "UPDATE notes SET notes = notes - 1 WHERE day = :day AND vault = :vault AND notes"
_READ_NOTES = "SELECT notes FROM notes WHERE day = :day AND vault = :vault"
