"""What is open in an editor is known for a while, in every process."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from companion.store.claims import REPORT_LASTS, Presence
from companion.store.journal import Journal
from tests.clock import Clock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("companion.store.claims.time.time", clock)
    return clock


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "journal.sqlite3") as journal:
        yield journal


@pytest.fixture
def presence(journal: Journal) -> Presence:
    return journal.presence


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


def test_expires_by_itself(clock: Clock, presence: Presence) -> None:
    presence.report("a", ["x.md"])
    clock.now += REPORT_LASTS - 1
    assert presence.is_open("x.md")
    clock.now += 1
    assert not presence.is_open("x.md") and presence.open_paths() == set()


def test_a_note_that_is_moved_while_it_is_open_stays_open_for_a_minute(
    clock: Clock, journal: Journal
) -> None:
    journal.presence.report("a", ["x.md"])
    journal.move("x.md", "y.md")
    journal.presence.report("a", ["x.md"])
    assert journal.presence.is_open("y.md")
    clock.now += 60
    assert not journal.presence.is_open("y.md")


def test_another_process_knows_what_is_open(tmp_path: Path, journal: Journal) -> None:
    journal.presence.report("a", ["x.md"])
    with Journal(tmp_path / "journal.sqlite3") as other:
        assert other.presence.is_open("x.md")


def test_a_need_is_claimed_by_one(tmp_path: Path, journal: Journal) -> None:
    with Journal(tmp_path / "journal.sqlite3") as other:
        with journal.claims.asking("x.md", ["a", "b"], 0) as mine:
            assert mine == {"a", "b"}
            with other.claims.asking("x.md", ["b", "c"], 0) as theirs:
                assert theirs == {"c"}
        with other.claims.asking("x.md", ["b"], 0) as theirs:
            assert theirs == {"b"}
    assert journal.claims.count() == 0
