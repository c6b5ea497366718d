"""What was spent, by day and model."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from companion.app.types.base import WHOLE, Sent, Shape


class SpendingQuery(Sent):
    """Which days. days: how many, up to and including today."""

    days: Annotated[int, Field(ge=1, le=400), WHOLE] = 30


class Spent(Shape):
    """Tokens read and written, and calls. dollars: null if the price of a call is not known."""

    input_tokens: int = 0
    output_tokens: int = 0
    calls: int = 0
    dollars: float | None = 0.0


class SpentOnModel(Spent):
    """What was spent on a model."""

    model: str


class SpentOnDay(Spent):
    """What was spent on a day, local time, such as `2026-11-25`.

    models: the same by model, dearest first; calls by older versions belong to none.
    """

    day: str
    models: list[SpentOnModel]


class Spending(Shape):
    """What was spent for all vaults, oldest day first, including days without calls.

    month: in this calendar month. is_free: the model runs on this machine, and no setting gives it
    a price. tokens_a_day, dollars_a_day: the limits, if any.
    """

    days: list[SpentOnDay]
    month: Spent
    is_free: bool
    tokens_a_day: int | None
    dollars_a_day: float | None
