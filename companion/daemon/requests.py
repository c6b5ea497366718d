"""The runs that clients ask for: begun, worked on note by note, cancelled."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from companion.daemon.background import log_result
from companion.daemon.offers import Offers
from companion.daemon.queue import Ticket, WorkQueue
from companion.daemon.runs import Offer, Order, Run, Runs, State
from companion.daemon.seen import Seen
from companion.enrich.draft import Job
from companion.enrich.enricher import Answered, Enricher
from companion.enrich.result import Result, failed_result
from companion.errors import CompanionError, NoteError, NoteRefused, UsageError

_KEPT = 200  # answers for editors, which may be asked for again


class _Given(NamedTuple):
    """A model's answer for a note in an editor."""

    enricher: Enricher
    answered: Answered


class Requests:
    """Does the tickets of runs, from any thread.

    open_enricher: opens one for the run of that name, broken off by setting the event.
    """

    def __init__(
        self,
        queue: WorkQueue[Job],
        seen: Seen,
        offers: Offers,
        runs: Runs,
        open_enricher: Callable[[str, threading.Event], Enricher],
    ) -> None:
        self._queue = queue
        self._seen = seen
        self._offers = offers
        self._runs = runs
        self._open = open_enricher
        self._enrichers: dict[str, Enricher] = {}
        self._given: OrderedDict[str, _Given] = OrderedDict()

    def start(self, order: Order, jobs: list[Job], skipped: list[Result]) -> Run:
        """Return the new run over the jobs; those skipped are among its entries.

        Raises UsageError when no model can be opened.
        """
        run = self._runs.new(order, len(jobs))
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
        for job in jobs:
            self._queue.put(job.path, job, order.priority, run.id)
        return run

    def cancel(self, run: Run) -> None:
        """End the run: what is being written is finished, nothing further is begun."""
        run.cancelled.set()
        self._end(run, "cancelled")

    def work(self, ticket: Ticket[Job]) -> bool:
        """Work on the note, and give the ticket back; return whether the model answered.

        Raises EndpointError, Cancelled, JournalError, with the ticket still in hand.
        """
        run, enricher = self._runs.get(ticket.owner), self._enrichers.get(ticket.owner)
        if run is None or run.is_over or enricher is None:
            self._queue.done(ticket)
            return False
        run.begin()
        offer: Offer | None = None
        if run.order.text is None:
            result = enricher.enrich(ticket.item)
        else:
            result, offer = self._ask_for_editor(run, enricher, ticket.item, run.order.text)
        if result.change is not None:
            self._seen.wrote(result.path, result.new)
        self._queue.done(ticket)
        run.add(result, offer)
        log_result(result)
        if run.is_over:
            self._close(run)
        return result.status != "skipped"

    def fail(self, ticket: Ticket[Job], error: CompanionError, retry_at: float | None) -> None:
        """Put the note back until the fault has passed, or end its run where it asks for that.

        retry_at: the monotonic clock's time; None: it does not pass by waiting a little.
        """
        run = self._runs.get(ticket.owner)
        if run is None or run.is_over:
            self._queue.done(ticket)
        elif retry_at is None or run.order.stops_on_fault:
            self._queue.done(ticket)
            run.add(Result(ticket.path, "failed", str(error), ends_run=True))
            self._end(run, "failed", str(error))
        else:
            self._queue.again(ticket, retry_at)

    def offer_again(self, run: Run, path: str, text: str) -> Offer:
        """Return the run's edits for the text that the editor shows now.

        Raises UsageError, NoteError.
        """
        given = self._given.get(run.id)
        if given is None or given.answered.job.path != path:
            raise UsageError(f"the run {run.id} has no edits for {path}; start a new one")
        result, offer = self._offer(run, given, text)
        if offer is None:
            raise NoteRefused(result.reason, path)
        return offer

    def _ask_for_editor(
        self, run: Run, enricher: Enricher, job: Job, text: str
    ) -> tuple[Result, Offer | None]:
        try:
            answered = enricher.ask(job, text)
            if isinstance(answered, Result):
                return answered, None
            given = self._given[run.id] = _Given(enricher, answered)
            while len(self._given) > _KEPT:
                self._given.popitem(last=False)
            return self._offer(run, given, text)
        except NoteError as error:
            return failed_result(job.path, error), None

    def _offer(self, run: Run, given: _Given, text: str) -> tuple[Result, Offer | None]:
        planned = given.enricher.plan_on(given.answered, text.encode("utf-8"))
        result = planned.result
        if result.status != "enriched":
            return result, None
        change = given.enricher.change_of(planned)
        return result, self._offers.make(run.id, change, result.old, result.new)

    def _end(self, run: Run, state: State, fault: str = "") -> None:
        run.end(state, fault)
        self._queue.drop(run.id)
        self._close(run)

    def _close(self, run: Run) -> None:
        if enricher := self._enrichers.pop(run.id, None):
            enricher.close()
