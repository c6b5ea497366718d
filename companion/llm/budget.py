"""The daily budget: the cost of each call is reserved before it, under the user's caps."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import partial
from math import ceil
from operator import sub
from pathlib import Path
from threading import Condition
from typing import NamedTuple, TypeVar

from companion.errors import EndpointError
from companion.llm.budget_store import Amount, BudgetFileUnusable, BudgetStore
from companion.llm.endpoint import Endpoint
from companion.llm.rate_limiter import RateLimiter, Turn
from companion.llm.response import Usage

T = TypeVar("T")
PriceOf = Callable[[int, int, str | None], Decimal | float | None]
"""Returns the price in US dollars of this many input and output tokens in a service tier, None
being the usual one; None if unknown.
"""

_MICRO = 1_000_000
_MAX_TOKENS = 10**9  # of one call; whatever an endpoint claims, the sums fit SQLite's integers
_RECHECK = 1.0  # seconds until a waiting call looks whether another process released something
_log = logging.getLogger(__name__)


class LimitReached(EndpointError):
    """The next call, or note, might exceed a daily cap. `day`: whose cap, as Budget.today()."""

    def __init__(self, message: str, day: str) -> None:
        super().__init__(message)
        self.day = day


class BudgetUnknown(EndpointError):
    """There is a cap, but today's spending is unknown: nothing more may be spent."""

    kind = "budget-unknown"


class DaySpending(NamedTuple):
    """What was spent today; if there is a cap, calls in progress count with their estimates.

    dollars: US dollars; None when the price of any of today's calls is unknown. background_notes:
    of this vault alone.
    """

    input_tokens: int = 0
    output_tokens: int = 0
    dollars: float | None = None
    background_notes: int = 0
    calls: int = 0


class Caps(NamedTuple):
    """The price of calls, and the caps on a day's spending.

    price: of the configured model; None if unknown. tokens_a_day, dollars_a_day: caps over all
    vaults; notes_a_day: cap on this vault's background notes; None: no cap. model: its name, under
    which spending is shown.
    """

    price: PriceOf | None = None
    tokens_a_day: int | None = None
    dollars_a_day: float | None = None
    notes_a_day: int | None = None
    model: str = ""

    @property
    def microdollars(self) -> int | None:
        """The cap on money, in millionths of a dollar."""
        most = self.dollars_a_day
        return None if most is None else round(min(most, _MAX_TOKENS) * _MICRO)


class Reservation:
    """The estimated cost of one call, counted as spent until settled or released.

    A context manager, which releases it at the end unless it was settled, or `sent` is set: then
    the call may be billed, and the estimate stays. None of this raises: the answer matters more.
    turn: the call's turn at the endpoint, which ends with it. tier: the service tier whose price it
    pays; None: the usual one.
    """

    def __init__(self, settle: Callable[[Usage | None], None] | None = None) -> None:
        self.sent = False
        self.turn: Turn | None = None
        self.tier: str | None = None
        self._settle = settle

    def settle(self, usage: Usage | None) -> None:
        """Replace the estimate with the usage, unless the endpoint counts 0 tokens, or None.

        Only the first call has an effect.
        """
        settle, self._settle = self._settle, None
        if settle:
            settle(usage)
        turn, self.turn = self.turn, None
        if turn:
            turn.end(usage, sent=self.sent)

    def release(self) -> None:
        """Remove the estimate: nothing was paid."""
        self.settle(Usage())

    def __enter__(self) -> Reservation:
        return self

    def __exit__(self, *_: object) -> None:
        self.settle(None if self.sent else Usage())


