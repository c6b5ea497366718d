"""The waiting entries of one priority of the work queue, ordered by when they are ready."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from enum import IntEnum
from math import inf
from typing import Generic, TypeVar

T = TypeVar("T")

_SPARE = 64  # removed entries that may stay in the heap before it is rebuilt


class Priority(IntEnum):
    """The priority of work; the lowest number comes first."""

    INTERACTIVE = 0
    REQUEST = 1
    BACKGROUND = 2


@dataclass(slots=True, eq=False)
class QueueEntry(Generic[T]):
    """An entry for one path and owner. Its place in the heap never changes."""

    path: str
    owner: str
    priority: Priority
    item: T
    ready_at: float
    serial: int
    waits: bool = True


class PriorityHeap(Generic[T]):
    """The entries of one priority, the first to become ready in front. Not thread-safe.

    Removed entries stay in the heap until they reach the front, or are too many. `waiting` also
    counts the entries that were taken out with `pop`, to be pushed again.
    """

    def __init__(self) -> None:
        self.held: set[str] = set()  # by whom the priority is held
        self.at_once: float = inf
        self.in_progress = 0
        self.waiting = 0
        self._heap: list[tuple[float, int, QueueEntry[T]]] = []

    @property
    def open(self) -> bool:
        """Whether an entry may be taken now."""
        return not self.held and self.in_progress < self.at_once

    def add(self, entry: QueueEntry[T]) -> None:
        """Add a new entry."""
        self.waiting += 1
        self.push(entry)

    def push(self, entry: QueueEntry[T]) -> None:
        """Put an entry that was popped back into the heap."""
        heapq.heappush(self._heap, (entry.ready_at, entry.serial, entry))
        if len(self._heap) > 2 * self.waiting + _SPARE:
            self._heap = [place for place in self._heap if place[-1].waits]
            heapq.heapify(self._heap)

    def remove(self, entry: QueueEntry[T]) -> None:
        """Remove the entry."""
        entry.waits = False
        self.waiting -= 1

    def first(self) -> QueueEntry[T] | None:
        """Return the entry in front, None if the heap is empty."""
        while self._heap and not self._heap[0][-1].waits:
            heapq.heappop(self._heap)
        return self._heap[0][-1] if self._heap else None

    def pop(self) -> QueueEntry[T]:
        """Take the entry in front out of the heap and return it; it still counts as waiting."""
        return heapq.heappop(self._heap)[-1]
