"""The model behind all work of the daemon, and the enrichers that ask it."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Protocol

from companion.daemon.circuit_breaker import CircuitBreaker
from companion.daemon.client_runs import Runs
from companion.daemon.log import log_fault
from companion.daemon.work_queue import Priority, Ticket, WorkQueue
from companion.enrich.asker import Asker
from companion.enrich.context import VaultContext
from companion.enrich.enricher import Enricher, open_planner
from companion.enrich.model import make_client, model_facts, open_source
from companion.enrich.task import Job
from companion.enrich.workspace import Workspace
from companion.errors import CompanionError, EndpointError, StorageError
from companion.llm.budget import LimitReached, Spending
from companion.llm.client import Client
from companion.llm.errors import Cancelled, EndpointDown
from companion.vault.write import SETTLE


class EnricherSource:
    """Opens enrichers on one model, which itself is opened on first use. From any thread.

    known: the names and vocabularies of the vault as they are now.
    """

    def __init__(
        self, space: Workspace, spending: Spending, known: Callable[[], VaultContext]
    ) -> None:
        self._space = space
        self._spending = spending
        self._known = known
        self._lock = threading.Lock()
        self._opened = ExitStack()
        self._asker: Asker | None = None
        self._first: Client | None = None

    def open(
        self,
        run: str,
        cancelled: threading.Event,
        settle: float | Callable[[str], float] = SETTLE,
        *,
        waits: bool = True,
    ) -> Enricher:
        """Return an enricher whose work is broken off by setting the event.

        Raises UsageError when the model is not on this machine.
        """
        with self._lock:
            if self._asker is None:
                self._source = self._opened.enter_context(open_source(self._space.config))
                self._planner = open_planner(self._space)
                self._asker = Asker(self._space, self._known(), model_facts(self._space.config))
            client = make_client(self._source, cancelled, self._spending, learned_from=self._first)
            self._first = self._first or client
            return Enricher(
                self._space, self._asker, client, run, self._planner, settle, waits, cancelled
            )

    def renew(self) -> None:
        """Ask from now on with the names and vocabularies of the vault as they are now."""
        if self._asker:
            self._asker.known = self._known()

    def close(self) -> None:
        """Close the model."""
        with self._lock:
            self._opened.close()


_TURN_LOOK = 1.0  # seconds until a worker asks again whether the endpoint may be called
_log = logging.getLogger(__name__)


class TicketHandler(Protocol):
    """One kind of work on a note."""

    def work(self, ticket: Ticket[Job]) -> bool:
        """Work on it and give it back; return whether the model answered."""

    def fail(self, ticket: Ticket[Job], error: CompanionError, *, passes: bool) -> None:
        """Give it back after a fault; passes: one for which the queue is held until it may pass."""


class RunTicketHandler(TicketHandler, Protocol):
    """The work that clients ask for."""

    def end_runs(self, fault: str) -> None:
        """End the runs that stop on a fault."""


class WorkerPool:
    """As many threads as notes may be worked on at once, one of them never in the background."""

    def __init__(
        self,
        queue: WorkQueue[Job],
        background: TicketHandler,
        requests: RunTicketHandler,
        circuit_breaker: CircuitBreaker,
        runs: Runs,
        concurrency: int,
    ) -> None:
        self._queue = queue
        self._runs = runs
        self._background = background
        self._run_handler = requests
        self._circuit_breaker = circuit_breaker
        queue.limit(Priority.BACKGROUND, max(1, concurrency - 1))
        self._threads = [
            threading.Thread(target=self._run, name=f"worker-{number}", daemon=True)
            for number in range(max(2, concurrency))
        ]

    def start(self) -> None:
        """Begin to work."""
        for thread in self._threads:
            thread.start()

    def join(self, timeout: float) -> None:
        """Wait until all have ended, once the queue is closed."""
        until = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _run(self) -> None:
        while ticket := self._queue.take():
            try:
                self._work(ticket)
            except Exception as error:
                log_fault(ticket.path, error)

    def _work(self, ticket: Ticket[Job]) -> None:
        kind = self._run_handler if ticket.owner else self._background
        if not self._circuit_breaker.may_call():
            self._queue.requeue(ticket, time.monotonic() + _TURN_LOOK)
            return
        try:
            if kind.work(ticket):
                self._recover()
            else:
                self._circuit_breaker.release_turn()
        except Cancelled:
            self._circuit_breaker.release_turn()
            self._queue.requeue(ticket, time.monotonic())
        except LimitReached as error:
            self._circuit_breaker.release_turn()
            kind.fail(ticket, error, passes=False)
        except (EndpointError, StorageError) as error:
            self._pause(error)
            kind.fail(ticket, error, passes=True)
            if (fault := self._circuit_breaker.fault) and fault.lasts:  # whoever's note it was
                self._run_handler.end_runs(fault.reason)
        except Exception as error:
            log_fault(ticket.path, error)
            self._circuit_breaker.release_turn()  # a fault of ours must not cost the other notes
            if not isinstance(error, CompanionError):
                error = CompanionError(f"unexpected {type(error).__name__}; please report it")
            kind.fail(ticket, error, passes=False)

    def _pause(self, error: EndpointError | StorageError) -> None:
        """Hold everything back until the endpoint is tried again."""
        known = self._circuit_breaker.fault
        fault = error if isinstance(error, EndpointError) else EndpointDown(str(error))
        retry_at = self._circuit_breaker.record_failure(fault)
        if known is None and isinstance(error, StorageError):
            log_fault("paused", error)
        elif known is None and (found := self._circuit_breaker.fault):
            # its words may be the endpoint's, which may quote a note
            _log.warning("paused, endpoint %s; companion status says more", found.kind)
        self._queue.pause_until(retry_at)
        self._runs.set_waits(str(error))
        now = self._circuit_breaker.fault
        if now is None or now.next_try < retry_at:  # somebody woke it meanwhile
            self._queue.pause_until(None)

    def _recover(self) -> None:
        if not self._circuit_breaker.fault:
            return
        self._circuit_breaker.record_success()
        if not self._circuit_breaker.fault:
            self._queue.pause_until(None)
            self._runs.set_waits("")
            _log.info("the endpoint answers again")
