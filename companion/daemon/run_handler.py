"""Work on the notes of the runs that clients start."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from functools import partial
from typing import NamedTuple

from companion.app.editor_edits import ClientEdits
from companion.app.jobs import RunPlan
from companion.app.outbox import NOT_TAKEN, Outbox
from companion.app.types.runs import RunOptions, RunState
from companion.daemon.background import DailyQuota, used_model
from companion.daemon.client_runs import Run, Runs
from companion.daemon.fingerprints import Fingerprints
from companion.daemon.log import log_result
from companion.daemon.work_queue import Priority, Ticket, WorkQueue
from companion.enrich.enricher import Enricher
from companion.enrich.note_writer import Answered
from companion.enrich.run import Result, failed_result
from companion.enrich.task import Job, NoteRewritten
from companion.errors import (
    CompanionError,
    EndpointError,
    NoteError,
    StorageError,
    UsageError,
)
from companion.llm.budget import LimitReached
from companion.llm.response import Usage
from companion.note.editor_text import require_utf8
from companion.store.outbox_row import OutboxRow
from companion.store.proposal import Acceptance
from companion.store.proposals import ProposalStore
from companion.vault.paths import fold_path


class _Done(NamedTuple):
    """The work done on a note. result: None where an editor is to make the edits."""

    result: Result | None
    edits: ClientEdits | None
    by_model: bool  # one was asked now


class RunHandler:
    """Handles the tickets of runs. Safe to use from any thread.

    open_enricher: returns an enricher for the run of that id, which stops when the event is set;
    the last argument says whether nobody waits for a single note of it.
    """

    def __init__(
        self,
        queue: WorkQueue,
        fingerprints: Fingerprints,
        outbox: Outbox,
        proposals: ProposalStore,
        runs: Runs,
        quota: DailyQuota,
        open_enricher: Callable[[str, threading.Event, bool], Enricher],
    ) -> None:
        self._queue = queue
        self._fingerprints = fingerprints
        self._outbox = outbox
        self._proposals = proposals
        self._runs = runs
        self._quota = quota
        self._open = open_enricher
        self._enrichers: dict[str, Enricher] = {}
        self._answers: dict[tuple[str, str], Answered] = {}  # by run and path, until it is done

    def start(self, options: RunOptions, plan: RunPlan) -> Run:
        """Queue the jobs of a new run, and return it; those skipped are among its entries.

        Raises UsageError if the model cannot be opened.
        """
        run = self._runs.new(options, len(plan.jobs))
        run.warnings, run.left_alone = plan.warnings, plan.left_alone
        for result in plan.skipped:
            run.add(result, counted=False)
        if not plan.jobs:
            run.end("done")
            return run
        try:
            can_wait = len(plan.jobs) > 1 or options.priority == "background"
            self._enrichers[run.id] = self._open(run.id, run.cancelled, can_wait)
        except BaseException:
            run.end("failed", "it could not be begun")
            raise
        for job in plan.jobs:
            self._queue.put(job, Priority[options.priority.upper()], run.id)
        return run

    def cancel(self, run: Run, *, break_off: bool = False) -> None:
        """Cancel the run. A write in progress is finished; no further note is begun.

        The calls under way are finished, too, as they are paid for and their answers are kept.
        break_off: they are not.
        """
        enricher = self._enrichers.get(run.id)
        self._end(run, "cancelled")
        self._outbox.drop(run.id)
        if break_off and enricher:
            enricher.close()

    def finish(self) -> None:
        """End all runs; what they left to editors waits on."""
        for run in self._runs.active():
            self._end(run, "cancelled")

    def stop(self) -> None:
        """Break off the calls under way of all runs."""
        for enricher in list(self._enrichers.values()):
            enricher.close()

    def work(self, ticket: Ticket) -> bool:
        """Work on the note, and give the ticket back; return whether the model answered.

        Raises EndpointError, Cancelled or JournalError; the ticket is not given back then.
        """
        run, enricher = self._runs.get(ticket.owner), self._enrichers.get(ticket.owner)
        if run is None or run.is_over or enricher is None:
            self._queue.done(ticket)
            return False
        run.begin()
        try:
            done = self._do(run, enricher, ticket.job)
        finally:
            run.usage = enricher.usage
            if run.is_over:
                self._close(run)
        if done.result:
            self._fingerprints.record_result(done.result)
        self._queue.done(ticket)
        if done.result:
            self._add(run, done.result, done.edits)
        return done.by_model

    def fail(self, ticket: Ticket, error: CompanionError, *, passes: bool) -> None:
        """Requeue the note after a fault of the endpoint or the journal, or end its run.

        The run ends if it was started so, or if the fault does not pass. Any other fault is the
        result for this note alone.
        """
        run = self._runs.get(ticket.owner)
        if run is None or run.is_over:
            self._queue.done(ticket)
        elif not isinstance(error, EndpointError | StorageError):
            self._queue.done(ticket)
            self._add(run, Result(ticket.path, "failed", str(error)), None)
        elif passes and run.options.on_fault == "wait":
            self._queue.requeue(ticket, time.monotonic())
        else:
            self._queue.done(ticket)
            # at a limit nothing was asked about the note; but an editor waits for its result
            if run.options.text is not None or not isinstance(error, LimitReached):
                run.add(Result(ticket.path, "failed", str(error), ends_run=True))
            self._end(run, "failed", str(error))

    def end_runs(self, fault: str) -> None:
        """End the runs that stop on a fault, after one that does not pass by itself."""
        for run in self._runs.active():
            if run.options.on_fault == "stop":
                self._end(run, "failed", fault)

    def edits_for_text(
        self, run: Run, path: str, text: str, only: Collection[int] | None = None
    ) -> ClientEdits:
        """Return the run's edits for the text that the editor shows now.

        only: the numbers of the wanted changes in the run's result, counted from 0; None: all.

        Raises UsageError if the run has no such edits, and NoteError if they no longer fit.
        """
        require_utf8(text)
        ids = _choose(_find_result(run, path), only)
        wishes = [Acceptance(id_) for id_ in ids]
        planned, change = self._outbox.decisions.plan_edits_for(wishes, text, run.id, "setting")
        return self._outbox.edits.offer(run.id, change, planned.result.old, planned.result.new)

    def refuse(self, run: Run, path: str, only: Collection[int]) -> None:
        """Record that the user does not want these changes of the run's result.

        Raises UsageError if the run has no such changes.
        """
        ids = _choose(_find_result(run, path), only)
        self._proposals.decide(ids, "refused", "user", "refused when it was looked over")

    def keep_undecided(self, run: Run, path: str) -> None:
        """Have the run's values for the note wait for a decision, as the user is shown them first.

        Raises UsageError if the run has none.
        """
        self._proposals.keep_undecided(_choose(_find_result(run, path), None))

    def _do(self, run: Run, enricher: Enricher, job: Job) -> _Done:
        """Ask the model about the note, unless it has answered already; write or plan the edits."""
        text, usage, by_model = run.options.text, Usage(), False
        earlier = self._answers.get((run.id, job.path))
        try:
            require_utf8(text or "")
            if earlier:
                answer: Answered | Result = earlier
            elif run.options.priority == "background":
                answer = self._quota.ask(enricher, job, text)
            else:
                answer = enricher.ask(job, text)
            usage, by_model = answer.usage, earlier is None and used_model(answer)
            if isinstance(answer, Result):
                return _Done(answer, None, by_model)
            self._answers[run.id, job.path] = answer
            if text is None:
                return _Done(self._write(run, enricher, answer), None, by_model)
            return _Done(*self._plan_edits(run, enricher, answer, text), by_model)
        except NoteError as error:
            if earlier and isinstance(error, NoteRewritten):
                del self._answers[run.id, job.path]
                return self._do(run, enricher, job)
            return _Done(replace(failed_result(job.path, error), usage=usage), None, by_model)

    def _write(self, run: Run, enricher: Enricher, answered: Answered) -> Result | None:
        """Write the answer and return the result; None where that is left to the note's editor."""
        if run.options.even_open or answered.job.dry_run:
            return enricher.write(answered)
        return self._outbox.fill(enricher, answered, partial(self._end_note, run, answered))

    def _end_note(self, run: Run, answered: Answered, row: OutboxRow) -> None:
        """Add the result of a note that was left to its editor."""
        result = Result(row.path, "skipped", row.reason or NOT_TAKEN, usage=answered.usage)
        if row.change and (change := self._outbox.change(row.change)):
            result = answered.made_by(change)
        self._answers.pop((run.id, answered.job.path), None)
        self._add(run, result, None)

    def _plan_edits(
        self, run: Run, enricher: Enricher, answered: Answered, text: str
    ) -> tuple[Result, ClientEdits | None]:
        planned = enricher.plan_on(answered, text.encode("utf-8"))
        result = planned.result
        if result.status != "enriched":
            return result, None
        change = enricher.change_of(answered, planned)
        return result, self._outbox.edits.offer(run.id, change, result.old, result.new)

    def _add(self, run: Run, result: Result, edits: ClientEdits | None) -> None:
        self._answers.pop((run.id, result.path), None)
        run.add(result, edits)
        log_result(result)
        if run.is_over:
            self._close(run)

    def _end(self, run: Run, state: RunState, fault: str = "") -> None:
        run.cancelled.set()  # also of one that failed: nothing more is asked for its other notes
        run.end(state, fault)
        self._queue.drop(run.id)
        self._close(run)

    def _close(self, run: Run) -> None:
        for key in [key for key in self._answers.copy() if key[0] == run.id]:
            self._answers.pop(key, None)
        enricher = self._enrichers.get(run.id)
        if enricher and not enricher.under_way:  # else it is closed once they are answered
            self._enrichers.pop(run.id, None)
            enricher.close()


def _find_result(run: Run, path: str) -> Result:
    """Return the run's result for a note whose edits its client makes. Raises UsageError."""
    for entry in reversed(run.since(0)):
        if entry.edits and fold_path(entry.result.path) == fold_path(path):
            return entry.result
    raise UsageError(f"the run {run.id} has no edits for {path}; start a new one")


def _choose(result: Result, only: Collection[int] | None) -> list[int]:
    """Return the proposals of these changes of the result, counted from 0; None: of all.

    Raises UsageError unless the result has changes of all these numbers.
    """
    count = len(result.filled)
    ids = result.proposals[:count]
    if unknown := [str(number) for number in sorted(only or ()) if not 0 <= number < count]:
        many = "1 change" if count == 1 else f"{count} changes"
        raise UsageError(f"the result has {many}, counted from 0; there is no {unknown[0]}")
    return [id_ for number, id_ in enumerate(ids) if only is None or number in only]
