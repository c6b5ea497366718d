"""Now: what is being done, how far it is, who asked for it, and what keeps it from working."""

from __future__ import annotations

import time
from typing import NamedTuple

from flask import Response

from companion.daemon.api.routing import Resource, the_daemon
from companion.daemon.client_runs import Run
from companion.daemon.problem import Refusal
from companion.daemon.web import said, show
from companion.daemon.work_queue import Priority

now_view = Resource("now")

_ASKED_BY = {
    Priority.INTERACTIVE: "asked for in Obsidian",
    Priority.REQUEST: "asked for",
    Priority.BACKGROUND: "background work",
}
_SHOWN = 20  # runs


class RunView(NamedTuple):
    """How far a run is. seconds_left: at the pace so far; None while nothing is done."""

    run: Run
    asked_by: str
    paths: str
    done: int
    seconds_left: float | None

    @classmethod
    def of(cls, run: Run) -> RunView:
        """Return how far the run is."""
        done, paths = run.counts.total(), [path or "the vault" for path in run.request.paths]
        named = ", ".join(paths[:3]) + (f" and {len(paths) - 3:,} more" if len(paths) > 3 else "")
        left = None
        if done and not run.is_over:
            left = (time.time() - run.made_at) / done * (run.total - done)
        return cls(run, _ASKED_BY[run.request.priority], named, done, left)


@now_view.reads("/now")
def show_now() -> Response:
    """Show the runs, the background work, and what both wait for."""
    daemon = the_daemon()
    runs = [RunView.of(run) for run in daemon.runs.all()[:_SHOWN]]
    return show("now.html", now=daemon.status(), runs=runs)


@now_view.does("/pause")
def pause() -> Response:
    """Pause background work."""
    the_daemon().pause()
    return said("Background work is paused.")


@now_view.does("/resume")
def resume() -> Response:
    """Resume background work, and try a failing endpoint again now."""
    the_daemon().resume()
    off = the_daemon().status().background.off
    return said(f"Background work is still off: {off}" if off else "Background work goes on.")


@now_view.does("/runs/<name>/cancel")
def cancel(name: str) -> Response:
    """Cancel a run."""
    run = the_daemon().runs.get(name)
    if run is None:
        raise Refusal(404, "This run is not known any more; it was over long ago.")
    the_daemon().run_handler.cancel(run)
    return said("The run is cancelled; what was being written is finished.")
