"""What a day may take: caps that hold for threads, processes, kills, damage and odd clocks."""

import itertools
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from companion.llm.answers import Usage
from companion.llm.budget import (
    Amount,
    Budget,
    BudgetUnknown,
    Caps,
    LimitReached,
    OverWholeLimit,
    Reservation,
)
from tests.clock import Clock
from tests.examples import labelled, many, write

REPOSITORY = Path(__file__).parents[2]
NOON = datetime(2026, 3, 10, 12).timestamp()
DAY = 86_400.0
Open = Callable[..., Budget]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "spending.sqlite3"


@pytest.fixture
def clock() -> Clock:
    return Clock(NOON)


@pytest.fixture
def spend(file: Path, clock: Clock) -> Iterator[Open]:
    """Open the file anew, as another process does."""
    opened: list[Budget] = []

    def spend(**options: Any) -> Budget:
        vault = options.pop("vault", "")
        caps = Caps(**{"price": a_dollar_a_thousand, **options})
        opened.append(Budget(file, lambda: caps, vault, clock))
        return opened[-1]

    yield spend
    for budget in opened:
        budget.close()


def a_dollar_a_thousand(input_tokens: int, output_tokens: int) -> float:
    return (input_tokens + output_tokens) / 1000


def break_off(one: Reservation) -> None:
    with one, pytest.raises(TimeoutError):
        one.sent = True
        raise TimeoutError


ENDS = {
    "took less": (lambda one: one.settle(Usage(90, 10, 1)), Amount(90, 10, 100_000, 0, 1)),
    "took more": (lambda one: one.settle(Usage(700, 300, 1)), Amount(700, 300, 1_000_000, 0, 1)),
    "no usage told": (lambda one: one.settle(Usage(0, 0, 1)), Amount(200, 100, 300_000, 0, 1)),
    "nothing was paid": (lambda one: one.settle(Usage()), Amount(0, 0, 0, 0, 0)),
    "never sent": (Reservation.__exit__, Amount(0, 0, 0, 0, 0)),
    "sent and broken off": (break_off, Amount(200, 100, 300_000, 0, 1)),
}


@labelled(("end", "expected"), ENDS)
def test_what_counts_after_a_call(
    spend: Open, end: Callable[[Reservation], None], expected: Amount
) -> None:
    budget = spend()
    reservation = budget.reserve(200, 100)
    at_once = Amount(200, 100, 300_000, 0, 1)
    assert budget.spent_today() == spend().spent_today() == at_once
    end(reservation)
    assert budget.spent_today() == spend().spent_today() == expected


CAPS = {
    "tok": (
        {"tokens_a_day": 1000},
        999,
        1,
        ["1,000 tokens a day", "1,000 tokens spent", "tokens_a_day"],
    ),
    "dollars": ({"dollars_a_day": 1}, 999, 1, ["$1.0000 a day", "$1.0000 spent", "dollars_a_day"]),
    "both": (
        {"tokens_a_day": 5000, "dollars_a_day": 0.5},
        499,
        1,
        ["$0.5000 a day", "dollars_a_day"],
    ),
    "both, tokens": ({"tokens_a_day": 500, "dollars_a_day": 1e300}, 499, 1, ["500 tokens"]),
}


@labelled(("caps", "first", "fits", "words"), CAPS)
def test_a_cap_is_met_and_not_passed(
    spend: Open, clock: Clock, caps: dict[str, Any], first: int, fits: int, words: list[str]
) -> None:
    spend(**caps).reserve(first, 0)
    spend(**caps).reserve(0, fits)
    with pytest.raises(LimitReached) as caught:
        spend(**caps).reserve(1, 0)
    assert all(word in str(caught.value) for word in [*words, "midnight", "[limits]"])
    assert caught.value.day == spend().today() == "2026-03-10"
    assert spend().spent_today().input_tokens == first
    clock.now += DAY / 2
    spend(**caps).reserve(1, 0)


LARGER = [
    pytest.param({"tokens_a_day": 1000}, OverWholeLimit, "may take 1,001 tokens", id="tokens"),
    pytest.param({"dollars_a_day": 1}, OverWholeLimit, r"may take \$1.0010", id="dollars"),
    pytest.param({"tokens_a_day": 0}, LimitReached, "limit of 0 tokens", id="none"),
    pytest.param({"dollars_a_day": 0}, LimitReached, r"limit of \$0", id="nothing"),
]


@pytest.mark.parametrize(("caps", "kind", "words"), LARGER)
def test_a_call_larger_than_the_cap_is_refused_on_a_day_without_any(
    spend: Open, caps: dict[str, Any], kind: type[Exception], words: str
) -> None:
    with pytest.raises(kind, match=words):
        spend(**caps).reserve(1000, 1)


def test_a_cap_on_money_does_not_stop_what_costs_nothing(spend: Open) -> None:
    spend().reserve(5000, 0)
    with pytest.raises(LimitReached):
        spend(dollars_a_day=1).reserve(1, 0)
    spend(dollars_a_day=1, price=lambda *_: 0).reserve(5000, 0)


PRICES = [
    pytest.param(lambda *_: None, None, id="not known for these tokens"),
    pytest.param(None, None, id="not known at all"),
    pytest.param(lambda *_: 0, 0.0, id="free"),
    pytest.param(lambda *_: 1e-9, 0.000001, id="rounded up"),
]


@pytest.mark.parametrize(("price", "dollars"), PRICES)
def test_price(spend: Open, price: Any, dollars: float | None) -> None:
    budget = spend(price=price)
    budget.reserve(10, 0)
    assert budget.spent_today().dollars == spend().spent_today().dollars == dollars
    if dollars is None:
        with pytest.raises(BudgetUnknown, match="tokens_a_day"):
            spend(price=price, dollars_a_day=9).reserve(1, 0)


