"""Fills notes by a pool of threads: for runs, and note by note for background work."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from itertools import islice
from queue import Empty, SimpleQueue

from companion.app.jobs import RunPlan
from companion.app.outbox import Outbox
from companion.app.run import Run, describe_fault, log_fault
from companion.app.types.runs import NoteResult, RunPriority
from companion.enrich.apply import File
from companion.enrich.asker import Asker
from companion.enrich.checks import find_unchecked
from companion.enrich.configured_model import open_source, open_spending
from companion.enrich.context.similar import SimilarNotes
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.job import Job, Result, failed_result, read_task
from companion.enrich.pipeline import Enricher, Write
from companion.enrich.workspace import Workspace
from companion.errors import CompanionError, EndpointError, NoteError, StorageError
from companion.llm.budget import Budget, LimitReached
from companion.llm.catalog import require_model
from companion.llm.client import Client
from companion.llm.errors import Cancelled
from companion.note.diff import diff_lines
from companion.vault.notes import Scan
from companion.vault.write import SETTLE

_OPEN_SETTLE = 5.0  # seconds that a note must be unchanged while it is open: Obsidian saves every 2
_SPARE = 2  # one more note is begun for this many: ready to ask about while another is written
_LOOK = 0.2  # seconds between two looks whether the run is cancelled


class Filler:
    """Fills the notes of one vault, all by one model. Safe to use from any thread.

    context: returns the names and vocabularies of the vault as they are now. record:
    called with each result. in_hand: the paths that are worked on.
    """

    def __init__(
        self,
        space: Workspace,
        outbox: Outbox,
        spending: Budget,
        context: Callable[[], VaultContext],
        record: Callable[[Result], object] = bool,
    ) -> None:
        self.in_hand: list[str] = []
        self._space = space
        self._outbox = outbox
        self._spending = spending
        self._context = context
        self._similar = SimilarNotes(space)
        self._record = record
        self._opened = ExitStack()
        self._opening = threading.Lock()
        self._asker: Asker | None = None
        # for all calls but those that somebody waits for at a note
        self._slots = threading.BoundedSemaphore(space.config.concurrency)

    def close(self) -> None:
        """Close the model."""
        with self._opening:
            self._opened.close()

    def update_context(self, context: Callable[[], VaultContext]) -> None:
        """Use these names and vocabularies of the vault from now on, if a model is in use."""
        if self._asker:
            self._asker.vault_context = context()

    def fill(
        self, run: Run, plan: RunPlan, priority: RunPriority = "request", *, has_diff: bool = False
    ) -> Iterator[NoteResult]:
        """Fill the notes of a plan, and yield the results, first of those that it skips.

        has_diff: whether the results show what changes in each note.

        Raises the fault of the endpoint or the journal that ends the run.
        """
        yield from (NoteResult.of(each, counted=False) for each in plan.skipped)
        for result in self._fill(run, plan.jobs, priority) if plan.jobs else ():
            lines = diff_lines(result.path, result.old, result.new) if has_diff else ()
            yield NoteResult.of(result, diff="".join(lines) or None)

    def _fill(self, run: Run, jobs: Iterable[Job], priority: RunPriority) -> Iterator[Result]:
        """Fill the notes, as many at once as the settings say, and yield the results."""
        (enricher, into), at_once = self._open_run(run, priority), self._space.config.concurrency
        workers = at_once + at_once // _SPARE
        faults, rest, futures = list[CompanionError](), iter(jobs), dict[Future[Result], str]()
        over = SimpleQueue[Future[Result]]()
        with (
            closing(enricher.client),
            ThreadPoolExecutor(workers, f"run-{run.id}") as pool,
        ):
            while True:
                room = 0 if faults or run.is_cancelled else workers - len(futures)
                for job in islice(rest, room):
                    future = pool.submit(self._fill_one, enricher, into, job, priority)
                    futures[future] = job.path
                    future.add_done_callback(over.put)
                if not futures:
                    break
                with suppress(Empty):  # what was cancelled meanwhile is not begun
                    future = over.get(timeout=_LOOK)
                    if result := _take_result(future, futures.pop(future), faults):
                        yield result
                if faults:
                    enricher.client.stop()  # answers received so far are written
        if faults:
            raise faults[0]

    def _fill_one(self, enricher: Enricher, into: File, job: Job, priority: RunPriority) -> Result:
        """Work on a note; return its result, including a failure of this note alone.

        Raises EndpointError, Cancelled, StorageError.
        """
        into = replace(into, explicit=job.explicit, dry_run=job.dry_run)
        try:
            with self.working_on(job.path):
                self._space.journal.require_space()
                result = enricher.fill(job, into, self._outbox.fill)
        except NoteError as error:
            result = failed_result(job.path, error)
        except (Cancelled, EndpointError, StorageError):
            raise
        except Exception as error:
            log_fault(job.path, error)
            result = Result(job.path, "failed", str(describe_fault(error)))
        self._record(result)
        return result

    @contextmanager
    def working_on(self, path: str) -> Iterator[None]:
        """Name the note among those that are worked on, during the block."""
        self.in_hand.append(path)
        try:
            yield
        finally:
            self.in_hand.remove(path)

    def fill_counted(self, enricher: Enricher, job: Job, into: File, write: Write) -> Result:
        """Fill the note in the background, within the daily number of notes; return the result.

        A note for which no model is asked does not count.

        Raises NoteError, EndpointError (also LimitReached), Cancelled, JournalError.
        """
        self._space.journal.require_space()
        proposals = self._space.journal.proposals
        if proposals.latest(job.path):
            task = read_task(self._space, job)
            if task is None or not task.needs:
                return enricher.fill(job, into, write)
        self._space.wait_for_settings(into.cancelled)  # which have the notes of a day
        self._spending.reserve_note()
        is_failure, calls = False, enricher.client.usage.calls
        try:
            result = enricher.fill(job, into, write)
            is_failure = result.status == "failed"
            return result
        finally:
            if not is_failure and enricher.client.usage.calls == calls:
                self._spending.release_note()

    def _open_run(self, run: Run, priority: RunPriority) -> tuple[Enricher, File]:
        """Return the enricher for a run, and how it reads and writes notes.

        Its client is the run's. Close that at the end.
        """

        def settle(path: str) -> float:  # for who waits at a note, its editor saves it first
            is_open = priority != "interactive" and self._outbox.is_open(path)
            return _OPEN_SETTLE if is_open else SETTLE

        asker = self._open_asker()
        client = run.client = Client(self._source, run.cancelled, self._spending)
        if priority != "interactive":
            client.slots = self._slots
        into = File(run.id, settle=settle, cancelled=run.cancelled)
        return Enricher(asker, client), into

    def open_background(self, cancelled: threading.Event) -> Enricher:
        """Return an enricher for background work."""
        asker = self._open_asker()
        client = Client(self._source, cancelled, self._spending)
        client.slots = self._slots
        return Enricher(asker, client)

    def _open_asker(self) -> Asker:
        with self._opening:
            if self._asker is None:
                self._source = self._opened.enter_context(open_source(self._space))
                context = self._context()
                asker = Asker(self._space, context, self._similar, renew=self._context)
                self._asker, find = asker, self._space.find_context
                self._space.find_context = find or (lambda: asker.vault_context)
            return self._asker


def _take_result(future: Future[Result], path: str, faults: list[CompanionError]) -> Result | None:
    """Return the result of a note, None if it was not asked about. Faults end the run."""
    try:
        return future.result()
    except Cancelled:
        return None
    except (EndpointError, StorageError) as error:
        faults.append(error)
        if isinstance(error, LimitReached):
            return None
        return Result(path, "failed", str(error), ends_run=True)


def make_run(
    plan: RunPlan, work: Callable[[Run], Iterator[NoteResult]], id_: str | None = None
) -> Run:
    """Return a run that fills the notes of a plan by that work. id_: None: a new one."""
    return Run("fill", len(plan.jobs), work, left_alone=plan.left_alone, run=id_)


def fill_here(
    space: Workspace, outbox: Outbox, scan: Scan, plan: RunPlan, *, has_diff: bool = False
) -> Run:
    """Return a run that opens the model of the vault for itself alone. scan: of just now.

    Raises ModelNotFetched.
    """
    if plan.jobs and space.config.is_embedded:
        require_model(space.config.endpoint.model)

    def find_context() -> VaultContext:
        return VaultContext(scan if space.is_current(scan) else space.scan())

    def fill(run: Run) -> Iterator[NoteResult]:
        with (
            open_spending(space) as spending,
            closing(Filler(space, outbox, spending, find_context)) as filler,
        ):
            yield from filler.fill(run, plan, has_diff=has_diff)

    run = make_run(plan, fill)
    run.warning = find_unchecked() or ""
    return run
