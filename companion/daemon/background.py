"""Work on one note in the background: not while it is open or being edited.

What a model gave is a proposal, so that it is not asked twice when writing has to be tried again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from copy import copy

from companion.daemon.background_switch import DailyQuota, used_model
from companion.daemon.fingerprints import Fingerprints, NoteFingerprint
from companion.daemon.presence import Presence
from companion.daemon.work_queue import Ticket, WorkQueue
from companion.enrich.enricher import Enricher
from companion.enrich.result import Answered, Result
from companion.enrich.run import new_run
from companion.enrich.selection import open_task
from companion.enrich.task import Job, NoteRewritten
from companion.errors import CompanionError, NoteBusy, NoteChanged, NoteError, NoteUnwritable
from companion.llm.budget import LimitReached
from companion.vault.write import NoteNotSettled

_OPEN_LOOK = 30.0  # seconds after which a note that was open is tried again
_IDLE_LOOK = 0.01  # seconds between two checks whether work is in progress
_log = logging.getLogger(__name__)


class BackgroundHandler:
    """Handles the tickets of background work. Safe to use from any thread.

    settle: seconds that a note must have been unchanged before it is worked on.
    open_enricher: returns an enricher that stops when the event is set.
    """

    def __init__(
        self,
        queue: WorkQueue[Job],
        fingerprints: Fingerprints,
        presence: Presence,
        quota: DailyQuota,
        settle: float,
        open_enricher: Callable[[threading.Event], Enricher],
    ) -> None:
        self._queue = queue
        self._fingerprints = fingerprints
        self._presence = presence
        self._quota = quota
        self._settle = settle
        self._open = open_enricher
        self._lock = threading.Lock()
        self._deferred: set[str] = set()
        self._cancelled = threading.Event()
        self._enricher: Enricher | None = None

    def stop(self) -> None:
        """Cancel the calls in progress; a write in progress is finished."""
        with self._lock:
            self._cancelled.set()
            enricher, self._enricher = self._enricher, None
        if enricher:
            enricher.close()

    def wait_idle(self, timeout: float) -> None:
        """Return once no background ticket is in progress, or after `timeout` s."""
        until = time.monotonic() + timeout
        while any(not ticket.owner for ticket in self._queue.in_progress()):
            if time.monotonic() > until:
                return
            time.sleep(_IDLE_LOOK)

    def resume(self) -> None:
        """Allow work again after stop()."""
        with self._lock:
            if self._cancelled.is_set():
                # an enricher that was opened since stop() has the cancelled event, too
                self._cancelled, self._enricher = threading.Event(), None

    def deferred(self) -> frozenset[str]:
        """Return the notes that were put off because they are open in an editor."""
        with self._lock:
            return frozenset(self._deferred)

    def withdraw(self, path: str) -> None:
        """Drop the note's background work: a client works on the note from now on."""
        self._queue.discard(path)
        with self._lock:
            self._deferred.discard(path)

    def work(self, ticket: Ticket[Job]) -> bool:
        """Work on the note, and give the ticket back; return whether the model answered.

        Raises EndpointError, Cancelled or JournalError; the ticket is not given back then.
        """
        path, asked = ticket.path, False
        fingerprint = self._fingerprints.fingerprint(path)
        if self._presence.is_open(path):
            self._defer(ticket)
            return False
        if self._is_edited(ticket):
            return False
        with self._lock:
            self._deferred.discard(path)
        try:
            enricher = copy(self._open_enricher())
            enricher.run = new_run()  # a run of its own: undoing the last run undoes one note
            answer = self._ask(enricher, ticket.item)
            asked = used_model(answer)
            if isinstance(answer, Answered):
                if self._presence.is_open(path):
                    self._defer(ticket)
                    return asked
                if self._is_edited(ticket):
                    return asked
                answer = enricher.write(answer)
        except NoteError as error:
            self._put_off(ticket, error, fingerprint)
        else:
            self._finish(ticket, answer, fingerprint)
        return asked

    def fail(self, ticket: Ticket[Job], error: CompanionError, *, passes: bool) -> None:
        """Requeue the note after a fault that concerns every note; else do not try it again."""
        if isinstance(error, LimitReached):
            self._quota.exhaust(str(error))
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

    def _ask(self, enricher: Enricher, job: Job) -> Answered | Result:
        """Return what is to be written; what was given before does not count as asked."""
        space = enricher.workspace
        asked = space.journal.proposals.latest(job.path).values()
        if any(each.state == "open" for each in asked) and open_task(space, job) is None:
            return enricher.ask(job)
        return self._quota.ask(enricher, job)

    def _defer(self, ticket: Ticket[Job]) -> None:
        with self._lock:
            self._deferred.add(ticket.path)
        self._queue.requeue(ticket, time.monotonic() + _OPEN_LOOK)

    def _is_edited(self, ticket: Ticket[Job]) -> bool:
        """Return whether the note was changed just now; its ticket is requeued then.

        Its modification time alone is not enough, as the clock of its drive may differ from ours.
        """
        changed = self._fingerprints.has_changed(ticket.path)
        rest = self._fingerprints.seconds_to_settle(ticket.path, self._settle)
        if changed and rest > 0:
            self._queue.requeue(ticket, time.monotonic() + rest)
            return True
        return False

    def _put_off(
        self, ticket: Ticket[Job], error: NoteError, fingerprint: NoteFingerprint | None
    ) -> None:
        """Requeue the ticket if a retry may help; else leave the note until it changes."""
        path = ticket.path
        if isinstance(error, NoteNotSettled):
            self._queue.requeue(ticket, time.monotonic() + error.ready_in)
        elif isinstance(error, NoteRewritten):
            self._queue.requeue(ticket, time.monotonic())
        elif not self._exists(path):
            self._queue.done(ticket)
            _log.info("%s: it is gone", path)
        elif isinstance(error, NoteBusy | NoteChanged | NoteUnwritable):
            self._queue.requeue(ticket)
            _log.info("%s: put off: %s", path, error.reason)
        else:
            self._fingerprints.record_attempt(path, fingerprint)
            self._queue.done(ticket)
            _log.info("%s: left alone; companion scan says why", path)

    def _finish(
        self, ticket: Ticket[Job], result: Result, fingerprint: NoteFingerprint | None
    ) -> None:
        log_result(result)
        if result.change is not None:
            self._fingerprints.record_write(ticket.path, result.new)
        else:
            self._fingerprints.record_attempt(ticket.path, fingerprint)
        self._queue.done(ticket)

    def _exists(self, path: str) -> bool:
        with suppress(OSError):
            return (self._fingerprints.root / path).is_file()
        return False


def log_result(result: Result) -> None:
    """Log the result for a note in one line, without the text of the note or of the model."""
    if result.change is not None:
        kinds = ", ".join(dict.fromkeys(filling.need.kind for filling in result.filled))
        _log.info("%s: filled %s (change %d)", result.path, kinds, result.change)
    elif result.status == "proposed":
        _log.info("%s: proposed; companion review shows it", result.path)
    elif result.status == "enriched":
        _log.info("%s: ready, and not written here", result.path)
    else:
        _log.info("%s: %s; companion scan says why", result.path, result.status)
