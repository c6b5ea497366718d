"""The part of a day's spending that is set aside for one call."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import ceil
from pathlib import Path
from threading import Condition
from types import TracebackType
from typing import NamedTuple

from companion.errors import EndpointError
from companion.llm.budget_store import Amount, Ledger, LedgerUnusable
from companion.llm.response import Usage


class Reservation:
    """The estimate of one call, counted as spent until settled or released.

    As a context it is released at the end, unless it was settled, or `sent` is set: then the
    call may be billed, so its estimate stays. No end of it raises: the answer matters more.
    """

    def __init__(self, end: Callable[[Usage | None], None] | None = None) -> None:
        self.sent = False
        self._end = end

    def settle(self, usage: Usage) -> None:
        """Put what the call took in place of the estimate; a count of 0 was not told: it stays."""
        self._finish(usage)

    def release(self) -> None:
        """Take the estimate back: nothing was paid."""
        self._finish(Usage())

    def keep(self) -> None:
        """Leave the estimate as what was spent."""
        self._finish(None)

    def __enter__(self) -> Reservation:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.sent:
            self.keep()
        else:
            self.release()

    def _finish(self, usage: Usage | None) -> None:
        end, self._end = self._end, None
        if end:
            end(usage)


PriceOf = Callable[[int, int], Decimal | float | None]
"""What tokens in and out cost, in US dollars; None where the price is not known."""

_MICRO = 1_000_000
_MOST = 10**9  # tokens of one call; whatever an endpoint says, the sums stay numbers for SQLite
_PATIENCE = 1.0  # seconds; then it is looked again whether others gave something back
_log = logging.getLogger(__name__)


class LimitReached(EndpointError):
    """The next call may go beyond a cap of today's. `retry_after`: seconds until midnight."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BudgetUnknown(EndpointError):
    """There is a cap, but what was spent cannot be told, so nothing is."""


