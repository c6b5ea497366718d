"""What several threads write at the same time is written together, and each hears of its own."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from companion.sqlite import GroupCommit


def test_each_gets_its_own_result() -> None:
    groups: list[list[int]] = []

    def write(items: Sequence[int]) -> list[str]:
        groups.append(list(items))
        return [f"result {item}" for item in items]

    commit = GroupCommit(write, threading.Lock())
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(commit.write, range(200)))
    assert found == [f"result {number}" for number in range(200)]
    assert sorted(number for group in groups for number in group) == list(range(200))


@pytest.mark.parametrize("fault", [None, OSError("full")], ids=["written", "failed"])
def test_those_that_wait_are_written_together(fault: OSError | None) -> None:
    groups: list[list[int]] = []

    def write(items: Sequence[int]) -> list[int]:
        groups.append(sorted(items))
        if fault:
            raise fault
        return list(items)

    lock = threading.Lock()
    commit = GroupCommit(write, lock)
    with ThreadPoolExecutor(8) as pool:
        with lock:
            futures = [pool.submit(commit.write, number) for number in range(8)]
            while len(commit._waiting) < 8:
                pass
        errors = [future.exception() for future in futures]
    assert groups == [list(range(8))]
    assert [type(error) for error in errors] == [type(fault)] * 8
    assert len({id(error) for error in errors}) == (8 if fault else 1)
