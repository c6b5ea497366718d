"""Background work on one note: never while it is edited or open, never twice for one answer."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from copy import copy

from companion.daemon.background_switch import DailyQuota, used_model
from companion.daemon.fingerprints import Fingerprint, Fingerprints
from companion.daemon.presence import Presence
from companion.daemon.work_queue import Ticket, WorkQueue
from companion.enrich.enricher import Enricher
from companion.enrich.result import Answered, Result
from companion.enrich.run import new_run
from companion.enrich.task import Job, NoteRewritten
from companion.errors import CompanionError, NoteBusy, NoteChanged, NoteError, NoteUnwritable
from companion.llm.budget import LimitReached
from companion.vault.write import NoteYoung

_KEPT = 1_000  # answers that wait to be written
_OPEN_LOOK = 30.0  # seconds after which a note that was open is looked at again
_IDLE_LOOK = 0.01  # seconds
_log = logging.getLogger(__name__)


class BackgroundHandler:
    """Does the background's tickets, from any thread.

    settle: seconds that a note must have been left alone.
    open_enricher: opens one whose work can be broken off by setting the event.
    spent: called with the reason when nothing more may be done today.
    """

    def __init__(
        self,
        queue: WorkQueue[Job],
        fingerprints: Fingerprints,
        presence: Presence,
        notes: DailyQuota,
        settle: float,
        open_enricher: Callable[[threading.Event], Enricher],
        spent: Callable[[str], None],
    ) -> None:
        self._queue = queue
        self._fingerprints = fingerprints
        self._presence = presence
        self._notes = notes
        self._settle = settle
        self._open = open_enricher
        self._spent = spent
        self._lock = threading.Lock()
        self._kept: dict[str, Answered] = {}
        self._deferred: set[str] = set()
        self._cancelled = threading.Event()
        self._enricher: Enricher | None = None

    def stop(self) -> None:
        """Break off what is under way; what is being written is finished."""
        with self._lock:
            self._cancelled.set()
            enricher, self._enricher = self._enricher, None
        if enricher:
            enricher.close()

    def wait_idle(self, timeout: float) -> None:
        """Return once no ticket is in hand any more, or the time is up."""
        until = time.monotonic() + timeout
        while any(not ticket.owner for ticket in self._queue.in_progress()):
            if time.monotonic() > until:
                return
            time.sleep(_IDLE_LOOK)

    def resume(self) -> None:
        """Let work begin again after stop()."""
        with self._lock:
            if self._cancelled.is_set():
                # also an enricher that was opened meanwhile is one that is to be broken off
                self._cancelled, self._enricher = threading.Event(), None

    def deferred(self) -> frozenset[str]:
        """Return the notes that rest and need work, and were open when their turn came."""
        with self._lock:
            return frozenset(self._deferred)

    def withdraw(self, path: str) -> Answered | None:
        """Leave the note to the client that works on it now; return what a model gave for it."""
        self._queue.discard(path)
        with self._lock:
            self._deferred.discard(path)
            return self._kept.pop(path, None)

    def work(self, ticket: Ticket[Job]) -> bool:
        """Work on the note, and give the ticket back; return whether the model answered.

        Raises EndpointError, Cancelled, JournalError, with the ticket still in hand.
        """
        path, asked, seen = ticket.path, False, self._fingerprints.fingerprint(ticket.path)
        if self._presence.is_open(path):
            self._defer(ticket)
            return False
        if self._is_edited(ticket):
            return False
        with self._lock:
            self._deferred.discard(path)
            kept = self._kept.get(path)
        try:
            enricher = self._open_enricher()
            answer = kept or self._notes.ask(enricher, ticket.item)
            asked = kept is None and used_model(answer)
            if isinstance(answer, Answered):
                self._keep(path, answer)
                if self._presence.is_open(path):
                    self._defer(ticket)
                    return asked
                if self._is_edited(ticket):
                    return asked
                answer = _as_a_run(enricher).write(answer)
        except NoteError as error:
            self._put_off(ticket, error, seen)
        else:
            self._finish(ticket, answer, seen, anew=kept is not None)
        return asked

    def fail(self, ticket: Ticket[Job], error: CompanionError, *, passes: bool) -> None:
        """Put the note back after a fault that holds for every note; else leave it."""
        if isinstance(error, LimitReached):
            self._spent(str(error))
        if passes or isinstance(error, LimitReached):
            self._queue.requeue(ticket, time.monotonic())
        else:
            self._fingerprints.record_attempt(
                ticket.path, self._fingerprints.fingerprint(ticket.path)
            )
            self._queue.done(ticket)

    def _open_enricher(self) -> Enricher:
        with self._lock:
            if self._enricher is None:
                self._enricher = self._open(self._cancelled)
            return self._enricher

    def _keep(self, path: str, answer: Answered) -> None:
        with self._lock:
            self._kept[path] = answer
            if len(self._kept) > _KEPT:
                del self._kept[next(iter(self._kept))]

    def _defer(self, ticket: Ticket[Job]) -> None:
        with self._lock:
            self._deferred.add(ticket.path)
        self._queue.requeue(ticket, time.monotonic() + _OPEN_LOOK)

    def _is_edited(self, ticket: Ticket[Job]) -> bool:
        """Whether the note was changed since it was looked at; it is put off then until it rests.

        Its time of change alone does not tell where the clock of its drive is another one.
        """
        changed = self._fingerprints.has_changed(ticket.path)
        rest = self._fingerprints.seconds_to_settle(ticket.path, self._settle)
        if changed and rest > 0:
            self._queue.requeue(ticket, time.monotonic() + rest)
            return True
        return False

    def _put_off(self, ticket: Ticket[Job], error: NoteError, seen: Fingerprint | None) -> None:
        """Try again later where that may help; else leave the note until it changes.

        An answer is kept either way: the note may be mended, or come back with its drive.
        """
        path = ticket.path
        if isinstance(error, NoteYoung):
            self._queue.requeue(ticket, time.monotonic() + error.ready_in)
        elif isinstance(error, NoteRewritten):
            self._forget(path)
            self._queue.requeue(ticket, time.monotonic())
        elif not self._is_there(path):
            self._queue.done(ticket)
            _log.info("%s: it is gone", path)
        elif isinstance(error, NoteBusy | NoteChanged | NoteUnwritable):
            self._queue.requeue(ticket)
            _log.info("%s: put off: %s", path, error.reason)
        else:
            self._fingerprints.record_attempt(path, seen)
            self._queue.done(ticket)
            _log.info("%s: left alone; companion scan says why", path)

    def _finish(
        self, ticket: Ticket[Job], result: Result, seen: Fingerprint | None, *, anew: bool
    ) -> None:
        """Give the ticket back; anew: an answer from before came to nothing if nothing changed."""
        self._forget(ticket.path)
        log_result(result)
        if result.change is None and anew:
            self._queue.requeue(ticket, time.monotonic())
            return
        if result.change is not None:
            self._fingerprints.record_write(ticket.path, result.new)
        else:
            self._fingerprints.record_attempt(ticket.path, seen)
        self._queue.done(ticket)

    def _forget(self, path: str) -> None:
        with self._lock:
            self._kept.pop(path, None)

    def _is_there(self, path: str) -> bool:
        with suppress(OSError):
            return (self._fingerprints.root / path).is_file()
        return False


def _as_a_run(enricher: Enricher) -> Enricher:
    """Return the same enricher for a run of its own: the last run taken back is one note then."""
    named = copy(enricher)
    named.run = new_run()
    return named


def log_result(result: Result) -> None:
    """Say in one line what became of a note; never a word of it, or of the model's."""
    if result.change is not None:
        kinds = ", ".join(dict.fromkeys(filling.need.kind for filling in result.filled))
        _log.info("%s: filled %s (change %d)", result.path, kinds, result.change)
    elif result.status == "enriched":
        _log.info("%s: ready, and not written here", result.path)
    else:
        _log.info("%s: %s; companion scan says why", result.path, result.status)
