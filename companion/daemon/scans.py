"""The daemon's look at the vault: what it last saw, and which notes are to do.

Level-triggered, like a Kubernetes controller: what is due follows from the state of the vault. File
events only wake it; it also scans every few minutes, so a lost event costs only time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from companion.app.run import log_fault
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.due_needs import find_to_do
from companion.enrich.workspace import Workspace
from companion.errors import UsageError
from companion.store.moves import Move, follow_events
from companion.vault.files import is_vault_there
from companion.vault.notes import Scan
from companion.vault.watch import Watch

RESCAN_SECONDS = 300.0
"""How often the whole vault is scanned, whatever its folders report."""
_FIRST_SCAN = 20.0  # seconds that callers wait for it at most
_GATHER, _MAX_GATHER = 0.2, 10.0  # seconds in which further events are gathered before a scan
_MISSING_CHECK = 5.0  # seconds between two checks for a vault that is missing
_MIN_POLL = 10.0  # seconds between two scans of the whole vault where events do not work
_EVENT_SHARE, _POLL_SHARE = 50, 200  # in small vaults, scans take at most 1/50 of the time
_log = logging.getLogger(__name__)


class ToDo(NamedTuple):
    """The notes that need something, as a look at the vault found.

    changed: the time of the last event, by the monotonic clock, of the notes that had one.
    """

    paths: Collection[str]
    changed: Mapping[str, float]


class Scans:
    """Scans the vault in a thread of its own, when something changed and every few minutes.

    follow_settings: returns whether the settings can be used now; else nothing is scanned. settle:
    called before each scan. found: called with what each look found. busy: returns the notes that
    are worked on, or that editors show. ready: set after the first scan. number: of notes; to_do:
    those that need something, see find_to_do.
    """

    def __init__(
        self,
        space: Workspace,
        follow_settings: Callable[[], bool],
        settle: Callable[[], None],
        found: Callable[[ToDo], None],
        busy: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self.vault_missing = False
        self.number = 0
        self.to_do: set[str] = set()
        self.ready = threading.Event()
        self._space = space
        self._follow_settings, self._settle = follow_settings, settle
        self._found, self._busy = found, busy
        self._scan: Scan | None = None
        self._context: VaultContext | None = None
        self._scan_seconds = 0.0
        self._reading = threading.Lock()
        self._following = threading.Lock()
        self._changed = threading.Condition()
        self._hints: dict[str, float] = {}  # time of the last event, by path
        self._moves: list[Move] = []  # that events told, in order
        self._requested, self._done = 1, 0  # scans of the whole vault, by number
        self._stopped = False
        self._watcher = Watch(space.root, self.hint, self._hint_move)
        self._thread = threading.Thread(target=self._run, name="scans", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Stop the thread, waiting `timeout` seconds at most, and the watcher."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join(timeout)
        self._watcher.stop()

    @property
    def polls(self) -> str:
        """Why the vault is polled, in words; empty if file events work."""
        return self._watcher.polls

    def hint(self, path: str | None) -> None:
        """Have the note scanned soon; None: the whole vault."""
        with self._changed:
            if path is None:
                self._requested = max(self._requested, self._done + 1)
            else:
                self._hints[path] = time.monotonic()
            self._changed.notify_all()

    def refresh(self, timeout: float) -> None:
        """Return once the whole vault has been scanned again, or after `timeout` seconds."""
        with self._changed:
            self._requested += 1
            number = self._requested
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._done >= number or self._stopped, timeout)

    def scan(self, renew: float = 0) -> Scan:
        """Return the last scan. Waits for the first one; UsageError after 20 seconds.

        renew: seconds to wait for a new one, in place of the last.
        """
        if renew:
            self.refresh(renew)
        self._wait_ready()
        with self._reading:
            assert self._scan
            return self._scan

    def context(self) -> VaultContext:
        """Return the names and vocabularies of the vault at the last scan, as scan() does.

        After a change of settings it waits for the next scan, so it is not for the thread that
        scans.
        """
        self._wait_ready()
        if not self._is_current():
            self.refresh(_FIRST_SCAN)
        if not self._is_current():
            raise UsageError("the settings changed, and the vault is still being read again; retry")
        return self.scanned_context()

    def scanned_context(self) -> VaultContext:
        """Return the names and vocabularies of the last scan; they are kept."""
        with self._reading:
            assert self._scan
            self._context = self._context or VaultContext(self._scan)
            return self._context

    def follow_moves(self) -> None:
        """Move the records of the notes that events said were moved since the last call.

        Returns once those that another thread is recording are recorded, too. Raises JournalError;
        the next call tries again.
        """
        with self._following:
            with self._changed:
                moves = list(self._moves)
            if not moves:
                return
            follow_events(self._space.root, self._space.journal, moves, self._busy())
            with self._changed:
                del self._moves[: len(moves)]

    def _hint_move(self, old: str, new: str) -> None:
        with self._changed:
            self._moves.append((old, new))

    def _wait_ready(self) -> None:
        if not self.ready.wait(_FIRST_SCAN):
            raise UsageError("the vault is still being scanned; try again in a moment")

    def _is_current(self) -> bool:
        return self._scan is None or self._space.is_current(self._scan)

    def _run(self) -> None:
        next_scan = 0.0
        while self._wait(next_scan):
            try:
                next_scan = self._look(next_scan)
            except Exception as error:
                log_fault("looking at the vault", error)
                next_scan = time.monotonic() + _MISSING_CHECK

    def _wait(self, next_scan: float) -> bool:
        """Wait until there is something to scan, and gather hints; return False once stopped."""
        # no event tells that the vault itself goes away
        until = min(next_scan, time.monotonic() + _MISSING_CHECK)
        with self._changed:
            self._changed.wait_for(
                lambda: self._stopped or self._hints or self._requested > self._done,
                max(0.0, until - time.monotonic()),
            )
            if self._hints:
                self._changed.wait_for(
                    lambda: self._stopped or self._requested > self._done,
                    max(_GATHER, min(self._scan_seconds * _EVENT_SHARE, _MAX_GATHER)),
                )
            return not self._stopped

    def _look(self, next_scan: float) -> float:
        """Scan what is to be scanned; return when the whole vault is scanned next."""
        if self._is_missing() or not self._follow_settings():
            return time.monotonic() + _MISSING_CHECK
        with self._changed:
            hints, self._hints = self._hints, {}
            number = self._requested
            is_requested = number > self._done
        is_due = time.monotonic() >= next_scan or self._watcher.is_lost or not self._is_current()
        if not (is_requested or is_due or hints):
            return next_scan
        self.follow_moves()
        self.scan_all(hints)
        with self._changed:
            self._done = max(self._done, number)
            self._changed.notify_all()
        pause = RESCAN_SECONDS
        if self.polls:
            pause = min(pause, max(_MIN_POLL, self._scan_seconds * _POLL_SHARE))
        return time.monotonic() + pause

    def _is_missing(self) -> bool:
        """Return whether the vault's folder is missing or empty."""
        missing = not is_vault_there(self._space.root)
        if missing != self.vault_missing:
            self.vault_missing = missing
            _log.warning("the vault %s", "is not there" if missing else "is there again")
            if missing:
                self._watcher.stop()
        return missing

    def scan_all(self, hints: Mapping[str, float]) -> None:
        """Scan all notes. hints: the times of events by path."""
        self._watcher.ensure()
        self._settle()  # before the scan, which forgets those of excluded notes
        began = time.monotonic()
        scan = self._space.scan()
        self._scan_seconds = time.monotonic() - began
        with self._reading:
            self._scan, self._context = scan, None
        latest = self._space.journal.proposals.latest_of_all()
        self.to_do = {
            path
            for path, facts in scan.notes.of_interest()
            if facts.skipped is None
            and find_to_do(self._space, path, facts.needs, latest.get(path, {})).needs
        }
        self.number = len(scan.notes)
        self._found(ToDo(self.to_do, hints))
        self.ready.set()
