"""Values that are loaded on first use, once, however many threads ask for them at that moment.

With functools.cache each of these threads would load the value, and so with
functools.cached_property from Python 3.12 on.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cached_property, wraps
from threading import RLock
from typing import Any, ParamSpec, TypeVar, cast, overload

P = ParamSpec("P")
T = TypeVar("T")


def load_once(load: Callable[P, T]) -> Callable[P, T]:
    """Return load with its values kept, by its positional arguments; other threads wait for one."""
    values: dict[tuple[Hashable, ...], T] = {}
    lock = RLock()

    @wraps(load)
    def loaded(*args: P.args, **kwargs: P.kwargs) -> T:
        if kwargs:
            raise TypeError(f"{load.__name__} takes positional arguments only")
        key = cast(tuple[Hashable, ...], args)
        if key not in values:
            with lock:
                if key not in values:
                    values[key] = load(*args, **kwargs)
        return values[key]

    return loaded


class LockedProperty(cached_property[T]):
    """A cached property that one thread computes, for one object at a time; other threads wait."""

    def __init__(self, compute: Callable[[Any], T]) -> None:
        super().__init__(compute)
        self._lock = RLock()

    @overload
    def __get__(self, instance: None, owner: type[Any] | None = None) -> LockedProperty[T]: ...

    @overload
    def __get__(self, instance: object, owner: type[Any] | None = None) -> T: ...

    def __get__(self, instance: object, owner: type[Any] | None = None) -> LockedProperty[T] | T:
        if instance is None:
            return self
        with self._lock:
            return super().__get__(instance, owner)
