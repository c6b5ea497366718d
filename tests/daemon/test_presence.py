"""What is open in an editor is known for a while."""

import pytest

from companion.daemon.background import Presence
from tests.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def presence(clock: Clock) -> Presence:
    return Presence(clock)


@pytest.mark.parametrize(
    ("reports", "opened"),
    [
        pytest.param([], set(), id="nobody reported"),
        pytest.param([("a", ["x.md"])], {"x.md"}, id="one client"),
        pytest.param([("a", ["x.md"]), ("b", ["y.md"])], {"x.md", "y.md"}, id="two clients"),
        pytest.param([("a", ["x.md"]), ("a", ["y.md"])], {"y.md"}, id="a report replaces the last"),
        pytest.param([("a", ["x.md"]), ("a", [])], set(), id="an empty report closes all"),
        pytest.param(
            [("a", ["x.md"]), ("b", ["x.md"]), ("a", [])], {"x.md"}, id="open in another client"
        ),
        pytest.param([("a", []), ("b", ["x.md"])], {"x.md"}, id="empty from the start"),
    ],
)
def test_knows_what_is_open(
    presence: Presence, reports: list[tuple[str, list[str]]], opened: set[str]
) -> None:
    for client, paths in reports:
        presence.report(client, paths)
    assert presence.open_paths() == opened
    for path in ("x.md", "y.md"):
        assert presence.is_open(path) == (path in opened)


@pytest.mark.parametrize(
    ("reported", "asked", "is_open"),
    [
        pytest.param("Notes/Café.md", "notes/CAFÉ.MD", True, id="case"),
        pytest.param("Cafe\u0301.md", "Caf\u00e9.md", True, id="composition"),
        pytest.param("CAFE\u0301.md", "caf\u00e9.md", True, id="case and composition"),
        pytest.param("Straße.md", "STRASSE.md", True, id="full case folding"),
        pytest.param("\u1fb3.md", "\u03b1\u0345.md", True, id="iota subscript"),
        pytest.param("Cafe.md", "Café.md", False, id="an accent is a difference"),
        pytest.param("a/x.md", "x.md", False, id="another folder"),
    ],
)
def test_knows_a_note_by_any_spelling(
    presence: Presence, reported: str, asked: str, is_open: bool
) -> None:
    presence.report("plugin", [reported])
    assert presence.is_open(asked) == is_open
    assert presence.open_paths() == {reported}


@pytest.mark.parametrize(
    ("after", "opened"),
    [
        pytest.param(0.0, {"x.md", "y.md"}, id="at once"),
        pytest.param(34.9, {"x.md", "y.md"}, id="both are believed"),
        pytest.param(35.0, {"y.md"}, id="the first has expired"),
        pytest.param(45.0, set(), id="both have"),
    ],
)
def test_expires_by_itself(
    clock: Clock, presence: Presence, after: float, opened: set[str]
) -> None:
    presence.report("a", ["x.md"])
    clock.now += 10
    presence.report("b", ["y.md"])
    clock.now += after
    assert presence.open_paths() == opened
    assert [path for path in ("x.md", "y.md") if presence.is_open(path)] == sorted(opened)


@pytest.mark.parametrize(("after", "is_open"), [(14.0, True), (16.0, False)], ids=["soon", "later"])
def test_what_is_open_at_the_old_path_of_a_moved_note_is_another_one(
    clock: Clock, after: float, is_open: bool
) -> None:
    moves = [("x.md", "y.md", clock.now + 1)]
    presence = Presence(
        clock, lambda seconds: ((old, new) for old, new, at in moves if at >= clock.now - seconds)
    )
    presence.report("a", ["x.md"])
    clock.now += 1
    assert presence.is_open("y.md")
    clock.now += after
    assert presence.is_open("y.md")
    presence.report("a", ["x.md"])
    assert presence.is_open("y.md") == is_open


def test_a_client_that_goes_on_reporting_stays(clock: Clock, presence: Presence) -> None:
    for _ in range(10):
        presence.report("a", ["x.md"])
        clock.now += 29
        assert presence.is_open("x.md")


def test_forgets_the_client_silent_for_longest(presence: Presence) -> None:
    for number in range(32):
        presence.report(str(number), [f"{number}.md"])
    presence.report("0", ["0.md"])
    presence.report("one more", ["new.md"])
    assert presence.open_paths() == {"0.md", "new.md", *(f"{n}.md" for n in range(2, 32))}


def test_ignores_what_is_too_much(presence: Presence) -> None:
    presence.report("a", (f"{number}.md" for number in range(5000)))
    assert len(presence.open_paths()) == 1000
    assert presence.is_open("999.md")
    assert not presence.is_open("1000.md")
