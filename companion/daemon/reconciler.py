"""Keeps what waits in the background in step with what the notes need.

Level-triggered, as a Kubernetes controller is: the vault itself says what is to be done. Events
only say where to look soon; the whole vault is looked over again and again, so a lost one costs
nothing but time.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Collection, Container, Mapping
from typing import NamedTuple

from companion.daemon.backlog import Backlog
from companion.daemon.fingerprints import Fingerprints
from companion.daemon.log import log_fault
from companion.daemon.work_queue import Priority, WorkQueue
from companion.enrich.context import VaultContext
from companion.enrich.task import Job, leave_asked
from companion.enrich.workspace import Workspace
from companion.errors import UsageError
from companion.note.needs import Facts
from companion.vault.index import Scan
from companion.vault.moves import follow_events
from companion.vault.watch import Watcher

_FIRST_LOOK = 20.0  # seconds that anybody waits for it
_GATHER = 0.2  # seconds in which further hints are gathered before anything is looked at
_LONGEST_GATHER = 5.0  # seconds, where a look over the whole vault takes long
_MANY = 100  # notes reported at once from which the whole vault is looked over
_MISSING_LOOK = 5.0  # seconds between two looks for a vault that is not there
_POLL = 10.0  # seconds, the shortest time between two looks where events do not work
_SHARE = 200  # a look may take this part of the time until the next one: half a percent
_log = logging.getLogger(__name__)


class NoteCounts(NamedTuple):
    """What the last look found. to_do: notes with a need; skipped: left alone."""

    notes: int = 0
    to_do: int = 0
    skipped: int = 0


class Reconciler:
    """Looks at the vault, in a thread of its own, and puts the notes that need work in the queue.

    backlog: of the notes that need work, those that the user was not asked about yet, at the last
    look. settle: called before notes are looked at, with their paths; None: all. looked: called
    after each look over the whole vault. vault_missing: the folder is not there now.
    """

    def __init__(
        self,
        space: Workspace,
        queue: WorkQueue[Job],
        fingerprints: Fingerprints,
        backlog: Backlog,
        settle: Callable[[Collection[str] | None], None],
        after_scan: Callable[[], None],
    ) -> None:
        self.vault_missing = False
        self.backlog: tuple[str, ...] = ()
        self.counts = NoteCounts()
        self.ready = threading.Event()
        self._space = space
        self._queue = queue
        self._fingerprints = fingerprints
        self._backlog = backlog
        self._settle_offers = settle
        self._after_scan = after_scan
        self._settle = space.config.background.settle_seconds
        self._had_settings = (space.root / ".obsidian").is_dir()
        self._scan: Scan | None = None
        self._known: VaultContext | None = None
        self._cost = 0.0
        self._needy: set[str] = set()
        self._left: set[str] = set()  # notes that were read, and are left alone
        self._reading = threading.Lock()
        self._hinted = threading.Condition()
        self._hints: dict[str, float] = {}  # by path, when it was reported last
        self._moves: list[tuple[str, str]] = []  # old and new path, in order
        self._whole = True
        self._asked, self._answered = 1, 0  # looks over the whole vault, by number
        self._stopping = False
        self._watcher = Watcher(space.root, self.hint, self.note_move)
        self._thread = threading.Thread(target=self._run, name="reconciler", daemon=True)

    def start(self) -> None:
        """Begin to watch and to look."""
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """End it."""
        with self._hinted:
            self._stopping = True
            self._hinted.notify_all()
        self._thread.join(timeout)
        self._watcher.stop()

    @property
    def polls(self) -> str:
        """Why the vault is looked over again and again; empty where events tell what changes."""
        return self._watcher.polls

    def hint(self, path: str | None) -> None:
        """Look at the note soon; None: at the whole vault."""
        with self._hinted:
            if path is None:
                self._whole = True
            else:
                self._hints[path] = time.monotonic()
            self._hinted.notify_all()

    def note_move(self, old: str, new: str) -> None:
        """Take down that a note or a folder was moved; hints of both ends follow."""
        with self._hinted:
            self._moves.append((old, new))

    def refresh(self, timeout: float) -> None:
        """Return once the whole vault has been looked over anew, or the time is up."""
        with self._hinted:
            self._whole = True
            self._asked += 1
            mine = self._asked
            self._hinted.notify_all()
            self._hinted.wait_for(lambda: self._answered >= mine or self._stopping, timeout)

    def scan(self) -> Scan:
        """Return the facts of all notes as they are known now, for the caller alone.

        Waits for the first look. Raises UsageError when that takes long.
        """
        self._wait_ready()
        with self._reading:
            assert self._scan
            return self._scan.copy()

    def vault_context(self) -> VaultContext:
        """Return the names and vocabularies of the vault as they are now."""
        self._wait_ready()
        with self._reading:
            if self._known is None and self._scan:
                self._known = VaultContext(self._scan.copy())
            assert self._known
            return self._known

    def _wait_ready(self) -> None:
        if not self.ready.wait(_FIRST_LOOK):
            raise UsageError("the vault is still being looked over; try again in a moment")

    def _run(self) -> None:
        next_look = 0.0
        while not self._stopping:
            # that the vault itself goes away, no event tells
            hints, whole, number = self._next_hints(
                min(next_look, time.monotonic() + _MISSING_LOOK)
            )
            if self._stopping:
                break
            try:
                due = time.monotonic() >= next_look or self._watcher.is_lost
                whole = whole or due or len(hints) > _MANY
                if self._is_missing():
                    next_look = time.monotonic() + _MISSING_LOOK
                elif whole:
                    self._follow_moves()
                    self._look_over(hints)
                    next_look = time.monotonic() + self._pause()
                elif hints:
                    self._follow_moves()
                    self._look_at(hints)
            except Exception as error:
                log_fault("looking at the vault", error)
                next_look = time.monotonic() + _MISSING_LOOK
            if whole:
                with self._hinted:
                    self._answered = number
                    self._hinted.notify_all()

    def _follow_moves(self) -> None:
        with self._hinted:
            moves, self._moves = self._moves, []
        follow_events(self._space.root, self._space.journal, moves)

    def _next_hints(self, until: float) -> tuple[dict[str, float], bool, int]:
        """Wait for hints, at most until then; return them, and whether to look at it all."""
        with self._hinted:
            self._hinted.wait_for(
                lambda: self._hints or self._whole or self._stopping,
                max(0.0, until - time.monotonic()),
            )
            gather = max(_GATHER, min(self._cost * 10, _LONGEST_GATHER)) if self._whole else _GATHER
            if self._hints or self._whole:
                self._hinted.wait_for(
                    lambda: self._stopping or self._asked > self._answered, gather
                )
            taken = self._hints, self._whole, self._asked
            self._hints, self._whole = {}, False
            return taken

    def _pause(self) -> float:
        longest = self._space.config.background.rescan_seconds
        return min(longest, max(_POLL, self._cost * _SHARE)) if self.polls else longest

    def _is_missing(self) -> bool:
        """Whether the vault is not there: its folder, or the settings that it had at the start.

        A drive that is not mounted leaves an empty folder.
        """
        root = self._space.root
        missing = not root.is_dir() or (self._had_settings and not (root / ".obsidian").is_dir())
        if missing != self.vault_missing:
            self.vault_missing = missing
            _log.warning("the vault %s", "is not there" if missing else "is there again")
            for priority in Priority:
                self._queue.hold(priority, missing, "missing")
            if missing:
                self._watcher.stop()
        return missing

    def _look_over(self, hints: Mapping[str, float]) -> None:
        """Look at all notes; those that were reported rest from then on."""
        self._watcher.watch()
        self._space.read_ignore()
        began = time.monotonic()
        scan = self._space.scan()
        self._cost = time.monotonic() - began
        self._settle_offers(None)
        with self._reading:
            self._scan, self._known = scan, None
        asked = self._space.journal.all_asked()
        found = dict(scan.notes.of_interest())
        needy = [path for path, facts in found.items() if self._needs(path, facts, asked)]
        busy = {ticket.path for ticket in self._queue.in_progress()}
        self._keep_back(needy, whole=True)
        for path in needy:
            if path in hints:
                self._put_hinted(path, hints[path])
            elif path not in busy and (
                self._fingerprints.has_changed(path) or not self._queue.is_waiting(path)
            ):
                self._put(
                    path,
                    time.monotonic() + self._fingerprints.seconds_to_settle(path, self._settle),
                )
        for path in self._needy.difference(needy):
            self._queue.discard(path)
        self._needy = set(needy)
        self._left = {path for path, facts in found.items() if facts.skipped is not None}
        self.counts = self._count(scan)
        self.backlog = self._backlog.asked(needy)
        self.ready.set()
        self._after_scan()

    def _look_at(self, hints: Mapping[str, float]) -> None:
        """Look at some notes that were reported; each rests from then on."""
        if not self._scan:
            return
        self._settle_offers(hints)
        notes = self._scan.notes
        before = {path: _shared(notes.get(path)) for path in hints}
        with self._reading:
            changed = self._space.look_again(self._scan, hints)
            if any(before.get(path) != _shared(notes.get(path)) for path in changed):
                self._known = None
        needy = [path for path in hints if self._needs(path, notes.get(path), asked=hints)]
        self._keep_back(needy, whole=False)
        for path, at in hints.items():
            facts = notes.get(path)
            self._left.discard(path)
            if facts is not None and facts.skipped is not None:
                self._left.add(path)
            if path in needy:
                self._needy.add(path)
                self._put_hinted(path, at)
            else:
                self._needy.discard(path)
                self._queue.discard(path)
        self.counts = self._count(self._scan)
        if (asked := self._backlog.asked(self._needy)) != self.backlog:
            self.backlog = asked
            self.hint(None)  # what it costs is reckoned then

    def _count(self, scan: Scan) -> NoteCounts:
        return NoteCounts(len(scan.notes), len(self._needy), len(self._left) + len(scan.skipped))

    def _needs(self, path: str, facts: Facts | None, asked: Container[str]) -> bool:
        """Whether there is something to ask for that was not asked before.

        asked: at least those of the notes that were asked for something.
        """
        if facts is None or facts.skipped is not None or not facts.needs:
            return False
        return path not in asked or bool(leave_asked(self._space, Job(path), facts.needs)[0])

    def _keep_back(self, needy: Collection[str], *, whole: bool) -> None:
        """Take out of the queue what became a backlog."""
        for path in self._backlog.sort(needy, whole=whole):
            self._queue.discard(path)

    def _put_hinted(self, path: str, at: float) -> None:
        if not self._fingerprints.is_own_write(path):
            self._put(path, at + self._settle)

    def _put(self, path: str, not_before: float) -> None:
        if not (self._fingerprints.is_attempted(path) or self._backlog.holds_back(path)):
            self._queue.put(path, Job(path), Priority.BACKGROUND, not_before=not_before)


def _shared(facts: Facts | None) -> object:
    """Return what counts for other notes: aliases, values of properties, styles of callouts."""
    return facts and (facts.aliases, facts.values, facts.styles)
