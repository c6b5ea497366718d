"""Limits a minute: for threads, by settings and by headers, and what an endpoint refuses."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from companion.llm.budget import Budget, Caps, LimitReached
from companion.llm.client import Client
from companion.llm.endpoint import Endpoint
from companion.llm.endpoint_errors import Cancelled
from companion.llm.rate_limiter import RateLimiter, Report, Turn, read_report
from companion.llm.request import Question
from companion.llm.response import Usage
from tests.clock import Clock
from tests.llm.fake_endpoint import FakeEndpoint, Scene, Seen, answer, error

ASK = [{"role": "user", "content": "Describe."}]
URL = "http://api.example/v1"
Open = Callable[..., RateLimiter]


@pytest.fixture
def clock() -> Clock:
    return Clock(5000.0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "spending.sqlite3"


@pytest.fixture
def limiter(clock: Clock) -> Open:
    """Make a limiter. requests: the limit of its settings; tokens: the one reported to it."""

    def limiter(requests: int | None = None, tokens: int | None = None) -> RateLimiter:
        limited = RateLimiter(Endpoint(base_url=URL, model="m", requests_a_minute=requests), clock)
        if tokens is not None:
            tell(limited, headers("tokens", limit=str(tokens)))
        return limited

    return limiter


def go(limiter: RateLimiter, tokens: int = 10) -> Turn:
    """Return a turn that must be granted at once."""
    turn = limiter.line_up(tokens)
    assert turn.take() == 0
    return turn


def tell(limiter: RateLimiter, told: dict[str, str]) -> None:
    """Report limits with the reply to a call that counts no more."""
    turn = go(limiter)
    turn.record(told)
    turn.end(None, sent=False)


def wait_for(turn: Turn, clock: Clock, at_most: float = 200.0) -> float:
    """Return the seconds until the turn is granted."""
    began = clock.now
    while wait := turn.take():
        clock.now += wait
        assert clock.now - began <= at_most
    return clock.now - began


def headers(kind: str = "requests", **values: str) -> dict[str, str]:
    return {f"x-ratelimit-{name}-{kind}": value for name, value in values.items()}


REPORTS = [
    pytest.param("60", "59", "1s", Report(60, 59, 1.0), id="OpenAI's example"),
    pytest.param("150000", "149984", "6m0s", Report(150_000, 149_984, 360.0), id="minutes"),
    pytest.param("60", "0", "120ms", Report(60, 0, 0.12), id="milliseconds"),
    pytest.param("14400", "3", "1h2m59.56s", Report(14_400, 3, 3779.56), id="hours, as Groq's"),
    pytest.param("60", "7", "12.5", Report(60, 7, 12.5), id="plain seconds"),
    pytest.param("60", "7", "", Report(60), id="no reset"),
    pytest.param("60", "", "1s", Report(60), id="nothing left told"),
    pytest.param("0", "0", "8760h", Report(None, 0, 31_536_000.0), id="a limit of zero"),
    pytest.param("-5", "-1", "-1s", Report(), id="negative"),
    pytest.param("NaN", "nan", "nan", Report(), id="no numbers"),
    pytest.param("1e9", "inf", "Infinity", Report(), id="infinite"),
    pytest.param("9" * 400, "9" * 400, "9" * 400 + "s", Report(), id="endless digits"),
    pytest.param("60", "0", "2030-01-01T00:00:00Z", Report(60), id="a date"),
    pytest.param("60, 60;w=60", "0", "1s 2s", Report(), id="another draft's form"),
]


@pytest.mark.parametrize(("limit", "remaining", "reset", "expected"), REPORTS)
def test_what_headers_say(limit: str, remaining: str, reset: str, expected: Report) -> None:
    told = headers(limit=limit, remaining=remaining, reset=reset)
    assert read_report(told, "requests") == expected
    assert read_report(told, "tokens") == Report()


def test_what_mistral_says() -> None:
    told = {"x-ratelimit-limit-req-minute": "720", "x-ratelimit-limit-tokens-minute": "5000000"}
    assert read_report(told, "requests") == Report(limit=720)
    assert read_report(told, "tokens") == Report(limit=5_000_000)


def test_no_more_go_out_in_any_minute(limiter: Open, clock: Clock) -> None:
    ours = limiter(requests=3)
    gone: list[float] = []
    for _ in range(20):
        turn = ours.line_up(10)
        wait_for(turn, clock)
        gone.append(clock.now)
        clock.now += 0.5
        turn.end(Usage(5, 5, 1), sent=True)
    assert all(later - earlier >= 60 for earlier, later in zip(gone, gone[3:], strict=False))
    assert gone[-1] - gone[0] < 6 * 62 + 3


def test_what_a_call_did_not_take_is_there_for_others(limiter: Open) -> None:
    ours = limiter(tokens=100)
    first, second = go(ours, 90), ours.line_up(50)
    assert second.take() > 0
    first.end(Usage(30, 10, 1), sent=True)
    assert second.take() == 0


ENDS = [
    pytest.param(None, False, True, id="not sent"),
    pytest.param(None, True, False, id="no reply"),
    pytest.param(Usage(0, 0, 1), True, False, id="no usage told"),
    pytest.param(Usage(), True, True, id="refused by the endpoint"),
    pytest.param(Usage(10**30, 10**30, 1), True, False, id="a usage that cannot be"),
]


@pytest.mark.parametrize(("usage", "sent", "fits"), ENDS)
def test_how_a_call_ends(limiter: Open, usage: Usage | None, sent: bool, fits: bool) -> None:
    ours = limiter(tokens=100)
    go(ours, 90).end(usage, sent=sent)
    assert (ours.line_up(50).take() == 0) is fits


def test_a_refused_call_counts_as_a_request(limiter: Open) -> None:
    ours = limiter(requests=1)
    go(ours).end(Usage(), sent=True)
    assert ours.line_up(10).take() > 0


def test_a_call_over_the_whole_limit_goes_when_no_other_did(limiter: Open, clock: Clock) -> None:
    ours = limiter(tokens=100)
    go(ours, 5000).end(Usage(4000, 1000, 1), sent=True)
    assert 59 < wait_for(ours.line_up(5000), clock) <= 62


def test_small_calls_do_not_pass_a_large_one(limiter: Open, clock: Clock) -> None:
    ours = limiter(tokens=100)
    go(ours, 60).end(Usage(30, 30, 1), sent=True)
    large, small = ours.line_up(90), ours.line_up(10)
    assert large.take() > 0
    assert small.take() > 0
    wait_for(large, clock)
    assert small.take() == 0


def test_a_call_that_somebody_waits_for_goes_first(limiter: Open, clock: Clock) -> None:
    """Also before those that waited longer; none of them is lost."""
    ours = limiter(requests=2)
    go(ours)
    go(ours)
    turns = {f"background {n}": ours.line_up(10, can_wait=True) for n in range(2)}
    assert all(turn.take() > 0 for turn in turns.values())
    turns |= {"clicked": ours.line_up(10), "clicked later": ours.line_up(10)}
    gone: dict[str, float] = {}
    began = clock.now
    while turns:
        for name, turn in list(turns.items()):  # who can wait looks first
            if not turn.take():
                gone[name] = clock.now - began
                del turns[name]
        clock.now += 1
    assert list(gone) == ["clicked", "clicked later", "background 0", "background 1"]
    assert gone["clicked later"] <= 72
    assert gone["background 1"] <= 144


def test_a_small_call_passes_where_there_is_room_for_both(limiter: Open) -> None:
    ours = limiter(tokens=130)
    go(ours, 60)
    assert ours.line_up(60).take() == 0
    assert ours.line_up(10).take() == 0


def test_the_smaller_limit_wins(limiter: Open) -> None:
    for ours, reported in ((5, "2"), (2, "5")):
        limited = limiter(requests=ours)
        tell(limited, headers(limit=reported))
        turns = [limited.line_up(10) for _ in range(4)]
        assert [turn.take() == 0 for turn in turns] == [True, True, False, False]
        for turn in turns:
            turn.end(None, sent=False)


def test_a_reported_limit_is_forgotten_when_it_is_not_repeated(limiter: Open, clock: Clock) -> None:
    ours = limiter()
    tell(ours, headers(limit="1"))
    go(ours)
    assert ours.line_up(10).take() > 0
    clock.now += 601
    assert [ours.line_up(10).take() for _ in range(3)] == [0, 0, 0]


def test_what_others_take_of_the_account_is_left_to_them(limiter: Open, clock: Clock) -> None:
    """The endpoint has less left than our own calls account for, until it is there again."""
    ours = limiter(requests=100)
    first = go(ours)
    first.end(Usage(1, 1, 1), sent=True)
    first.record(headers(limit="100", remaining="1", reset="20s"))
    go(ours)
    assert wait_for(ours.line_up(10), clock) == pytest.approx(20, abs=1)


def test_what_is_left_does_not_hold_who_is_alone(limiter: Open, clock: Clock) -> None:
    """A reply that comes late says what was left when its call arrived."""
    ours = limiter(requests=2)
    first, second = go(ours), go(ours)
    clock.now += 61
    first.end(Usage(1, 1, 1), sent=True)
    first.record(headers(limit="2", remaining="0", reset="60s"))
    second.end(Usage(1, 1, 1), sent=True)
    clock.now += 60
    go(ours)


HOSTILE = [
    {"limit": "0", "remaining": "0", "reset": "8760h"},
    {"limit": "1", "remaining": "0", "reset": "9999999999"},
    {"limit": "999999999999", "remaining": "0", "reset": "1h"},
    {"limit": "-1", "remaining": "0", "reset": "60s"},
    {"limit": "nan", "remaining": "0", "reset": "1e99"},
]


@pytest.mark.parametrize("values", HOSTILE)
@pytest.mark.parametrize("kind", ["requests", "tokens"])
def test_no_header_stalls_for_over_a_minute(
    limiter: Open, clock: Clock, kind: str, values: dict[str, str]
) -> None:
    ours = limiter()
    for _ in range(3):
        turn = ours.line_up(500)
        assert wait_for(turn, clock) <= 62
        turn.end(Usage(1, 1, 1), sent=True)
        turn.record(headers(kind, **values))


def test_why_a_call_waits_is_told(limiter: Open, clock: Clock) -> None:
    ours = limiter(requests=1)
    told: list[str] = []
    ours.tell = told.append
    go(ours)
    first, second = ours.line_up(10), ours.line_up(10)
    for _ in range(7):
        first.take(), second.take()
        clock.now += 1
    assert ours.waits == "at most 1 request a minute (requests_a_minute)"
    second.end(None, sent=False)
    wait_for(first, clock)
    assert list(dict.fromkeys(told)) == ["at most 1 request a minute (requests_a_minute)", ""]


def test_threads_together_meet_the_limit_exactly(limiter: Open) -> None:
    ours = limiter(requests=50)
    with ThreadPoolExecutor(32) as pool:
        waits = list(pool.map(lambda _: ours.line_up(1).take(), range(200)))
    assert waits.count(0) == 50


def test_calls_that_went_before_a_limit_was_told_count(limiter: Open) -> None:
    free = limiter()
    with ThreadPoolExecutor(16) as pool:
        turns = list(pool.map(lambda _: go(free), range(50)))
    for turn in turns:
        turn.end(Usage(1, 1, 1), sent=True)
    turns[-1].record(headers(limit="51"))
    go(free)
    assert free.line_up(10).take() > 0


@pytest.fixture
def budget(file: Path) -> Iterator[Budget]:
    with Budget(file) as budget:
        yield budget


def ask(fake: FakeEndpoint, budget: Budget, cancelled: Event, **limits: Any) -> Client:
    endpoint = Endpoint(base_url=fake.url, model="m", **limits)
    return Client(endpoint, cancelled, budget=budget)


@pytest.mark.parametrize("is_reported", [False, True])
def test_a_call_that_waits_can_be_stopped(
    fake: FakeEndpoint, budget: Budget, is_reported: bool
) -> None:
    """It was not sent, and reserves nothing of the day's budget."""
    reported = {**answer("fine").headers, **headers(limit="1", remaining="0", reset="60s")}
    fake.play(answer("fine")._replace(headers=reported) if is_reported else answer("fine"))
    cancelled = Event()
    limits = {} if is_reported else {"requests_a_minute": 1}
    with ask(fake, budget, cancelled, **limits) as client:
        client.ask(Question(ASK, 100))
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(client.ask, Question(ASK, 100))
            with pytest.raises(TimeoutError):
                waiting.result(0.5)
            assert budget.spent_today()[:2] == (10, 5)
            cancelled.set()
            assert isinstance(waiting.exception(60), Cancelled)
    assert len(fake.seen) == 1 and budget.spent_today().calls == 1


