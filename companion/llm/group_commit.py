"""Group commit: what several threads want written at the same time is written together.

Under load each statement of SQLite costs a thread more time to go on in Python than it takes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from copy import copy
from typing import Generic, TypeVar, cast

T = TypeVar("T")
R = TypeVar("R")


class GroupCommit(Generic[T, R]):
    """Writes items, from any thread; those that wait for the lock, with one call of write.

    write: takes items in the order in which they came, and returns a result for each. What it
    raises is raised for all of them.
    """

    def __init__(
        self, write: Callable[[Sequence[T]], Sequence[R]], lock: AbstractContextManager[object]
    ) -> None:
        self._write = write
        self._lock = lock
        self._waiting: deque[_Item[T, R]] = deque()

    def write(self, item: T) -> R:
        """Return the result for the item, once it is written."""
        mine = _Item[T, R](item)
        self._waiting.append(mine)
        with self._lock:
            if not mine.is_done:
                self._write_waiting()
        if mine.error:
            raise mine.error
        return cast(R, mine.result)

    def _write_waiting(self) -> None:
        group = []
        while self._waiting:
            group.append(self._waiting.popleft())
        try:
            results = self._write([each.item for each in group])
        except Exception as error:
            for each in group:  # threads must not share a traceback
                each.is_done, each.error = True, copy(error)
            return
        for each, result in zip(group, results, strict=True):
            each.is_done, each.result = True, result


class _Item(Generic[T, R]):
    __slots__ = ("error", "is_done", "item", "result")

    def __init__(self, item: T) -> None:
        self.item = item
        self.is_done = False
        self.error: Exception | None = None
        self.result: R | None = None
