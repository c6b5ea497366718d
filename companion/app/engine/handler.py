"""The handler: fills the note of a ticket, for a run or in the background."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from copy import copy
from dataclasses import replace
from functools import partial

from companion.app.engine.run_progress import EngineRun
from companion.app.engine.work_queue import Ticket, WorkQueue
from companion.app.outbox import Outbox
from companion.enrich.asker import Asker
from companion.enrich.configured_model import open_source
from companion.enrich.context.similar import SimilarNotes
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.enricher import Enricher
from companion.enrich.note_writer import NoteValues
from companion.enrich.result import Result, failed_result, new_run
from companion.enrich.task import Job, open_task
from companion.enrich.workspace import Workspace
from companion.errors import NoteError
from companion.llm.budget import Budget
from companion.llm.client import Client
from companion.llm.response import Usage
from companion.vault.write import SETTLE

_OPEN_SETTLE = 5.0  # seconds that a note must be unchanged while it is open: Obsidian saves every 2


class Handler:
    """Fills notes, all by one model. Safe to use from any thread. The parameters are Engine's."""

    def __init__(
        self,
        queue: WorkQueue,
        space: Workspace,
        spending: Budget,
        context: Callable[[], VaultContext],
        similar: SimilarNotes | None,
        outbox: Outbox | None,
        record: Callable[[Result], object],
    ) -> None:
        self._queue = queue
        self._space = space
        self._spending = spending
        self._context = context
        self._similar = similar
        self._outbox = outbox
        self._record = record
        self._opened = ExitStack()
        self._opening = threading.Lock()
        self._asker: Asker | None = None
        self._first_client: Client | None = None
        # for the calls that others may overtake
        self._slots = threading.BoundedSemaphore(space.config.concurrency)

    def update_context(self, context: Callable[[], VaultContext]) -> None:
        """Use these names and vocabularies of the vault from now on, if a model is in use."""
        if self._asker:
            self._asker.vault_context = context()

    def close(self) -> None:
        """Close the model."""
        with self._opening:
            self._opened.close()

    def fill(self, run: EngineRun, ticket: Ticket) -> bool:
        """Work on the note, and give the ticket back; return whether the model answered.

        Raises EndpointError, Cancelled or JournalError; the ticket is not given back then.
        """
        job, usage, by_model = ticket.job, Usage(), False
        if run.puts_off(ticket, job.path):
            return False
        enricher = self.enricher_of(run)
        try:
            answer = self._ask(run, enricher, job)
            usage, by_model = answer.usage, used_model(answer)
            result: Result | None
            if isinstance(answer, Result):
                result = answer
            elif run.puts_off(ticket, answer.job.path):
                return by_model
            else:
                result = self._write(run, enricher, answer)
        except NoteError as error:
            if run.retries(ticket, error):
                return by_model
            result = replace(failed_result(job.path, error), usage=usage)
        finally:
            run.usage = enricher.client.usage
        self.end_ticket(run, ticket, result)
        return by_model

    def end_ticket(self, run: EngineRun, ticket: Ticket, result: Result | None) -> None:
        """Give the ticket back. result: None if an editor makes the edits."""
        if result:
            self._record(result)
            run.record(ticket.path, result)
        self._queue.done(ticket)
        if result:
            run.add(result)

    def _ask(self, run: EngineRun, enricher: Enricher, job: Job) -> NoteValues | Result:
        """Return the answer; for the background, within the daily number of notes.

        A note for which no model is asked does not count. Raises LimitReached, JournalError.
        """
        self._space.journal.require_space()
        proposals = self._space.journal.proposals
        if run.options.priority != "background" or (
            proposals.latest(job.path) and open_task(self._space, job) is None
        ):
            return enricher.ask(job)
        self._space.wait_for_settings(run.cancelled)  # which have the notes of a day
        self._spending.reserve_note()
        is_counted = False
        try:
            answer = enricher.ask(job)
            is_counted = used_model(answer)
            return answer
        finally:
            if not is_counted:
                self._spending.release_note()

    def _write(self, run: EngineRun, enricher: Enricher, values: NoteValues) -> Result:
        """Write the answer, or have the note's editor write it, and return the result."""
        if enricher.cancelled.is_set() and not run.is_background:
            return enricher.keep(values)
        if self._outbox is None or values.job.dry_run:
            return enricher.write(values)
        return self._outbox.fill(enricher, values, run.cancelled)

    def enricher_of(self, run: EngineRun) -> Enricher:
        """Return the enricher for the run; for the background, with a run for each note."""
        with self._opening:
            enricher = run.enricher
            if enricher is None or enricher.cancelled is not run.cancelled:  # it was resumed
                enricher = run.enricher = self._open(run)
        if run.is_background:  # undoing the last run undoes one note
            enricher = copy(enricher)
            enricher.run = new_run()
        return enricher

    def _open(self, run: EngineRun) -> Enricher:
        space = self._space
        if self._asker is None:
            self._source = self._opened.enter_context(open_source(space))
            self._asker = Asker(space, self._context(), self._similar, renew=self._context)
        client = Client(
            self._source,
            run.cancelled,
            budget=self._spending,
            capabilities_from=self._first_client,
            # unless somebody waits for a single note
            can_wait=run.total > 1 or run.options.priority == "background",
        )
        self._first_client = self._first_client or client
        if run.options.priority != "interactive":
            client.limit_calls(self._slots)
        settle = partial(self._settle, run)
        return Enricher(self._asker, client, run.id, settle, not run.is_background, run.cancelled)

    def _settle(self, run: EngineRun, path: str) -> float:
        """Return for how many seconds the note must have been unchanged."""
        if run.is_background:
            return self._space.config.background.settle_seconds
        is_open = self._outbox is not None and self._outbox.is_open(path)
        # for an interactive run, the editor saves the note first, and makes the edits itself
        return _OPEN_SETTLE if is_open and run.options.priority != "interactive" else SETTLE


def used_model(answer: NoteValues | Result) -> bool:
    """Return whether a model was asked for this answer."""
    is_fault = isinstance(answer, Result) and answer.status == "failed"
    return is_fault or answer.usage.calls > 0
