"""A run that a vault's daemon does, followed over HTTP."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from companion.app.connection import Connection
from companion.app.problem import make_error
from companion.app.run import Tell
from companion.app.types.results import NoteResult, Usage
from companion.app.types.runs import RunProgress, RunShape
from companion.errors import CompanionError

_WAIT = 2  # seconds that an answer about a run may be delayed; then its reason to wait is shown
_PAUSE = 0.2  # seconds between two requests if the daemon delays no answer
_LAST_REQUESTS = 2  # without a result, until a cancelled run has reported what it was writing


class RemoteRun:
    """A run that the daemon has started; see Run. Whoever stops following it cancels it."""

    def __init__(self, daemon: Connection, run: RunShape) -> None:
        self.id, self.total = run.id, run.total
        self.warnings: Sequence[str] = run.warnings
        self.left_alone: Mapping[str, int] = run.left_alone
        self.tell: Tell = bool
        self.usage = Usage()
        self._daemon = daemon
        self.is_cancelled = False

    def __iter__(self) -> Iterator[NoteResult]:
        try:
            for result in self._follow():
                self.usage += result.usage
                yield result
            run = self._daemon.get(f"/runs/{self.id}", RunShape)
        except BaseException:
            self._send_cancel()
            raise
        self.usage = run.usage  # with that of calls without a usable answer
        if run.fault:
            raise make_error(run.code, run.fault)
        if run.state == "cancelled" and not self.is_cancelled:
            raise CompanionError(
                "somebody else cancelled the run, or stopped the daemon; what was written stays, "
                "and the same command does the rest"
            )

    def cancel(self) -> str:
        """Begin no further note; see Run."""
        self.is_cancelled = True
        self._send_cancel()
        return "the daemon finishes the calls under way, and keeps what is answered."

    def give_up(self) -> int:
        """Stop following the run; see Run."""
        raise KeyboardInterrupt

    def _send_cancel(self) -> None:
        with suppress(CompanionError):
            self._daemon.post(f"/runs/{self.id}/cancel", RunShape, {})

    def _follow(self) -> Iterator[NoteResult]:
        """Yield the results as they come, until the run is over."""
        number, requests_left, last_reason = 0, _LAST_REQUESTS, ""
        while True:
            requested_at = time.monotonic()
            progress = self._daemon.get(f"/runs/{self.id}?since={number}&wait={_WAIT}", RunProgress)
            if progress.waits != last_reason:
                self.tell(last_reason := progress.waits)
            yield from progress.results
            if not progress.results:
                requests_left -= progress.state in ("cancelled", "failed")
                if progress.state == "done" or not requests_left:
                    return
                time.sleep(max(0.0, _PAUSE - (time.monotonic() - requested_at)))
            number = progress.next
