"""How many cores are free, and how many threads that makes."""

import os

import pytest

from companion.llm.embedded import choose_threads, count_all_cores, count_free_cores

# free, of all cores, threads
CHOSEN = [
    pytest.param(2.0, 2, 2, id="idle"),
    pytest.param(1.0, 2, 1, id="one of two is busy"),
    pytest.param(0.0, 2, 1, id="all are busy: never none"),
    pytest.param(7.1, 8, 7, id="one of eight is busy"),
    pytest.param(9.0, 8, 8, id="never more than there are"),
]


@pytest.mark.parametrize(("free", "cores", "threads"), CHOSEN)
def test_as_many_threads_as_there_are_free_cores(free: float, cores: int, threads: int) -> None:
    assert choose_threads(free, cores) == threads


@pytest.mark.parametrize(
    ("physical", "free"),
    [pytest.param(8, 7.0, id="cores"), pytest.param(4, 3.5, id="two threads of a core are one")],
)
def test_free_cores(monkeypatch: pytest.MonkeyPatch, physical: int, free: float) -> None:
    monkeypatch.setattr("companion.llm.embedded._usable_cores", lambda: frozenset(range(8)))
    monkeypatch.setattr("psutil.cpu_count", lambda logical=True: 8 if logical else physical)
    shares = [12.5] * 8 + [100.0]  # the last core is not ours
    monkeypatch.setattr("psutil.cpu_percent", lambda interval, percpu: shares)
    assert count_all_cores() == physical
    assert count_free_cores() == pytest.approx(free)


def test_the_machine_is_read() -> None:
    assert count_all_cores() >= 1
    assert 0 <= count_free_cores(0.05) <= (os.cpu_count() or 1)
