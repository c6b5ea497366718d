"""Work on the notes of the runs that clients start."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import NamedTuple

from companion.app.outbox import ClientEdits, Outbox
from companion.daemon.background import DailyQuota, used_model
from companion.daemon.client_runs import (
    Run,
    RunRequest,
    Runs,
    RunState,
)
from companion.daemon.fingerprints import Fingerprints, put_latest
from companion.daemon.log import log_result
from companion.daemon.open_notes import (
    LATER,
    NOT_TAKEN,
    OPEN_LOOK,
    OpenNotes,
    PendingAnswer,
)
from companion.daemon.work_queue import Priority, Ticket, WorkQueue
from companion.enrich.enricher import Enricher
from companion.enrich.note_writer import Answered, NoteWriter
from companion.enrich.run import Result, failed_result
from companion.enrich.task import Job, NoteRewritten
from companion.errors import (
    CompanionError,
    EndpointError,
    NoteError,
    NoteRefused,
    StorageError,
    UsageError,
)
from companion.llm.budget import LimitReached
from companion.llm.response import Usage
from companion.note.editor_text import require_utf8
from companion.vault.paths import fold_path

_MAX_ANSWERS = 200  # whose edits an editor may ask for again


class _Done(NamedTuple):
    """The work done on a note. result: None while an editor has time to make the edits."""

    result: Result | None
    edits: ClientEdits | None
    was_asked: bool  # a model, now


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
        open_notes: OpenNotes,
        runs: Runs,
        quota: DailyQuota,
        open_enricher: Callable[[str, threading.Event, bool], Enricher],
    ) -> None:
        self._queue = queue
        self._fingerprints = fingerprints
        self._outbox = outbox
        self._open_notes = open_notes
        self._runs = runs
        self._quota = quota
        self._open = open_enricher
        self._enrichers: dict[str, NoteWriter] = {}  # those that ask, too, or only write
        self._pending: dict[str, PendingAnswer] = {}  # by run, the latest last
        self._answers: dict[tuple[str, str], Answered] = {}  # by run and path, until it is done

    def start(self, request: RunRequest, jobs: list[Job], skipped: list[Result]) -> Run:
        """Queue the jobs of a new run, and return it; those skipped are among its entries.

        Raises UsageError if the model cannot be opened.
        """
        run = self._runs.new(request, len(jobs))
        for result in skipped:
            run.add(result, counted=False)
        if not jobs:
            run.end("done")
            return run
        try:
            can_wait = len(jobs) > 1 or request.priority is Priority.BACKGROUND
            self._enrichers[run.id] = self._open(run.id, run.cancelled, can_wait)
        except BaseException:
            run.end("failed", "it could not be begun")
            raise
        for job in jobs:
            self._queue.put(job, request.priority, run.id)
        return run

    def place(self, writer: NoteWriter, answered: Answered) -> Run:
        """Return a new run that writes these values into an open note, by way of its editor."""
        path = answered.job.path
        run = self._runs.new(RunRequest([path]), 1)
        self._enrichers[run.id] = writer
        self._answers[run.id, path] = answered
        self._queue.put(answered.job, Priority.REQUEST, run.id)
        return run

    def cancel(self, run: Run) -> None:
        """Cancel the run. A write in progress is finished; no further note is begun.

        The calls under way are finished, too: they are paid for, and what is answered is kept.
        """
        self._end(run, "cancelled")

    def stop(self) -> None:
        """Break off the calls under way of all runs."""
        for enricher in list(self._enrichers.values()):
            enricher.close()

    def work(self, ticket: Ticket) -> bool:
        """Work on the note, and give the ticket back; return whether the model answered.

        Raises EndpointError, Cancelled or JournalError; the ticket is not given back then.
        """
        if ticket.owner == LATER:
            self._open_notes.work(ticket)
            return False
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
        if done.result is None:
            self._queue.requeue(ticket, time.monotonic() + OPEN_LOOK)
            return done.was_asked
        self._fingerprints.record_result(done.result)
        self._queue.done(ticket)
        self._add(run, done.result, done.edits)
        return done.was_asked

    def fail(self, ticket: Ticket, error: CompanionError, *, passes: bool) -> None:
        """Requeue the note after a fault of the endpoint or the journal, or end its run.

        The run ends if it was started so, or if the fault does not pass. Any other fault is the
        result for this note alone.
        """
        run = self._runs.get(ticket.owner)
        if ticket.owner == LATER and passes:
            self._queue.requeue(ticket, time.monotonic())
        elif run is None or run.is_over:
            self._queue.done(ticket)
        elif not isinstance(error, EndpointError | StorageError):
            self._queue.done(ticket)
            self._add(run, Result(ticket.path, "failed", str(error)), None)
        elif passes and not run.request.stops_on_fault:
            self._queue.requeue(ticket, time.monotonic())
        else:
            self._queue.done(ticket)
            # at a limit nothing was asked about the note; but an editor waits for its result
            if run.request.text is not None or not isinstance(error, LimitReached):
                run.add(Result(ticket.path, "failed", str(error), ends_run=True))
            self._end(run, "failed", str(error))

    def end_runs(self, fault: str) -> None:
        """End the runs that stop on a fault, after one that does not pass by itself."""
        for run in self._runs.active():
            if run.request.stops_on_fault:
                self._end(run, "failed", fault)

    def edits_for_text(
        self, run: Run, path: str, text: str, only: Collection[int] | None = None
    ) -> ClientEdits:
        """Return the run's edits for the text that the editor shows now.

        only: the numbers of the wanted changes in the run's result, counted from 0; None: all.

        Raises UsageError if the run has no such edits, and NoteError if they no longer fit.
        """
        pending = self._find_pending(run, path)
        require_utf8(text)
        if only is not None:
            _require_numbers(pending, only)
            pending = pending._replace(answered=pending.answered.only(only))
        result, edits = self._plan_edits(run, pending, text)
        if edits is None:
            raise NoteRefused(result.reason, path)
        self._open_notes.record_edits(run.id, path, result)
        return edits

    def confirm(self, run_id: str, path: str, change: int) -> None:
        """Record that an editor made the run's edits in an open note, as this change."""
        result, run = self._open_notes.take(run_id, path), self._runs.get(run_id)
        if result and run:
            self._add(run, replace(result, change=change), None)

    def refuse(self, run: Run, path: str, only: Collection[int]) -> None:
        """Record that the user does not want these changes of the run's result.

        Raises UsageError if the run has no such changes.
        """
        pending = self._find_pending(run, path)
        _require_numbers(pending, only)
        pending.enricher.refuse(pending.answered.only(only), "refused when it was looked over")

    def keep_undecided(self, run: Run, path: str) -> None:
        """Have the run's values for the note wait for a decision, as the user is shown them first.

        Raises UsageError if the run has none.
        """
        pending = self._find_pending(run, path)
        pending.enricher.keep_undecided(pending.answered)

    def _find_pending(self, run: Run, path: str) -> PendingAnswer:
        if waiting := self._open_notes.find(run.id, path):
            return waiting
        pending = self._pending.get(run.id)
        if pending is None or fold_path(pending.answered.job.path) != fold_path(path):
            raise UsageError(f"the run {run.id} has no edits for {path}; start a new one")
        return pending

    def _do(self, run: Run, enricher: NoteWriter, job: Job) -> _Done:
        """Ask the model about the note, unless it has answered already; write or plan the edits."""
        text, usage, asked = run.request.text, Usage(), False
        earlier = self._answers.get((run.id, job.path))
        try:
            require_utf8(text or "")
            if earlier:
                answer: Answered | Result = earlier
            elif not isinstance(enricher, Enricher):  # of place(), whose values are gone
                answer = Result(job.path, "failed", "the note was rewritten meanwhile")
            elif run.request.priority is Priority.BACKGROUND:
                answer = self._quota.ask(enricher, job, text)
            else:
                answer = enricher.ask(job, text)
            usage, asked = answer.usage, earlier is None and used_model(answer)
            if isinstance(answer, Result):
                return _Done(answer, None, asked)
            self._answers[run.id, job.path] = answer
            if text is None:
                return _Done(self._write(run, PendingAnswer(enricher, answer)), None, asked)
            pending = PendingAnswer(enricher, answer)
            put_latest(self._pending, run.id, pending, _MAX_ANSWERS)
            return _Done(*self._plan_edits(run, pending, text), asked)
        except NoteError as error:
            if earlier and isinstance(error, NoteRewritten):
                del self._answers[run.id, job.path]
                return self._do(run, enricher, job)
            return _Done(replace(failed_result(job.path, error), usage=usage), None, asked)

    def _write(self, run: Run, pending: PendingAnswer) -> Result | None:
        """Write the answer and return the result; None while it waits for the note's editor."""
        enricher, answered = pending
        if run.request.even_open or answered.job.dry_run:
            return enricher.write(answered)
        step = "taken" if run.is_over else self._open_notes.next_step(run.id, pending)
        if step == "leave":
            return Result(answered.job.path, "skipped", NOT_TAKEN, usage=answered.usage)
        return enricher.write(answered) if step == "write" else None

    def _plan_edits(
        self, run: Run, pending: PendingAnswer, text: str
    ) -> tuple[Result, ClientEdits | None]:
        planned = pending.enricher.plan_on(pending.answered, text.encode("utf-8"))
        result = planned.result
        if result.status != "enriched":
            return result, None
        change = pending.enricher.change_of(pending.answered, planned)
        return result, self._outbox.offer(run.id, change, result.old, result.new)

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
        self._open_notes.forget(run.id)
        enricher = self._enrichers.get(run.id)
        if enricher and not enricher.under_way:  # else it is closed once they are answered
            self._enrichers.pop(run.id, None)
            enricher.close()


def _require_numbers(pending: PendingAnswer, numbers: Collection[int]) -> None:
    """Raise UsageError unless the result has changes of all these numbers."""
    count = len(pending.answered.fillings)
    if unknown := [str(number) for number in sorted(numbers) if not 0 <= number < count]:
        many = "1 change" if count == 1 else f"{count} changes"
        raise UsageError(f"the result has {many}, counted from 0; there is no {unknown[0]}")
