"""A run of companion enrich that the vault's daemon does, reported as if it were done here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from threading import Event

from companion.cli.interrupts import exit_on_signals, stop_on_signals
from companion.cli.run_report import RunReport
from companion.daemon.api.run_schemas import RunShape
from companion.daemon.client_runs import RunRequest
from companion.daemon.daemon_client import DaemonClient, DaemonRefused, ended_early
from companion.errors import CompanionError, UsageError
from companion.llm.response import Usage

_UNPROCESSABLE = 422


def run_at_daemon(
    daemon: DaemonClient,
    request: RunRequest,
    report: RunReport,
    find_left: Callable[[], Counter[str]],
) -> int:
    """Have the daemon do the run, and return the exit status. Raises what stopped it early.

    It is cancelled if this process ends, by a signal or a closed pipe.

    find_left: returns how many notes are left alone, by reason; called if there is nothing to do.
    """
    output, cancelled, run = report.output, Event(), None

    def cancel() -> None:
        if run:
            with suppress(CompanionError):
                daemon.cancel(run.id)

    with exit_on_signals(), stop_on_signals(output, cancelled, cancel) as interruption:
        try:
            run = daemon.start_run(request)
        except DaemonRefused as refused:
            if refused.status == _UNPROCESSABLE:
                raise UsageError(str(refused)) from None
            raise
        if cancelled.is_set():  # before its id was known
            cancel()
        try:
            usage, fault = _follow(daemon, run, report, cancelled)
        except BaseException:
            cancel()
            raise
    if not run.total and not fault:
        report.say_nothing_to_do(find_left())
        return 0
    report.sum_up(run.total, usage, run.id, cancelled)
    if fault:
        raise fault
    return report.exit_status(cancelled, interruption.exit_status)


def _follow(
    daemon: DaemonClient, run: RunShape, report: RunReport, cancelled: Event
) -> tuple[Usage, CompanionError | None]:
    """Print the results as they come; return the tokens used, and what stopped the run early."""
    usage = Usage()
    try:
        with report.output.progress("Enriching", run.total) as progress:
            for result, diff, counted in daemon.follow(
                run.id,
                diff=report.with_diff,
                tell=lambda why: report.output.warn(f"The daemon waits: {why}"),
            ):
                if not counted:
                    report.print_result(result, diff or "")
                    continue
                usage += result.usage
                report.add(result, diff or "")
                progress.advance(progress.task_ids[0])
        over = daemon.run(run.id)
    except CompanionError as error:
        return usage, error
    is_ours = over.state == "cancelled" and cancelled.is_set() and not over.fault
    return over.usage.to_usage(), None if is_ours else ended_early(over)
