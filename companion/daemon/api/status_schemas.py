"""The JSON of the daemon's status."""

from __future__ import annotations

import os
import time
from datetime import date, datetime
from math import ceil
from typing import TYPE_CHECKING

from companion import __version__
from companion.app.types.base import IsoTime, Shape, iso_time
from companion.config.settings import Mode
from companion.daemon.work_queue import Priority
from companion.enrich.model import is_free

if TYPE_CHECKING:
    from companion.daemon.daemon import Daemon


class FaultShape(Shape):
    """A fault of the model's endpoint."""

    kind: str
    reason: str
    since: IsoTime
    tries: int


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

    dollars: null if the price is unknown. is_free: the model runs on this machine, and no setting
    gives it a price. tokens_a_day, dollars_a_day: the limits, if any.
    """

    notes: int
    input_tokens: int
    output_tokens: int
    dollars: float | None
    is_free: bool
    tokens_a_day: int | None
    dollars_a_day: float | None

    @classmethod
    def of(cls, daemon: Daemon) -> TodayShape:
        """Return what the daemon has done today, local time."""
        midnight = datetime.combine(date.today(), datetime.min.time()).timestamp()
        spending, spent = daemon.spending, daemon.spending.spent_today()
        config = daemon.space.config
        return cls(
            notes=daemon.space.journal.count_notes(midnight),
            input_tokens=spent.input_tokens,
            output_tokens=spent.output_tokens,
            dollars=spent.dollars,
            is_free=config.is_embedded or is_free(config.remote_endpoint()),
            tokens_a_day=spending.caps.tokens_a_day,
            dollars_a_day=spending.caps.dollars_a_day,
        )


class StatusShape(Shape):
    """The state of the daemon.

    vault_missing: the vault's folder is missing or empty. polls: why the vault is polled, in words,
    empty if file events work. retry_in: seconds until the endpoint is tried again. rate_limit: why
    calls wait for a limit a minute, in words, empty if none does. notes: the number that was
    scanned; to_do: of those, with a need. in_hand: the notes in progress. modes: by field, whether
    an answer is written at once (`write`) or waits for a decision (`propose`); folder_modes: the
    same by folder, which goes before a field. settings_to_restart_for: settings that were changed
    and that only the next start of the daemon follows, as `server.port`; settings_changed: there
    are any. settings_fault: why nothing is asked or written, as a file of the settings is broken,
    with the file and the line; empty if none is.
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
    rate_limit: str
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
    settings_changed: bool = False
    settings_to_restart_for: tuple[str, ...] = ()
    settings_fault: str = ""

    @classmethod
    def of(cls, daemon: Daemon) -> StatusShape:
        """Return the current state of the daemon."""
        config, reconciler = daemon.space.config, daemon.reconciler
        fault, waiting = daemon.circuit_breaker.fault, daemon.queue.counts()
        return cls(
            version=__version__,
            pid=os.getpid(),
            started_at=iso_time(daemon.started_at),
            vault=daemon.root.name,
            vault_missing=reconciler.vault_missing,
            ready=reconciler.ready.is_set(),
            paused=daemon.background_switch.is_paused,
            polls=reconciler.polls,
            endpoint="" if config.is_embedded else config.remote_endpoint().address,
            model=config.endpoint.model,
            is_embedded=config.is_embedded,
            is_remote=config.is_remote,
            modes={name: config.review_mode("", name) for name in daemon.space.prompts.fields},
            folder_modes=config.review.folders,
            fault=FaultShape.model_validate(fault) if fault else None,
            retry_in=max(0, ceil(fault.next_try - time.monotonic())) if fault else 0,
            rate_limit=daemon.limiter.waits if daemon.limiter else "",
            background=BackgroundShape(
                off=daemon.background_switch.reason_off(),
                waiting=waiting[Priority.BACKGROUND],
                notes_today=daemon.spending.spent_today().background_notes,
                notes_a_day=config.background.notes_a_day,
                backlog=daemon.consent.state(),
            ),
            today=TodayShape.of(daemon),
            **reconciler.counts._asdict(),
            open_notes=len(daemon.presence.open_paths()),
            in_hand=[ticket.path for ticket in daemon.queue.in_progress()],
            waiting={priority.name.lower(): number for priority, number in waiting.items()},
            runs=[run.id for run in daemon.runs.active()],
            newest_change=daemon.space.journal.newest(),
            settings_changed=bool(restart := daemon.find_settings_to_restart_for()),
            settings_to_restart_for=tuple(restart),
            settings_fault=daemon.settings_fault,
        )
