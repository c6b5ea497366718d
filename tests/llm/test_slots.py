"""However many threads ask, an endpoint gets as many calls at once as it was set to get."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from companion.llm.client import Client
from companion.llm.endpoint import Endpoint
from companion.llm.endpoint_errors import Cancelled
from companion.llm.request import Question
from tests.llm.fake_endpoint import FakeEndpoint, answer

ASK = [{"role": "user", "content": "Why?"}]


@pytest.mark.parametrize("at_once", [1, 3])
def test_no_more_calls_at_once(fake: FakeEndpoint, at_once: int) -> None:
    fake.play(answer("fine")._replace(delay=0.05))
    with Client(Endpoint(base_url=fake.url, model="m")) as client, ThreadPoolExecutor(8) as pool:
        client.limit_calls(threading.BoundedSemaphore(at_once))
        assert len(list(pool.map(lambda _: client.ask(Question(ASK, 9)), range(8)))) == 8
    times = sorted(seen.at for seen in fake.seen)
    assert all(later - first > 0.04 for first, later in zip(times, times[at_once:], strict=False))


def test_who_waits_for_a_slot_hears_of_a_stop(fake: FakeEndpoint) -> None:
    cancelled = threading.Event()
    fake.script = lambda _seen, _n: (cancelled.wait(60), answer("fine"))[1]
    with (
        Client(Endpoint(base_url=fake.url, model="m"), cancelled) as client,
        ThreadPoolExecutor(2) as pool,
    ):
        client.limit_calls(threading.BoundedSemaphore(1))
        asked = [pool.submit(client.ask, Question(ASK, 9)) for _ in range(2)]
        while not fake.seen:
            pass
        cancelled.set()
        faults = [future.exception() for future in asked]
    assert [type(fault) for fault in faults if fault] == [Cancelled]
    assert len(fake.seen) == 1
