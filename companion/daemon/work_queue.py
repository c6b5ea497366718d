"""The work queue: one entry a note and owner, by priority, and no note in two hands at once.

After client-go's workqueue (coalescing, back-off a note), with priorities, delays and owners.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from itertools import count
from math import inf
from typing import Generic, NamedTuple, TypeVar

from companion.daemon.priority_heap import Priority, PriorityHeap, QueueEntry

__all__ = ["Priority", "Ticket", "WorkQueue", "back_off"]

T = TypeVar("T")

_FIRST_WAIT, _LONGEST_WAIT = 5.0, 3600.0  # seconds between the tries of one note


class Ticket(NamedTuple, Generic[T]):
    """A note in somebody's hand, to be given back with `done` or `again`."""

    path: str
    owner: str  # a run's id, empty for background work
    priority: Priority
    item: T
    tries: int  # how often it backed off before


def back_off(tries: int) -> float:
    """Return the seconds to wait after the try of that number: 5, doubled, at most 1 hour."""
    return min(_FIRST_WAIT * 2.0 ** min(tries - 1, 20), _LONGEST_WAIT)


class WorkQueue(Generic[T]):
    """What is to be done, safe to share between threads. Times are the clock's, in seconds."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        back_off: Callable[[int], float] = back_off,
    ) -> None:
        self._clock = clock
        self._back_off = back_off
        self._changed = threading.Condition()
        self._serial = count()
        self._lines = {priority: PriorityHeap[T]() for priority in Priority}
        self._entries: dict[tuple[str, str], QueueEntry[T]] = {}
        self._in_progress: dict[str, Ticket[T]] = {}  # by path
        self._blocked: dict[str, list[QueueEntry[T]]] = {}  # by a path in hand: out of their lines
        self._unwanted: set[str] = set()  # paths in hand that were dropped meanwhile
        self._tries: dict[tuple[str, str], int] = {}
        self._shut_until = -inf
        self._closed = False

    def put(
        self, path: str, item: T, priority: Priority, owner: str = "", not_before: float = 0.0
    ) -> None:
        """Let an entry wait, from not_before on; one that waits already gets this item and time.

        It then keeps the better of the two priorities, and its place if it was ready and still is.
        """
        with self._changed:
            since = self._clock()
            if known := self._entries.get((path, owner)):
                since = min(since, known.ready_at)
                priority = min(priority, known.priority)
            self._place(path, owner, priority, item, max(not_before, since))

    def take(self, timeout: float | None = None) -> Ticket[T] | None:
        """Return the next ticket: best priority first, then what became ready first.

        Waits at most timeout seconds (None: for ever). None: time ran out, or it is closed.
        """
        with self._changed:
            until = inf if timeout is None else self._clock() + timeout
            while not self._closed:
                now = self._clock()
                if entry := self._find(now):
                    return self._hand_out(entry)
                if now >= until:
                    return None
                wait = min(self._ready_next(), until) - now
                self._changed.wait(min(wait, threading.TIMEOUT_MAX))
            return None

    def done(self, ticket: Ticket[T]) -> None:
        """Give the ticket back, and forget its failures. Raises ValueError if not in hand."""
        with self._changed:
            self._give_back(ticket)
            self._tries.pop((ticket.path, ticket.owner), None)

    def requeue(self, ticket: Ticket[T], not_before: float | None = None) -> bool:
        """Give the ticket back to be handed out again; return whether it waits.

        Without not_before it backs off, longer after each try. An entry put meanwhile wins over
        the ticket's item, but waits at least as long. What was dropped or discarded meanwhile
        stays away.

        Raises ValueError if the ticket is not in hand.
        """
        with self._changed:
            wanted = self._give_back(ticket)
            key = (ticket.path, ticket.owner)
            newer = self._entries.get(key)
            if not (wanted or newer):
                return False
            ready_at = self._after_failure(key) if not_before is None else not_before
            if newer:
                priority = min(newer.priority, ticket.priority)
                self._place(*key, priority, newer.item, max(ready_at, newer.ready_at))
            else:
                ready_at = max(ready_at, self._clock())
                self._place(*key, ticket.priority, ticket.item, ready_at)
            return True

    def drop(self, owner: str) -> list[str]:
        """Forget the entries of one owner; return the paths of those that waited.

        What the owner has in hand stays there, but `again` does not bring it back. O(n).
        """
        with self._changed:
            paths = [path for path, whose in self._entries if whose == owner]
            in_hand = [
                ticket.path for ticket in self._in_progress.values() if ticket.owner == owner
            ]
            for path in {*paths, *in_hand}:
                self._forget(path, owner)
            return paths

    def discard(self, path: str, owner: str = "") -> None:
        """Forget one entry if it is there, as `drop` does."""
        with self._changed:
            self._forget(path, owner)

    def hold(self, priority: Priority, held: bool, by: str = "") -> None:
        """Hand out nothing of that priority while anybody, named by `by`, holds it."""
        with self._changed:
            holders = self._lines[priority].held
            (holders.add if held else holders.discard)(by)
            self._changed.notify_all()

    def limit(self, priority: Priority, at_once: int) -> None:
        """Hand out at most so many tickets of that priority side by side."""
        with self._changed:
            self._lines[priority].at_once = at_once
            self._changed.notify_all()

    def pause_until(self, until: float | None) -> None:
        """Hand out nothing until that time; None: at once again."""
        with self._changed:
            self._shut_until = -inf if until is None else until
            self._changed.notify_all()

    def counts(self) -> dict[Priority, int]:
        """Return how many entries of each priority wait."""
        with self._changed:
            return {priority: line.waiting for priority, line in self._lines.items()}

    def in_progress(self) -> list[Ticket[T]]:
        """Return the tickets handed out and not given back, the oldest first."""
        with self._changed:
            return list(self._in_progress.values())

    def is_waiting(self, path: str, owner: str = "") -> bool:
        """Return whether an entry waits (one in hand does not, unless it was put again)."""
        with self._changed:
            return (path, owner) in self._entries

    def next_ready(self) -> float | None:
        """Return when `take` has something next, in the past if it has now.

        None: not by waiting alone, since nothing waits or all is held, limited or in hand.
        """
        with self._changed:
            moment = self._ready_next()
            return None if moment == inf else moment

    def close(self) -> None:
        """Hand out nothing any more, and wake whoever waits in `take`."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _place(self, path: str, owner: str, priority: Priority, item: T, ready_at: float) -> None:
        """Let an entry wait, instead of the one that waits for the same path and owner."""
        known = self._entries.get((path, owner))
        if known and (known.ready_at, known.priority) == (ready_at, priority):
            known.item = item
            return
        if known:
            self._lines[known.priority].remove(known)
        entry = QueueEntry(path, owner, priority, item, ready_at, next(self._serial))
        self._entries[path, owner] = entry
        self._lines[priority].add(entry)
        self._changed.notify_all()

    def _find(self, now: float) -> QueueEntry[T] | None:
        if now < self._shut_until:
            return None
        firsts = (self._first(line) for line in self._lines.values())
        return next((entry for entry in firsts if entry and entry.ready_at <= now), None)

    def _ready_next(self) -> float:
        firsts = [entry for line in self._lines.values() if (entry := self._first(line))]
        return max(self._shut_until, min((entry.ready_at for entry in firsts), default=inf))

    def _first(self, line: PriorityHeap[T]) -> QueueEntry[T] | None:
        """Return the line's first entry that may go; those of notes in hand are set aside."""
        while line.open and (entry := line.first()):
            if entry.path not in self._in_progress:
                return entry
            self._blocked.setdefault(entry.path, []).append(line.pop())
        return None

    def _hand_out(self, entry: QueueEntry[T]) -> Ticket[T]:
        key = (entry.path, entry.owner)
        line = self._lines[entry.priority]
        line.remove(entry)
        line.in_progress += 1
        del self._entries[key]
        ticket = Ticket(*key, entry.priority, entry.item, self._tries.get(key, 0))
        self._in_progress[entry.path] = ticket
        return ticket

    def _give_back(self, ticket: Ticket[T]) -> bool:
        """Free the note; return whether the ticket is still wanted."""
        if self._in_progress.get(ticket.path) is not ticket:
            raise ValueError(f"{ticket.path} is not in hand with this ticket")
        del self._in_progress[ticket.path]
        self._lines[ticket.priority].in_progress -= 1
        for entry in self._blocked.pop(ticket.path, ()):
            self._lines[entry.priority].push(entry)
        self._changed.notify_all()
        wanted = ticket.path not in self._unwanted
        self._unwanted.discard(ticket.path)
        return wanted

    def _after_failure(self, key: tuple[str, str]) -> float:
        self._tries[key] = self._tries.get(key, 0) + 1
        return self._clock() + self._back_off(self._tries[key])

    def _forget(self, path: str, owner: str) -> None:
        if entry := self._entries.pop((path, owner), None):
            self._lines[entry.priority].remove(entry)
        self._tries.pop((path, owner), None)
        if (ticket := self._in_progress.get(path)) and ticket.owner == owner:
            self._unwanted.add(path)
