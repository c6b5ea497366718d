"""Background work: fills the notes that are due, gently, and leaves open ones alone.

The database is the queue, and the next scan is the retry: what is due is put here by each look at
the vault, and the model's answers are stored as proposals, so nothing is asked for twice.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from companion.app.filler import Filler
from companion.app.overview import reason_off
from companion.app.run import log_fault
from companion.app.types.status import Fault
from companion.enrich.apply import File, apply
from companion.enrich.job import Job, Result, failed_result, new_run
from companion.enrich.pipeline import Enricher
from companion.enrich.workspace import AttemptBasis, Workspace
from companion.errors import (
    EndpointError,
    NoteBusy,
    NoteChanged,
    NoteError,
    NoteUnwritable,
    StorageError,
)
from companion.llm.budget import Budget, LimitReached
from companion.llm.errors import Cancelled
from companion.store.proposals import Proposal
from companion.vault.paths import fold_path
from companion.vault.write import NoteNotSettled

_LOOK = 1.0  # seconds between two looks whether it is paused
_NEXT_TRY = 60.0  # seconds after which a note that could not be written is tried again
_FIRST_PAUSE, _LONGEST_PAUSE = 5.0, 3600.0  # seconds after a fault of the endpoint
_NOTES_USED_UP = "the notes of a day are used up (background.notes_a_day)"
_log = logging.getLogger(__name__)


class Background:
    """Fills notes that are due, in threads of its own. Safe to use from any thread.

    held: returns the notes that the user has not agreed to. record: called with each result.
    fault: the endpoint's, until it answers again.
    """

    def __init__(
        self,
        space: Workspace,
        filler: Filler,
        spending: Budget,
        held: Callable[[], Collection[str]],
        record: Callable[[Result], object],
    ) -> None:
        self.fault: Fault | None = None
        self._space, self._filler, self._spending = space, filler, spending
        self._held, self._record = held, record
        self._config = space.config
        self._due: dict[str, float] = {}  # from when the notes may be filled, monotonic clock
        self._to_do: set[str] = set()  # as the last look found
        self._attempted: dict[str, AttemptBasis] = {}  # without a result
        self._busy: set[str] = set()
        self._limit: LimitReached | None = None
        self._logged = ""
        self._paused_until = self._pause = 0.0
        self._work = threading.Condition()
        self._opening = threading.Lock()
        self._cancelled = threading.Event()
        self._enricher: Enricher | None = None
        self._stopped = False
        self._thread = threading.Thread(target=self._serve, name="background", daemon=True)

    def start(self) -> None:
        """Start to fill notes."""
        self._thread.start()

    def finish(self) -> None:
        """Begin nothing more; calls in progress are finished."""
        with self._work:
            self._stopped = True
            self._cancelled.set()
            self._work.notify_all()

    def join(self, timeout: float) -> None:
        """Wait for the end of its thread, at most `timeout` seconds."""
        if self._thread.ident is not None:
            self._thread.join(timeout)

    def break_off(self) -> None:
        """Break off the calls in progress; what is answered is kept."""
        self._cancelled.set()
        if enricher := self._enricher:
            enricher.client.close()

    def off(self) -> str:
        """Return why it is held, in words; empty if it is not."""
        if reason := reason_off(self._space):
            return reason
        notes = self._spending.notes_today()
        if notes >= self._space.config.background.notes_a_day:
            return _NOTES_USED_UP
        limit = self._limit
        return str(limit) if limit and limit.day == self._spending.today() else ""

    def try_now(self) -> None:
        """Go on at once after a fault, or at a limit that may be different now."""
        with self._work:
            self._limit, self._paused_until = None, 0.0
            self._work.notify_all()

    @property
    def retry_in(self) -> float:
        """Seconds until an endpoint that failed is tried again."""
        return max(0.0, self._paused_until - time.monotonic()) if self.fault else 0.0

    def take(self, to_do: Collection[str], changed: Collection[str] = ()) -> None:
        """Take the notes that a scan found to be due. changed: those that are not settled yet."""
        settle, held = self._space.config.background.settle_seconds, self._held()
        paths = {path for path in to_do if path not in held and not self._is_tried(path)}
        with self._work:
            self._to_do = paths
            self._due = {path: at for path, at in self._due.items() if path in paths}
            for path in sorted(paths):
                if path in changed:
                    self._due[path] = time.monotonic() + settle
                elif path not in self._busy:
                    self._due.setdefault(path, time.monotonic())
            self._work.notify_all()

    def discard(self, paths: Iterable[str]) -> None:
        """Leave the notes to somebody else, who works on them now."""
        with self._work:
            for path in paths:
                self._due.pop(path, None)

    def waiting(self) -> int:
        """Return how many notes wait for their turn."""
        with self._work:
            return len(self._due)

    def _serve(self) -> None:
        workers = max(1, self._space.config.concurrency - 1)
        with ThreadPoolExecutor(workers, "background") as pool:
            while True:
                with self._work:
                    if self._stopped:
                        return
                    at_once = 1 if self.fault else workers  # one note is the trial
                    path = self._next() if len(self._busy) < at_once else None
                    if path is None:
                        self._work.wait(_LOOK)
                        continue
                    del self._due[path]
                    self._busy.add(path)
                pool.submit(self._fill, path)

    def _next(self) -> str | None:
        """Return the note that has been due for longest; None: none is, or it is held."""
        if self._config != (config := self._space.config):  # it may be another endpoint now
            self._config, self._limit, self._paused_until = config, None, 0.0
        off = self.off()
        if off != self._logged:
            self._logged = off
            _log.info("background work: %s", off or "on")
            if reason_off(self._space):
                self.break_off()
        if off or time.monotonic() < self._paused_until or self._space.source.fault:
            return None
        opened = set(map(fold_path, self._space.journal.presence.open_paths()))
        held, now = opened | set(map(fold_path, self._busy)), time.monotonic()
        ready = (p for p, at in self._due.items() if at <= now and fold_path(p) not in held)
        return min(ready, key=self._due.__getitem__, default=None)

    def _is_tried(self, path: str) -> bool:
        """Return whether the last attempt gave no result, and the next one would not, either."""
        basis = self._attempted.get(path)
        return basis is not None and basis == self._space.attempt_basis(path)

    def _fill(self, path: str) -> None:
        again: float | None = None  # seconds until the note is tried again
        try:
            with self._filler.working_on(path):
                self._try(path)
        except NoteNotSettled as error:
            again = error.ready_in
        except Cancelled:
            again = 0.0
        except LimitReached as error:
            self._limit, again = error, 0.0
        except (EndpointError, StorageError) as error:
            self._wait_for_endpoint(error)
            again = 0.0
        except NoteError as error:
            is_there = (self._space.root / path).exists()
            if is_there and isinstance(error, NoteBusy | NoteChanged | NoteUnwritable):
                _log.info("%s: put off: %s", path, error.reason)
                again = _NEXT_TRY
            else:
                self._attempted[path] = self._space.attempt_basis(path)
                self._record(failed_result(path, error))
        except Exception as error:
            log_fault(path, error)
            self._attempted[path] = self._space.attempt_basis(path)
        with self._work:
            self._busy.discard(path)
            if again is not None and path in self._to_do:
                self._due.setdefault(path, time.monotonic() + again)
            self._work.notify_all()

    def _try(self, path: str) -> None:
        """Fill the note, in a run of its own, so undoing the last run undoes a note."""
        basis, job = self._space.attempt_basis(path), Job(path, background=True)
        settle, enricher = self._space.config.background.settle_seconds, self._open()
        into = File(new_run(), False, settle, False, self._cancelled)
        result = self._filler.fill_counted(enricher, job, into, self._write)
        if result.usage.calls:
            self._recover()
        if result.change is None:
            self._attempted[path] = basis
        self._record(result)

    def _open(self) -> Enricher:
        """Return an enricher; a new one if calls were broken off since."""
        with self._opening:
            if self._cancelled.is_set() and not self._stopped:
                self._cancelled, self._enricher = threading.Event(), None
            self._enricher = self._enricher or self._filler.open_background(self._cancelled)
            return self._enricher

    def _wait_for_endpoint(self, error: EndpointError | StorageError) -> None:
        """Pause, twice as long as before, up to an hour; then one note is tried."""
        kind = error.kind if isinstance(error, EndpointError) else "storage"
        with self._work:
            before, now = self.fault, time.monotonic()
            if before is None:
                # not its message: that may be the endpoint's own, which may quote a note
                _log.info("paused, %s; companion status says more", kind)
            if now >= self._paused_until:
                self._pause = min(max(_FIRST_PAUSE, self._pause * 2), _LONGEST_PAUSE)
                wait = max(self._pause, getattr(error, "retry_after", None) or 0.0)
                self._paused_until = now + wait
            since = before.since if before else time.time()
            tries = before.tries + 1 if before else 1
            self.fault = Fault(kind=kind, reason=str(error), since=since, tries=tries)

    def _recover(self) -> None:
        with self._work:
            if self.fault:
                _log.info("the endpoint answers again")
            self.fault, self._pause, self._paused_until = None, 0.0, 0.0

    def _write(
        self, space: Workspace, path: str, proposals: Sequence[Proposal], by: str, into: File
    ) -> Result:
        """Write the values as apply does. Raises Cancelled, and NoteBusy if the note was opened."""
        if reason := reason_off(self._space):
            raise Cancelled(reason)
        if space.journal.presence.is_open(path):
            raise NoteBusy("it is open in an editor", path)
        return apply(space, path, proposals, by, into)
