"""The command line's client of a running daemon: over HTTP, on this machine only."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING

from companion.app.connection import SHORT_TIMEOUT, Connection
from companion.app.types.status import Status
from companion.daemon.api.run_request_schemas import request_object
from companion.daemon.api.run_schemas import ResultShape, RunProgress, RunShape
from companion.daemon.client_runs import RunRequest
from companion.errors import CompanionError, UsageError

if TYPE_CHECKING:  # few commands need them, and pydantic takes a while to make them
    from companion.config import Config

_WAIT = 2  # seconds that an answer about a run may be delayed; then its reason to wait is shown
_PAUSE = 0.2  # seconds between two requests if the daemon delays no answer
_LAST_REQUESTS = 2  # without a result, until a cancelled run has reported what it was writing


class DaemonClient(Connection):
    """A client of the daemon on a port; its methods raise as those of Connection."""

    def status(self, within: float = SHORT_TIMEOUT) -> Status:
        """Return the daemon's state. within: seconds, after which it counts as gone."""
        return self.get("/status", Status, within)

    def start_run(self, request: RunRequest) -> RunShape:
        """Start a run and return it."""
        return self.post("/runs", RunShape, request_object(request))

    def run(self, run: str) -> RunShape:
        """Return the run of that id, with its progress."""
        return self.get(f"/runs/{run}", RunShape)

    def follow(
        self, run: str, *, diff: bool = False, tell: Callable[[str], object] = bool
    ) -> Iterator[ResultShape]:
        """Yield the run's results as they come, until it is over; run() returns how it ended.

        diff: with the diffs. tell: called with the reason whenever the run waits for a new one.
        """
        number, requests_left, last_reason = 0, _LAST_REQUESTS, ""
        while True:
            requested_at = time.monotonic()
            query = f"since={number}&wait={_WAIT}&diff={str(diff).lower()}"
            progress = self.get(f"/runs/{run}?{query}", RunProgress)
            if progress.waits not in ("", last_reason):
                tell(last_reason := progress.waits)
            yield from progress.results
            if not progress.results:
                requests_left -= progress.state in ("cancelled", "failed")
                if progress.state == "done" or not requests_left:
                    return
                time.sleep(max(0.0, _PAUSE - (time.monotonic() - requested_at)))
            number = progress.next

    def finish_run(
        self, request: RunRequest, progress: Callable[[int, int], None] | None = None
    ) -> list[ResultShape]:
        """Have a run done, and return its results. progress: called with how many of how many.

        Raises what ended it early; what was answered by then is kept.
        """
        run, results, done = self.start_run(request), list[ResultShape](), 0
        try:
            for each in self.follow(run.id):
                results.append(each)
                done += each.counted
                if progress:
                    progress(done, run.total)
        except BaseException:
            with suppress(CompanionError):
                self.cancel(run.id)
            raise
        if fault := ended_early(self.run(run.id)):
            raise fault
        return results

    def require_model_of(self, config: Config) -> None:
        """Raise UsageError if the daemon asks another model than these settings name."""
        status = self.status()
        address = "" if config.is_embedded else config.endpoint.address
        if (status.endpoint, status.model) == (address, config.endpoint.model):
            return
        from companion.enrich.model import describe_endpoint

        theirs = f"at {status.endpoint}" if status.endpoint else "(the embedded model)"
        raise UsageError(
            f"this command would ask {describe_endpoint(config)}; but the daemon that runs for "
            f"this vault (pid {status.pid}) asks {status.model} {theirs}. Give both the same"
            " settings, or stop the daemon"
        )

    def cancel(self, run: str) -> RunShape:
        """Cancel the run."""
        return self.post(f"/runs/{run}/cancel", RunShape, {})


def ended_early(run: RunShape) -> CompanionError | None:
    """Return what ended a run before all its notes were worked on; None if nothing did."""
    if run.fault:
        return CompanionError(run.fault)
    if run.state == "cancelled":
        return CompanionError(
            "somebody else cancelled the run, or stopped the daemon; what was written stays, "
            "and the same command does the rest"
        )
    return None
