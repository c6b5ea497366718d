"""What the journal keeps of a note follows it to where it was moved, found by its bytes."""

import os
import shutil
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest

from companion.enrich.note_guard import are_others, is_edited
from companion.note.needs import Need
from companion.store.journal import Journal
from companion.store.moves import follow_events, follow_moves, follow_note
from companion.store.proposal import NewProposal
from tests.examples import Change, delete, labelled, rename, write
from tests.store.stub_note import DESCRIPTION

ONE, TWO = b"# One\n\nOf the first.\n", b"# Two\n\nOf another length.\n"

# The notes before and after, the paths that may have changed (None: any), and what moved where.
MOVES = [
    pytest.param({"a.md": ONE}, {"b.md": ONE}, None, {"a.md": "b.md"}, id="renamed"),
    pytest.param({"a.md": ONE}, {"x/a.md": ONE}, {"x/a.md"}, {"a.md": "x/a.md"}, id="as told"),
    pytest.param({"a.md": ONE}, {"b.md": ONE}, {"a.md"}, {}, id="the new one is not told"),
    pytest.param({"a.md": ONE}, {"b.md": ONE, "c.md": TWO}, {"c.md"}, {}, id="no one like it"),
    pytest.param({"a.md": ONE}, {"b.md": TWO}, None, {}, id="gone"),
    pytest.param({"a.md": ONE}, {"a.md": ONE, "b.md": ONE}, None, {}, id="copied"),
    pytest.param({"a.md": ONE}, {"b.md": ONE, "c.md": ONE}, None, {}, id="one of two"),
    pytest.param(
        {"a.md": ONE, "b.md": ONE},
        {"x/b.md": ONE, "x/a.md": ONE},
        None,
        {"a.md": "x/a.md", "b.md": "x/b.md"},
        id="two alike, told by their names",
    ),
    pytest.param(
        {"a.md": ONE, "b.md": ONE},
        {"x/a.md": ONE, "c.md": ONE},
        None,
        {"a.md": "x/a.md", "b.md": "c.md"},
        id="two alike, one told by its name",
    ),
    pytest.param(
        {"a.md": ONE, "b.md": TWO},
        {"c.md": TWO, "d.md": ONE},
        None,
        {"a.md": "d.md", "b.md": "c.md"},
        id="two",
    ),
]


def _reject(journal: Journal, path: str, need: Need, source: bytes | None) -> None:
    """Store that nothing usable was given for the need; the path is the reason."""
    rejected = NewProposal(path, need, None, "rejected", reason=path, source=source)
    journal.proposals.add([rejected])


def _reason(journal: Journal, path: str) -> str:
    return journal.proposals.latest(path)[DESCRIPTION.key].reason


