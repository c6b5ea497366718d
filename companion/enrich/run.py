"""Many notes side by side: one failing note never stops the rest, and a stop loses nothing."""

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

# One more note for so many: it waits, ready, to be asked for while another is being written.
_SPARE = 2
_log = logging.getLogger(__name__)
_POLL = 0.2  # seconds; Windows delivers Ctrl-C only between two waits


def run_jobs(
    jobs: Iterable[Job], enrich: Callable[[Job], Result], concurrency: int, cancelled: Event
) -> Iterator[Result]:
    """Yield the results as they come, `concurrency` notes at a time and a few that are made ready.

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
    """Return what became of the note, if anything did, and what ends the run."""
    try:
        return future.result(), None
    except (Cancelled, LimitReached) as error:
        return None, error  # nothing was asked for it
    except CompanionError as error:
        return Result(job.path, "failed", str(error), ends_run=True), error
    except Exception as error:  # a fault of ours: it must not cost the other notes
        _log.debug("%s", job.path, exc_info=error)
        return Result(job.path, "failed", in_words(error)), None


def in_words(error: Exception) -> str:
    """Return what to say of an error that nobody foresaw."""
    return f"unexpected {type(error).__name__}: {error}; --debug shows where. Please report it."


def new_run() -> str:
    """Return a name for a run that sorts by time: `20261125-104412-3f9a`."""
    return f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
