"""A plan is the same whoever makes it: this process, or its child."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest

from companion.enrich.plan import Filling, plan_edits
from companion.enrich.plan_worker import Planner, answer_orders
from companion.errors import NoteRefused
from companion.note.callouts import Styles
from companion.note.needs import Need, Rules
from companion.note.parsed_note import ParsedNote
from companion.note.text import NoteText

RULES, STYLES = Rules(), Styles()
STUB = ParsedNote(NoteText("---\ndescription:\n---\n# T\n\n#status/postponed\n"))
DESCRIPTION = Filling(Need("description", None, None, "property", "empty"), "A measure: how long")
GONE = Filling(Need("callout", "H", "Why?", "request", "you ask"), ["Because."])


@pytest.fixture(scope="module")
def planner() -> Iterator[Planner]:
    planner = Planner(RULES, children=2)
    started = planner.pids
    yield planner
    assert set(started) <= set(planner.pids), "it died"


def plan(planner: Planner) -> str:
    return planner.plan(STUB, [DESCRIPTION], STYLES, "keep").text


@pytest.mark.parametrize("afterwards", ["keep", "remove", "status/done"])
def test_a_child_plans_the_same(planner: Planner, afterwards: str) -> None:
    here = plan_edits(STUB, [DESCRIPTION], RULES, STYLES, afterwards)
    assert planner.plan(STUB, [DESCRIPTION], STYLES, afterwards) == here


def test_a_child_refuses_the_same(planner: Planner) -> None:
    with pytest.raises(NoteRefused, match="“Why\\?” is gone"):
        planner.plan(STUB, [GONE], STYLES, "keep")


def test_starts_no_more_children_than_it_may() -> None:
    planner = Planner(RULES, children=2)
    assert len(planner.pids) == 1, "further ones start when all are busy"
    with ThreadPoolExecutor(8) as pool:
        texts = set(pool.map(lambda _: plan(planner), range(40)))
    assert len(texts) == 1 and len(planner.pids) == 2


def test_a_child_that_died_is_replaced() -> None:
    planner = Planner(RULES, children=1)
    [first] = planner.pids
    kill(planner)
    assert plan(planner).count("A measure") == 1, "planned here"
    assert plan(planner).count("A measure") == 1
    assert planner.pids and planner.pids != [first]


def test_goes_on_without_children_where_none_lives() -> None:
    planner = Planner(RULES, children=2)
    with ThreadPoolExecutor(4) as pool:
        for _ in range(12):
            kill(planner)
            assert {*pool.map(lambda _: plan(planner), range(4))} == {plan(planner)}
    assert not planner.pids


def kill(planner: Planner) -> None:
    for child in [*planner._running]:
        child._process.kill()
        child._process.wait()


def test_a_child_ends_with_its_parent() -> None:
    answer_orders(BytesIO(), BytesIO())


def test_ends_its_children_when_it_goes() -> None:
    planner = Planner(RULES, children=2)
    [child] = planner._running
    del planner
    assert child._process.poll() is not None
