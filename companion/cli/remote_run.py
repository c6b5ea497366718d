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

    find_left: returns how many notes are left alone, by reason; called if there is nothing to do.
    """
    return _RemoteRun(daemon, request, report, find_left).work()


class _RemoteRun:
    """One run at the daemon. It is cancelled if this process ends, by a signal or a closed pipe."""

    def __init__(
        self,
        daemon: DaemonClient,
        request: RunRequest,
        report: RunReport,
        find_left: Callable[[], Counter[str]],
    ) -> None:
        self._daemon = daemon
        self._request = request
        self._report = report
        self._find_left = find_left
        self._cancelled = Event()
        self._run: RunShape | None = None
        self._usage = Usage()

    def work(self) -> int:
        """Return the exit status. Raises what stopped the run early, after the report."""
        output = self._report.output
        with (
            exit_on_signals(),
            stop_on_signals(output, self._cancelled, self._cancel) as interruption,
        ):
            try:
                run = self._run = self._daemon.start_run(self._request)
            except DaemonRefused as refused:
                if refused.status == _UNPROCESSABLE:
                    raise UsageError(str(refused)) from None
                raise
            if self._cancelled.is_set():  # before its id was known
                self._cancel()
            try:
                fault = self._follow(run)
            except BaseException:
                self._cancel()
                raise
        if not run.total and not fault:
            self._report.say_nothing_to_do(self._find_left())
            return 0
        self._report.sum_up(run.total, self._usage, run.id, self._cancelled)
        if fault:
            raise fault
        return self._report.exit_status(self._cancelled, interruption.exit_status)

    def _follow(self, run: RunShape) -> CompanionError | None:
        """Print the results as they come; return what stopped the run early, None if nothing."""
        try:
            with self._report.output.progress("Enriching", run.total) as progress:
                for result, diff, counted in self._daemon.follow(
                    run.id,
                    diff=self._report.with_diff,
                    tell=lambda why: self._report.output.warn(f"The daemon waits: {why}"),
                ):
                    if not counted:
                        self._report.print_result(result, diff or "")
                        continue
                    self._usage += result.usage
                    self._report.add(result, diff or "")
                    progress.advance(progress.task_ids[0])
            over = self._daemon.run(run.id)
        except CompanionError as error:
            return error
        self._usage = over.usage.to_usage()
        is_ours = over.state == "cancelled" and self._cancelled.is_set() and not over.fault
        return None if is_ours else ended_early(over)

    def _cancel(self) -> None:
        if self._run:
            with suppress(CompanionError):
                self._daemon.cancel(self._run.id)