class DaySpending(NamedTuple):
    """What today took, calls under way included, at their estimates.

    dollars: US dollars; None when the price of any of today's calls is not known.
    background_notes: those of this vault.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    dollars: float | None = None
    background_notes: int = 0
    calls: int = 0


class Budget:
    """Counts what is spent, by the local calendar day, in a file that all processes share.

    price: of the configured model; None where it is not known. tokens_a_day, dollars_a_day: the
    caps over all vaults; notes_a_day: background notes in this vault; None: no cap.
    clock: seconds since the epoch. For any number of threads; close() it at the end.

    Raises BudgetUnknown, when there is a cap, for a file that cannot be used; without one the
    work goes on, uncounted, after a warning.
    """

    def __init__(
        self,
        file: Path,
        price: PriceOf | None = None,
        tokens_a_day: int | None = None,
        dollars_a_day: float | None = None,
        vault: str = "",
        *,
        notes_a_day: int | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.tokens_a_day = tokens_a_day
        self.dollars_a_day = dollars_a_day
        self.notes_a_day = notes_a_day
        self._ledger = Ledger(file)
        self._price = price
        self._microdollars = (
            None if dollars_a_day is None else round(min(dollars_a_day, _MOST) * _MICRO)
        )
        self._vault = vault
        self._clock = clock
        self._changed = Condition()
        self._under_way = 0
        self._warned = False

    def reserve(
        self, input_tokens: int, output_tokens: int, *, patient: bool = False
    ) -> Reservation:
        """Return the reservation of a call that may take so much; counted as spent from now on.

        patient: where a cap is in the way, wait for the calls under way in this process, which
        may take less than was estimated for them.

        Raises LimitReached, BudgetUnknown.
        """
        amount = self._amount(input_tokens, output_tokens)
        if self._microdollars is not None and amount.unpriced:
            raise BudgetUnknown(
                "The price of the model is not known, so the limit of dollars_a_day cannot be"
                " kept; set tokens_a_day in its place, under [limits] in the configuration"
            )
        with self._changed:
            while not self._add(day := self._day(), amount):
                if not (patient and self._under_way):
                    raise self._reached(day, amount)
                self._changed.wait(_PATIENCE)
            self._under_way += 1
            files = self._ledger.files
        return Reservation(lambda usage: self._end(day, files, amount, usage))

    def reserve_note(self) -> bool:
        """Return whether one more background note may be worked on today; it is counted then.

        Raises BudgetUnknown.
        """
        with self._changed:
            try:
                return self._ledger.add_note(self._day(), self._vault, self.notes_a_day)
            except LedgerUnusable as error:
                return self._go_on(error, capped=self.notes_a_day is not None)

    def release_note(self) -> None:
        """Count one background note less: it was not asked for after all."""
        with self._changed:
            try:
                self._ledger.take_note_back(self._day(), self._vault)
            except LedgerUnusable as error:
                self._warn(error)

    def spent_today(self) -> DaySpending:
        """Return what was spent today; zeros where that cannot be told. Costs microseconds."""
        with self._changed:
            try:
                amount, notes = self._ledger.read(self._day(), self._vault)
            except LedgerUnusable as error:
                self._warn(error)
                return DaySpending()
        known = not amount.unpriced and (amount.calls or self._price)
        dollars = amount.microdollars / _MICRO if known else None
        return DaySpending(amount.input_tokens, amount.output_tokens, dollars, notes, amount.calls)

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        with self._changed:
            self._ledger.close()

    def __enter__(self) -> Budget:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _add(self, day: str, amount: Amount) -> bool:
        try:
            return self._ledger.add(day, amount, self.tokens_a_day, self._microdollars)
        except LedgerUnusable as error:
            capped = self.tokens_a_day is not None or self._microdollars is not None
            return self._go_on(error, capped)

    def _end(self, day: str, files: int, reserved: Amount, usage: Usage | None) -> None:
        took = None if usage is None else self._taken(reserved, usage)
        with self._changed:
            try:
                if took is not None:
                    self._ledger.correct(day, reserved, took, files)
            except LedgerUnusable as error:
                self._warn(error)
            finally:
                self._under_way -= 1
                self._changed.notify_all()

    def _taken(self, reserved: Amount, usage: Usage) -> Amount:
        """Return what a call took; tokens from the cache at full price, so that no cap is passed.

        Most providers take less for them.
        """
        if not usage.calls:
            return Amount()
        return self._amount(
            usage.input_tokens or reserved.input_tokens,
            usage.output_tokens or reserved.output_tokens,
        )

    def _amount(self, input_tokens: int, output_tokens: int) -> Amount:
        read, written = min(input_tokens, _MOST), min(output_tokens, _MOST)
        price = self._price(read, written) if self._price else None
        if price is None:
            return Amount(read, written, 0, 1, 1)
        return Amount(read, written, ceil(price * _MICRO), 0, 1)

    def _day(self) -> str:
        return date.fromtimestamp(self._clock()).isoformat()

    def _reached(self, day: str, amount: Amount) -> EndpointError:
        """Return the error for a call of that amount, which is too much for the day."""
        try:
            spent, _ = self._ledger.read(day, self._vault)
        except LedgerUnusable as error:
            return _unknown(error)
        most, dollars = self.tokens_a_day, self.dollars_a_day
        if most is not None and (spent.tokens + amount.tokens > most or dollars is None):
            cap, setting = f"{most:,} tokens", "tokens_a_day"
            so_far, more = f"{spent.tokens:,}", f"{amount.tokens:,}"
        else:
            cap, setting = f"${dollars:,}", "dollars_a_day"
            so_far, more = (f"${each.microdollars / _MICRO:,.4f}" for each in (spent, amount))
        return LimitReached(
            f"The limit of {cap} a day is reached: {so_far} spent today, and the next call may"
            f" take {more}; it begins anew at midnight. To go on today, raise {setting} under"
            " [limits] in the configuration",
            _seconds_to_midnight(self._clock()),
        )

    def _go_on(self, error: LedgerUnusable, capped: bool) -> bool:
        if capped:
            raise _unknown(error) from None
        self._warn(error)
        return True

    def _warn(self, error: LedgerUnusable) -> None:
        if not self._warned:
            _log.warning("What is spent today is not counted: %s", error)
        self._warned = True


def _unknown(error: LedgerUnusable) -> BudgetUnknown:
    return BudgetUnknown(
        f"What was spent today cannot be told, so that no limit can be kept: {error}"
    )


def _seconds_to_midnight(now: float) -> float:
    tomorrow = date.fromtimestamp(now) + timedelta(days=1)
    return datetime.combine(tomorrow, datetime.min.time()).timestamp() - now
