"""Many notes at once, with a result for each: one that fails never stops the others."""

from __future__ import annotations

import gc
import logging
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from queue import Empty, SimpleQueue
from threading import Event
from typing import Literal, NamedTuple

from companion.enrich.plan import Filling
from companion.enrich.task import Job
from companion.errors import CompanionError, NoteError, NoteRefused
from companion.llm.budget import LimitReached
from companion.llm.endpoint_errors import Cancelled, Stopped
from companion.llm.response import Usage
from companion.note.outline import HeadingNotFound
from companion.store.proposal import Flag, ProposalState

NoteStatus = Literal["enriched", "proposed", "refused", "unchanged", "skipped", "failed"]


@dataclass(frozen=True)
class Result:
    """The result of a job. filled: the values written; left: the needs not filled, and why.

    proposed: in words, values that the vault does not use yet, of needs that are not filled.
    old, new: the note's text before and after, where it changed or would change.
    change: the id of the change in the journal; None where nothing was written.
    ends_run: the reason holds for every note, so the run ends with it.
    lacks_heading: skipped since not just one heading fits the section asked for.
    fallback: the kinds of what was filled, or else waits, whose value is the note's own sentence,
    for want of an answer.
    proposals: the ids of the proposals that it is about: first of filled, in its order, then of
    those that wait for a decision.
    """

    path: str
    status: NoteStatus
    reason: str = ""
    filled: tuple[Filling, ...] = ()
    left: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)
    old: str = ""
    new: str = ""
    change: int | None = None
    ends_run: bool = False
    lacks_heading: bool = False
    proposed: tuple[str, ...] = ()
    fallback: tuple[str, ...] = ()
    proposals: tuple[int, ...] = ()


def failed_result(path: str, error: NoteError) -> Result:
    """Return the result of a note that could not be worked on, for the reason in error."""
    status: NoteStatus = "skipped" if isinstance(error, NoteRefused) else "failed"
    reason = f"{error.reason} (line {error.line})" if error.line else error.reason
    return Result(path, status, reason, lacks_heading=isinstance(error, HeadingNotFound))


class Waiting(NamedTuple):
    """A proposal that waits for a decision. kind: of its need."""

    id: int
    kind: str
    flags: Sequence[Flag]


def proposed_result(
    path: str, waiting: Sequence[Waiting], unfilled: tuple[str, ...], usage: Usage
) -> Result:
    """Return the result of a note whose proposals wait; nothing is written into it."""
    return Result(
        path,
        "proposed",
        "; ".join(describe_waiting(waiting)),
        left=unfilled,
        usage=usage,
        fallback=tuple(each.kind for each in waiting if "extractive" in each.flags),
        proposals=tuple(each.id for each in waiting),
    )


def describe_waiting(waiting: Iterable[Waiting]) -> list[str]:
    """Return in words which proposals wait for a decision, by their flags."""
    kinds: dict[str, list[str]] = {}
    for each in waiting:
        kinds.setdefault(", ".join(each.flags), []).append(each.kind)
    return [
        f"{', '.join(names)}: proposed, for you to decide{flags and f' ({flags})'}"
        for flags, names in kinds.items()
    ]


class Decided(NamedTuple):
    """The outcome for a proposal. state: the present one; None: there is no such proposal.

    reason: why the decision failed, in words; empty: it did not.
    """

    id: int
    state: ProposalState | None
    reason: str = ""


class NoteDecision(NamedTuple):
    """The result of a note (`enriched`, `refused`, `unchanged`, `failed`), and of its proposals."""

    result: Result
    proposals: tuple[Decided, ...]

    @property
    def waiting(self) -> list[int]:
        """The ids of those whose decision waits for the editor that shows the note."""
        if self.result.status != "proposed":
            return []
        return [each.id for each in self.proposals if each.reason == self.result.reason]


def sum_up(result: Result, decided: Sequence[Decided]) -> NoteDecision:
    """Return the decision; if every proposal of the note failed, so has the decision.

    One that an editor is to make is `proposed` until then.
    """
    if result.status != "proposed" and all(each.reason for each in decided):
        reasons = "; ".join(dict.fromkeys(each.reason for each in decided))
        result = replace(result, status="failed", reason=reasons)
    else:
        unfilled = (f"proposal {each.id}: {each.reason}" for each in decided if each.reason)
        result = replace(result, left=(*result.left, *unfilled))
    ids = result.proposals or tuple(each.id for each in decided)
    return NoteDecision(replace(result, proposals=ids), tuple(decided))


# For so many notes, one more is begun: it is ready to be asked about while another is written.
_SPARE = 2
_OFTEN = gc.get_threshold()
_NEW_OBJECTS = 10_000  # from so many on, the garbage collector looks for unused ones in a run

_log = logging.getLogger(__name__)
_POLL = 0.2  # seconds; Windows delivers Ctrl-C only between two waits


def run_jobs(
    jobs: Iterable[Job], enrich: Callable[[Job], Result], concurrency: int, cancelled: Event
) -> Iterator[Result]:
    """Yield the results as they come, of `concurrency` notes at a time and a few made ready.

    When cancelled is set, no further note is begun; those under way are finished or broken off
    before they are written.

    Raises what enrich raises for all notes (EndpointError, StorageError), once those under way
    are finished; the notes it was raised for are among the results, except those that a limit
    on what may be spent left unasked.
    """
    waiting = iter(jobs)
    fault: CompanionError | None = None
    workers = concurrency + concurrency // _SPARE
    with _rare_collections(), ThreadPoolExecutor(workers, thread_name_prefix="note") as pool:
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


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Collect garbage rarely while the block runs, and leave out the objects that exist already.

    Scanning all modules again and again takes a twentieth of the time of a run.
    """
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, *_OFTEN[1:])
    try:
        yield
    finally:
        gc.set_threshold(*_OFTEN)
        gc.unfreeze()


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
