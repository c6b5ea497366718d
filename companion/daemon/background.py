"""Background work: its switch, its daily quota, and the work on one note.

A note is left alone while it is open or being edited. What a model gave is a proposal, so that it
is not asked twice when writing has to be tried again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from copy import copy
from datetime import date
from pathlib import Path

from companion.app.status import pause_file, reason_off
from companion.config import Config
from companion.daemon.fingerprints import Fingerprints
from companion.daemon.log import log_result
from companion.daemon.presence import Presence
from companion.daemon.work_queue import Priority, Ticket, WorkQueue
from companion.enrich.enricher import Enricher
from companion.enrich.note_writer import Answered
from companion.enrich.run import Result, new_run
from companion.enrich.selection import open_task
from companion.enrich.task import Job, NoteRewritten
from companion.errors import CompanionError, NoteBusy, NoteChanged, NoteError, NoteUnwritable
from companion.llm.budget import Budget, LimitReached, seconds_to_midnight
from companion.vault.files import FileFingerprint
from companion.vault.write import NoteNotSettled

_OPEN_LOOK = 30.0  # seconds after which a note that was open is tried again
_IDLE_LOOK = 0.01  # seconds between two checks whether work is in progress
_QUOTA_REACHED = "the notes of a day are used up (background.notes_a_day)"
_log = logging.getLogger(__name__)


class BackgroundSwitch:
    """Holds background work while it is paused, disabled, without a model, or at a daily limit.

    config: returns the settings as they are now. state: the vault's state folder; the file `paused`
    in it keeps a pause across restarts.
    """

    def __init__(self, config: Callable[[], Config], state: Path, queue: WorkQueue) -> None:
        self._config = config
        self._queue = queue
        self._file = pause_file(state)
        self._lock = threading.Lock()
        self._exhausted: tuple[date, str] | None = None  # the day, and the reason
        self._logged = ""
        self.is_paused = self._file.exists()

    def reason_off(self) -> str:
        """Return why background work is held, in words; empty if it is not."""
        if reason := reason_off(self._config(), paused=self.is_paused):
            return reason
        if self._exhausted and self._exhausted[0] == date.today():
            return self._exhausted[1]
        return ""

    def update(self) -> None:
        """Hold or release the background work in the queue, and log it when that changes."""
        with self._lock:
            reason = self.reason_off()
            self._queue.hold(Priority.BACKGROUND, bool(reason))
            if reason != self._logged:
                _log.info("background work: %s", reason or "on")
            self._logged = reason

    def pause(self) -> None:
        """Hold background work until resume(), also after a restart."""
        self.is_paused = True
        with suppress(OSError):  # on a full disk the pause ends with this process
            self._file.touch(mode=0o600)
        self.update()

    def resume(self) -> None:
        """End the pause."""
        self.is_paused = False
        self._file.unlink(missing_ok=True)
        self.update()

    def forget_limits(self) -> None:
        """Go on at once where a limit of the day was reached: it may be another one now."""
        self._exhausted = None
        self.update()

    def hold_until_tomorrow(self, reason: str) -> None:
        """Hold background work until midnight, local time, for this reason."""
        self._exhausted = date.today(), reason
        self.update()


class DailyQuota:
    """The number of notes a day that a model may be asked about. Safe to use from any thread.

    exhaust: called with the reason when a limit of the day is reached.
    """

    def __init__(self, budget: Budget, exhaust: Callable[[str], None]) -> None:
        self.exhaust = exhaust
        self._budget = budget

    def ask(self, enricher: Enricher, job: Job, text: str | None = None) -> Answered | Result:
        """Return enricher.ask(job, text); a note for which no model was asked is not counted.

        Raises LimitReached when the quota is reached, and what enricher.ask raises.
        """
        if not self._budget.reserve_note():
            self.exhaust(_QUOTA_REACHED)
            raise LimitReached(_QUOTA_REACHED, seconds_to_midnight(time.time()))
        used = False
        try:
            answer = enricher.ask(job, text)
            used = used_model(answer)
            return answer
        finally:
            if not used:
                self._budget.release_note()


def used_model(answer: Answered | Result) -> bool:
    """Return whether a model was asked for this answer."""
    is_fault = isinstance(answer, Result) and answer.status == "failed"
    return is_fault or answer.usage.calls > 0


class BackgroundHandler:
    """Handles the tickets of background work. Safe to use from any thread.

    settle: returns the seconds that a note must have been unchanged before it is worked on.
    open_enricher: returns an enricher that stops when the event is set.
    """

    def __init__(
        self,
        queue: WorkQueue,
        fingerprints: Fingerprints,
        presence: Presence,
        quota: DailyQuota,
        settle: Callable[[], float],
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

    def work(self, ticket: Ticket) -> bool:
        """Work on the note, and give the ticket back; return whether a model was asked.

        Raises EndpointError, Cancelled or JournalError; the ticket is not given back then.
        """
        path, by_model = ticket.path, False
        fingerprint = self._fingerprints.fingerprint(path)
        if self._is_put_off(ticket, path):
            return False
        with self._lock:
            self._deferred.discard(path)
        try:
            with self._lock:
                if self._enricher is None:
                    self._enricher = self._open(self._cancelled)
                enricher = copy(self._enricher)
            enricher.run = new_run()  # a run of its own: undoing the last run undoes one note
            answer = self._ask(enricher, ticket.job)
            by_model = used_model(answer)
            if isinstance(answer, Answered):
                if self._is_put_off(ticket, answer.job.path):
                    return by_model
                answer = enricher.write(answer)
        except NoteError as error:
            self._requeue_or_leave(ticket, error, fingerprint)
        else:
            log_result(answer)
            self._fingerprints.record_result(answer)
            if answer.change is None:
                self._fingerprints.record_attempt(path, fingerprint)
            self._queue.done(ticket)
        return by_model

    def fail(self, ticket: Ticket, error: CompanionError, *, passes: bool) -> None:
        """Requeue the note after a fault that may be over later; else leave it until it changes.

        passes: whether it may be over later, as the endpoint's. So may a limit of the day.
        """
        if isinstance(error, LimitReached):
            self._quota.exhaust(str(error))
        if passes or isinstance(error, LimitReached):
            self._queue.requeue(ticket, time.monotonic())
        else:
            self._fingerprints.record_attempt(
                ticket.path, self._fingerprints.fingerprint(ticket.path)
            )
            self._queue.done(ticket)

    def withdraw(self, path: str) -> None:
        """Drop the note's background work: a client works on the note from now on."""
        self._queue.discard(path)
        with self._lock:
            self._deferred.discard(path)

    def deferred(self) -> frozenset[str]:
        """Return the notes that were put off because they are open in an editor."""
        with self._lock:
            return frozenset(self._deferred)

    def finish(self) -> None:
        """Make no further calls; a call or a write in progress is finished."""
        with self._lock:
            self._cancelled.set()

    def stop(self) -> None:
        """Break off the calls in progress; a write in progress is finished."""
        self.finish()
        with self._lock:
            enricher, self._enricher = self._enricher, None
        if enricher:
            enricher.close()

    def wait_idle(self, timeout: float) -> None:
        """Return once no background ticket is in progress, or after `timeout` s."""
        until = time.monotonic() + timeout
        background = Priority.BACKGROUND
        while any(ticket.priority is background for ticket in self._queue.in_progress()):
            if time.monotonic() > until:
                return
            time.sleep(_IDLE_LOOK)

    def resume(self) -> None:
        """Allow work again after stop()."""
        with self._lock:
            if self._cancelled.is_set():
                # an enricher that was opened since stop() has the cancelled event, too
                self._cancelled, self._enricher = threading.Event(), None

    def _ask(self, enricher: Enricher, job: Job) -> Answered | Result:
        """Return what is to be written; what was given before does not count as asked."""
        space = enricher.workspace
        if space.journal.proposals.latest(job.path) and open_task(space, job) is None:
            return enricher.ask(job)
        return self._quota.ask(enricher, job)

    def _is_put_off(self, ticket: Ticket, path: str) -> bool:
        """Requeue the ticket if the note is open or was changed just now; return whether it is.

        path: the note's present one. Its modification time alone is not enough, as the clock of its
        drive may differ from ours.
        """
        if self._presence.is_open(path):
            with self._lock:
                self._deferred.add(path)
            self._queue.requeue(ticket, time.monotonic() + _OPEN_LOOK)
            return True
        changed = self._fingerprints.has_changed(path)
        rest = self._fingerprints.seconds_to_settle(path, self._settle())
        if changed and rest > 0:
            self._queue.requeue(ticket, time.monotonic() + rest)
            return True
        return False

    def _requeue_or_leave(
        self, ticket: Ticket, error: NoteError, fingerprint: FileFingerprint | None
    ) -> None:
        """Requeue the ticket if a retry may help; else leave the note until it changes."""
        path = ticket.path
        if isinstance(error, NoteNotSettled):
            self._queue.requeue(ticket, time.monotonic() + error.ready_in)
        elif isinstance(error, NoteRewritten):
            self._queue.requeue(ticket, time.monotonic())
        elif self._fingerprints.fingerprint(path) is None:
            self._queue.done(ticket)
            _log.info("%s: it is gone", path)
        elif isinstance(error, NoteBusy | NoteChanged | NoteUnwritable):
            self._queue.requeue(ticket)
            _log.info("%s: put off: %s", path, error.reason)
        else:
            self._fingerprints.record_attempt(path, fingerprint)
            self._queue.done(ticket)
            _log.info("%s: left alone; companion scan says why", path)
