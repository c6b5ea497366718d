"""Answers of runs for notes that are open in an editor: their plugin makes the edits there.

Only the plugin sees what is typed and not saved yet. Where none takes them, they are written once
the note is closed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from companion.daemon.background import log_result
from companion.daemon.fingerprints import Fingerprints
from companion.daemon.presence import Presence, fold_path
from companion.daemon.work_queue import Priority, Ticket, WorkQueue
from companion.enrich.enricher import Enricher
from companion.enrich.result import Answered, Result
from companion.enrich.task import Job
from companion.errors import NoteBusy, NoteChanged, NoteError, NoteUnwritable
from companion.llm.errors import Cancelled

LATER = "later"  # owns the tickets of notes whose run goes on without them; no run's id
PATIENCE = 30.0  # seconds that an editor has to take the edits
OPEN_LOOK = 1.0  # seconds between two looks whether a note is still open
NOT_TAKEN = (
    f"open in Obsidian, where nobody took the edits within {PATIENCE:.0f} s; they are made there "
    "when you pause, or here once it is closed"
)

_KEPT = 1_000  # answers that are written later
_log = logging.getLogger(__name__)

Step = Literal["write", "wait", "leave", "taken"]


class PendingAnswer(NamedTuple):
    """A model's answer for a note, and what places it."""

    enricher: Enricher
    answered: Answered


class RequestedEdit(NamedTuple):
    """An open note that somebody asked to change: for a run, or to take a change back."""

    path: str
    run: str | None = None
    change: int | None = None


@dataclass
class _WaitingAnswer:
    """until: when the run goes on without it. planned: what came of the edits offered last."""

    run: str
    given: PendingAnswer
    until: float
    planned: Result | None = None


class OpenNotes:
    """The answers that wait for an editor, or for their note to be closed. From any thread."""

    def __init__(
        self,
        queue: WorkQueue[Job],
        fingerprints: Fingerprints,
        presence: Presence,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue = queue
        self._fingerprints = fingerprints
        self._presence = presence
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[tuple[str, str], _WaitingAnswer] = {}  # by run and path
        self._later: dict[str, _WaitingAnswer] = {}  # by path
        self._taken: dict[tuple[str, str], None] = {}  # the latest last

    def next_step(self, run: str, given: PendingAnswer) -> Step:
        """Return what is to be done now with the answer for a note.

        wait: an editor has it open. leave: none took it in time; it is kept for later. taken: one
        did, and confirmed it.
        """
        path = given.answered.job.path
        key = (run, fold_path(path))
        is_open = self._presence.is_open(path)
        with self._lock:
            if key in self._taken:
                return "taken"
            if not is_open:
                self._held.pop(key, None)
                return "write"
            held = self._held.setdefault(key, _WaitingAnswer(run, given, self._clock() + PATIENCE))
            held.given = given
            if self._clock() < held.until:
                return "wait"
            del self._held[key]
            self._keep(key[1], held)
        self._queue.put(path, given.answered.job, Priority.REQUEST, LATER)
        return "leave"

    def asked(self, paths: Iterable[str]) -> list[RequestedEdit]:
        """Return for which of these paths, as a client spells them, edits wait."""
        with self._lock:
            now = self._clock()
            runs = {path: held.run for (_, path), held in self._held.items() if held.until > now}
            runs |= {path: held.run for path, held in self._later.items() if path not in runs}
        return [RequestedEdit(path, run) for path in paths if (run := runs.get(fold_path(path)))]

    def find(self, run: str, path: str) -> PendingAnswer | None:
        """Return the answer that waits for this run and note."""
        with self._lock:
            held = self._find(run, path)
            return held.given if held else None

    def offered(self, run: str, path: str, planned: Result) -> None:
        """Take down that an editor got the edits; the first time it has time again to make them."""
        with self._lock:
            if held := self._find(run, path):
                if held.planned is None:  # else one that cannot make them would be waited for
                    held.until = self._clock() + PATIENCE
                held.planned = planned

    def take(self, run: str, path: str) -> Result | None:
        """Forget the answer, which an editor has placed in its note.

        Returns what came of the note; None where no run waits for it.
        """
        key = (run, fold_path(path))
        with self._lock:
            held = self._held.pop(key, None)
            later = self._later.get(key[1])
            if later and later.run == run:
                del self._later[key[1]]
                self._queue.discard(later.given.answered.job.path, LATER)
            if held is None or held.planned is None:
                return None
            self._taken[key] = None
            if len(self._taken) > _KEPT:
                del self._taken[next(iter(self._taken))]
        self._queue.discard(held.given.answered.job.path, run)
        return held.planned

    def forget(self, run: str) -> None:
        """Forget what waits for a run that is over; what is kept for later stays."""
        with self._lock:
            stale = self._clock() - PATIENCE  # of a run that was over when it was put there
            self._held = {
                key: held
                for key, held in self._held.items()
                if key[0] != run and held.until >= stale
            }

    def work(self, ticket: Ticket[Job]) -> None:
        """Write an answer that was kept for later, if its note is closed now.

        Raises JournalError, with the ticket still in hand.
        """
        key = fold_path(ticket.path)
        with self._lock:
            held = self._later.get(key)
        if held and self._presence.is_open(ticket.path):
            self._queue.requeue(ticket, time.monotonic() + OPEN_LOOK)
        elif held is None or self._write(held):
            with self._lock:
                if held and self._later.get(key) is held:
                    del self._later[key]
            self._queue.done(ticket)
        else:
            self._queue.requeue(ticket)

    def _write(self, held: _WaitingAnswer) -> bool:
        """Write the answer; return whether nothing is left to be done with it."""
        path = held.given.answered.job.path
        try:
            result = held.given.enricher.write(held.given.answered)
        except (NoteBusy, NoteChanged, NoteUnwritable) as error:
            _log.info("%s: put off: %s", path, error.reason)
            return not (self._fingerprints.root / path).is_file()
        except (NoteError, Cancelled):
            _log.info("%s: left alone; companion scan says why", path)
            return True
        if result.change is not None:
            self._fingerprints.record_write(path, result.new)
        log_result(result)
        return True

    def _find(self, run: str, path: str) -> _WaitingAnswer | None:
        key = fold_path(path)
        later = self._later.get(key)
        return self._held.get((run, key)) or (later if later and later.run == run else None)

    def _keep(self, path: str, held: _WaitingAnswer) -> None:
        self._later.pop(path, None)
        self._later[path] = held
        if len(self._later) > _KEPT:
            del self._later[next(iter(self._later))]
