"""Runs: ordered, followed, cancelled; and their edits for editors."""

from __future__ import annotations

from companion.daemon.api.order_shape import NewRun
from companion.daemon.api.route import PREFIX, Noun, the_daemon
from companion.daemon.api.run_shapes import (
    AppliedTo,
    EditsAgain,
    Refused,
    RunList,
    RunProgress,
    RunQuery,
    RunShape,
)
from companion.daemon.api.shapes import ChangeMade, Nothing, OfferShape
from companion.daemon.api.waiting import wait_for_result
from companion.daemon.problem import Refusal
from companion.daemon.runs import Run
from companion.enrich.result import Result
from companion.errors import UsageError
from companion.note.diff import diff_lines

runs = Noun("runs")


@runs.does("/runs", status=202, conflicts=True, location=lambda made: f"{PREFIX}/runs/{made.id}")
def start_run(body: NewRun) -> RunShape:
    """Start a run."""
    return RunShape.of(the_daemon().start_run(body.order))


@runs.reads("/runs")
def read_runs() -> RunList:
    """The runs that the daemon remembers, without their results."""
    return RunList(runs=[RunShape.of(run) for run in the_daemon().runs.all()])


@runs.reads("/runs/<run>")
def read_run(run: str, query: RunQuery) -> RunProgress:
    """How far a run is, and its results after a number."""
    found = _require(run)
    if query.wait:
        wait_for_result(found, query.since, query.wait)
    return RunProgress.since(found, query.since, _diff_of if query.diff == "true" else None)


@runs.does("/runs/<run>/cancel")
def cancel_run(run: str, body: Nothing) -> RunShape:
    """Cancel a run: what is being written is finished, nothing further is begun."""
    found = _require(run)
    the_daemon().cancel_run(found)
    return RunShape.of(found)


@runs.does("/runs/<run>/edits", conflicts=True)
def offer_again(run: str, body: EditsAgain) -> OfferShape:
    """The run's edits for the text that the editor shows now; no model is asked."""
    made = the_daemon().offer_again(_require(run), body.path, body.text, body.only)
    return OfferShape.of(made)


@runs.does("/runs/<run>/refused")
def refuse_changes(run: str, body: Refused) -> RunShape:
    """Refuse changes of a run's result; what they were for is not asked for again."""
    found = _require(run)
    the_daemon().refuse(found, body.path, body.only)
    return RunShape.of(found)


@runs.does("/runs/<run>/applied", conflicts=True)
def confirm_edits(run: str, body: AppliedTo) -> ChangeMade:
    """Confirm that the edits of an offer were made."""
    try:
        hashes = body.base_sha256, body.new_sha256
        made = the_daemon().confirm(run, body.path, *hashes, moved_to=body.moved_to)
    except UsageError:
        _require(run)
        raise
    return ChangeMade(change=made)


def _diff_of(result: Result) -> str | None:
    """Return the diff of a written result from the journal, of others from their own texts."""
    history = the_daemon().history
    change = None if result.change is None else history.find(result.change)
    texts = history.texts(change) if change else (result.old, result.new)
    if texts is None or texts[0] == texts[1]:
        return None
    return "".join(diff_lines(result.path, *texts))


def _require(name: str) -> Run:
    if (found := the_daemon().runs.get(name)) is None:
        raise Refusal(404, f"There is no run {name} any more.")
    return found