def test_a_call_costs_what_its_model_does_if_another_one_is_chosen_meanwhile(file: Path) -> None:
    caps = Caps(a_dollar_a_thousand, dollars_a_day=9)
    with Budget(file, lambda: caps) as budget:
        call = budget.reserve(1_000, 0)
        caps = caps._replace(price=lambda *_: 0.0)
        budget.reserve(0, 0).settle(Usage())  # follows the settings
        call.settle(Usage(1_000, 0, 1))
        assert budget.spent_today().dollars == 1


def count_notes(budget: Budget) -> int:
    """Count notes until the limit of the day is met; return how many."""
    for counted in itertools.count():
        try:
            budget.reserve_note()
        except LimitReached as limit:
            assert limit.day == budget.today()
            return counted
    raise AssertionError


def test_notes_are_counted_by_vault_and_day(spend: Open, clock: Clock) -> None:
    one, other = (spend(vault=name, notes_a_day=2) for name in ("one", "other"))
    assert count_notes(one) == 2
    other.reserve_note()
    one.release_note()
    assert count_notes(spend(vault="one", notes_a_day=2)) == 1
    assert (one.notes_today(), other.notes_today()) == (2, 1)
    assert count_notes(spend(vault="none", notes_a_day=0)) == 0
    clock.now += DAY
    assert one.notes_today() == 0
    one.release_note()
    assert count_notes(one) == 2
    unlimited = spend(vault="much")
    for _ in range(200):
        unlimited.reserve_note()


def test_the_clock_goes_back_and_forth(spend: Open, clock: Clock) -> None:
    budget = spend(tokens_a_day=100)
    budget.reserve(60, 0)
    under_way = budget.reserve(40, 0)
    for days, spent in ((900, 0), (-900, 0), (0, 100)):
        clock.now = NOON + days * DAY
        assert budget.spent_today().input_tokens == spent
        if not spent:
            budget.reserve(100, 0).settle(Usage(50, 50, 1))
    clock.now = NOON + 2 * DAY
    under_way.settle(Usage(5, 5, 1))
    assert budget.spent_today().input_tokens == 0
    clock.now = NOON
    assert spend().spent_today()[:2] == (65, 5)


UNUSABLE = {
    "a folder of its name": lambda file: file.mkdir(parents=True),
    "no folder": lambda file: file.parent.write_text("a file"),
    "damaged": lambda file: write(file.name, "no database, and long enough " * 400)(file.parent),
}


@labelled("spoil", UNUSABLE)
def test_a_file_that_cannot_be_used(spend: Open, file: Path, spoil: Callable[[Path], None]) -> None:
    spoil(file)
    budget = spend()
    for count in (lambda: budget.reserve(1, 1), budget.reserve_note):
        with pytest.raises(BudgetUnknown, match="cannot be used"):
            count()
    budget.release_note()
    assert (budget.spent_today(), budget.notes_today()) == (Amount(), 0)


def test_locked_by_another_program(
    spend: Open, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("companion.llm.budget._BUSY", 0.05)
    budget = spend(tokens_a_day=100)
    under_way = budget.reserve(10, 0)
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        with pytest.raises(BudgetUnknown, match="locked"):
            budget.reserve(1, 0)
        under_way.settle(Usage(1, 1, 1))
        db.execute("ROLLBACK")
    assert budget.reserve(90, 0) and budget.spent_today().input_tokens == 100


SPENDER = """
import sys
from pathlib import Path
from companion.llm.answers import Usage
from companion.llm.budget import Budget, Caps, LimitReached
budget = Budget(Path(sys.argv[1]), lambda: Caps(tokens_a_day=3000), clock=lambda: 0.0)
print("ready", flush=True)
sys.stdin.readline()
calls = 0
try:
    while True:
        budget.reserve(1, 1).settle(Usage(1, 1, 1))
        calls += 1
except LimitReached:
    print(calls, flush=True)
"""


def test_processes_share_the_cap(file: Path) -> None:
    pipe, env = subprocess.PIPE, {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    run = [sys.executable, "-c", SPENDER, str(file)]
    processes = [subprocess.Popen(run, stdin=pipe, stdout=pipe, env=env) for _ in range(3)]
    for process in processes:
        assert process.stdout and process.stdout.readline().strip() == b"ready"
    for process in processes:
        assert process.stdin
        process.stdin.write(b"\n")
        process.stdin.flush()
    assert sum(int(process.communicate()[0]) for process in processes) == 1500


CALL = st.tuples(
    st.integers(0, 300),  # estimated
    st.integers(0, 300),
    st.sampled_from(["settle", "release", "keep"]),
    st.integers(1, 400),  # taken
    st.integers(1, 400),
)


@settings(
    max_examples=many(60),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(calls=st.lists(CALL, max_size=25), cap=st.integers(0, 2000))
def test_the_sum_is_what_was_taken(
    tmp_path_factory: pytest.TempPathFactory, calls: list[Any], cap: int
) -> None:
    """A call goes out only if its estimate fits under the cap, and counts what it took."""
    spent = 0
    file = tmp_path_factory.mktemp("spent") / "spending.sqlite3"
    with Budget(file, lambda: Caps(tokens_a_day=cap), clock=lambda: NOON) as budget:
        for read, written, end, *taken in calls:
            if spent + read + written > cap:
                with pytest.raises((LimitReached, OverWholeLimit)):
                    budget.reserve(read, written)
                continue
            reservation = budget.reserve(read, written)
            if end == "settle":
                reservation.settle(Usage(taken[0], taken[1], 1))
                spent += sum(taken)
            elif end == "release":
                reservation.settle(Usage())
            else:
                spent += read + written
            assert sum(budget.spent_today()[:2]) == spent
