"""Many notes at once: one that fails never stops the others, and a stop loses nothing."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Empty, SimpleQueue
from threading import Event

from companion.enrich.result import Result
from companion.enrich.task import Job
from companion.errors import CompanionError
from companion.llm.budget import LimitReached
from companion.llm.endpoint_errors import Cancelled, Stopped

# For so many notes, one more is begun: it is ready to be asked about while another is written.
_SPARE = 2
_log = logging.getLogger(__name__)
_POLL = 0.2  # seconds; Windows delivers Ctrl-C only between two waits


def run_jobs(
    jobs: Iterable[Job], enrich: Callable[[Job], Result], concurrency: int, cancelled: Event
) -> Iterator[Result]:
    """Yield the results as they come, of `concurrency` notes at a time and a few made ready.

    When cancelled is set, no further note is begun; those under way are finished or broken off
    before they are written.

    Raises what enrich raises for all notes (EndpointError, StorageError), once those under way
    are finished; the notes it was raised for are among the results, but for those that a limit
    on what may be spent left unasked.
    """
    waiting = iter(jobs)
    fault: CompanionError | None = None
    workers = concurrency + concurrency // _SPARE
    with ThreadPoolExecutor(workers, thread_name_prefix="note") as pool:
        running: dict[Future[Result], Job] = {}
        done: SimpleQueue[Future[Result]] = SimpleQueue()
        while True:
            while len(running) < workers and not fault and not cancelled.is_set():
                if (job := next(waiting, None)) is None:
                    break
                future = pool.submit(enrich, job)
                running[future] = job
                future.add_done_callback(done.put)
            if not running:
                break
            try:
                future = done.get(timeout=_POLL)
            except Empty:
                continue
            result, error = _outcome_of(future, running.pop(future))
            if isinstance(error, Stopped):
                continue  # the fault is another note's
            if isinstance(error, Cancelled):
                cancelled.set()
            else:
                fault = fault or error
            if result:
                yield result
    if fault:
        raise fault


def _outcome_of(future: Future[Result], job: Job) -> tuple[Result | None, CompanionError | None]:
    """Return the result of the note, if there is one, and the error that ends the run, if any."""
    try:
        return future.result(), None
    except (Cancelled, LimitReached) as error:
        return None, error  # nothing was asked for it
    except CompanionError as error:
        return Result(job.path, "failed", str(error), ends_run=True), error
    except Exception as error:  # a bug: the other notes must not suffer from it
        _log.debug("%s", job.path, exc_info=error)
        name = type(error).__name__
        reason = f"unexpected {name}: {error}; --debug shows where. Please report it."
        return Result(job.path, "failed", reason), None


def new_run() -> str:
    """Return a name for a run that sorts by time: `20261125-104412-3f9a`."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
