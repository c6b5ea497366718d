"""A run that the vault's daemon does, shown as if it were done here."""

from __future__ import annotations

from contextlib import suppress
from threading import Event

from companion.cli.stop import stop_on_ctrl_c
from companion.cli.tally import Tally
from companion.daemon.client import DaemonClient, DaemonRefused
from companion.daemon.runs import Order
from companion.errors import CompanionError, UsageError
from companion.llm.answer import Usage

_UNPROCESSABLE = 422


def run_at_daemon(daemon: DaemonClient, order: Order, tally: Tally) -> int:
    """Return the exit status, as a run of our own has it. Raises what stopped the whole run."""
    try:
        run = daemon.start_run(order)
    except DaemonRefused as refused:
        if refused.status == _UNPROCESSABLE:
            raise UsageError(str(refused)) from None
        raise
    cancelled = Event()

    def cancel() -> None:
        with suppress(CompanionError):
            daemon.cancel(run.id)

    with (
        stop_on_ctrl_c(tally.show, cancelled, cancel),
        tally.show.progress("Enriching", run.total) as progress,
    ):
        for result, diff, counted in daemon.follow(run.id, diff=tally.with_diff):
            if counted:
                tally.add(result, diff or "")
                progress.advance(progress.task_ids[0])
            else:
                tally.report(result, diff or "")
    if not run.total:
        tally.say_nothing_to_do()
        return 0
    over = daemon.run(run.id)
    made = tally.counts["enriched"] and not order.choice.dry_run
    usage = Usage(**over.usage.model_dump())
    tally.sum_up(run.total, usage, run.id if made else "", cancelled)
    if over.fault:
        raise CompanionError(over.fault)
    return tally.status(cancelled)
