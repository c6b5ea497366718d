"""The worker threads: they take tickets from the queue and pass them to their handlers."""

from __future__ import annotations

import logging
import threading
import time

from companion.daemon.background import BackgroundHandler
from companion.daemon.circuit_breaker import CircuitBreaker
from companion.daemon.client_runs import Runs
from companion.daemon.log import log_fault
from companion.daemon.run_handler import RunHandler
from companion.daemon.work_queue import Priority, Ticket, WorkQueue
from companion.errors import CompanionError, EndpointError, StorageError
from companion.llm.budget import LimitReached
from companion.llm.endpoint_errors import Cancelled, EndpointDown

_TURN_CHECK = 1.0  # seconds after which a ticket is tried again that had no turn at the endpoint
_log = logging.getLogger(__name__)


class WorkerPool:
    """The worker threads: two or more, one of which never does background work.

    has_spare: there is one more, for single notes that somebody waits for: the calls of the others
    may all wait, for a limit a minute.
    """

    def __init__(
        self,
        queue: WorkQueue,
        background: BackgroundHandler,
        run_handler: RunHandler,
        circuit_breaker: CircuitBreaker,
        runs: Runs,
        concurrency: int,
        *,
        has_spare: bool,
    ) -> None:
        self._queue = queue
        self._runs = runs
        self._background = background
        self._run_handler = run_handler
        self._circuit_breaker = circuit_breaker
        at_once = max(2, concurrency)
        queue.limit(Priority.BACKGROUND, max(1, concurrency - 1))
        queue.limit(Priority.REQUEST, at_once)
        self._threads = [
            threading.Thread(target=self._run, name=f"worker-{number}", daemon=True)
            for number in range(at_once + has_spare)
        ]

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def join(self, timeout: float) -> None:
        """Wait at most `timeout` seconds for the threads to end, once the queue is closed."""
        until = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _run(self) -> None:
        while ticket := self._queue.take():
            try:
                self._work(ticket)
            except Exception as error:
                log_fault(ticket.path, error)

    def _work(self, ticket: Ticket) -> None:
        handler: BackgroundHandler | RunHandler = (
            self._run_handler if ticket.owner else self._background
        )
        if not self._circuit_breaker.may_call():
            self._queue.requeue(ticket, time.monotonic() + _TURN_CHECK)
            return
        try:
            if handler.work(ticket):
                self._recover()
            else:
                self._circuit_breaker.release_turn()
        except Cancelled:
            self._circuit_breaker.release_turn()
            self._queue.requeue(ticket, time.monotonic())
        except LimitReached as error:
            self._circuit_breaker.release_turn()
            handler.fail(ticket, error, passes=False)
        except (EndpointError, StorageError) as error:
            self._pause(error)
            handler.fail(ticket, error, passes=True)
            if (fault := self._circuit_breaker.fault) and fault.lasts:
                self._run_handler.end_runs(fault.reason)
        except Exception as error:
            log_fault(ticket.path, error)
            self._circuit_breaker.release_turn()  # the other notes may still be worked on
            if not isinstance(error, CompanionError):
                error = CompanionError(f"unexpected {type(error).__name__}; please report it")
            handler.fail(ticket, error, passes=False)

    def _pause(self, error: EndpointError | StorageError) -> None:
        """Hold the whole queue until the endpoint is tried next."""
        earlier = self._circuit_breaker.fault
        fault = error if isinstance(error, EndpointError) else EndpointDown(str(error))
        retry_at = self._circuit_breaker.record_failure(fault)
        if earlier is None and isinstance(error, StorageError):
            log_fault("paused", error)
        elif earlier is None and (current := self._circuit_breaker.fault):
            # not its message: that may be the endpoint's own, which may quote a note
            _log.warning("paused, endpoint %s; companion status says more", current.kind)
        self._queue.pause_until(retry_at)
        self._runs.set_waits(str(error))
        now = self._circuit_breaker.fault
        if now is None or now.next_try < retry_at:  # another thread changed it meanwhile
            self._queue.pause_until(None)

    def _recover(self) -> None:
        if not self._circuit_breaker.fault:
            return
        self._circuit_breaker.record_success()
        if not self._circuit_breaker.fault:
            self._queue.pause_until(None)
            self._runs.set_waits("")
            _log.info("the endpoint answers again")
