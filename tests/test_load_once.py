"""What is loaded on first use is loaded once, however many threads are the first."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError

import pytest

from companion.load_once import LockedProperty, load_once

THREADS = 16


class Counter:
    """Counts loads. The first one waits for a second one, which a correct loader never begins."""

    def __init__(self) -> None:
        self.loads = 0
        self._pair = Barrier(2)

    def load(self) -> int:
        self.loads += 1
        with suppress(BrokenBarrierError):
            self._pair.wait(timeout=0.1)
        return self.loads


@pytest.mark.parametrize("way", ["function", "property"])
def test_many_threads_load_it_once(way: str) -> None:
    counter, start = Counter(), Barrier(THREADS)
    by_function = load_once(lambda _: counter.load())

    class Owner:
        @LockedProperty
        def value(self) -> int:
            return counter.load()

    owner = Owner()

    def use(_: int) -> int:
        start.wait()
        return by_function("a") if way == "function" else owner.value

    with ThreadPoolExecutor(THREADS) as pool:
        assert set(pool.map(use, range(THREADS))) == {1}
    assert counter.loads == 1
