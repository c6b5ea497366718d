"""How many cores are free, and how many threads that makes."""

from __future__ import annotations

import os
from types import SimpleNamespace

import psutil
import pytest

from companion.llm.embedded import (
    CpuTimes,
    choose_threads,
    count_all_cores,
    count_free_cores,
    measure_free_cores,
    read_cpu_times,
)

# free, of all cores, threads now, threads then
CHOSEN = [
    pytest.param(2.0, 2, None, 2, id="idle"),
    pytest.param(1.8, 2, None, 2, id="nearly idle"),
    pytest.param(1.0, 2, None, 1, id="one of two is busy"),
    pytest.param(0.0, 2, None, 1, id="all are busy: never none"),
    pytest.param(7.1, 8, None, 7, id="one of eight is busy"),
    pytest.param(9.0, 8, None, 8, id="never more than there are"),
    pytest.param(1.5, 2, 2, 2, id="a little less than the threads have: they stay"),
    pytest.param(1.3, 2, 2, 1, id="much less: one less"),
    pytest.param(1.5, 2, 1, 1, id="not enough for one more"),
    pytest.param(1.9, 2, 1, 2, id="enough for one more"),
    pytest.param(0.1, 2, 1, 1, id="one stays, however little there is"),
    pytest.param(3.0, 8, 7, 3, id="several less at once"),
]


@pytest.mark.parametrize(("free", "cores", "current", "threads"), CHOSEN)
def test_threads_follow_the_free_cores(
    free: float, cores: int, current: int | None, threads: int
) -> None:
    assert choose_threads(free, cores, current) == threads


@pytest.mark.parametrize("free", [number / 20 for number in range(100)])
def test_the_number_chosen_is_one_that_stays(free: float) -> None:
    """Otherwise the server would start again and again."""
    chosen = choose_threads(free, 4)
    assert choose_threads(free, 4, chosen) == chosen


# CPU seconds in ten seconds: of all programs, of the server's; and cores that this leaves of four
COUNTED = [
    pytest.param(0, 0, 4.0, id="idle"),
    pytest.param(10, 0, 3.0, id="another program is busy"),
    pytest.param(20, 20, 4.0, id="only the server is"),
    pytest.param(31, 11, 2.0, id="both are"),
    pytest.param(60, 0, 0.0, id="never less than none"),
    pytest.param(0, 20, 4.0, id="a system that does not tell"),
]


@pytest.mark.parametrize(("all_programs", "own", "free"), COUNTED)
def test_the_servers_own_work_leaves_its_cores_free(
    monkeypatch: pytest.MonkeyPatch, all_programs: float, own: float, free: float
) -> None:
    monkeypatch.setattr("companion.llm.embedded._usable_cores", lambda: frozenset(range(4)))
    monkeypatch.setattr("psutil.cpu_count", lambda logical=True: 4)
    before, after = CpuTimes(100, 500, 50), CpuTimes(110, 500 + all_programs, 50 + own)
    assert count_free_cores(before, after) == pytest.approx(free)


def test_two_threads_of_a_core_are_one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("companion.llm.embedded._usable_cores", lambda: frozenset(range(8)))
    monkeypatch.setattr("psutil.cpu_count", lambda logical=True: 8 if logical else 4)
    assert count_all_cores() == 4
    assert count_free_cores(CpuTimes(0, 0, 0), CpuTimes(10, 10, 0)) == pytest.approx(3.5)


def test_the_machine_is_read() -> None:
    assert count_all_cores() >= 1
    assert 0 <= measure_free_cores(0.05) <= (os.cpu_count() or 1)


def test_the_work_of_a_process_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    used = SimpleNamespace(user=2.0, system=0.5)
    processes = {7: SimpleNamespace(cpu_times=lambda: used)}

    def find(pid: int) -> SimpleNamespace:
        if pid not in processes:
            raise psutil.NoSuchProcess(pid)
        return processes[pid]

    monkeypatch.setattr("psutil.Process", find)
    assert [read_cpu_times(pid).own for pid in (7, 8, None)] == [2.5, 0, 0]
