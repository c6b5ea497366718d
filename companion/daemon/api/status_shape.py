"""The JSON of the daemon's status."""

from __future__ import annotations

import math

from companion.daemon.api.shapes import Shape, iso_time
from companion.daemon.state import BackgroundState, Status


class FaultShape(Shape):
    """What is wrong with the model's endpoint."""

    kind: str
    reason: str
    since: str
    tries: int


class BacklogShape(Shape):
    """Notes that lay there before, or came many at once, and are not filled unless the user agrees.

    notes: for how many there is no answer yet. cost: where they would be sent, and what that may
    cost, in words; empty until it is known.
    """

    notes: int = 0
    cost: str = ""


class BackgroundShape(Shape):
    """Background work. off: why there is none; empty when there is."""

    off: str
    waiting: int
    notes_today: int
    notes_a_day: int
    backlog: BacklogShape = BacklogShape()


class TodayShape(Shape):
    """What was done today: notes enriched in this vault, by anybody; and spent in all vaults.

    dollars: null where the price is not known.
    """

    notes: int
    input_tokens: int
    output_tokens: int
    dollars: float | None
    tokens_a_day: int | None
    dollars_a_day: float | None


class StatusShape(Shape):
    """The state of the daemon. retry_in: seconds until the endpoint is tried again."""

    version: str
    pid: int
    started_at: str
    vault: str
    vault_missing: bool
    ready: bool
    paused: bool
    polls: str
    endpoint: str
    model: str
    is_embedded: bool
    is_remote: bool
    fault: FaultShape | None
    retry_in: int
    background: BackgroundShape
    today: TodayShape
    notes: int
    to_do: int
    skipped: int
    open_notes: int
    in_hand: list[str]
    waiting: dict[str, int]
    runs: list[str]
    newest_change: int

    @classmethod
    def of(cls, now: Status) -> StatusShape:
        """Return the shape of a status."""
        fault = now.fault and FaultShape(
            kind=now.fault.kind,
            reason=now.fault.reason,
            since=iso_time(now.fault.since),
            tries=now.fault.tries,
        )
        told = {
            "started_at": iso_time(now.started_at),
            "fault": fault,
            "retry_in": math.ceil(now.retry_in) if math.isfinite(now.retry_in) else 0,
            "background": _background(now.background),
            "today": TodayShape(**now.today._asdict()),
        }
        return cls.model_validate(vars(now) | told)


def _background(now: BackgroundState) -> BackgroundShape:
    told = now._asdict() | {"backlog": BacklogShape(**now.backlog._asdict())}
    return BackgroundShape(**told)