@pytest.mark.parametrize(("before", "after", "only", "moved"), MOVES)
def test_what_was_asked_for_follows_a_note(
    vault: Path,
    journal: Journal,
    before: Mapping[str, bytes],
    after: Mapping[str, bytes],
    only: set[str] | None,
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
    with Journal(journal._db.file, read_only=True) as reader:  # for itself alone
        follow_moves(vault, reader, only=only)
        assert {path: _reason(reader, path) for path in reader.proposals.latest_of_all()} == kept
    assert journal.proposals.latest_of_all().keys() == before.keys()
    follow_moves(vault, journal, only=only)
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
    follow_moves(vault, journal, only={"a.md"})
    note.rename(vault / "b.md")
    follow_moves(vault, journal)
    assert set(journal.proposals.latest_of_all()) == {"b.md"}


def test_a_note_that_is_being_worked_on_is_told_from_others_like_it(
    vault: Path, journal: Journal
) -> None:
    for name in ("a.md", "like it.md"):
        (vault / name).write_bytes(ONE)
    current_path = follow_note(vault, journal, "a.md", ONE, seen_at=0)
    (vault / "a.md").rename(vault / "b.md")
    assert current_path() == "b.md"


@pytest.mark.skipif(os.name == "nt", reason="ctime is the time of creation there")
@pytest.mark.parametrize("later", [0.0, 60.0], ids=["moved", "an older copy"])
def test_a_copy_from_before_the_note_was_seen_is_another(
    vault: Path, journal: Journal, later: float
) -> None:
    journal.notes.record("a.md", ONE, time.time() + later)
    (vault / "b.md").write_bytes(ONE)
    follow_moves(vault, journal)
    assert list(journal.notes.all()) == ["a.md" if later else "b.md"]


@pytest.mark.parametrize("now", [ONE, TWO], ids=["as it was", "another"])
def test_a_note_that_comes_back_as_it_was_was_never_gone(
    vault: Path, journal: Journal, now: bytes
) -> None:
    journal.notes.record("a.md", ONE)
    follow_moves(vault, journal)
    assert journal.notes.gone_at("a.md")
    (vault / "a.md").write_bytes(now)
    follow_moves(vault, journal)
    assert bool(journal.notes.gone_at("a.md")) == (now != ONE)


def _rewrite(path: str, text: str) -> Change:
    """Return a change of a note in place, as Obsidian makes it."""
    return lambda vault: (vault / path).write_text(text)


MOON = "# Moon\n\nPhases, and the tides that follow from them.\n"
EDITED = ONE.decode() + "And more of it.\n"
# What happens to a.md, its twin b.md and c.md while nobody looks, and what moved where.
UNSEEN = {
    "two alike": (
        [rename("a.md", "x.md"), rename("b.md", "y.md")],
        {"a.md": "x.md", "b.md": "y.md"},
    ),
    "one of two alike is gone": ([rename("a.md", "x.md"), delete("b.md")], {"a.md": "x.md"}),
    "copied": (
        [rename("a.md", "x.md"), lambda vault: shutil.copy(vault / "x.md", vault / "y.md")],
        {"a.md": "x.md"},
    ),
    "edited": ([rename("a.md", "x.md"), _rewrite("x.md", EDITED)], {"a.md": "x.md"}),
    "another takes its path": ([rename("a.md", "x.md"), write("a.md", MOON)], {"a.md": "x.md"}),
    "edited, and another takes its path": (
        [rename("a.md", "x.md"), _rewrite("x.md", EDITED), write("a.md", MOON)],
        {"a.md": "x.md"},
    ),
    "swapped": (
        [rename("a.md", "x"), rename("c.md", "a.md"), rename("x", "c.md")],
        {"a.md": "c.md", "c.md": "a.md"},
    ),
    "a ring, and one that is edited": (
        [
            *[rename("a.md", "x"), rename("c.md", "a.md"), rename("b.md", "c.md")],
            *[rename("x", "b.md"), _rewrite("b.md", EDITED)],
        ],
        {"a.md": "b.md", "b.md": "c.md", "c.md": "a.md"},
    ),
    "one after the other": (
        [rename("c.md", "x.md"), rename("a.md", "c.md")],
        {"a.md": "c.md", "c.md": "x.md"},
    ),
    "saved, with the old text kept": ([rename("a.md", "x.md"), write("a.md", EDITED)], {}),
    "another file has its inode": ([rename("a.md", "x.md"), _rewrite("x.md", MOON)], {}),
}


def test_two_notes_are_swapped_though_one_move_is_reported(vault: Path, journal: Journal) -> None:
    for path, data in {"a.md": ONE, "c.md": TWO}.items():
        (vault / path).write_bytes(data)
        _reject(journal, path, DESCRIPTION, data)
    follow_moves(vault, journal)
    for old, new in (("a.md", "x"), ("c.md", "a.md"), ("x", "c.md")):
        (vault / old).rename(vault / new)
    follow_events(vault, journal, [("c.md", "a.md")], is_another=lambda old, new: True)
    follow_moves(vault, journal, only={"a.md", "c.md"})
    assert (_reason(journal, "a.md"), _reason(journal, "c.md")) == ("c.md", "a.md")


@pytest.mark.skipif(os.name == "nt", reason="ctime is the time of creation there")
@labelled(("changes", "moved"), UNSEEN)
def test_a_note_is_known_by_its_inode(
    vault: Path, journal: Journal, changes: list[Change], moved: Mapping[str, str]
) -> None:
    look = partial(follow_moves, vault, journal, None, None, partial(are_others, vault), is_edited)
    for path, data in {"a.md": ONE, "b.md": ONE, "c.md": TWO}.items():
        (vault / path).write_bytes(data)
        journal.proposals.add([NewProposal(path, DESCRIPTION, "A", reason=path, source=data)])
    look()
    for change in changes:
        change(vault)
    for _ in range(2):
        look()
        for path in ("a.md", "b.md", "c.md"):
            assert _reason(journal, moved.get(path, path)) == path


@pytest.mark.parametrize(("text", "moved_to"), [(ONE.decode(), "x.md"), (EDITED, "a.md")])
def test_a_note_that_was_missed_is_known_by_its_inode_if_it_holds_the_same(
    vault: Path, journal: Journal, text: str, moved_to: str
) -> None:
    look = partial(follow_moves, vault, journal, None, None, partial(are_others, vault), is_edited)
    (vault / "a.md").write_bytes(ONE)
    journal.proposals.add([NewProposal("a.md", DESCRIPTION, "A", reason="a.md", source=ONE)])
    look()
    away = (vault / "a.md").rename(vault.with_name("away.md"))
    look()
    away.write_text(text)  # as a new note of the same template may be, with a deleted one's inode
    away.rename(vault / "x.md")
    look()
    assert _reason(journal, moved_to) == "a.md"


def test_the_last_note_that_had_an_inode_is_followed(vault: Path, journal: Journal) -> None:
    (vault / "a.md").write_bytes(ONE)
    journal.notes.record("a.md", ONE)
    follow_moves(vault, journal)
    seen = journal.notes.all()["a.md"]
    assert seen
    journal.notes.update([("A deleted one.md", seen._replace(seen_at=seen.seen_at - 60))])
    (vault / "a.md").rename(vault / "b.md")
    follow_moves(vault, journal)
    assert list(journal.notes.all()) == ["A deleted one.md", "b.md"]


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
    current_path = follow_note(vault, journal, "a.md", ONE, time.time())
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
    ("second", "path"),
    [
        pytest.param(("Renamed.md", "Moved.md"), "Moved.md", id="moved on"),
        pytest.param(("Other.md", "Moved.md"), "Stub.md", id="deleted, and another is there"),
    ],
)
def test_a_note_is_followed_whose_second_move_is_reported_after_the_first(
    journal: Journal, vault: Path, second: tuple[str, str], path: str
) -> None:
    journal.notes.record("Stub.md", b"as it was")
    (vault / "Stub.md").unlink(missing_ok=True)
    moved, unfinished = follow_events(vault, journal, [("Stub.md", "Renamed.md")])
    assert (moved, unfinished) == ([], [("Stub.md", "Renamed.md")])
    for name in ("Renamed.md", "Moved.md"):
        (vault / name).write_bytes(b"edited, or another")
    follow_events(vault, journal, [second], earlier=unfinished)
    assert list(journal.notes.all()) == [path]


@pytest.mark.parametrize(
    ("new", "path"),
    [
        pytest.param("Renamed.md", "Renamed.md", id="a rename"),
        pytest.param("Stub.sync-conflict-20260101-101010-ABCDEFG.md", "Stub.md", id="a conflict"),
        pytest.param("Stub.md~", "Stub.md", id="an editor's backup"),
    ],
)
def test_a_note_whose_path_another_text_takes_is_followed_only_to_a_note(
    journal: Journal, vault: Path, new: str, path: str
) -> None:
    journal.notes.record("Stub.md", b"as it was")
    for name in ("Stub.md", new):
        (vault / name).write_bytes(b"edited, or another")
    follow_events(vault, journal, [("Stub.md", new)], is_another=lambda old, new: True)
    assert list(journal.notes.all()) == [path]