class Budget:
    """Counts the spending of each local calendar day, in a file that all processes share.

    find_caps: called before each call and each note; caps: from the last such call. vault: whose
    background notes are counted. clock: returns Unix time. Safe to use from any thread; close() it
    at the end.

    An unusable file raises BudgetUnknown if there is a cap; without a cap the work continues,
    uncounted, after a warning.
    """

    def __init__(
        self,
        file: Path,
        find_caps: Callable[[], Caps] = Caps,
        vault: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.caps = find_caps()
        self._find_caps = find_caps
        self._store = BudgetStore(file)
        self._limiters: dict[object, RateLimiter] = {}
        self._vault = vault
        self._clock = clock
        self._changed = Condition()
        self._under_way = 0  # calls that count with their estimates
        self._warned = False

    def reserve(
        self, input_tokens: int, output_tokens: int, *, patient: bool = False
    ) -> Reservation:
        """Return the reservation of a call; under a cap, its estimate counts from now on.

        It counts at the usual price, which is the highest, until the call is settled. patient: if a
        cap would be exceeded, wait for this process's calls in progress, which may use less than
        was estimated for them. Raises LimitReached, BudgetUnknown.
        """
        self.caps = caps = self._find_caps()
        day, estimate = self.today(), Amount()
        if is_capped := (caps.tokens_a_day, caps.dollars_a_day) != (None, None):
            estimate = _price_tokens(caps.price, input_tokens, output_tokens)
            day = self._reserve_under_caps(estimate, caps.model, patient)

        def settle(usage: Usage | None) -> None:
            read, written = (usage.input_tokens, usage.output_tokens) if usage else (0, 0)
            spent = Amount()
            if usage is None or usage.calls:
                spent = _price_tokens(
                    caps.price, read or input_tokens, written or output_tokens, reservation.tier
                )
            with self._changed:
                if any(more := Amount(*map(sub, spent, estimate))):
                    self._ask(lambda: self._store.add(day, caps.model, more), False)
                self._under_way -= is_capped
                self._changed.notify_all()

        reservation = Reservation(settle)
        return reservation

    def _reserve_under_caps(self, estimate: Amount, model: str, patient: bool) -> str:
        """Count the estimate as spent; return the day. Raises LimitReached, BudgetUnknown."""
        with self._changed:
            while True:
                caps = self.caps
                if caps.dollars_a_day is not None and estimate.unpriced:
                    raise BudgetUnknown(
                        "The price of the model is not known, so the limit of dollars_a_day cannot"
                        " be kept; set tokens_a_day in its place, under [limits] in the"
                        " configuration"
                    )
                day, limits = self.today(), (caps.tokens_a_day, caps.microdollars)
                add = partial(self._store.add, day, model, estimate, *limits)
                if self._ask(add, True, capped=True):
                    self._under_way += 1
                    return day
                if not (patient and self._under_way):
                    raise self._limit_reached(day, estimate)
                self._changed.wait(_RECHECK)
                self.caps = self._find_caps()

    def limiter(self, endpoint: Endpoint) -> RateLimiter:
        """Return the limiter of the endpoint's calls a minute, for all calls under this budget."""
        with self._changed:
            key = endpoint.address, endpoint.model, endpoint.requests_a_minute
            if key not in self._limiters:
                self._limiters[key] = RateLimiter(endpoint)
            return self._limiters[key]

    def reserve_note(self) -> None:
        """Count one more background note. Raises LimitReached, BudgetUnknown."""
        self.caps = self._find_caps()
        day, most = self.today(), self.caps.notes_a_day
        add = partial(self._store.add_note, day, self._vault, most)
        if not self._ask(add, True, capped=most is not None):
            raise LimitReached("the notes of a day are used up (background.notes_a_day)", day)

    def release_note(self) -> None:
        """Count one background note less, because the model was not asked about it after all."""
        self._ask(lambda: self._store.remove_note(self.today(), self._vault), None)

    def spent_today(self) -> DaySpending:
        """Return today's spending; zeros if it is unknown."""
        day = self._ask(lambda: self._store.read(self.today(), self._vault), None)
        if day is None:
            return DaySpending()
        amount, notes = day
        is_priced = not amount.unpriced and (amount.calls or self.caps.price)
        dollars = amount.microdollars / _MICRO if is_priced else None
        return DaySpending(amount.input_tokens, amount.output_tokens, dollars, notes, amount.calls)

    def spent_by_model(self, limit: int) -> dict[str, dict[str, Amount]]:
        """Return the spending on each model, by day, of the last `limit` days with calls.

        Empty if it is unknown. A model without a name stands for calls of older versions.
        """
        return self._ask(lambda: self._store.read_models(limit), {})

    def close(self) -> None:
        """Close the file; it is reopened when needed."""
        with self._changed:
            self._store.close()

    def __enter__(self) -> Budget:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, work: Callable[[], T], unknown: T, *, capped: bool = False) -> T:
        """Return the result of work; if the file is unusable, warn once and return `unknown`.

        Raises BudgetUnknown in that case if there is a cap.
        """
        with self._changed:
            try:
                return work()
            except BudgetFileUnusable as error:
                if capped:
                    raise BudgetUnknown(
                        f"Today's spending is unknown, and no limit can be kept: {error}"
                    ) from None
                if not self._warned:
                    _log.warning("What is spent today is not counted: %s", error)
                self._warned = True
                return unknown

    def today(self) -> str:
        """Return the local calendar day for which spending counts now: YYYY-MM-DD."""
        return date.fromtimestamp(self._clock()).isoformat()

    def _limit_reached(self, day: str, amount: Amount) -> LimitReached:
        """Return the error for a call of that amount, which would exceed a cap of the day.

        Cached tokens count at full price, though most providers charge less: no cap is exceeded.
        """
        read = partial(self._store.read, day, self._vault)
        spent, _ = self._ask(read, (Amount(), 0), capped=True)
        tokens, dollars = self.caps.tokens_a_day, self.caps.dollars_a_day
        if tokens is not None and (spent.tokens + amount.tokens > tokens or dollars is None):
            cap, setting = f"{tokens:,} tokens", "tokens_a_day"
            so_far, more = f"{spent.tokens:,}", f"{amount.tokens:,}"
        else:
            cap, setting = f"${dollars:,}", "dollars_a_day"
            so_far, more = (f"${each.microdollars / _MICRO:,.4f}" for each in (spent, amount))
        return LimitReached(
            f"The limit of {cap} a day is reached: {so_far} spent today, and the next call may"
            f" take {more}; it starts again at midnight. To continue today, raise {setting} under"
            " [limits] in the configuration",
            day,
        )


def _price_tokens(
    price_of: PriceOf | None, input_tokens: int, output_tokens: int, tier: str | None = None
) -> Amount:
    """Return the amount of one call with this many tokens."""
    read, written = min(input_tokens, _MAX_TOKENS), min(output_tokens, _MAX_TOKENS)
    price = price_of(read, written, tier) if price_of else None
    if price is None:
        return Amount(read, written, 0, 1, 1)
    return Amount(read, written, ceil(price * _MICRO), 0, 1)
