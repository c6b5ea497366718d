"""Background work on one note: never while it is edited or open, never twice for one answer."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from companion.daemon.presence import Presence
from companion.daemon.queue import Ticket, WorkQueue
from companion.daemon.seen import Seen
from companion.enrich.draft import Job
from companion.enrich.enricher import Answered, Enricher, NoteRewritten
from companion.enrich.result import Result
from companion.errors import CompanionError, NoteBusy, NoteChanged, NoteError, NoteUnwritable
from companion.llm.spending import LimitReached, Spending
from companion.vault.write import NoteYoung

_KEPT = 1_000  # answers that wait to be written
_OPEN_LOOK = 30.0  # seconds after which a note that was open is looked at again
_log = logging.getLogger(__name__)


class Background:
    """Does the background's tickets, from any thread.

    open_enricher: opens one whose work can be broken off by setting the event.
    spent: called with the reason when nothing more may be done today.
    """

    def __init__(
        self,
        queue: WorkQueue[Job],
        seen: Seen,
        presence: Presence,
        spending: Spending,
        open_enricher: Callable[[threading.Event], Enricher],
        spent: Callable[[str], None],
    ) -> None:
        self._queue = queue
        self._seen = seen
        self._presence = presence
        self._spending = spending
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

    def go_on(self) -> None:
        """Let work begin again after stop()."""
        with self._lock:
            if self._cancelled.is_set():
                self._cancelled = threading.Event()

    def deferred(self) -> frozenset[str]:
        """Return the notes that rest and need work, and were open when their turn came."""
        with self._lock:
            return frozenset(self._deferred)

    def take_over(self, path: str) -> None:
        """Leave the note to the client that works on it now."""
        self._queue.discard(path)
        with self._lock:
            self._deferred.discard(path)

    def work(self, ticket: Ticket[Job]) -> bool:
        """Work on the note, and give the ticket back; return whether the model answered.

        Raises EndpointError, Cancelled, JournalError, with the ticket still in hand.
        """
        path, asked = ticket.path, False
        if self._presence.is_open(path):
            self._defer(ticket)
            return False
        with self._lock:
            self._deferred.discard(path)
        try:
            enricher = self._open_enricher()
            answer: Answered | Result | None = self._kept.get(path)
            if answer is None:
                answer = self._ask(enricher, ticket)
                if answer is None:
                    return False
                asked = _was_asked(answer)
            if isinstance(answer, Answered):
                self._keep(path, answer)
                if self._presence.is_open(path):
                    self._defer(ticket)
                    return asked
                answer = enricher.write(answer)
            self._kept.pop(path, None)
        except NoteError as error:
            self._put_off(ticket, error)
        else:
            self._finish(ticket, answer)
        return asked

    def fail(self, ticket: Ticket[Job], error: CompanionError, retry_at: float | None) -> None:
        """Put the note back after a fault that holds for every note, until it has passed.

        retry_at: the monotonic clock's time; None: today it does not pass.
        """
        if isinstance(error, LimitReached):
            self._spent(str(error))
        if retry_at is None and not isinstance(error, LimitReached):
            self._seen.tried(ticket.path)
            self._queue.done(ticket)
        else:
            self._queue.again(ticket, retry_at or time.monotonic())

    def _ask(self, enricher: Enricher, ticket: Ticket[Job]) -> Answered | Result | None:
        """Return what the model gives; None, the ticket put back, when the day's notes are used up.

        What asked no model does not count as one of them.
        """
        if not self._spending.reserve_note():
            self._spent("the notes of a day are used up (background.notes_a_day)")
            self._queue.again(ticket, time.monotonic())
            return None
        used = False
        try:
            answer = enricher.ask(ticket.item)
            used = _was_asked(answer)
            return answer
        finally:
            if not used:
                self._spending.give_note_back()

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
        self._queue.again(ticket, time.monotonic() + _OPEN_LOOK)

    def _put_off(self, ticket: Ticket[Job], error: NoteError) -> None:
        """Try again later where that may help; else leave the note until it changes."""
        path = ticket.path
        if isinstance(error, NoteYoung):
            self._queue.again(ticket, time.monotonic() + error.ready_in)
            return
        if isinstance(error, NoteRewritten):
            self._kept.pop(path, None)
        if isinstance(error, NoteBusy | NoteChanged | NoteUnwritable) and self._is_there(path):
            self._queue.again(ticket)
            _log.info("%s: put off: %s", path, error.reason)
            return
        self._kept.pop(path, None)
        self._seen.tried(path)
        self._queue.done(ticket)
        _log.info("%s: left alone; companion scan says why", path)

    def _finish(self, ticket: Ticket[Job], result: Result) -> None:
        if result.change is not None:
            self._seen.wrote(ticket.path, result.new)
        else:
            self._seen.tried(ticket.path)
        self._queue.done(ticket)
        log_result(result)

    def _is_there(self, path: str) -> bool:
        with suppress(OSError):
            return (self._seen.root / path).is_file()
        return False


def log_result(result: Result) -> None:
    """Say in one line what became of a note; never a word of it, or of the model's."""
    if result.change is not None:
        kinds = ", ".join(dict.fromkeys(filling.need.kind for filling in result.filled))
        _log.info("%s: filled %s (change %d)", result.path, kinds, result.change)
    else:
        _log.info("%s: %s; companion scan says why", result.path, result.status)


def _was_asked(answer: Answered | Result) -> bool:
    """Whether a model was asked to get here."""
    if isinstance(answer, Answered):
        return True
    return answer.status == "failed" or answer.usage.calls > 0
