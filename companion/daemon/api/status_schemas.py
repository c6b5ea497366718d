"""The JSON of the daemon's status."""

from __future__ import annotations

from companion.config.settings import Mode
from companion.daemon.api.schemas import Shape, iso_time
from companion.daemon.circuit_breaker import EndpointFault


class FaultShape(Shape):
    """A fault of the model's endpoint."""

    kind: str
    reason: str
    since: str
    tries: int

    @classmethod
    def of(cls, fault: EndpointFault) -> FaultShape:
        """Return the shape of a fault."""
        return cls(
            kind=fault.kind, reason=fault.reason, since=iso_time(fault.since), tries=fault.tries
        )


class BacklogShape(Shape):
    """The backlog: notes that were there before, or arrived many at once, filled only with consent.

    notes: the number of those that wait for an answer. cost: where they would be sent, and what
    that may cost, in words; empty until it is known.
    """

    notes: int = 0
    cost: str = ""


class BackgroundShape(Shape):
    """Background work. off: why it is held, in words; empty if it is not."""

    off: str
    waiting: int
    notes_today: int
    notes_a_day: int
    backlog: BacklogShape = BacklogShape()


class TodayShape(Shape):
    """Today's work: the notes enriched in this vault, and what was spent for all vaults.

    dollars: null if the price is unknown. tokens_a_day, dollars_a_day: the limits, if any.
    """

    notes: int
    input_tokens: int
    output_tokens: int
    dollars: float | None
    tokens_a_day: int | None
    dollars_a_day: float | None


class StatusShape(Shape):
    """The state of the daemon.

    vault_missing: the vault's folder does not exist now. polls: why the vault is polled, in words,
    empty if file events work. retry_in: seconds until the endpoint is tried again. notes: the
    number that was scanned; to_do: of those, with a need. in_hand: the notes in progress. modes:
    by field, whether an answer is written at once (`write`) or waits for a decision (`propose`);
    folder_modes: the same by folder, which goes before a field.
    """

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
    modes: dict[str, Mode]
    folder_modes: dict[str, Mode]
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
