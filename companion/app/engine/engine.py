"""Works on notes: a queue, workers that take notes from it, and the one handler for all of them.

A command has an engine for its run alone; the daemon has one for all runs and for the background.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from copy import copy
from dataclasses import replace
from functools import partial
from pathlib import PurePath

from companion.app.editor_edits import ClientEdits
from companion.app.engine.circuit_breaker import CircuitBreaker
from companion.app.engine.runs import Run, Runs
from companion.app.engine.work_queue import Priority, Ticket, WorkQueue
from companion.app.outbox import NOT_TAKEN, Outbox
from companion.app.types.runs import RunState
from companion.enrich.asker import Asker
from companion.enrich.context import VaultContext
from companion.enrich.enricher import Enricher
from companion.enrich.model import find_limiter, make_client, open_source
from companion.enrich.note_writer import Answered
from companion.enrich.run import Result, failed_result, new_run
from companion.enrich.selection import open_task
from companion.enrich.similar import SimilarNotes
from companion.enrich.task import Job
from companion.enrich.workspace import Workspace
from companion.errors import CompanionError, EndpointError, NoteError, StorageError
from companion.llm.budget import Budget, LimitReached, seconds_to_midnight
from companion.llm.client import Client
from companion.llm.endpoint_errors import Cancelled, EndpointDown
from companion.llm.response import Usage
from companion.note.editor_text import require_utf8
from companion.store.outbox_row import OutboxRow
from companion.vault.write import SETTLE

_SPARE = 2  # for so many notes one more is begun: ready to be asked about while another is written
_OPEN_SETTLE = 5.0  # seconds that a note must be unchanged while it is open: Obsidian saves every 2
_TURN_CHECK = 1.0  # seconds after which a ticket is tried again that had no turn at the endpoint
_QUOTA_REACHED = "the notes of a day are used up (background.notes_a_day)"
_log = logging.getLogger(__name__)


class Engine:
    """Works on the notes of one vault. Safe to use from any thread.

    space: the vault, opened for writing. context: returns the names and vocabularies of the vault
    as they are now. similar: chooses tags; None: the model does. outbox: leaves edits of open notes
    to their editors; None: nobody says which are open. exhaust: is told why background work ends
    for today. record: is told each result. background: the standing run of background work.
    """

    def __init__(
        self,
        space: Workspace,
        spending: Budget,
        context: Callable[[], VaultContext],
        similar: SimilarNotes | None,
        *,
        outbox: Outbox | None = None,
        exhaust: Callable[[str], object] = str,
        record: Callable[[Result], object] = bool,
    ) -> None:
        self.queue = WorkQueue()
        self.circuit_breaker = CircuitBreaker()
        self.runs = Runs()
        self.background: Run | None = None
        self._space = space
        self._spending = spending
        self._context = context
        self._similar = similar
        self._outbox = outbox
        self._exhaust = exhaust
        self._record = record
        self._opened = ExitStack()
        self._opening = threading.Lock()
        self._asker: Asker | None = None
        self._first_client: Client | None = None
        self.follow_settings()
        concurrency = space.config.concurrency
        self._slots = threading.BoundedSemaphore(concurrency)  # for calls that others may overtake
        at_once = concurrency + concurrency // _SPARE
        self.queue.limit(Priority.BACKGROUND, max(1, concurrency - 1))
        self.queue.limit(Priority.REQUEST, at_once)
        has_spare = not space.config.is_embedded  # which has no room for one more call
        self._threads = [
            threading.Thread(target=self._run, name=f"worker-{number}", daemon=True)
            for number in range(max(2, at_once + has_spare))
        ]

    def follow_settings(self) -> None:
        """Take the limits a minute of the endpoint that is configured now, if it has any."""
        self.limiter = find_limiter(self._space.config, self._spending)
        if self.limiter:
            self.limiter.tell = self._set_waits

    def update_context(self) -> None:
        """Use the current names and vocabularies of the vault from now on."""
        if self._asker:
            self._asker.vault_context = self._context()

    def start(self) -> None:
        """Start the workers."""
        for thread in self._threads:
            thread.start()

    def start_run(self, run: Run, jobs: Sequence[Job]) -> None:
        """Queue the jobs of a run. Raises UsageError if the model cannot be opened."""
        self.runs.add(run)
        if run.is_over:
            return
        try:
            self._enricher_of(run)
        except BaseException:
            run.end("failed", CompanionError("it could not be begun"))
            raise
        for job in jobs:
            self.queue.put(job, Priority[run.options.priority.upper()], run.id)

    def try_again(self) -> None:
        """Try an endpoint that failed again now, as somebody waits for it."""
        self.circuit_breaker.retry_now()
        self.queue.pause_until(None)

    def cancel(self, run: Run, *, break_off: bool = False) -> None:
        """Cancel the run. A write in progress is finished; no further note is begun.

        The calls under way are finished, too, as they are paid for and their answers are kept.
        break_off: they are not.
        """
        self._end(run, "cancelled")
        if self._outbox:
            self._outbox.drop(run.id)
        if break_off:
            run.break_off()

    def finish(self) -> None:
        """Begin nothing more; what was left to editors waits on."""
        self.queue.close()
        if self.background:
            self.background.cancelled.set()
        for run in self.runs.active():
            self._end(run, "cancelled")

    def break_off(self) -> None:
        """Break off all calls under way; a write in progress is finished."""
        for run in (self.background, *self.runs.all()):
            if run:
                run.break_off()

    def join(self, timeout: float | None = None) -> None:
        """Wait for the workers to end, at most `timeout` seconds; None: without a limit."""
        until = None if timeout is None else time.monotonic() + timeout
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(None if until is None else max(0.0, until - time.monotonic()))

    def close(self) -> None:
        """Close the model."""
        with self._opening:
            self._opened.close()

    def _run(self) -> None:
        while ticket := self.queue.take():
            try:
                self._work(ticket)
            except Exception as error:
                log_fault(ticket.path, error)

    def _work(self, ticket: Ticket) -> None:
        run = self.runs.get(ticket.owner) if ticket.owner else self.background
        if run is None or not run.enter(ticket.path):
            self.queue.done(ticket)
            return
        try:
            self._try(run, ticket)
        finally:
            run.leave()
            if run.is_over:
                run.close_unless_busy()

    def _try(self, run: Run, ticket: Ticket) -> None:
        """Work on a note, unless the endpoint is to be left alone now; handle all faults."""
        if not self.circuit_breaker.may_call():
            self.queue.requeue(ticket, time.monotonic() + _TURN_CHECK)
            return
        try:
            if self._fill(run, ticket):
                self._recover()
            else:
                self.circuit_breaker.release_turn()
        except Cancelled:
            self.circuit_breaker.release_turn()
            self.queue.requeue(ticket, time.monotonic())
        except LimitReached as error:
            self.circuit_breaker.release_turn()
            self._fail(run, ticket, error, passes=False)
        except (EndpointError, StorageError) as error:
            self._pause(error)
            self._fail(run, ticket, error, passes=True)
            if (fault := self.circuit_breaker.fault) and fault.lasts:
                self._end_runs(error)
        except Exception as error:
            log_fault(ticket.path, error)
            self.circuit_breaker.release_turn()  # the other notes may still be worked on
            if not isinstance(error, CompanionError):
                error = CompanionError(f"unexpected {type(error).__name__}; please report it")
            self._fail(run, ticket, error, passes=False)

    def _fill(self, run: Run, ticket: Ticket) -> bool:
        """Work on the note, and give the ticket back; return whether the model answered.

        Raises EndpointError, Cancelled or JournalError; the ticket is not given back then.
        """
        job, text, edits = ticket.job, run.options.text, None
        usage, by_model = Usage(), False
        if run.puts_off(ticket, job.path):
            return False
        enricher = self._enricher_of(run)
        try:
            answer = self._ask(run, enricher, job)
            usage, by_model = answer.usage, used_model(answer)
            result: Result | None
            if isinstance(answer, Result):
                result = answer
            elif run.puts_off(ticket, answer.job.path):
                return by_model
            elif text is None:
                result = self._write(run, enricher, answer)
            else:
                result, edits = self._plan_edits(run, enricher, answer, text)
        except NoteError as error:
            if run.retries(ticket, error):
                return by_model
            result = replace(failed_result(job.path, error), usage=usage)
        finally:
            run.usage = enricher.usage
        self._end_ticket(run, ticket, result, edits)
        return by_model

    def _end_ticket(
        self, run: Run, ticket: Ticket, result: Result | None, edits: ClientEdits | None = None
    ) -> None:
        """Give the ticket back. result: None where an editor makes it."""
        if result:
            self._record(result)
            run.record(ticket.path, result)
        self.queue.done(ticket)
        if result:
            run.add(result, edits)

    def _ask(self, run: Run, enricher: Enricher, job: Job) -> Answered | Result:
        """Return the answer; for the background within the notes of a day.

        A note for which no model is asked does not count. Raises LimitReached.
        """
        text, proposals = run.options.text, self._space.journal.proposals
        require_utf8(text or "")
        if run.options.priority != "background" or (
            text is None and proposals.latest(job.path) and open_task(self._space, job) is None
        ):
            return enricher.ask(job, text)
        if not self._spending.reserve_note():
            raise LimitReached(_QUOTA_REACHED, seconds_to_midnight(time.time()))
        used = False
        try:
            answer = enricher.ask(job, text)
            used = used_model(answer)
            return answer
        finally:
            if not used:
                self._spending.release_note()

    def _write(self, run: Run, enricher: Enricher, answered: Answered) -> Result | None:
        """Write the answer and return the result; None where that is left to the note's editor."""
        if enricher.is_cancelled and run is not self.background:
            return enricher.keep(answered)
        if self._outbox is None or run.options.even_open or answered.job.dry_run:
            return enricher.write(answered)
        return self._outbox.fill(enricher, answered, partial(self._end_note, run, answered))

    def _end_note(self, run: Run, answered: Answered, row: OutboxRow) -> None:
        """Add the result of a note that was left to its editor."""
        assert self._outbox
        result = Result(row.path, "skipped", row.reason or NOT_TAKEN, usage=answered.usage)
        if row.change and (change := self._outbox.change(row.change)):
            result = answered.made_by(change)
        self._record(result)
        run.add(result)
        if run.is_over:
            run.close_unless_busy()

    def _plan_edits(
        self, run: Run, enricher: Enricher, answered: Answered, text: str
    ) -> tuple[Result, ClientEdits | None]:
        planned = enricher.plan_on(answered, text.encode("utf-8"))
        result = planned.result
        if result.status != "enriched" or self._outbox is None:
            return result, None
        change = enricher.change_of(answered, planned)
        return result, self._outbox.edits.offer(run.id, change, result.old, result.new)

    def _enricher_of(self, run: Run) -> Enricher:
        """Return what fills the notes of the run; for the background, by a run for each note."""
        with self._opening:
            enricher = run.enricher
            if enricher is None or enricher.cancelled is not run.cancelled:  # it was resumed
                enricher = run.enricher = self._open(run)
        if run is self.background:  # undoing the last run undoes one note
            enricher = copy(enricher)
            enricher.run = new_run()
        return enricher

    def _open(self, run: Run) -> Enricher:
        space, is_background = self._space, run is self.background
        if self._asker is None:
            self._source = self._opened.enter_context(open_source(space.config, space))
            self._asker = Asker(space, self._context(), self._similar, renew=self._context)
        client = make_client(
            self._source, run.cancelled, self._spending, self._first_client, can_wait=run.can_wait
        )
        self._first_client = self._first_client or client
        if run.options.priority != "interactive":
            client.limit_calls(self._slots)
        settle = self._settle_in_background if is_background else self._settle
        return Enricher(self._asker, client, run.id, settle, not is_background, run.cancelled)

    def _settle(self, path: str) -> float:
        return _OPEN_SETTLE if self._outbox and self._outbox.is_open(path) else SETTLE

    def _settle_in_background(self, path: str) -> float:
        return self._space.config.background.settle_seconds

    def _fail(self, run: Run, ticket: Ticket, error: CompanionError, *, passes: bool) -> None:
        """Requeue the note after a fault of the endpoint or the journal, or end its run.

        The run ends if it was started so, or if the fault does not pass. Any other fault is the
        result for this note alone.
        """
        is_background = run is self.background
        if isinstance(error, LimitReached) and run.options.priority == "background":
            self._exhaust(str(error))
        if run.is_over:
            self.queue.done(ticket)
        elif not isinstance(error, EndpointError | StorageError):
            self._end_ticket(run, ticket, Result(ticket.path, "failed", str(error)))
        elif run.options.on_fault == "wait" and (passes or is_background):
            self.queue.requeue(ticket, time.monotonic())
        else:
            self.queue.done(ticket)
            # at a limit nothing was asked about the note; but an editor waits for its result
            if run.options.text is not None or not isinstance(error, LimitReached):
                run.add(Result(ticket.path, "failed", str(error), ends_run=True), ends_with=error)
            self._end(run, "failed", error)

    def _end_runs(self, error: CompanionError) -> None:
        """End the runs that stop on a fault, after one that does not pass by itself."""
        for run in self.runs.active():
            if run.options.on_fault == "stop":
                self._end(run, "failed", error)

    def _end(self, run: Run, state: RunState, error: CompanionError | None = None) -> None:
        """End the run: nothing more is asked for its other notes."""
        if state == "cancelled":
            run.cancelled.set()
        elif enricher := run.enricher:
            enricher.stop()  # what is answered by now is written
        run.end(state, error)
        self.queue.drop(run.id)
        run.close_unless_busy()

    def _pause(self, error: EndpointError | StorageError) -> None:
        """Hold the whole queue until the endpoint is tried next."""
        earlier = self.circuit_breaker.fault
        fault = error if isinstance(error, EndpointError) else EndpointDown(str(error))
        retry_at = self.circuit_breaker.record_failure(fault)
        if earlier is None and isinstance(error, StorageError):
            _log.info("paused: %s", error)
        elif earlier is None and (current := self.circuit_breaker.fault):
            # not its message: that may be the endpoint's own, which may quote a note
            _log.info("paused, endpoint %s; companion status says more", current.kind)
        self.queue.pause_until(retry_at)
        self.runs.set_waits(str(error))
        now = self.circuit_breaker.fault
        if now is None or now.next_try < retry_at:  # another thread changed it meanwhile
            self.queue.pause_until(None)

    def _recover(self) -> None:
        if not self.circuit_breaker.fault:
            return
        self.circuit_breaker.record_success()
        if not self.circuit_breaker.fault:
            self.queue.pause_until(None)
            self.runs.set_waits("")
            _log.info("the endpoint answers again")

    def _set_waits(self, why: str) -> None:
        """Set why runs wait for a limit a minute, unless they wait for the endpoint itself."""
        if not self.circuit_breaker.fault:
            self.runs.set_waits(why)


def used_model(answer: Answered | Result) -> bool:
    """Return whether a model was asked for this answer."""
    is_fault = isinstance(answer, Result) and answer.status == "failed"
    return is_fault or answer.usage.calls > 0


def log_fault(doing: str, error: Exception) -> None:
    """Log an error. Of an unexpected one only type and place, as its message may quote a note."""
    if isinstance(error, CompanionError | OSError):
        _log.warning("%s: %s", doing, error)
        return
    _log.debug("%s", doing, exc_info=error)
    places = traceback.extract_tb(error.__traceback__)
    where = " > ".join(f"{PurePath(place.filename).name}:{place.lineno}" for place in places)
    _log.error("%s: unexpected %s; please report it (%s)", doing, type(error).__name__, where)
