from collections.abc import Iterator
from pathlib import Path

import pytest

from companion.store.journal import Change, Journal, write_note
from companion.store.recovery import Recovered, recover
from companion.store.undo import Undone, undo_change
from companion.vault.write import Snapshot, read_note
from tests.store.stub_note import ENRICHED, NOTE, new_change


class Bench:
    """A vault with one note, Stub.md, and its journal."""

    def __init__(self, vault: Path, journal: Journal) -> None:
        self.vault, self.journal, self.note = vault, journal, vault / "Stub.md"
        self.aside = vault.parent / "aside"
        self.note.write_bytes(NOTE)

    def read(self) -> Snapshot:
        """Return the note as it is now."""
        return read_note(self.vault, "Stub.md")

    def write(self, after: bytes = ENRICHED, seen: Snapshot | None = None) -> int:
        """Write the note, as it is or was seen, and return the id of the change."""
        seen = seen or self.read()
        return write_note(seen, after, self.journal, new_change(seen.data, after))

    def change(self, number: int) -> Change:
        """Return the change of that id."""
        change = self.journal.change(number)
        assert change is not None
        return change

    def states(self) -> list[str]:
        """Return the states of all changes, newest first."""
        return [change.state for change in self.journal.changes()]

    def undo(self, number: int) -> Undone:
        """Take the change of that id back."""
        return undo_change(self.vault, self.journal, self.change(number), "run-2")

    def recover(self) -> list[Recovered]:
        """Close what is pending, with copies kept aside."""
        return recover(self.vault, self.journal, self.aside)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "state" / "journal.sqlite3") as opened:
        yield opened


@pytest.fixture
def bench(vault: Path, journal: Journal) -> Bench:
    return Bench(vault, journal)
