"""Free cores: other programs' use of the processor decides the embedded model's threads."""

from __future__ import annotations

import math
import os
import time
from contextlib import suppress
from typing import NamedTuple

_NOT_BUSY = ("idle", "iowait", "guest", "guest_nice")  # the time of guests is in that of users
_NEARLY = 0.3  # of a core: what is busy with so little counts as free
_SLACK = 0.6  # of a core that a thread may lack before there are too many threads


class CpuTimes(NamedTuple):
    """CPU time so far, in seconds: of all programs, and of one process. at: on a steady clock."""

    at: float
    all_programs: float
    own: float


def read_cpu_times(pid: int | None = None) -> CpuTimes:
    """Return the CPU times as they are now. pid: the process whose own are told; None: none's."""
    import psutil

    own, usable = 0.0, _usable_cores()
    if pid is not None:
        with suppress(psutil.Error):  # it has ended
            times = psutil.Process(pid).cpu_times()
            own = times.user + times.system
    cores = psutil.cpu_times(percpu=True)
    busy = sum(
        seconds
        for number, core in enumerate(cores)
        for kind, seconds in core._asdict().items()
        if number in usable and kind not in _NOT_BUSY
    )
    return CpuTimes(time.monotonic(), busy, own)


def measure_free_cores(seconds: float) -> float:
    """Return how many cores are free, while nothing of ours runs. seconds: that are measured."""
    before = read_cpu_times()
    time.sleep(seconds)
    return count_free_cores(before, read_cpu_times())


def count_free_cores(before: CpuTimes, after: CpuTimes) -> float:
    """Return how many cores other programs than the process left free between two readings.

    Of cores with two hardware threads, each counts half: llama.cpp gains nothing from both.
    """
    import psutil

    others = (after.all_programs - before.all_programs) - (after.own - before.own)
    usable, logical = len(_usable_cores()), psutil.cpu_count() or 1
    free = usable - max(0.0, others) / max(1e-3, after.at - before.at)
    return max(0.0, free) * (psutil.cpu_count(logical=False) or logical) / logical


def count_all_cores() -> int:
    """Return how many cores there are for this process, busy or not."""
    import psutil

    logical = psutil.cpu_count() or 1
    return max(1, len(_usable_cores()) * (psutil.cpu_count(logical=False) or logical) // logical)


def choose_threads(free: float, cores: int, current: int | None = None) -> int:
    """Return how many threads to run where `free` of all cores are free; one at least.

    Threads that share a core with other work hold up all the others, which wait for them.

    current: how many there are now, which stays while it is about right.
    """
    if current is not None and current - _SLACK <= free < current + 1 - _NEARLY / 2:
        return current
    return min(cores, max(1, math.floor(free + _NEARLY)))


def _usable_cores() -> frozenset[int]:
    """Return the numbers of the logical cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))
