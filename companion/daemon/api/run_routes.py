"""The routes of runs, and their JSON. Answers about a run may be delayed until it has a result."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Annotated

from flask import current_app, request
from pydantic import Field

from companion.app.connection import LONGEST_WAIT
from companion.app.engine.runs import Run
from companion.app.types.base import LARGEST, WHOLE, Nothing, Sent
from companion.app.types.runs import ResultShape, RunList, RunOptions, RunProgress, RunShape
from companion.daemon.api.routing import Resource, run_address, the_daemon
from companion.daemon.guard import Refusal


class RunQuery(Sent):
    """Which results. since: those after this number. wait: seconds to wait for one, at most 25."""

    since: Annotated[int, Field(ge=0, le=LARGEST), WHOLE] = 0
    wait: Annotated[int, Field(ge=0, le=LONGEST_WAIT), WHOLE] = 0


WAITERS = "companion-waiters"
_WAITERS = 4  # of the server's threads may wait; further requests are answered at once

_RESULTS = 200  # of one answer at most
_LOOKS = 0.5  # seconds between two checks whether the client is gone or the daemon stops


class Waiters:
    """Limits how many requests wait at the same time. Once closing is set, none waits."""

    def __init__(self, closing: threading.Event) -> None:
        self._closing = closing
        self._places = threading.BoundedSemaphore(_WAITERS)

    def wait(self, run: Run, number: int, seconds: float, is_gone: Callable[[], bool]) -> None:
        """Wait until the run has a result after that number or is over, at most `seconds` seconds.

        Returns at once if too many requests wait. is_gone: whether the client has disconnected.
        """
        if not self._places.acquire(blocking=False):
            return
        try:
            ends = time.monotonic() + seconds
            while (remaining := ends - time.monotonic()) > 0 and not self._closing.is_set():
                run.wait(number, min(remaining, _LOOKS))
                if run.is_over or run.since(number) or is_gone():
                    return
        finally:
            self._places.release()


def wait_for_result(run: Run, number: int, seconds: float) -> None:
    """Wait for a result of the run on behalf of the current request; see Waiters.wait."""
    waiters: Waiters = current_app.extensions[WAITERS]
    is_gone = request.environ.get("waitress.client_disconnected", lambda: False)
    waiters.wait(run, number, seconds, is_gone)


runs = Resource("runs")


@runs.does("/runs", once=True, status=202, conflicts=True, location=run_address)
def start_run(body: RunOptions) -> RunShape:
    """Start a run."""
    return RunShape.model_validate(the_daemon().start_run(body))


@runs.reads("/runs")
def read_runs() -> RunList:
    """The runs that the daemon remembers, without their results."""
    return RunList(runs=[RunShape.model_validate(run) for run in the_daemon().engine.runs.all()])


@runs.reads("/runs/<run>")
def read_run(run: str, query: RunQuery) -> RunProgress:
    """The progress of a run, and its results after a number."""
    current_run = _require(run)
    if query.wait:
        wait_for_result(current_run, query.since, query.wait)
    return show_progress(current_run, query.since)


def show_progress(run: Run, number: int) -> RunProgress:
    """Return the run's progress after that number."""
    head = RunShape.model_validate(run)  # first: a run that is over gets no more results
    results = [
        ResultShape(number=at, **vars(result))
        for at, result in enumerate(run.since(number)[:_RESULTS], number + 1)
    ]
    return RunProgress(**vars(head), results=results, next=number + len(results))


@runs.does("/runs/<run>/cancel", "decide")
def cancel_run(run: str, body: Nothing) -> RunShape:
    """Cancel a run: writes in progress are finished, nothing further is begun."""
    current_run = _require(run)
    the_daemon().engine.cancel(current_run)
    return RunShape.model_validate(current_run)


def _require(name: str) -> Run:
    if (run := the_daemon().engine.runs.get(name)) is None:
        raise Refusal(404, f"There is no run {name} any more.")
    return run
