"""The daemon's look at the vault: what it last saw, and which notes are to do.

Level-triggered, like a Kubernetes controller: what is due follows from the state of the vault. File
events only wake it; it also scans every few minutes, so a lost event costs only time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection

from companion.app.run import log_fault
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.due_needs import find_to_do
from companion.enrich.settings import SettingsUnusable
from companion.enrich.workspace import Workspace
from companion.errors import UsageError
from companion.store.moves import Move, follow_events
from companion.store.recovery import confirm_made_offers
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


class Scans:
    """Scans the vault in a thread of its own, when something changed and every few minutes.

    While a settings file is broken, nothing is scanned. found: called after each scan with the
    notes that need something, see find_to_do, and those that had an event since the last one. busy:
    returns the notes that are worked on, or that editors show. ready: set after the first scan.
    number: of notes; to_do: those that need something.
    """

    def __init__(
        self,
        space: Workspace,
        found: Callable[[Collection[str], Collection[str]], None],
        busy: Callable[[], Collection[str]] = tuple,
    ) -> None:
        self.vault_missing = False
        self.number = 0
        self.to_do: set[str] = set()
        self.ready = threading.Event()
        self.watcher = Watch(space.root, self.hint, self._hint_move)
        self._space, self._found, self._busy = space, found, busy
        self._scan: Scan | None = None
        self._context: VaultContext | None = None
        self._scan_seconds = 0.0
        self._following = threading.Lock()
        self._moves: list[Move] = []  # that events told, in order
        self._changed = threading.Condition()
        self._hints: set[str | None] = set()
        self._requested = self._done = 0  # scans, by number
        self._stopped = False
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
        self.watcher.stop()

    def hint(self, path: str | None) -> None:
        """Have the vault scanned soon. path: of the note that changed; None: any may have."""
        with self._changed:
            self._hints.add(path)
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
        if not self.ready.wait(_FIRST_SCAN):
            raise UsageError("the vault is still being scanned; try again in a moment")
        assert self._scan
        return self._scan

    def context(self) -> VaultContext:
        """Return the names and vocabularies of the vault at the last scan, as scan() does.

        After a change of settings it waits for the next scan, so it is not for the thread that
        scans.
        """
        if not self._space.is_current(self.scan()):
            self.refresh(_FIRST_SCAN)
        if not self._space.is_current(self.scan()):
            raise UsageError("the settings changed, and the vault is still being read again; retry")
        return self.scanned_context()

    def scanned_context(self) -> VaultContext:
        """Return the names and vocabularies of the last scan; they are kept."""
        scan, context = self._scan, self._context
        assert scan
        if context is None or context.scan is not scan:
            context = self._context = VaultContext(scan)
        return context

    def follow_moves(self) -> None:
        """Move the records of the notes that events said were moved since the last call.

        Returns once those that another thread is recording are recorded, too. Raises JournalError;
        the next call tries again.
        """
        with self._following:
            if self._moves:
                follow_events(self._space.root, self._space.journal, self._moves, self._busy())
                self._moves.clear()

    def _hint_move(self, old: str, new: str) -> None:
        with self._following:
            self._moves.append((old, new))

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
        """Scan the vault if that is due; return when it is due next."""
        self.vault_missing = not is_vault_there(self._space.root)
        if self.vault_missing:
            self.watcher.stop()
            return time.monotonic() + _MISSING_CHECK
        try:
            self._space.refresh()
        except SettingsUnusable:
            return time.monotonic() + _MISSING_CHECK
        with self._changed:
            hints, self._hints = self._hints, set()
            number = self._requested
        is_due = time.monotonic() >= next_scan or self.watcher.is_lost
        is_current = self._scan is None or self._space.is_current(self._scan)
        if is_current and not (is_due or hints or number > self._done):
            return next_scan
        self.follow_moves()
        self.scan_all({path for path in hints if path})
        with self._changed:
            self._done = number
            self._changed.notify_all()
        pause = RESCAN_SECONDS
        if self.watcher.polls:
            pause = min(pause, max(_MIN_POLL, self._scan_seconds * _POLL_SHARE))
        return time.monotonic() + pause

    def scan_all(self, changed: Collection[str] = ()) -> None:
        """Scan all notes. changed: those that had an event."""
        self.watcher.ensure()
        # before the scan, which forgets those of excluded notes
        confirm_made_offers(self._space.root, self._space.journal)
        began = time.monotonic()
        self._scan = self._space.scan()
        self._scan_seconds = time.monotonic() - began
        latest = self._space.journal.proposals.latest_of_all()
        self.to_do = {
            path
            for path, facts in self._scan.notes.of_interest()
            if facts.skipped is None
            and find_to_do(self._space, path, facts.needs, latest.get(path, {})).needs
        }
        self.number = len(self._scan.notes)
        self._found(self.to_do, changed)
        self.ready.set()
