"""Keeps the background entries of the work queue in step with what the notes need.

Level-triggered, like a Kubernetes controller: the queue follows from the state of the vault. File
events only say which notes to scan soon; the whole vault is scanned periodically, so a lost event
costs only time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import NamedTuple

from companion.app.backlog import Backlog
from companion.app.engine.engine import log_fault
from companion.app.engine.work_queue import Priority, WorkQueue
from companion.daemon.fingerprints import Fingerprints
from companion.daemon.scan_hints import ScanHints
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.needs_to_ask import find_to_do
from companion.enrich.note_guard import are_others
from companion.enrich.task import Job
from companion.enrich.workspace import Workspace
from companion.errors import UsageError
from companion.note.facts import Facts
from companion.store.moves import Move, follow_events
from companion.vault.files import is_vault_there
from companion.vault.notes import Scan
from companion.vault.watch import Watch

RESCAN_SECONDS = 300.0
"""How often the whole vault is scanned, whatever its folders report."""
_FIRST_SCAN = 20.0  # seconds that callers wait for it at most
_MANY = 100  # hints together; more of them cause a scan of the whole vault
_MOVE_LASTS = 10.0  # seconds after which no event is expected to go on with an earlier move
_MISSING_CHECK = 5.0  # seconds between two checks for a vault that is missing
_MIN_POLL = 10.0  # seconds between two scans of the whole vault where events do not work
_SCAN_SHARE = 200  # polling takes at most 1/200 of the time
_log = logging.getLogger(__name__)


class NoteCounts(NamedTuple):
    """The number of notes at the last scan. to_do: see find_to_do; skipped: left alone."""

    notes: int = 0
    to_do: int = 0
    skipped: int = 0


class Reconciler:
    """Scans the vault, in a thread of its own, and queues the notes that need work.

    follow_settings: returns whether the settings can be used now; else nothing is scanned. settle:
    called with the notes before they are scanned; None: all. after_scan: called after each scan of
    the whole vault, unless the next one follows at once. open_paths: returns the notes that editors
    show. clock: the queue's. backlog: the notes that wait for consent. ready: set after the first
    scan. scans: how many there were, of the whole vault or of some notes.
    """

    def __init__(
        self,
        space: Workspace,
        queue: WorkQueue,
        fingerprints: Fingerprints,
        backlog: Backlog,
        follow_settings: Callable[[], bool],
        settle: Callable[[Collection[str] | None], None],
        after_scan: Callable[[], None],
        open_paths: Callable[[], Iterable[str]] = tuple,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.vault_missing = False
        self.backlog: tuple[str, ...] = ()
        self.counts = NoteCounts()
        self.scans = 0
        self.ready = threading.Event()
        self._space = space
        self._queue = queue
        self._fingerprints = fingerprints
        self._backlog = backlog
        self._settle_offers = settle
        self._after_scan = after_scan
        self._open_paths = open_paths
        self._follow_settings = follow_settings
        self._clock = clock
        self._had_settings = False
        self._scan: Scan | None = None
        self._context: VaultContext | None = None
        self._scan_seconds = 0.0
        self._is_cost_old = False  # of the backlog, since the last scan of the whole vault
        self._to_do: set[str] = set()
        self._left_alone: set[str] = set()  # notes that were read, and are left alone
        self._reading = threading.Lock()
        self._hints = ScanHints()
        self._following = threading.Lock()
        self._moves: list[Move] = []  # not recorded yet
        self._unfinished_moves: list[Move] = []  # of notes that have been moved on already
        self._moves_end = 0.0
        self._watcher = Watch(space.root, self._hints.add, self._hints.add_move)
        self._thread = threading.Thread(target=self._run, name="reconciler", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Stop the thread, waiting `timeout` seconds at most, and the watcher."""
        self._hints.stop()
        self._thread.join(timeout)
        self._watcher.stop()

    @property
    def polls(self) -> str:
        """Why the vault is polled, in words; empty if file events work."""
        return self._watcher.polls

    def refresh(self, timeout: float) -> None:
        """Return once the whole vault has been scanned again, or after `timeout` seconds."""
        self._hints.request_scan(timeout)

    def look_at(self, path: str) -> None:
        """Have the note scanned soon."""
        self._hints.add(path)

    def scan(self, renew: float = 0) -> Scan:
        """Return a copy of the last scan. Waits for the first one; UsageError after 20 seconds.

        renew: seconds to wait for a new one, in place of the last.
        """
        if renew:
            self.refresh(renew)
        self._wait_ready()
        with self._reading:
            assert self._scan
            return self._scan.copy()

    def vault_context(self) -> VaultContext:
        """Return the names and vocabularies of the vault at the last scan, as scan() does.

        After a change of settings it waits for the next scan, so it is not for the thread that
        scans.
        """
        self._wait_ready()
        if not self._is_current():
            self.refresh(_FIRST_SCAN)
        if not self._is_current():
            raise UsageError(
                "the settings changed, and the vault is still being read again; try again in a"
                " moment"
            )
        return self.scanned_context()

    def scanned_context(self) -> VaultContext:
        """Return the names and vocabularies of the last scan, with the settings of that time.

        They are kept, since they take memory.
        """
        with self._reading:
            assert self._scan
            self._context = self._context or VaultContext(self._scan.copy())
            return self._context

    def _wait_ready(self) -> None:
        if not self.ready.wait(_FIRST_SCAN):
            raise UsageError("the vault is still being scanned; try again in a moment")

    def _is_current(self) -> bool:
        return self._scan is None or self._space.is_current(self._scan)

    def _run(self) -> None:
        next_scan = 0.0
        while not self._hints.is_stopped:
            # no event tells that the vault itself goes away
            until = min(next_scan, time.monotonic() + _MISSING_CHECK)
            hints, whole, number = self._hints.take(until, self._scan_seconds)
            if self._hints.is_stopped:
                break
            try:
                due = time.monotonic() >= next_scan or self._watcher.is_lost
                is_usable = not self._is_missing() and self._follow_settings()
                whole = whole or due or len(hints) > _MANY or not self._is_current()
                if not is_usable:
                    next_scan = time.monotonic() + _MISSING_CHECK
                elif whole:
                    self.follow_moves()
                    self.scan_all(hints)
                    pause = RESCAN_SECONDS
                    if self.polls:
                        pause = min(pause, max(_MIN_POLL, self._scan_seconds * _SCAN_SHARE))
                    next_scan = time.monotonic() + pause
                elif hints:
                    self.follow_moves()
                    self.scan_some(hints)
            except Exception as error:
                log_fault("looking at the vault", error)
                next_scan = time.monotonic() + _MISSING_CHECK
            if whole:
                self._hints.finish_scan(number)

    def follow_moves(self) -> None:
        """Move the records of the notes that were moved since the last call, by file events.

        Returns once those that another thread is recording are recorded, too. Raises JournalError;
        the next call tries again.
        """
        with self._following:
            self._moves += self._hints.take_moves()
            if not self._moves:
                return
            busy = [ticket.path for ticket in self._queue.in_progress()]
            busy += self._open_paths()
            earlier = self._unfinished_moves if time.monotonic() < self._moves_end else []
            root, is_other = self._space.root, partial(are_others, self._space.root)
            moved, self._unfinished_moves = follow_events(
                root, self._space.journal, self._moves, busy, earlier, is_other
            )
            self._moves, self._moves_end = [], time.monotonic() + _MOVE_LASTS
            for old, new in moved:
                self._queue.move(old, new)

    def _is_missing(self) -> bool:
        """Return whether the vault's folder is missing or empty, or lacks the settings it had."""
        root = self._space.root
        has_settings = (root / ".obsidian").is_dir()
        missing = not is_vault_there(root) or (self._had_settings and not has_settings)
        self._had_settings |= has_settings
        if missing != self.vault_missing:
            self.vault_missing = missing
            _log.warning("the vault %s", "is not there" if missing else "is there again")
            for priority in Priority:
                self._queue.hold(priority, missing, "missing")
            if missing:
                self._watcher.stop()
        return missing

    def scan_all(self, hints: Mapping[str, float]) -> None:
        """Scan all notes; those with a hint must stay unchanged from the time of the hint on."""
        self._watcher.ensure()
        self._settle_offers(None)  # before the scan, which forgets those of excluded notes
        began = time.monotonic()
        scan = self._space.scan()
        self._scan_seconds = time.monotonic() - began
        with self._reading:
            self._scan, self._context = scan, None
        latest = self._space.journal.proposals.latest_of_all()
        to_do, unfillable, left_alone = list[str](), list[str](), set[str]()
        for path, facts in scan.notes.of_interest():
            if facts.skipped is not None:
                left_alone.add(path)
                continue
            needs = find_to_do(self._space, path, facts.needs, latest.get(path, {}))
            if needs.needs:
                to_do.append(path)
            elif needs.unfillable:
                unfillable.append(path)
        busy = {ticket.path for ticket in self._queue.in_progress()}
        # a note that may be filled another day keeps its consent
        self._update_backlog([*to_do, *unfillable], whole=True)
        for path in to_do:
            if path in hints:
                self._put_hinted(path, hints[path])
            elif path not in busy and (
                self._fingerprints.has_changed(path) or not self._queue.is_waiting(path)
            ):
                rest = self._fingerprints.seconds_to_settle(path, self._settle_seconds)
                self._put(path, self._clock() + rest)
        for path in self._to_do.difference(to_do):
            self._queue.discard(path)
        self._to_do = set(to_do)
        self._left_alone = left_alone
        self.counts = self._count(scan)
        self.backlog, self._is_cost_old = self._backlog.waiting(to_do), False
        self.scans += 1
        self.ready.set()
        if self._hints.count() <= _MANY:  # else the whole vault is scanned again at once
            self._after_scan()

    def scan_some(self, hints: Mapping[str, float]) -> None:
        """Scan the notes with a hint; each must stay unchanged from the time of its hint on."""
        if not self._scan:
            return
        self._settle_offers(hints)
        notes = self._scan.notes
        before = {path: notes.get(path) for path in hints}
        with self._reading:
            changed = self._space.rescan(self._scan, hints)
            if any(_shared(before.get(path)) != _shared(notes.get(path)) for path in changed):
                self._context = None
        if any(_is_excluded(notes.get(path)) > _is_excluded(before.get(path)) for path in changed):
            self._hints.add(None)  # after which nobody keeps or shows anything of it
        to_do = [path for path in hints if self._needs(path, notes.get(path))]
        self._update_backlog(to_do, whole=False)
        for path, at in hints.items():
            facts = notes.get(path)
            self._left_alone.discard(path)
            if facts is not None and facts.skipped is not None:
                self._left_alone.add(path)
            if path in to_do:
                self._to_do.add(path)
                self._put_hinted(path, at)
            else:
                self._to_do.discard(path)
                self._queue.discard(path)
        self.counts = self._count(self._scan)
        self.scans += 1
        waiting = self._backlog.waiting(self._to_do)
        is_larger = not set(waiting) <= set(self.backlog)
        self._is_cost_old |= waiting != self.backlog
        self.backlog = waiting
        # a run changes it with each note; those that come wait for an answer, which needs the cost
        if is_larger or (self._is_cost_old and not self._queue.in_progress()):
            self._hints.add(None)  # after a scan of the whole vault its cost is estimated

    def _count(self, scan: Scan) -> NoteCounts:
        return NoteCounts(
            len(scan.notes), len(self._to_do), len(self._left_alone) + len(scan.skipped)
        )

    def _needs(self, path: str, facts: Facts | None) -> bool:
        """Return whether there is something to ask for, to write, or to propose again."""
        if facts is None or facts.skipped is not None or not facts.needs:
            return False
        return bool(find_to_do(self._space, path, facts.needs).needs)

    def _update_backlog(self, to_do: Collection[str], *, whole: bool) -> None:
        """Add the notes to the backlog, and remove from the queue those that it now holds back."""
        for path in self._backlog.update(to_do, whole=whole):
            self._queue.discard(path)

    @property
    def _settle_seconds(self) -> float:
        return self._space.config.background.settle_seconds

    def _put_hinted(self, path: str, at: float) -> None:
        if not self._fingerprints.is_own_write(path):
            self._put(path, at + self._settle_seconds)

    def _put(self, path: str, not_before: float) -> None:
        is_attempted = self._fingerprints.is_attempted(path, self._space.attempt_basis)
        if not (is_attempted or self._backlog.holds_back(path)):
            job = Job(path, background=True)
            self._queue.put(job, Priority.BACKGROUND, not_before=not_before)


def _shared(facts: Facts | None) -> object:
    """Return what other notes depend on: aliases, values, callout styles, what is private."""
    return facts and (facts.aliases, facts.values, facts.styles, facts.marks)


def _is_excluded(facts: Facts | None) -> bool:
    """Return whether the note says that it is private or to be left alone."""
    return facts is not None and facts.is_excluded
