from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from companion.note.edit import diff_edits
from companion.store.journal import Journal, NewChange, write_note
from companion.vault.write import Snapshot, read_note
from tests.store.stub_note import ENRICHED, NOTE


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    folder = tmp_path / "vault"
    folder.mkdir()
    return folder


@pytest.fixture
def note(vault: Path) -> Path:
    file = vault / "Stub.md"
    file.write_bytes(NOTE)
    return file


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "state" / "journal.sqlite3") as opened:
        yield opened


@pytest.fixture
def change() -> Callable[..., NewChange]:
    def make(before: bytes = NOTE, after: bytes = ENRICHED, path: str = "Stub.md") -> NewChange:
        edits = diff_edits(before.decode(), after.decode())
        return NewChange("run-1", path, "enrich", edits, ("description", "callout:top"), "model")

    return make


@pytest.fixture
def snapshot(vault: Path, note: Path) -> Snapshot:
    return read_note(vault, note.name)


@pytest.fixture
def write(vault: Path, journal: Journal, change: Callable[..., NewChange]) -> Callable[..., int]:
    def make(after: bytes = ENRICHED, path: str = "Stub.md") -> int:
        seen = read_note(vault, path)
        return write_note(seen, after, journal, change(seen.data, after, path))

    return make
