"""The daily budget: what a call may cost is reserved before it, if no limit of the day forbids it.

The file is shared by all vaults and processes. The limit is part of the statement that reserves.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from datetime import date
from decimal import Decimal
from math import ceil
from operator import sub
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

from companion.errors import AnswerError, EndpointError
from companion.llm.answers import Usage
from companion.sqlite import OtherFormat, open_file

PriceOf = Callable[[int, int], Decimal | float | None]
"""Returns the price in US dollars of this many input and output tokens; None if unknown."""

_MICRO = 1_000_000
_NO_LIMIT = 2**62
_BUSY = 5.0  # seconds
_FORMAT = 1  # of the tables


class LimitReached(EndpointError):
    """The next call, or note, might exceed a daily limit. `day`: whose limit, as Budget.today()."""

    def __init__(self, message: str, day: str) -> None:
        super().__init__(message)
        self.day = day


class BudgetUnknown(EndpointError):
    """Today's spending, or the price, is unknown: nothing more may be spent."""

    kind = "budget-unknown"


class OverWholeLimit(AnswerError):
    """One call alone may take more than the limit of a day; others may fit."""


class Amount(NamedTuple):
    """What calls cost. microdollars: millionths of a dollar; unpriced: calls of unknown price."""

    input_tokens: int = 0
    output_tokens: int = 0
    microdollars: int = 0
    unpriced: int = 0
    calls: int = 0

    @property
    def dollars(self) -> float | None:
        """US dollars; None if the price of any of the calls is unknown."""
        return None if self.unpriced else self.microdollars / _MICRO


class Caps(NamedTuple):
    """The price of calls, and the limits of a day; None: no limit.

    price: of the configured model; None if unknown. tokens_a_day, dollars_a_day: over all vaults;
    notes_a_day: of this vault's background notes.
    """

    price: PriceOf | None = None
    tokens_a_day: int | None = None
    dollars_a_day: float | None = None
    notes_a_day: int | None = None

    def price_tokens(self, input_tokens: int, output_tokens: int) -> Amount:
        """Return the amount of one call with this many tokens."""
        price = self.price(input_tokens, output_tokens) if self.price else None
        money = 0 if price is None else ceil(price * _MICRO)
        return Amount(input_tokens, output_tokens, money, int(price is None), 1)


class Reservation(AbstractContextManager["Reservation"]):
    """The estimated cost of one call, counted as spent until it is settled.

    A context manager, which takes the estimate back at the end unless it was settled, or `sent` is
    set: then the call may be billed, and the estimate stays. settle: gets what was used.
    """

    def __init__(self, settle: Callable[[Usage], None] | None = None) -> None:
        self.sent = False
        self._settle = settle

    def settle(self, usage: Usage) -> None:
        """Replace the estimate with the usage, where it counts tokens.

        Without calls, nothing was paid. Only the first call has an effect.
        """
        settle, self._settle = self._settle, None
        if settle:
            settle(usage)

    def __exit__(self, *_: object) -> None:
        if not self.sent:
            self.settle(Usage())


