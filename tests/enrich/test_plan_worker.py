"""A plan is the same whoever makes it: this process, or its child."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

import pytest

from companion.enrich.plan import Filling, Planner, plan_edits, serve
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
    planner = Planner(RULES, has_child=True)
    yield planner
    assert planner._child, "it died"


@pytest.mark.parametrize("afterwards", ["keep", "remove", "status/done"])
def test_the_child_plans_the_same(planner: Planner, afterwards: str) -> None:
    here = plan_edits(STUB, [DESCRIPTION], RULES, STYLES, afterwards)
    assert planner.plan(STUB, [DESCRIPTION], STYLES, afterwards) == here


def test_the_child_refuses_the_same(planner: Planner) -> None:
    with pytest.raises(NoteRefused, match="“Why\\?” is gone"):
        planner.plan(STUB, [GONE], STYLES, "keep")


def test_goes_on_without_its_child() -> None:
    planner = Planner(RULES, has_child=True)
    assert planner._child
    planner._child.kill()
    planner._child.wait()
    for _ in range(2):
        assert planner.plan(STUB, [DESCRIPTION], STYLES, "keep").text.count("A measure") == 1


def test_the_child_ends_with_its_parent() -> None:
    serve(BytesIO(), BytesIO())


def test_ends_its_child_when_it_goes() -> None:
    planner = Planner(RULES, has_child=True)
    child = planner._child
    del planner
    assert child and child.poll() is not None
