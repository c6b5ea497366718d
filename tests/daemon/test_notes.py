"""What clients are told of the vault's notes."""

from __future__ import annotations

import pytest

from companion.app.types.notes import NotesQuery, NoteState
from companion.errors import NotThere
from tests.daemon.daemon_fixture import FILLED, STUB, DaemonFixture, eventually


@pytest.fixture
def mixed(daemon_fixture: DaemonFixture) -> DaemonFixture:
    """A vault with two stubs, two notes that need nothing and one that is left alone."""
    daemon_fixture.settings["notes_a_day"] = 0
    daemon_fixture.note("A/Stub.md")
    daemon_fixture.note("A/Done.md", FILLED)
    daemon_fixture.note("Left.md", STUB.replace("created", "ai: false\ncreated"))
    daemon_fixture.note("Plain.md", "# Plain\n\nText of mine.\n")
    daemon_fixture.note("Stub.md")
    daemon_fixture.start()
    eventually(lambda: daemon_fixture.status().ready)
    return daemon_fixture


@pytest.mark.parametrize(
    ("wanted", "folder", "paths"),
    [
        pytest.param("to-do", "", ["A/Stub.md", "Stub.md"], id="to do"),
        pytest.param("skipped", "", ["Left.md"], id="skipped"),
        pytest.param(
            "all", "", ["A/Done.md", "A/Stub.md", "Left.md", "Plain.md", "Stub.md"], id="all"
        ),
        pytest.param("all", "A", ["A/Done.md", "A/Stub.md"], id="all of a folder"),
    ],
)
def test_filter_lists_every_note_it_names(
    mixed: DaemonFixture, wanted: NoteState, folder: str, paths: list[str]
) -> None:
    query = NotesQuery(filter=wanted, folder=folder)
    listing = mixed.daemon.notes.page(query)
    assert [note.path for note in listing.notes] == paths
    assert listing.total == len(paths)
    first = mixed.daemon.notes.page(query.model_copy(update={"limit": 1}))
    assert [note.path for note in first.notes] == paths[:1]
    assert first.total == len(paths)


def test_note_that_is_not_there_is_told_from_one_outside(mixed: DaemonFixture) -> None:
    with pytest.raises(NotThere):
        mixed.daemon.notes.note("Nowhere.md")
    with pytest.raises(NotThere):
        mixed.daemon.notes.page(NotesQuery(folder="Nowhere"))