class Budget(AbstractContextManager["Budget"]):
    """Counts the spending of each local calendar day, in a file that all processes share.

    find_caps: called before each call and each note. vault: whose background notes are counted.
    clock: returns Unix time. Safe to use from any thread; close() it at the end.
    """

    def __init__(
        self,
        file: Path,
        find_caps: Callable[[], Caps] = Caps,
        vault: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._file, self.find_caps, self._vault, self._clock = file, find_caps, vault, clock
        self._lock = Lock()
        self._db: sqlite3.Connection | None = None

    def today(self) -> str:
        """Return the local calendar day for which spending counts now: YYYY-MM-DD."""
        return date.fromtimestamp(self._clock()).isoformat()

    def reserve(self, input_tokens: int, output_tokens: int) -> Reservation:
        """Return the reservation of a call, whose estimate counts from now on.

        Raises LimitReached, BudgetUnknown; OverWholeLimit.
        """
        caps, day = self.find_caps(), self.today()
        estimate = caps.price_tokens(input_tokens, output_tokens)
        if caps.dollars_a_day is not None and estimate.unpriced:
            raise BudgetUnknown(
                "The price of the model is not known, so the limit of dollars_a_day cannot be"
                " kept; set tokens_a_day in its place, under [limits] in the configuration"
            )
        if not self._add(day, estimate, caps):
            raise self._limit_reached(day, estimate, caps)

        def settle(usage: Usage) -> None:
            spent = Amount()
            if usage.calls:
                read, written = usage.input_tokens, usage.output_tokens
                spent = caps.price_tokens(read or input_tokens, written or output_tokens)
            with suppress(BudgetUnknown):  # the estimate stays, and the answer is not lost
                self._add(day, Amount(*map(sub, spent, estimate)), Caps())

        return Reservation(settle)

    def reserve_note(self) -> None:
        """Count one more background note. Raises LimitReached, BudgetUnknown."""
        day, most = self.today(), self.find_caps().notes_a_day
        values = {"day": day, "vault": self._vault, "most": _NO_LIMIT if most is None else most}
        if not self._execute(_ADD_NOTE, values).rowcount:
            raise LimitReached("the notes of a day are used up (background.notes_a_day)", day)

    def release_note(self) -> None:
        """Count one background note less, because the model was not asked about it after all."""
        with suppress(BudgetUnknown):
            self._execute(_REMOVE_NOTE, {"day": self.today(), "vault": self._vault})

    def spent_today(self) -> Amount:
        """Return what was spent today; zeros if unknown. Calls in progress count as estimated."""
        return Amount(*self._read(_READ, {"day": self.today()}))

    def notes_today(self) -> int:
        """Return how many of this vault's background notes count for today."""
        return sum(self._read(_READ_NOTES, {"day": self.today(), "vault": self._vault}))

    def close(self) -> None:
        """Close the file; it is reopened when needed."""
        with self._lock:
            db, self._db = self._db, None
            if db:
                db.close()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _limit_reached(self, day: str, call: Amount, caps: Caps) -> LimitReached | OverWholeLimit:
        """Return the error for a call of that amount, which would exceed a limit of the day."""
        spent, most, dollars = self.spent_today(), caps.tokens_a_day, caps.dollars_a_day
        name, shown = "tokens_a_day", "{:,} tokens"
        numbers: list[float] = [most or 0, sum(spent[:2]), sum(call[:2])]
        if most is None or (dollars is not None and sum(numbers[1:]) <= most):
            name, shown = "dollars_a_day", "${:,.4f}"
            numbers = [dollars or 0, spent.microdollars / _MICRO, call.microdollars / _MICRO]
        limit, used, more = map(shown.format, numbers)
        if numbers[2] > numbers[0] > 0:
            return OverWholeLimit(
                f"asking about this note may take {more}, and {name} allows {limit}; raise it under"
                " [limits], or shorten the note"
            )
        return LimitReached(
            f"The limit of {limit} a day is reached: {used} spent today, and the next call may take"
            f" {more}; it starts again at midnight. To continue today, raise {name} under [limits]"
            " in the configuration",
            day,
        )

    def _add(self, day: str, amount: Amount, caps: Caps) -> bool:
        """Return whether the amount was added to the day, which fails only if a limit forbids it.

        A call that costs nothing does not exceed the limit of money. Negative numbers correct an
        estimate; no sum falls below zero.
        """
        tokens, dollars = caps.tokens_a_day, caps.dollars_a_day
        values = amount._asdict() | {"day": day, "most_tokens": _NO_LIMIT, "most_money": _NO_LIMIT}
        if tokens is not None:
            values["most_tokens"] = min(tokens, _NO_LIMIT)
        if dollars is not None:
            values["most_money"] = round(min(dollars * _MICRO, _NO_LIMIT))
        return self._execute(_ADD, values).rowcount > 0

    def _read(self, query: str, values: dict[str, Any]) -> tuple[int, ...]:
        """Return the row; an empty one if there is none, or the file is unusable."""
        with suppress(BudgetUnknown):
            return self._execute(query, values).fetchone() or ()
        return ()

    def _execute(self, statement: str, values: dict[str, Any]) -> sqlite3.Cursor:
        """Run the statement, in a transaction of its own. Raises BudgetUnknown."""
        with self._lock:
            try:
                if self._db is None:
                    # after a power cut the last calls may be missing
                    pragmas = ["synchronous=NORMAL"]
                    self._db = open_file(self._file, _TABLES, _FORMAT, _BUSY, pragmas)
                return self._db.execute(statement, values)
            except (OSError, sqlite3.Error, OtherFormat) as error:
                self._db = None  # opened again, since the user may have deleted it
                raise BudgetUnknown(
                    f"Today's spending is unknown, so nothing is spent: {self._file} cannot be"
                    f" used ({error}); if it is damaged, delete it"
                ) from None


_COLUMNS = Amount._fields
_TABLES = f"""
CREATE TABLE IF NOT EXISTS days (
    day TEXT PRIMARY KEY,
    {", ".join(f"{each} INTEGER NOT NULL" for each in _COLUMNS)}
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS notes (
    day TEXT NOT NULL,
    vault TEXT NOT NULL,
    notes INTEGER NOT NULL,
    PRIMARY KEY (day, vault)
) WITHOUT ROWID"""
_READ = f"SELECT {', '.join(_COLUMNS)} FROM days WHERE day = :day"  # noqa: S608 (our names)
_ADD = f"""INSERT INTO days
    SELECT :day, {", ".join(f"max(0, :{each})" for each in _COLUMNS)} WHERE (
        SELECT :input_tokens + :output_tokens + coalesce(sum(input_tokens + output_tokens), 0)
            <= :most_tokens AND (:microdollars = 0
            OR :microdollars + coalesce(sum(microdollars), 0) <= :most_money)
        FROM days WHERE day = :day)
    ON CONFLICT (day) DO UPDATE SET
        {", ".join(f"{each} = max(0, {each} + :{each})" for each in _COLUMNS)}"""  # noqa: S608 (our names)
_ADD_NOTE = """INSERT INTO notes SELECT :day, :vault, 1 WHERE :most > 0
    ON CONFLICT (day, vault) DO UPDATE SET notes = notes + 1 WHERE notes < :most"""
_REMOVE_NOTE = "UPDATE notes SET notes = notes - 1 WHERE day = :day AND vault = :vault AND notes"
_READ_NOTES = "SELECT notes FROM notes WHERE day = :day AND vault = :vault"
