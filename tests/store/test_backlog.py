"""Which notes wait for the user's consent: those there at first, and many that come at once."""

from pathlib import Path

import pytest

from companion.store.backlog import MANY, BacklogStore, Version
from companion.store.journal import Journal
from tests.clock import Clock

OLD, EDITED = (10, 1), (12, 2)


def notes(first: int, number: int, version: Version = OLD) -> dict[str, Version]:
    return {f"{each}.md": version for each in range(first, first + number)}


@pytest.fixture
def journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Journal:
    return Journal(tmp_path / "journal.sqlite3")


@pytest.fixture
def backlog(journal: Journal) -> BacklogStore:
    journal.backlog.update(notes(0, 2), whole=True, asks=True)
    return journal.backlog


def test_what_was_there_at_first_waits_until_the_user_answers(backlog: BacklogStore) -> None:
    assert backlog.held() == {"0.md", "1.md"}
    assert backlog.waiting(["1.md"]) == ("1.md",)
    backlog.answer(fill=True)
    assert backlog.held() == set()


def test_what_is_to_be_left_alone_stays_so(backlog: BacklogStore) -> None:
    backlog.answer(fill=False)
    backlog.update(notes(0, 2), whole=True, asks=True)
    assert backlog.held() == {"0.md", "1.md"} and backlog.waiting(["0.md"]) == ()


def test_a_note_that_is_edited_may_be_filled(backlog: BacklogStore) -> None:
    backlog.update({"0.md": EDITED}, whole=False, asks=True)
    assert backlog.held() == {"1.md"}


@pytest.mark.parametrize(("number", "is_held"), [(MANY, False), (MANY + 1, True)])
@pytest.mark.parametrize("at_once", [True, False])
def test_many_that_come_together_wait(
    backlog: BacklogStore, number: int, is_held: bool, at_once: bool
) -> None:
    if at_once:
        backlog.update(notes(100, number), whole=False, asks=True)
    else:
        for each in range(100, 100 + number):
            backlog.update(notes(each, 1), whole=False, asks=True)
    assert ("100.md" in backlog.held()) is is_held


def test_those_that_come_one_after_the_other_are_filled(
    backlog: BacklogStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr("companion.store.backlog.time.time", clock)
    for each in range(100, 100 + 2 * MANY):
        clock.now += 2
        backlog.update(notes(each, 1), whole=False, asks=True)
    assert backlog.held() == {"0.md", "1.md"}


def test_an_empty_vault_was_looked_at_too(journal: Journal) -> None:
    journal.backlog.update({}, whole=True, asks=True)
    journal.backlog.update(notes(0, 1), whole=False, asks=True)
    assert journal.backlog.held() == set()


def test_nobody_is_asked_where_the_settings_say_so(journal: Journal) -> None:
    journal.backlog.update(notes(0, 2), whole=True, asks=False)
    assert journal.backlog.held() == set()


def test_it_follows_a_note_that_is_renamed(backlog: BacklogStore, journal: Journal) -> None:
    journal.move("0.md", "New.md")
    assert backlog.held() == {"New.md", "1.md"}
