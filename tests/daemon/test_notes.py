"""What clients are told of the vault's notes."""

from __future__ import annotations

import pytest

from companion.daemon.state import Wanted
from companion.vault.locate import NotThere
from tests.daemon.daemon_fixture import FILLED, STUB, Keeper, eventually, fake, keeper

__all__ = ["fake", "keeper"]


@pytest.fixture
def mixed(keeper: Keeper) -> Keeper:
    """A vault with two stubs, two notes that need nothing and one that is left alone."""
    keeper.settings["notes_a_day"] = 0
    keeper.note("A/Stub.md")
    keeper.note("A/Done.md", FILLED)
    keeper.note("Left.md", STUB.replace("created", "ai: false\ncreated"))
    keeper.note("Plain.md", "# Plain\n\nText of mine.\n")
    keeper.note("Stub.md")
    keeper.start()
    eventually(lambda: keeper.status().ready)
    return keeper


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
    mixed: Keeper, wanted: Wanted, folder: str, paths: list[str]
) -> None:
    listing = mixed.daemon.notes.page(wanted, folder)
    assert [path for path, _ in listing.notes] == paths
    assert listing.total == len(paths)
    first = mixed.daemon.notes.page(wanted, folder, limit=1)
    assert [path for path, _ in first.notes] == paths[:1]
    assert first.total == len(paths)


def test_note_that_is_not_there_is_told_from_one_outside(mixed: Keeper) -> None:
    with pytest.raises(NotThere):
        mixed.daemon.notes.look_at("Nowhere.md")
    with pytest.raises(NotThere):
        mixed.daemon.notes.page("all", "Nowhere")
