"""The work queue: one entry per note and owner, and at most one ticket per note in progress.

Modelled on client-go's workqueue, with priorities, delays and owners.
"""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from itertools import count
from math import inf
from typing import NamedTuple

from companion.app.engine.circuit_breaker import back_off
from companion.enrich.task import Job

_WAITS = (5.0, 3600.0)  # seconds between two tries of a note: the first wait, and the longest
_SPARE = 64  # removed entries that may stay in a heap before it is rebuilt


class Priority(IntEnum):
    """The priority of work; the lowest number comes first."""

    INTERACTIVE = 0
    REQUEST = 1
    BACKGROUND = 2


class Ticket(NamedTuple):
    """Work in progress on a note, to be given back with `done` or `requeue`."""

    job: Job
    owner: str  # a run's id, empty for background work
    priority: Priority

    @property
    def path(self) -> str:
        """The note's path."""
        return self.job.path


class WorkQueue:
    """The entries that wait, and the tickets in progress. Safe to use from any thread.

    Times are in the clock's seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._serial = count()
        # by priority, the first to become ready in front; removed ones stay until they get there
        self._heaps = {priority: list[tuple[float, int, QueueEntry]]() for priority in Priority}
        self._waiting = dict.fromkeys(Priority, 0)
        self._holders = {priority: set[str]() for priority in Priority}
        self._limits: dict[Priority, int] = {}
        self._entries: dict[tuple[str, str], QueueEntry] = {}
        self._in_progress: dict[str, Ticket] = {}  # by path
        self._moved: dict[str, str] = {}  # new paths of notes in progress, and their old ones
        # entries taken out of their heaps while their path is in progress, by path
        self._blocked: dict[str, list[QueueEntry]] = {}
        self._unwanted: set[str] = set()  # paths in progress that have been dropped
        self._tries: dict[tuple[str, str], int] = {}
        self._paused_until = -inf
        self._on_trial = False
        self._trial: Ticket | None = None  # the one in progress while others wait for its end
        self._closed = False

    def put(self, job: Job, priority: Priority, owner: str = "", not_before: float = 0.0) -> None:
        """Add an entry that is ready at not_before; one for the note and owner gets this job.

        That one gets the better priority, and keeps its place if it was ready and still is.
        """
        with self._changed:
            since = self._clock()
            if earlier := self._entries.get((job.path, owner)):
                since = min(since, earlier.ready_at)
                priority = min(priority, earlier.priority)
            self._place(job, owner, priority, max(not_before, since))

    def take(self, timeout: float | None = None) -> Ticket | None:
        """Return the next ticket: by priority, then by the time since it is ready.

        None after timeout seconds (None: no limit), or if the queue is closed.
        """
        with self._changed:
            until = inf if timeout is None else self._clock() + timeout
            while not self._closed:
                now = self._clock()
                if now >= self._paused_until and not self._trial:
                    for priority in Priority:  # the best one first
                        if (entry := self._first(priority)) and entry.ready_at <= now:
                            return self._hand_out(entry)
                if now >= until:
                    return None
                wait = min(self.next_ready(), until) - now
                self._changed.wait(min(wait, threading.TIMEOUT_MAX))
            return None

    def done(self, ticket: Ticket) -> None:
        """Give the ticket back, and forget its failures. Raises ValueError if it is not in
        progress.
        """
        with self._changed:
            self._give_back(ticket)
            self._tries.pop((ticket.path, ticket.owner), None)

    def requeue(self, ticket: Ticket, not_before: float | None = None) -> bool:
        """Give the ticket back and let its entry wait again; return whether it does.

        Without not_before it backs off, longer after each try. An entry that was put meanwhile
        replaces its job, but waits at least as long; one that was dropped is not added. Raises
        ValueError if the ticket is not in progress.
        """
        with self._changed:
            is_wanted = self._give_back(ticket)
            key = (ticket.path, ticket.owner)
            newer = self._entries.get(key)
            if not (is_wanted or newer):
                return False
            if (ready_at := not_before) is None:
                self._tries[key] = self._tries.get(key, 0) + 1
                ready_at = self._clock() + back_off(self._tries[key], *_WAITS)
            if newer:
                priority = min(newer.priority, ticket.priority)
                self._place(newer.job, newer.owner, priority, max(ready_at, newer.ready_at))
            else:
                ready_at = max(ready_at, self._clock())
                self._place(ticket.job, ticket.owner, ticket.priority, ready_at)
            return True

    def drop(self, owner: str) -> None:
        """Remove the entries of one owner; `requeue` does not add those in progress again. O(n)."""
        with self._changed:
            paths = {path for path, whose in self._entries if whose == owner}
            paths.update(path for path, each in self._in_progress.items() if each.owner == owner)
            for path in paths:
                self._forget(path, owner)

    def discard(self, path: str, owner: str = "") -> None:
        """Remove one entry, if there is one, as `drop` does."""
        with self._changed:
            self._forget(path, owner)

    def move(self, old: str, new: str) -> None:
        """Let entries of the new path wait while the note is in progress under its old one."""
        with self._changed:
            if (old := self._moved.get(old, old)) in self._in_progress:
                self._moved[new] = old

    def hold(self, priority: Priority, held: bool, by: str = "") -> None:
        """Hold or release a priority for `by`; it is held as long as anybody holds it."""
        with self._changed:
            holders = self._holders[priority]
            (holders.add if held else holders.discard)(by)
            self._changed.notify_all()

    def limit(self, priority: Priority, at_once: int) -> None:
        """Allow at most `at_once` tickets of that priority and lower ones in progress at once."""
        with self._changed:
            self._limits[priority] = at_once
            self._changed.notify_all()

    def pause_until(self, until: float | None, *, trial: bool = False) -> None:
        """Hand out no tickets until that time; None: end the pause.

        trial: from then on one at a time, in addition to those in progress.
        """
        with self._changed:
            self._paused_until = -inf if until is None else until
            self._on_trial, self._trial = trial, None
            self._changed.notify_all()

    def counts(self) -> dict[Priority, int]:
        """Return the number of waiting entries of each priority."""
        with self._changed:
            return self._waiting.copy()

    def in_progress(self) -> list[Ticket]:
        """Return the tickets that have not been given back yet, oldest first."""
        with self._changed:
            return list(self._in_progress.values())

    def is_waiting(self, path: str, owner: str = "") -> bool:
        """Return whether an entry waits; one in progress does not, unless it was put again."""
        with self._changed:
            return (path, owner) in self._entries

    def has(self, path: str) -> bool:
        """Return whether an entry without an owner waits for the note, or is in progress."""
        with self._changed:
            ticket = self._in_progress.get(path)
            return (path, "") in self._entries or (ticket is not None and not ticket.owner)

    def next_ready(self) -> float:
        """Return when `take` has a ticket next; a time in the past if it has one now.

        Infinity: time alone brings none, as all are held, at their limit or in progress.
        """
        with self._changed:
            if self._trial:
                return inf
            firsts = [entry for priority in Priority if (entry := self._first(priority))]
            return max(self._paused_until, min((entry.ready_at for entry in firsts), default=inf))

    def close(self) -> None:
        """Hand out no more tickets, and wake the threads that wait in `take`."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _place(self, job: Job, owner: str, priority: Priority, ready_at: float) -> None:
        """Add an entry, replacing the one that waits for the same note and owner."""
        earlier = self._entries.get((job.path, owner))
        if earlier and (earlier.ready_at, earlier.priority) == (ready_at, priority):
            earlier.job = job
            return
        if earlier:
            self._remove(earlier)
        entry = QueueEntry(job, owner, priority, ready_at, next(self._serial))
        self._entries[job.path, owner] = entry
        self._waiting[priority] += 1
        self._push(entry)
        self._changed.notify_all()

    def _push(self, entry: QueueEntry) -> None:
        heap = self._heaps[entry.priority]
        heapq.heappush(heap, (entry.ready_at, entry.serial, entry))
        if len(heap) > 2 * self._waiting[entry.priority] + _SPARE:
            heap[:] = [place for place in heap if place[-1].waits]
            heapq.heapify(heap)

    def _remove(self, entry: QueueEntry) -> None:
        entry.waits = False
        self._waiting[entry.priority] -= 1

    def _first(self, priority: Priority) -> QueueEntry | None:
        """Return the first entry that may be taken now; those in progress are set aside."""
        heap = self._heaps[priority]
        if not heap or self._holders[priority] or self._is_at_limit(priority):
            return None
        while heap:
            entry = heap[0][-1]
            path = self._moved.get(entry.job.path, entry.job.path)
            if entry.waits and path not in self._in_progress:
                return entry
            heapq.heappop(heap)
            if entry.waits:
                self._blocked.setdefault(path, []).append(entry)
        return None

    def _is_at_limit(self, priority: Priority) -> bool:
        """Return whether its priority, or a better one that counts it, is at its limit."""
        busy = [ticket.priority for ticket in self._in_progress.values()]
        return any(
            sum(each >= limited for each in busy) >= at_once
            for limited, at_once in self._limits.items()
            if limited <= priority
        )

    def _hand_out(self, entry: QueueEntry) -> Ticket:
        self._remove(entry)
        del self._entries[entry.job.path, entry.owner]
        ticket = Ticket(entry.job, entry.owner, entry.priority)
        self._in_progress[ticket.path] = ticket
        self._trial = ticket if self._on_trial else None
        return ticket

    def _give_back(self, ticket: Ticket) -> bool:
        """Free the note; return whether the ticket is still wanted."""
        if self._in_progress.get(ticket.path) is not ticket:
            raise ValueError(f"{ticket.path} is not in progress with this ticket")
        del self._in_progress[ticket.path]
        if self._trial is ticket:
            self._trial = None
        if self._moved:
            self._moved = {new: old for new, old in self._moved.items() if old != ticket.path}
        for entry in self._blocked.pop(ticket.path, ()):
            self._push(entry)
        self._changed.notify()  # whoever gives it back looks for the next one, too
        is_wanted = ticket.path not in self._unwanted
        self._unwanted.discard(ticket.path)
        return is_wanted

    def _forget(self, path: str, owner: str) -> None:
        if entry := self._entries.pop((path, owner), None):
            self._remove(entry)
        self._tries.pop((path, owner), None)
        if (ticket := self._in_progress.get(path)) and ticket.owner == owner:
            self._unwanted.add(path)


@dataclass(slots=True, eq=False)
class QueueEntry:
    """An entry for one note and owner. Its place in the heap never changes."""

    job: Job
    owner: str
    priority: Priority
    ready_at: float
    serial: int
    waits: bool = True
