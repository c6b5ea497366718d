"""Spending: tokens, money and notes a day, what is left for today, and what the rest would cost."""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from flask import Response

from companion.daemon.api.routing import Resource, the_daemon
from companion.daemon.web import said, show
from companion.llm.budget_store import Amount

spending_view = Resource("spending")

_DAYS = 30  # that the plot shows
_HEIGHT = 100  # of the plot, in its own units


class DayBar(NamedTuple):
    """One day of the plot. height: from 0 to 100. dollars: None if the price is not known."""

    day: str
    tokens: int
    calls: int
    dollars: float | None
    height: float


@spending_view.reads("/spending")
def show_spending() -> Response:
    """Show what was spent on each of the last 30 days, the oldest first."""
    daemon = the_daemon()
    spent = daemon.spending.spent_by_day(_DAYS)
    most = max((each.tokens for each in spent.values()), default=0) or 1
    bars = []
    for ago in reversed(range(_DAYS)):
        day = (date.today() - timedelta(days=ago)).isoformat()
        amount = spent.get(day, Amount())
        price = None if amount.unpriced or day not in spent else amount.microdollars / 1_000_000
        bars.append(DayBar(day, amount.tokens, amount.calls, price, _HEIGHT * amount.tokens / most))
    return show("spending.html", now=daemon.status(), days=bars)


@spending_view.does("/estimate")
def estimate() -> Response:
    """Say what it would take to fill the rest of the vault."""
    return said(the_daemon().vault.estimate().words)
