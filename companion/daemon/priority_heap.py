"""The entries of a work queue that wait in one priority, by the time they become ready."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from enum import IntEnum
from math import inf
from typing import Generic, TypeVar

T = TypeVar("T")

_SPARE = 64  # places of entries that wait no more, kept at least before they are cleared away


class Priority(IntEnum):
    """Who waits for it: the lowest number is served first."""

    INTERACTIVE = 0
    REQUEST = 1
    BACKGROUND = 2


@dataclass(slots=True, eq=False)
class QueueEntry(Generic[T]):
    """What waits for one path and owner; its place in the line never changes."""

    path: str
    owner: str
    priority: Priority
    item: T
    ready_at: float
    serial: int
    waits: bool = True


class PriorityHeap(Generic[T]):
    """The entries of one priority, what becomes ready first in front; entered by one thread.

    A heap: entries that wait no more stay in it until they come up, or are too many.
    `waiting` counts also the entries that were taken out with `pop` to be pushed again.
    """

    def __init__(self) -> None:
        self.held: set[str] = set()  # by whom nothing is handed out for now
        self.at_once: float = inf
        self.in_progress = 0
        self.waiting = 0
        self._heap: list[tuple[float, int, QueueEntry[T]]] = []

    @property
    def open(self) -> bool:
        """Whether an entry may be handed out now."""
        return not self.held and self.in_progress < self.at_once

    def add(self, entry: QueueEntry[T]) -> None:
        """Let one more entry wait."""
        self.waiting += 1
        self.push(entry)

    def push(self, entry: QueueEntry[T]) -> None:
        """Put a waiting entry in its place."""
        heapq.heappush(self._heap, (entry.ready_at, entry.serial, entry))
        if len(self._heap) > 2 * self.waiting + _SPARE:
            self._heap = [place for place in self._heap if place[-1].waits]
            heapq.heapify(self._heap)

    def remove(self, entry: QueueEntry[T]) -> None:
        """Let the entry wait no more."""
        entry.waits = False
        self.waiting -= 1

    def first(self) -> QueueEntry[T] | None:
        """Return the entry in front, None if there is none."""
        while self._heap and not self._heap[0][-1].waits:
            heapq.heappop(self._heap)
        return self._heap[0][-1] if self._heap else None

    def pop(self) -> QueueEntry[T]:
        """Return the entry in front, taken out of its place, though it waits on."""
        return heapq.heappop(self._heap)[-1]
