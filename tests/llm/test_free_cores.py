"""How many cores are free, and how many threads that makes."""

import os

import psutil
import pytest

from companion.llm.embedded import choose_threads, count_all_cores, count_free_cores

# free, of all cores, threads now, threads then
CHOSEN = [
    pytest.param(2.0, 2, None, 2, id="idle"),
    pytest.param(1.0, 2, None, 1, id="one of two is busy"),
    pytest.param(0.0, 2, None, 1, id="all are busy: never none"),
    pytest.param(7.1, 8, None, 7, id="one of eight is busy"),
    pytest.param(9.0, 8, None, 8, id="never more than there are"),
    pytest.param(1.5, 2, 2, 2, id="a little less than the threads have: they stay"),
    pytest.param(1.3, 2, 2, 1, id="much less: one less"),
    pytest.param(1.5, 2, 1, 1, id="not enough for one more"),
    pytest.param(1.9, 2, 1, 2, id="enough for one more"),
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


# percent of a core: of all programs, of the server; and cores that this leaves of four
COUNTED = [
    pytest.param(0, 0, 4.0, id="idle"),
    pytest.param(100, 0, 3.0, id="another program is busy"),
    pytest.param(200, 200, 4.0, id="only the server is"),
    pytest.param(310, 110, 2.0, id="both are"),
    pytest.param(200, None, 2.0, id="the server has ended"),
]


class Server(psutil.Process):  # type: ignore[misc]
    """A process that takes so much of the processor; None: it has ended."""

    def __init__(self, share: float | None) -> None:
        self.share = share

    def cpu_percent(self, interval: float | None = None) -> float:
        if self.share is None:
            raise psutil.NoSuchProcess(1)
        return self.share


@pytest.mark.parametrize(("all_programs", "own", "free"), COUNTED)
def test_the_servers_own_work_leaves_its_cores_free(
    monkeypatch: pytest.MonkeyPatch, all_programs: float, own: float | None, free: float
) -> None:
    monkeypatch.setattr("companion.llm.embedded._usable_cores", lambda: frozenset(range(4)))
    monkeypatch.setattr("psutil.cpu_count", lambda logical=True: 4)
    shares = [all_programs / 4] * 4 + [100.0]  # the last core is not ours
    monkeypatch.setattr("psutil.cpu_percent", lambda interval, percpu: shares)
    assert count_free_cores(Server(own)) == pytest.approx(free)


def test_two_threads_of_a_core_are_one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("companion.llm.embedded._usable_cores", lambda: frozenset(range(8)))
    monkeypatch.setattr("psutil.cpu_count", lambda logical=True: 8 if logical else 4)
    monkeypatch.setattr("psutil.cpu_percent", lambda interval, percpu: [12.5] * 8)
    assert count_all_cores() == 4
    assert count_free_cores() == pytest.approx(3.5)


def test_the_machine_is_read() -> None:
    assert count_all_cores() >= 1
    assert 0 <= count_free_cores(psutil.Process(), 0.05) <= (os.cpu_count() or 1)
