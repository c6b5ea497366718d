"""The routes of a vault: its notes, proposals, changes and runs, and what programs do with them.

Answers about a run may be delayed until it has a result.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Annotated

from flask import current_app, request
from pydantic import Field

from companion.app.run import Run
from companion.app.types.base import LARGEST, WHOLE, Nothing, RelativePath, RunId, Sent
from companion.app.types.changes import ChangeQuery, ChangesToUndo, Undone, UndoneChanges
from companion.app.types.decisions import (
    AskAgain,
    AskAllAgain,
    DecisionOnAll,
    Decisions,
    DecisionsMade,
)
from companion.app.types.notes import Note, NotePage, NotesQuery
from companion.app.types.runs import ResultShape, RunList, RunOptions, RunProgress, RunShape
from companion.app.vault import Vault
from companion.daemon.api.routing import Resource, run_address, the_daemon
from companion.daemon.events import LONGEST_WAIT
from companion.daemon.guard import Refusal

notes = Resource("notes")


@notes.reads("/notes")
def read_notes(query: NotesQuery) -> NotePage:
    """The notes of a folder that are to do."""
    return the_daemon().notes.page(query)


class NotePath(Sent):
    """The path of a note."""

    path: RelativePath


@notes.reads("/note")
def read_note(query: NotePath) -> Note:
    """A note and its needs, read now."""
    return the_daemon().notes.note(query.path)


notes.offer(Vault.scan)


notes.offer(Vault.prompt, Vault.spending)


proposals = Resource("proposals")
proposals.offer(Vault.proposals, Vault.proposal_ids, Vault.proposal, Vault.place)


@proposals.does("/proposals/decide", "decide", conflicts=True)
def decide(body: Decisions) -> DecisionsMade:
    """Accept, refuse and reopen proposals; each has its own result."""
    return DecisionsMade(notes=list(the_daemon().vault.decide(body)))


@proposals.does("/proposals/decide-all", "decide", status=202, location=run_address)
def decide_all(body: DecisionOnAll) -> RunShape:
    """Accept, refuse or reopen many proposals in one run, undone as one."""
    daemon = the_daemon()
    return RunShape.model_validate(daemon.start_work(daemon.vault.decide(body.as_decisions())))


@proposals.does("/proposals/again", "decide", status=202, conflicts=True, location=run_address)
def ask_all_again(body: AskAllAgain) -> RunShape:
    """Ask for proposals once more, with the user's wish, in one run."""
    return _start_again(body.proposals, body)


@proposals.does(
    "/proposals/<proposal>/again",
    "decide",
    status=202,
    conflicts=True,
    location=run_address,
)
def ask_again(proposal: int, body: AskAgain) -> RunShape:
    """Ask for a proposal once more, with the user's wish; the answer takes its place.

    `POST /proposals/decide` with the old one under `undo` brings it back.
    """
    return _start_again([proposal], body)


def _start_again(ids: list[int], body: AskAgain) -> RunShape:
    options = RunOptions(
        paths=[""],
        mode="again",
        proposals=ids,
        wish=body.wish,
        priority="interactive" if len(ids) == 1 else "request",
        agreed=body.agreed,
    )
    return RunShape.model_validate(the_daemon().start_run(options))


proposals.offer(Vault.forget)

changes = Resource("changes")
changes.offer(Vault.changes, Vault.change)


class Undo(Sent):
    """How to undo. run: the run that the undo belongs to in the journal."""

    run: RunId | None = None


@changes.does("/changes/undo", "decide")
def undo_changes(body: ChangesToUndo) -> UndoneChanges:
    """Undo changes, one after the other; each has its own result."""
    vault = the_daemon().vault
    results = vault.undo(body.changes, body.run)
    return UndoneChanges(undone=[each.undone for each in results if each.undone])


@changes.does("/changes/undo-all", "decide", status=202, location=run_address)
def undo_all(query: ChangeQuery, body: Nothing) -> RunShape:
    """Undo all changes that match a filter, in one run; for a run, also what it refused."""
    daemon = the_daemon()
    return RunShape.model_validate(daemon.start_work(daemon.vault.undo_all(query)))


@changes.does("/changes/<change>/undo", "decide", conflicts=True)
def undo_change(change: int, body: Undo) -> Undone:
    """Undo a change."""
    [result] = the_daemon().vault.undo([change], body.run)
    assert result.undone
    return result.undone.check()


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


runs = Resource("runs")


@runs.does("/runs", status=202, conflicts=True, location=run_address)
def start_run(body: RunOptions) -> RunShape:
    """Start a run."""
    return RunShape.model_validate(the_daemon().start_run(body))


@runs.reads("/runs")
def read_runs() -> RunList:
    """The runs that the daemon remembers, without their results."""
    started = reversed(list(the_daemon().runs.values()))
    return RunList(runs=list(map(RunShape.model_validate, started)))


@runs.reads("/runs/<run>")
def read_run(run: str, query: RunQuery) -> RunProgress:
    """The progress of a run, and its results after a number."""
    current_run = _require(run)
    if query.wait:
        waiters: Waiters = current_app.extensions[WAITERS]
        is_gone = request.environ.get("waitress.client_disconnected", lambda: False)
        waiters.wait(current_run, query.since, query.wait, is_gone)
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
    current_run.cancel()
    return RunShape.model_validate(current_run)


def _require(name: str) -> Run:
    if (run := the_daemon().runs.get(name)) is None:
        raise Refusal(404, f"There is no run {name} any more.")
    return run
