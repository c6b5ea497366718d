"""Works on notes: a queue, workers that take notes from it, and the one handler for all of them.

A command has an engine for its run alone; the daemon has one for all runs and for the background.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from pathlib import PurePath

from companion.app.engine.circuit_breaker import CircuitBreaker
from companion.app.engine.handler import Handler
from companion.app.engine.run_progress import EngineRun, Runs
from companion.app.engine.work_queue import Priority, Ticket, WorkQueue
from companion.app.outbox import Outbox
from companion.app.types.runs import NoteResult, RunState
from companion.enrich.context.similar import SimilarNotes
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.result import Result
from companion.enrich.task import Job
from companion.enrich.workspace import Workspace
from companion.errors import CompanionError, EndpointError, StorageError
from companion.llm.budget import Budget, LimitReached
from companion.llm.endpoint_errors import Cancelled, EndpointDown

_SPARE = 2  # one more note is begun for this many: ready to ask about while another is written
_log = logging.getLogger(__name__)


class Engine:
    """Works on the notes of one vault. Safe to use from any thread.

    space: the vault, opened for writing. context: returns the names and vocabularies of the vault
    as they are now. similar: chooses tags; None: the model does. outbox: leaves edits of open notes
    to their editors; None: nobody reports which are open. exhaust: called with the daily limit that
    ends background work. record: called with each result. background: the run for background work,
    which never ends.
    """

    def __init__(
        self,
        space: Workspace,
        spending: Budget,
        context: Callable[[], VaultContext],
        similar: SimilarNotes | None,
        *,
        outbox: Outbox | None = None,
        exhaust: Callable[[LimitReached], object] = str,
        record: Callable[[Result], object] = bool,
    ) -> None:
        self.queue = WorkQueue()
        self.circuit_breaker = CircuitBreaker()
        self.runs = Runs()
        self.background: EngineRun | None = None
        self.handler = Handler(self.queue, space, spending, context, similar, outbox, record)
        self._space = space
        self._spending = spending
        self._exhaust = exhaust
        self._deciding: list[threading.Thread] = []  # each does a run that asks no model
        self.follow_settings()
        concurrency = space.config.concurrency
        at_once = concurrency + concurrency // _SPARE
        self.queue.limit(Priority.BACKGROUND, max(1, concurrency - 1))
        self.queue.limit(Priority.REQUEST, at_once)
        # for a note that somebody clicks; the embedded model has no room for one more call
        has_spare = outbox is not None and not space.config.is_embedded
        self._threads = [
            threading.Thread(target=self._run, name=f"worker-{number}", daemon=True)
            for number in range(max(1 if outbox is None else 2, at_once + has_spare))
        ]

    def follow_settings(self) -> None:
        """Apply the limits a minute of the endpoint that is configured now, if it has any."""
        config = self._space.config
        self.limiter = None if config.is_embedded else self._spending.limiter(config.endpoint)
        if self.limiter:
            self.limiter.tell = self._set_waits

    def start(self) -> None:
        """Start the workers."""
        for thread in self._threads:
            thread.start()

    def start_run(self, run: EngineRun, jobs: Sequence[Job]) -> None:
        """Queue the jobs of a run. Raises UsageError if the model cannot be opened."""
        self.runs.add(run)
        if run.is_over:
            return
        try:
            self.handler.enricher_of(run)
        except BaseException:
            run.end("failed", CompanionError("it could not be begun"))
            raise
        for job in jobs:
            self.queue.put(job, Priority[run.options.priority.upper()], run.id)

    def start_decisions(self, run: EngineRun, results: Iterable[NoteResult]) -> None:
        """Start a thread that carries out a run that asks no model."""
        self.runs.add(run)
        self._deciding = [thread for thread in self._deciding if thread.is_alive()]
        thread = threading.Thread(target=self._decide, args=(run, results), name=f"run-{run.id}")
        thread.daemon = True
        thread.start()
        self._deciding.append(thread)

    def try_again(self) -> None:
        """Retry an endpoint that failed now, because somebody waits for it."""
        self.circuit_breaker.retry_now()
        self.queue.pause_until(None, trial=self.circuit_breaker.fault is not None)

    def cancel(self, run: EngineRun, *, break_off: bool = False) -> None:
        """Cancel the run. A write in progress is finished; no further note is begun.

        Calls under way are finished, too, as they are paid for, unless break_off.
        """
        self._end(run, "cancelled")
        if break_off:
            run.break_off()

    def finish(self) -> None:
        """Begin nothing more; edits left to editors keep waiting."""
        self.queue.close()
        if self.background:
            self.background.cancelled.set()
        for run in self.runs.active():
            self._end(run, "cancelled")

    def break_off(self) -> None:
        """Break off all calls in progress; a write in progress is finished."""
        for run in (self.background, *self.runs.all()):
            if run:
                run.break_off()

    def join(self, timeout: float | None = None) -> None:
        """Wait for the workers to end, at most `timeout` seconds; None: without a limit."""
        until = None if timeout is None else time.monotonic() + timeout
        for thread in (*self._threads, *self._deciding):
            if thread.ident is not None:
                thread.join(None if until is None else max(0.0, until - time.monotonic()))

    def _decide(self, run: EngineRun, results: Iterable[NoteResult]) -> None:
        run.enter("")
        try:
            for result in results:
                run.add(result)
            run.end("cancelled" if run.cancelled.is_set() else "done")
        except Exception as error:
            log_fault(f"run {run.id}", error)
            run.end("failed", _describe_fault(error))
        finally:
            run.leave()

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

    def _try(self, run: EngineRun, ticket: Ticket) -> None:
        """Work on a note, and handle all faults."""
        try:
            if self.handler.fill(run, ticket):
                self._recover()
        except Cancelled:
            self.queue.requeue(ticket, time.monotonic())
        except LimitReached as error:
            self._fail(run, ticket, error)
        except (EndpointError, StorageError) as error:
            self._pause(error)
            self._fail(run, ticket, error)
            if (fault := self.circuit_breaker.fault) and fault.lasts:
                for other in self.runs.active():  # it will not pass by itself
                    if other.options.on_fault == "stop":
                        self._end(other, "failed", error)
            self._say_that_runs_wait(error)  # except those that have just ended
        except Exception as error:
            log_fault(ticket.path, error)
            self._fail(run, ticket, _describe_fault(error))

    def _fail(self, run: EngineRun, ticket: Ticket, error: CompanionError) -> None:
        """Requeue the note after a fault of the endpoint or the journal, or end its run.

        The run ends if it was started with that option, or at a daily limit. Any other fault is the
        result for this note alone.
        """
        is_limit = isinstance(error, LimitReached)
        if isinstance(error, LimitReached) and run.options.priority == "background":
            self._exhaust(error)
        if run.is_over:
            self.queue.done(ticket)
        elif not isinstance(error, EndpointError | StorageError):
            self.handler.end_ticket(run, ticket, Result(ticket.path, "failed", str(error)))
        elif run.options.on_fault == "wait" and (run.is_background or not is_limit):
            self.queue.requeue(ticket, time.monotonic())
        else:
            self.queue.done(ticket)
            if not is_limit:  # else nothing was asked about the note
                run.add(Result(ticket.path, "failed", str(error), ends_run=True), ends_with=error)
            self._end(run, "failed", error)

    def _end(self, run: EngineRun, state: RunState, error: CompanionError | None = None) -> None:
        """End the run: nothing more is asked for its other notes."""
        if state == "cancelled":
            run.cancelled.set()
            if run.kind != "fill":  # its thread ends it after the note that it is at
                return
        elif enricher := run.enricher:
            enricher.client.stop()  # answers received so far are written
        run.end(state, error)
        self.queue.drop(run.id)
        run.close_unless_busy()

    def _pause(self, error: EndpointError | StorageError) -> None:
        """Hold the whole queue until the endpoint is tried next."""
        earlier = self.circuit_breaker.fault
        fault = error if isinstance(error, EndpointError) else EndpointDown(str(error))
        if isinstance(error, StorageError):
            fault.kind = "storage"
        retry_at = self.circuit_breaker.record_failure(fault)
        if earlier is None and isinstance(error, StorageError):
            _log.info("paused: %s", error)
        elif earlier is None and (current := self.circuit_breaker.fault):
            # not its message: that may be the endpoint's own, which may quote a note
            _log.info("paused, endpoint %s; companion status says more", current.kind)
        self.queue.pause_until(retry_at, trial=True)
        now = self.circuit_breaker.fault
        if now is None or now.next_try < retry_at:  # another thread has changed it
            self.queue.pause_until(None, trial=now is not None)

    def _say_that_runs_wait(self, error: CompanionError) -> None:
        if self.circuit_breaker.fault:
            self.runs.set_waits(str(error))
            if not self.circuit_breaker.fault:  # another thread's call has just succeeded
                self.runs.set_waits("")

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


def _describe_fault(error: Exception) -> CompanionError:
    if isinstance(error, CompanionError):
        return error
    return CompanionError(f"unexpected {type(error).__name__}; please report it")


def log_fault(doing: str, error: Exception) -> None:
    """Log an error. If unexpected, only type and place, as its message may quote a note."""
    if isinstance(error, CompanionError | OSError):
        _log.warning("%s: %s", doing, error)
        return
    _log.debug("%s", doing, exc_info=error)
    places = traceback.extract_tb(error.__traceback__)
    where = " > ".join(f"{PurePath(place.filename).name}:{place.lineno}" for place in places)
    _log.error("%s: unexpected %s; please report it (%s)", doing, type(error).__name__, where)
