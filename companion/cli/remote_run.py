"""A run that the vault's daemon does, shown as if it were done here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from threading import Event

from companion.cli.interrupts import exit_on_signals, stop_on_signals
from companion.cli.output import Tally
from companion.daemon.api.run_schemas import RunShape
from companion.daemon.client_runs import RunRequest
from companion.daemon.daemon_client import DaemonClient, DaemonRefused
from companion.errors import CompanionError, UsageError
from companion.llm.response import Usage

_UNPROCESSABLE = 422


def run_at_daemon(
    daemon: DaemonClient, request: RunRequest, tally: Tally, find_left: Callable[[], Counter[str]]
) -> int:
    """Return the exit status, as a run of our own has it. Raises what stopped the whole run.

    find_left: gives how many notes are left alone, by the reason, where there is nothing to do.
    """
    return _RemoteRun(daemon, request, tally, find_left).work()


class _RemoteRun:
    """One run at the daemon, which ends with us: by a signal, or when nobody reads any more."""

    def __init__(
        self,
        daemon: DaemonClient,
        request: RunRequest,
        tally: Tally,
        find_left: Callable[[], Counter[str]],
    ) -> None:
        self._daemon = daemon
        self._request = request
        self._tally = tally
        self._find_left = find_left
        self._cancelled = Event()
        self._run: RunShape | None = None
        self._usage = Usage()

    def work(self) -> int:
        """Return the exit status. Raises what stopped the run, after telling what was done."""
        show = self._tally.show
        with (
            exit_on_signals(),
            stop_on_signals(show, self._cancelled, self._cancel) as ending,
        ):
            run = self._run = self._start()
            if self._cancelled.is_set():  # while it had no name yet
                self._cancel()
            try:
                fault = self._follow(run)
            except BaseException:
                self._cancel()
                raise
        if not run.total and not fault:
            self._tally.say_nothing_to_do(self._find_left())
            return 0
        made = self._tally.counts["enriched"] and not self._request.choice.dry_run
        self._tally.sum_up(run.total, self._usage, run.id if made else "", self._cancelled)
        if fault:
            raise fault
        return self._tally.status(self._cancelled, ending.status)

    def _start(self) -> RunShape:
        try:
            return self._daemon.start_run(self._request)
        except DaemonRefused as refused:
            if refused.status == _UNPROCESSABLE:
                raise UsageError(str(refused)) from None
            raise

    def _follow(self, run: RunShape) -> CompanionError | None:
        """Tell what becomes of the notes; return what stopped the run before its end."""
        try:
            with self._tally.show.progress("Enriching", run.total) as progress:
                for result, diff, counted in self._daemon.follow(
                    run.id, diff=self._tally.with_diff, tell=self._tell_waits
                ):
                    if not counted:
                        self._tally.report(result, diff or "")
                        continue
                    self._usage += result.usage
                    self._tally.add(result, diff or "")
                    progress.advance(progress.task_ids[0])
            over = self._daemon.run(run.id)
        except CompanionError as error:
            return error
        self._usage = over.usage.to_usage()
        if over.fault:
            return CompanionError(over.fault)
        if over.state == "cancelled" and not self._cancelled.is_set():
            return CompanionError(
                "somebody else cancelled the run, or stopped the daemon; what was written stays, "
                "and the same command does the rest"
            )
        return None

    def _tell_waits(self, reason: str) -> None:
        self._tally.show.warn(f"The daemon waits: {reason}")

    def _cancel(self) -> None:
        if self._run:
            with suppress(CompanionError):
                self._daemon.cancel(self._run.id)
