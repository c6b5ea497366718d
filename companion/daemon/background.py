"""Background work: its switch, which notes are open in editors, and when a note has to wait.

A note is left alone while it is open or being edited. The model's answers are stored as proposals,
so it is not asked twice when a write has to be tried again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from companion.app.engine.run_progress import EngineRun
from companion.app.engine.work_queue import Priority, Ticket, WorkQueue
from companion.app.overview import pause_file, reason_off
from companion.app.types.runs import NoteResult, RunOptions
from companion.config import Config
from companion.daemon.fingerprints import Fingerprints, put_latest
from companion.enrich.result import Result
from companion.enrich.task import NoteRewritten
from companion.enrich.workspace import AttemptBasis, Workspace
from companion.errors import CompanionError, NoteBusy, NoteChanged, NoteError, NoteUnwritable
from companion.llm.budget import LimitReached
from companion.store.moves import Move
from companion.vault.paths import fold_path
from companion.vault.write import NoteNotSettled

REPORT_LASTS = 45  # seconds that a client's report of its open notes is valid

# Seconds after a move in which an editor may not have noticed it, on a network drive or asleep.
_MOVE_UNSEEN = 15.0
_MAX_CLIENTS = 32  # of more, the one that has not reported for longest is forgotten
_MAX_PATHS = 1000  # of one client; the rest of its report is ignored


class Presence:
    """The notes that clients have open, as each reports them regularly.

    recent_moves: returns the moves of the last seconds, this many: pairs of an old and a new path,
    the latest first.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        recent_moves: Callable[[float], Iterable[Move]] = lambda seconds: (),
    ) -> None:
        self._clock = clock
        self._recent_moves = recent_moves
        self._lock = threading.Lock()
        self._reports: dict[str, _OpenPaths] = {}  # by client, the latest last

    def report(self, client: str, paths: Iterable[str]) -> None:
        """Replace the client's report: these vault-relative paths are all that it has open."""
        opened = {fold_path(path): path for path in islice(paths, _MAX_PATHS)}
        with self._lock:
            self._reports.pop(client, None)
            if opened:
                report = _OpenPaths(opened, self._clock())
                put_latest(self._reports, client, report, _MAX_CLIENTS)

    def is_open(self, path: str) -> bool:
        """Return whether a client has the note open; case and Unicode form of its path are ignored.

        macOS and Windows ignore them, too; if two notes differ only in these, both count as open.
        A note that was moved is open where a report that may be from before has its old path; a
        later one means another note that is there now.
        """
        now = self._clock()
        for report in self._valid_reports():
            paths = {fold_path(path)}
            for old, new in self._recent_moves(now - report.at + _MOVE_UNSEEN):
                if fold_path(new) in paths:
                    paths.add(fold_path(old))
            if not paths.isdisjoint(report.paths):
                return True
        return False

    def open_paths(self) -> frozenset[str]:
        """Return the paths of the open notes, spelled as they were reported."""
        reports = self._valid_reports()
        return frozenset(path for report in reports for path in report.paths.values())

    def _valid_reports(self) -> list[_OpenPaths]:
        with self._lock:
            now = self._clock()
            self._reports = {
                client: report
                for client, report in self._reports.items()
                if now < report.at + REPORT_LASTS
            }
            return list(self._reports.values())


class _OpenPaths(NamedTuple):
    paths: dict[str, str]  # as reported, by their folded form
    at: float


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
        self.is_paused = self._file.exists()

    def reason_off(self) -> str:
        """Return why background work is held, in words; empty if it is not."""
        if reason := reason_off(self._config(), paused=self.is_paused):
            return reason
        limit = self._limit
        return str(limit) if limit and limit.day == self._today() else ""

    def update(self) -> None:
        """Hold or release the background work in the queue, and log it when that changes."""
        with self._lock:
            reason = self.reason_off()
            self._queue.hold(Priority.BACKGROUND, bool(reason))
            if reason != self._logged:
                _log.info("background work: %s", reason or "on")
            self._logged = reason

    def pause(self) -> None:
        """Hold background work until resume(), even after a restart."""
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
