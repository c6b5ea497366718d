"""The runs that clients ask for: begun, worked on note by note, cancelled."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import NamedTuple

from companion.daemon.background import log_result
from companion.daemon.background_switch import DailyQuota, used_model
from companion.daemon.client_edits import ClientEditJournal, ClientEdits
from companion.daemon.client_runs import Run, RunRequest, Runs, RunState
from companion.daemon.fingerprints import Fingerprints
from companion.daemon.open_notes import LATER, NOT_TAKEN, OPEN_LOOK, OpenNotes, PendingAnswer
from companion.daemon.presence import fold_path
from companion.daemon.work_queue import Priority, Ticket, WorkQueue
from companion.enrich.enricher import Enricher
from companion.enrich.result import Answered, Result, failed_result
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

_KEPT = 200  # answers for editors, which may be asked for again


class _Done(NamedTuple):
    """What became of a note. asked: whether a model was asked for it just now.

    result: None while the note is open, and an editor has the time to take its edits.
    """

    result: Result | None
    offer: ClientEdits | None
    asked: bool


class RunHandler:
    """Does the tickets of runs, from any thread.

    open_enricher: opens one for the run of that name, broken off by setting the event.
    """

    def __init__(
        self,
        queue: WorkQueue[Job],
        fingerprints: Fingerprints,
        offers: ClientEditJournal,
        open_notes: OpenNotes,
        runs: Runs,
        notes: DailyQuota,
        open_enricher: Callable[[str, threading.Event], Enricher],
    ) -> None:
        self._queue = queue
        self._fingerprints = fingerprints
        self._client_edits = offers
        self._open_notes = open_notes
        self._runs = runs
        self._notes = notes
        self._open = open_enricher
        self._enrichers: dict[str, Enricher] = {}
        self._given: OrderedDict[str, PendingAnswer] = OrderedDict()
        self._kept: dict[tuple[str, str], Answered] = {}  # by run and path, until it is done

    def start(
        self,
        request: RunRequest,
        jobs: list[Job],
        skipped: list[Result],
        answered: Answered | None = None,
    ) -> Run:
        """Return the new run over the jobs; those skipped are among its entries.

        answered: what a model gave for one of them already.

        Raises UsageError when no model can be opened.
        """
        run = self._runs.new(request, len(jobs))
        for result in skipped:
            run.add(result, counted=False)
        if not jobs:
            run.end("done")
            return run
        try:
            self._enrichers[run.id] = self._open(run.id, run.cancelled)
        except BaseException:
            run.end("failed", "it could not be begun")
            raise
        if answered:
            self._kept[run.id, answered.job.path] = answered
        for job in jobs:
            self._queue.put(job.path, job, request.priority, run.id)
        return run

    def cancel(self, run: Run) -> None:
        """End the run: what is being written is finished, nothing further is begun."""
        self._end(run, "cancelled")

    def work(self, ticket: Ticket[Job]) -> bool:
        """Work on the note, and give the ticket back; return whether the model answered.

        Raises EndpointError, Cancelled, JournalError, with the ticket still in hand.
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
            done = self._do(run, enricher, ticket.item)
        finally:
            run.usage = enricher.usage
        if done.result is None:
            self._queue.requeue(ticket, time.monotonic() + OPEN_LOOK)
            return done.asked
        if done.result.change is not None:
            self._fingerprints.record_write(ticket.path, done.result.new)
        self._finish(run, ticket, done.result, done.offer)
        return done.asked

    def fail(self, ticket: Ticket[Job], error: CompanionError, *, passes: bool) -> None:
        """Put the note back, or end its run where it asks for that, or nothing can go on.

        What is no fault of the endpoint's or the journal's concerns this note alone.
        """
        run = self._runs.get(ticket.owner)
        if ticket.owner == LATER and passes:
            self._queue.requeue(ticket, time.monotonic())
        elif run is None or run.is_over:
            self._queue.done(ticket)
        elif not isinstance(error, EndpointError | StorageError):
            self._finish(run, ticket, Result(ticket.path, "failed", str(error)), None)
        elif passes and not run.request.stops_on_fault:
            self._queue.requeue(ticket, time.monotonic())
        else:
            self._queue.done(ticket)
            # an editor waits for its note; of others nothing was asked where a limit is reached
            if run.request.text is not None or not isinstance(error, LimitReached):
                run.add(Result(ticket.path, "failed", str(error), ends_run=True))
            self._end(run, "failed", str(error))

    def end_runs(self, fault: str) -> None:
        """End the runs that stop on a fault, for one that does not pass by itself."""
        for run in self._runs.active():
            if run.request.stops_on_fault:
                self._end(run, "failed", fault)

    def edits_for_text(
        self, run: Run, path: str, text: str, only: Collection[int] | None = None
    ) -> ClientEdits:
        """Return the run's edits for the text that the editor shows now.

        only: which of the changes in its result, counted from 0; None: all.

        Raises UsageError, NoteError.
        """
        given = self._given_for(run, path)
        require_utf8(text)
        if only is not None:
            _require_numbers(given, only)
            given = given._replace(answered=given.answered.only(only))
        result, offer = self._offer(run, given, text)
        if offer is None:
            raise NoteRefused(result.reason, path)
        self._open_notes.offered(run.id, path, result)
        return offer

    def confirmed(self, name: str, path: str, change: int) -> None:
        """Take down that an editor made the edits of the run of that name in an open note."""
        result, run = self._open_notes.take(name, path), self._runs.get(name)
        if result and run:
            self._add(run, replace(result, change=change), None)

    def refuse(self, run: Run, path: str, only: Collection[int]) -> None:
        """Take down that the user does not want these changes of the run's result.

        Raises UsageError.
        """
        given = self._given_for(run, path)
        _require_numbers(given, only)
        given.enricher.refuse(given.answered.only(only), "refused when it was looked over")

    def _given_for(self, run: Run, path: str) -> PendingAnswer:
        if waiting := self._open_notes.find(run.id, path):
            return waiting
        given = self._given.get(run.id)
        if given is None or fold_path(given.answered.job.path) != fold_path(path):
            raise UsageError(f"the run {run.id} has no edits for {path}; start a new one")
        return given

    def _do(self, run: Run, enricher: Enricher, job: Job) -> _Done:
        """Ask for the note, unless that was done before, and write or offer what came of it."""
        text, usage, asked = run.request.text, Usage(), False
        kept = self._kept.get((run.id, job.path))
        try:
            require_utf8(text or "")
            answer = kept or self._ask(run, enricher, job)
            usage, asked = answer.usage, kept is None and used_model(answer)
            if isinstance(answer, Result):
                return _Done(answer, None, asked)
            self._kept[run.id, job.path] = answer
            if text is None:
                return _Done(self._write(run, PendingAnswer(enricher, answer)), None, asked)
            return _Done(*self._offer(run, self._give(run, enricher, answer), text), asked)
        except NoteError as error:
            if kept and isinstance(error, NoteRewritten):
                del self._kept[run.id, job.path]
                return self._do(run, enricher, job)
            return _Done(replace(failed_result(job.path, error), usage=usage), None, asked)

    def _write(self, run: Run, given: PendingAnswer) -> Result | None:
        """Return what became of the note; None while it waits for the editor that shows it."""
        enricher, answered = given
        if run.request.even_open or answered.job.dry_run:
            return enricher.write(answered)
        step = "taken" if run.is_over else self._open_notes.next_step(run.id, given)
        if step == "write":
            return enricher.write(answered)
        if step == "leave":
            return Result(answered.job.path, "skipped", NOT_TAKEN, usage=answered.usage)
        return None

    def _ask(self, run: Run, enricher: Enricher, job: Job) -> Answered | Result:
        if run.request.priority is Priority.BACKGROUND:
            return self._notes.ask(enricher, job, run.request.text)
        return enricher.ask(job, run.request.text)

    def _give(self, run: Run, enricher: Enricher, answer: Answered) -> PendingAnswer:
        given = self._given[run.id] = PendingAnswer(enricher, answer)
        while len(self._given) > _KEPT:
            self._given.popitem(last=False)
        return given

    def _offer(
        self, run: Run, given: PendingAnswer, text: str
    ) -> tuple[Result, ClientEdits | None]:
        planned = given.enricher.plan_on(given.answered, text.encode("utf-8"))
        result = planned.result
        if result.status != "enriched":
            return result, None
        change = given.enricher.change_of(planned)
        return result, self._client_edits.prepare(run.id, change, result.old, result.new)

    def _finish(
        self, run: Run, ticket: Ticket[Job], result: Result, offer: ClientEdits | None
    ) -> None:
        self._queue.done(ticket)
        self._add(run, result, offer)

    def _add(self, run: Run, result: Result, offer: ClientEdits | None) -> None:
        self._kept.pop((run.id, result.path), None)
        run.add(result, offer)
        log_result(result)
        if run.is_over:
            self._close(run)

    def _end(self, run: Run, state: RunState, fault: str = "") -> None:
        run.cancelled.set()  # also of one that failed: its other notes' calls are broken off
        run.end(state, fault)
        self._queue.drop(run.id)
        self._close(run)

    def _close(self, run: Run) -> None:
        for key in [key for key in self._kept.copy() if key[0] == run.id]:
            self._kept.pop(key, None)
        self._open_notes.forget(run.id)
        if enricher := self._enrichers.pop(run.id, None):
            enricher.close()


def _require_numbers(given: PendingAnswer, numbers: Collection[int]) -> None:
    """Check that the result has changes of these numbers. Raises UsageError."""
    count = len(given.answered.outcome.fillings)
    if unknown := [str(number) for number in sorted(numbers) if not 0 <= number < count]:
        many = "1 change" if count == 1 else f"{count} changes"
        raise UsageError(f"the result has {many}, counted from 0; there is no {unknown[0]}")
