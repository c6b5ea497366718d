"""How things stand with the daemon, as its status tells it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from companion.daemon.health import Fault
from companion.note.needs import Facts

Wanted = Literal["to-do", "left", "skipped", "all"]


class Listing(NamedTuple):
    """A page of notes. after: the path to go on from; None at the end. total: of all pages."""

    notes: list[tuple[str, Facts]]
    after: str | None
    total: int


class BacklogState(NamedTuple):
    """Notes that are not filled unless the user says so. cost: in words, empty until it is known.

    notes: for how many there is no answer yet.
    """

    notes: int = 0
    cost: str = ""


class BackgroundState(NamedTuple):
    """Background work. off: why there is none; empty when there is."""

    off: str
    waiting: int
    notes_today: int
    notes_a_day: int
    backlog: BacklogState = BacklogState()


class Today(NamedTuple):
    """What was done today: notes enriched in this vault, by anybody; and spent in all vaults.

    dollars: None where the price is not known.
    """

    notes: int
    input_tokens: int
    output_tokens: int
    dollars: float | None
    tokens_a_day: int | None
    dollars_a_day: float | None


@dataclass(frozen=True)
class Status:
    """The state of the daemon. started_at: Unix time, seconds.

    vault_missing: the vault's folder is not there just now. polls: why it polls the vault,
    empty when it gets events. notes: those that were looked at; to_do: with a need.
    """

    version: str
    pid: int
    started_at: float
    vault: str
    vault_missing: bool
    ready: bool
    paused: bool
    polls: str
    endpoint: str
    model: str
    is_embedded: bool
    is_remote: bool
    fault: Fault | None
    retry_in: float
    background: BackgroundState
    today: Today
    notes: int
    to_do: int
    skipped: int
    open_notes: int
    in_hand: list[str]
    waiting: dict[str, int]
    runs: list[str]
    newest_change: int
