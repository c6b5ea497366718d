"""What the journal keeps of a note follows it to where it was moved, found by its bytes."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from companion.note.needs import Need
from companion.store.journal import Journal
from companion.store.moves import follow_events, follow_moves, follow_note
from companion.store.proposals import Proposal
from tests.store.stub_note import DESCRIPTION

ONE, TWO = b"# One\n\nOf the first.\n", b"# Two\n\nOf another length.\n"

# The notes before and after, and what moved where.
MOVES = [
    pytest.param({"a.md": ONE}, {"b.md": ONE}, {"a.md": "b.md"}, id="renamed"),
    pytest.param({"a.md": ONE}, {"b.md": TWO}, {}, id="gone"),
    pytest.param({"a.md": ONE}, {"a.md": ONE, "b.md": ONE}, {}, id="copied"),
    pytest.param({"a.md": ONE}, {"b.md": ONE, "c.md": ONE}, {}, id="one of two"),
    pytest.param(
        {"a.md": ONE, "b.md": TWO},
        {"c.md": TWO, "d.md": ONE},
        {"a.md": "d.md", "b.md": "c.md"},
        id="two",
    ),
]


def _reject(journal: Journal, path: str, need: Need, source: bytes | None) -> None:
    """Store that nothing usable was given for the need; the path is the reason."""
    journal.proposals.add([Proposal(path, need, None, "rejected", reason=path)], source)


def _reason(journal: Journal, path: str) -> str:
    return journal.proposals.latest(path)[DESCRIPTION.key].reason


@pytest.mark.parametrize(("before", "after", "moved"), MOVES)
def test_what_was_asked_for_follows_a_note(
    vault: Path,
    journal: Journal,
    before: Mapping[str, bytes],
    after: Mapping[str, bytes],
    moved: Mapping[str, str],
) -> None:
    for path, data in before.items():
        (vault / path).write_bytes(data)
        _reject(journal, path, DESCRIPTION, data)
    for path in before:
        (vault / path).unlink()
    for path, data in after.items():
        (vault / path).parent.mkdir(exist_ok=True)
        (vault / path).write_bytes(data)
    kept = {moved.get(path, path): path for path in before}
    follow_moves(vault, journal)
    assert {path: _reason(journal, path) for path in journal.proposals.latest_of_all()} == kept


@pytest.mark.parametrize(
    ("known", "now"),
    [
        pytest.param(None, ONE, id="never seen"),
        pytest.param(ONE, TWO, id="another length"),
        pytest.param(ONE, ONE.swapcase(), id="the same length"),
    ],
)
def test_a_note_is_found_as_it_was_last_seen(
    vault: Path, journal: Journal, known: bytes | None, now: bytes
) -> None:
    note = vault / "a.md"
    note.write_bytes(known or now)
    _reject(journal, "a.md", DESCRIPTION, known)
    follow_moves(vault, journal)
    note.write_bytes(now)
    os.utime(note, ns=(note.stat().st_atime_ns, note.stat().st_mtime_ns + 1))
    follow_moves(vault, journal)
    note.rename(vault / "b.md")
    follow_moves(vault, journal)
    assert set(journal.proposals.latest_of_all()) == {"b.md"}


def test_a_note_that_is_being_worked_on_is_told_from_others_like_it(
    vault: Path, journal: Journal
) -> None:
    for name in ("a.md", "like it.md"):
        (vault / name).write_bytes(ONE)
    current_path = follow_note(vault, journal, "a.md", ONE)
    (vault / "a.md").rename(vault / "b.md")
    assert current_path() == "b.md"


@pytest.mark.skipif(os.name == "nt", reason="ctime is the time of creation there")
def test_a_note_is_followed_from_where_it_is_now(journal: Journal) -> None:
    for new in ("b.md", "c.md"):
        current_path = journal.notes.follow("a.md")
        assert current_path() == "a.md"
        journal.move("a.md", new)
        assert current_path() == new


@pytest.mark.parametrize(("now", "path"), [(ONE, "b.md"), (TWO, "a.md")], ids=["same", "edited"])
def test_a_note_whose_path_another_took_is_known_by_inode_and_text(
    vault: Path, journal: Journal, now: bytes, path: str
) -> None:
    (note := vault / "a.md").write_bytes(ONE)
    current_path = follow_note(vault, journal, "a.md", ONE)
    note.rename(vault / "b.md").write_bytes(now)
    note.write_bytes(b"Of another.\n")
    assert current_path() == path


def test_a_move_that_two_threads_find_is_one(journal: Journal) -> None:
    _reject(journal, "a.md", DESCRIPTION, ONE)
    _reject(journal, "b.md", DESCRIPTION, TWO)  # of a note that is overwritten
    for _ in range(2):
        journal.move("a.md", "b.md")
    assert _reason(journal, "b.md") == "a.md"


@pytest.mark.parametrize(
    ("moves", "there", "path"),
    [
        pytest.param([("S.md", "R.md")], ["R.md"], "R.md", id="a rename"),
        pytest.param([("S.md", "R.md"), ("R.md", "M.md")], ["M.md"], "M.md", id="moved on"),
        pytest.param([("S.md", "S.md~")], ["S.md", "S.md~"], "S.md", id="an editor's backup"),
        pytest.param([("S.md", "R.md")], [], "S.md", id="deleted after it was moved"),
    ],
)
def test_a_note_is_followed_by_what_events_report(
    journal: Journal, vault: Path, moves: list[tuple[str, str]], there: list[str], path: str
) -> None:
    journal.notes.record("S.md", b"as it was")
    for name in there:
        (vault / name).write_bytes(b"edited, or another")
    follow_events(vault, journal, moves)
    assert list(journal.notes.all()) == [path]
