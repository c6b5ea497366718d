"""Background work: its switch, which notes are open in editors, and when a note has to wait.

A note is left alone while it is open or being edited. The model's answers are stored as proposals,
so it is not asked twice when a write has to be tried again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from companion.app.engine.run_progress import EngineRun
from companion.app.engine.work_queue import Priority, Ticket, WorkQueue
from companion.app.overview import pause_file, reason_off
from companion.app.types.runs import NoteResult, RunOptions
from companion.config import Config
from companion.daemon.fingerprints import Fingerprints
from companion.enrich.result import Result
from companion.enrich.task import NoteRewritten
from companion.enrich.workspace import AttemptBasis, Workspace
from companion.errors import CompanionError, NoteBusy, NoteChanged, NoteError, NoteUnwritable
from companion.llm.budget import LimitReached
from companion.store.claims import Presence
from companion.vault.write import NoteNotSettled

_OPEN_LOOK = 30.0  # seconds after which a note that was open is tried again
_log = logging.getLogger(__name__)


class BackgroundSwitch:
    """Holds background work while it is paused, disabled, without a model, or at a daily limit.

    config: returns the settings as they are now. state: the vault's state folder; the file `paused`
    in it keeps a pause across restarts. today: returns the day, as Budget does.
    """

    def __init__(
        self,
        config: Callable[[], Config],
        state: Path,
        queue: WorkQueue,
        today: Callable[[], str],
    ) -> None:
        self._config = config
        self._queue = queue
        self._today = today
        self._file = pause_file(state)
        self._lock = threading.Lock()
        self._limit: LimitReached | None = None
        self._logged = ""

    @property
    def is_paused(self) -> bool:
        """Whether somebody paused it, in any process."""
        return self._file.exists()

    def reason_off(self) -> str:
        """Return why background work is held, in words; empty if it is not."""
        if reason := reason_off(self._config(), paused=self.is_paused):
            return reason
        limit = self._limit
        return str(limit) if limit and limit.day == self._today() else ""

    def update(self) -> bool:
        """Hold or release the background work in the queue; return whether that changes it."""
        with self._lock:
            reason = self.reason_off()
            self._queue.hold(Priority.BACKGROUND, bool(reason))
            is_new = reason != self._logged
            if is_new:
                _log.info("background work: %s", reason or "on")
            self._logged = reason
            return is_new

    def pause(self) -> None:
        """Hold background work until resume(), even after a restart."""
        with suppress(OSError):  # on a full disk the pause ends with this process
            self._file.touch(mode=0o600)
        self.update()

    def resume(self) -> None:
        """End the pause."""
        self._file.unlink(missing_ok=True)
        self.update()

    def forget_limits(self) -> None:
        """Continue at once if a daily limit was reached: it may be different now."""
        self._limit = None
        self.update()

    def hold_for_the_day(self, limit: LimitReached) -> None:
        """Hold background work for the rest of the limit's day."""
        self._limit = limit
        self.update()


class Background(EngineRun):
    """The run of background work, which never ends. Safe to use from any thread."""

    def __init__(
        self,
        queue: WorkQueue,
        fingerprints: Fingerprints,
        presence: Presence,
        space: Workspace,
    ) -> None:
        options = RunOptions(paths=[""], priority="background")
        super().__init__("", options, 0, is_background=True)
        self._queue = queue
        self._fingerprints = fingerprints
        self._presence = presence
        self._space = space
        self._lock = threading.Lock()
        self._deferred: set[str] = set()
        self._begun: dict[str, AttemptBasis] = {}  # from when work on the notes began

    def withdraw(self, path: str) -> None:
        """Drop the note's background work: from now on a client works on the note."""
        self._queue.discard(path)
        with self._lock:
            self._deferred.discard(path)

    def deferred(self) -> frozenset[str]:
        """Return the notes that wait because they are open in an editor."""
        with self._lock:
            deferred = list(self._deferred)
        return frozenset(filter(self._queue.has, deferred))

    def stop(self) -> None:
        """Break off the calls in progress, and make none until resume()."""
        self.cancelled.set()
        self.break_off()

    def resume(self) -> None:
        """Allow work again after stop()."""
        if self.cancelled.is_set():
            self.cancelled = threading.Event()

    def enter(self, path: str) -> bool:
        """Record that work on the note begins, and what it depends on."""
        self._begun[path] = self._space.attempt_basis(path)
        return super().enter(path)

    def puts_off(self, ticket: Ticket, path: str) -> bool:
        """Requeue the ticket if the note is open or was just changed; return whether it is.

        Its modification time alone is not enough, since the clock of its drive may differ from
        ours.
        """
        if self._presence.is_open(path):
            with self._lock:
                self._deferred.add(path)
            return self._requeue(ticket, _OPEN_LOOK)
        changed = self._fingerprints.has_changed(path)
        settle = self._space.config.background.settle_seconds
        rest = self._fingerprints.seconds_to_settle(path, settle)
        if changed and rest > 0:
            return self._requeue(ticket, rest)
        with self._lock:
            self._deferred.discard(path)
        return False

    def retries(self, ticket: Ticket, error: NoteError) -> bool:
        """Requeue the ticket if another try may help."""
        if isinstance(error, NoteNotSettled):
            return self._requeue(ticket, error.ready_in)
        if isinstance(error, NoteRewritten):
            return self._requeue(ticket, 0.0)
        is_there = self._fingerprints.fingerprint(ticket.path) is not None
        if is_there and isinstance(error, NoteBusy | NoteChanged | NoteUnwritable):
            _log.info("%s: put off: %s", ticket.path, error.reason)
            return self._requeue(ticket, None)
        return False

    def record(self, path: str, result: Result) -> None:
        """Leave a note that was not written alone until it may be, unless it is gone."""
        before = self._begun.pop(path, None)
        if result.change is None and self._fingerprints.fingerprint(path):
            self._fingerprints.record_attempt(path, before)

    def add(
        self,
        result: Result | NoteResult,
        *,
        counted: bool = True,
        ends_with: CompanionError | None = None,
    ) -> None:
        """Keep no result: nobody follows the background."""

    def _requeue(self, ticket: Ticket, seconds: float | None) -> bool:
        """Give the ticket back, for this many seconds; None: longer after each try."""
        not_before = None if seconds is None else time.monotonic() + seconds
        self._queue.requeue(ticket, not_before)
        return True
