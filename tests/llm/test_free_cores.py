"""How many cores are free, which is how many threads the embedded model gets."""

import pytest

from companion.llm.embedded import count_free_cores

# of eight cores, the share in percent that is busy
FREE = [
    pytest.param(2.0, None, id="idle"),
    pytest.param(12.5, 7, id="one is busy"),
    pytest.param(100.0, 1, id="all are busy: never none"),
]


@pytest.mark.parametrize(("busy", "threads"), FREE)
def test_free_cores(monkeypatch: pytest.MonkeyPatch, busy: float, threads: int | None) -> None:
    monkeypatch.setattr("psutil.cpu_count", lambda logical: 8)
    monkeypatch.setattr("psutil.cpu_percent", lambda _seconds: busy)
    assert count_free_cores() == threads
