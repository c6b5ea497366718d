"""The status of a running daemon, composed of what its parts say."""

from __future__ import annotations

import os
import time
from math import ceil
from typing import TYPE_CHECKING

from companion.app.status import describe_vault
from companion.app.types.status import Fault, Status
from companion.daemon.work_queue import Priority

if TYPE_CHECKING:
    from companion.daemon.daemon import Daemon


def find_daemon_status(daemon: Daemon) -> Status:
    """Return the current state of the daemon, and of its vault."""
    stored = describe_vault(daemon.space, daemon.spending, daemon.consent.state())
    reconciler, waiting = daemon.reconciler, daemon.queue.counts()
    fault, restart = daemon.circuit_breaker.fault, daemon.find_settings_to_restart_for()
    background = {
        "off": daemon.background_switch.reason_off(),
        "waiting": waiting[Priority.BACKGROUND],
    }
    live = {
        "running": True,
        "pid": os.getpid(),
        "started_at": daemon.started_at,
        "vault_missing": reconciler.vault_missing,
        "ready": reconciler.ready.is_set(),
        "paused": daemon.background_switch.is_paused,
        "polls": reconciler.polls,
        "fault": Fault.model_validate(fault) if fault else None,
        "retry_in": max(0, ceil(fault.next_try - time.monotonic())) if fault else 0,
        "rate_limit": daemon.limiter.waits if daemon.limiter else "",
        "background": stored.background.model_copy(update=background),
        **reconciler.counts._asdict(),
        "open_notes": len(daemon.presence.open_paths()),
        "in_hand": [ticket.path for ticket in daemon.queue.in_progress()],
        "waiting": {priority.name.lower(): number for priority, number in waiting.items()},
        "runs": [run.id for run in daemon.runs.active()],
        "settings_changed": bool(restart),
        "settings_to_restart_for": tuple(restart),
        "settings_fault": daemon.settings_fault,
    }
    return Status.model_validate(vars(stored) | live)