def test_a_closed_client_waits_no_more(fake: FakeEndpoint, budget: Budget) -> None:
    client = ask(fake, budget, Event(), requests_a_minute=1)
    client.ask(Question(ASK, 100))
    threading.Timer(0.3, client.close).start()
    with pytest.raises(Cancelled):
        client.ask(Question(ASK, 100))


def test_every_retry_takes_its_turn(fake: FakeEndpoint, budget: Budget) -> None:
    cancelled = Event()

    def fail(_seen: Seen, number: int) -> Scene:
        if number == 1:
            threading.Timer(0.5, cancelled.set).start()
        return error(500)

    fake.script = fail
    with ask(fake, budget, cancelled, requests_a_minute=2) as client, pytest.raises(Cancelled):
        client.ask(Question(ASK, 100))
    assert len(fake.seen) == 2


def test_a_limit_of_the_day_is_not_waited_for(fake: FakeEndpoint, file: Path) -> None:
    limits = {"requests_a_minute": 1}
    with (
        Budget(file, lambda: Caps(tokens_a_day=50)) as budget,
        ask(fake, budget, Event(), **limits) as client,
    ):
        client.ask(Question(ASK, 10))
        with pytest.raises(LimitReached):
            client.ask(Question(ASK, 100))


def test_what_an_endpoint_refuses_holds_other_calls_back(
    fake: FakeEndpoint, budget: Budget
) -> None:
    fake.play(error(429, retry_after="30"))
    cancelled = Event()
    with ask(fake, budget, cancelled) as client, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.ask, Question(ASK, 100))
        other = budget.limiter(client.settings).line_up(1)
        while not (is_held := other.take() > 0) and not waiting.done():
            other.end(None, sent=False)
        assert is_held
        cancelled.set()
        assert isinstance(waiting.exception(60), Cancelled)
    assert len(fake.seen) == 1


def test_calls_are_held_back_for_as_long_as_the_endpoint_asks(limiter: Open, clock: Clock) -> None:
    ours = limiter()
    ours.hold(5)
    assert wait_for(ours.line_up(10), clock) == pytest.approx(5, abs=0.3)
