"""What an interrupted Companion left open is closed, and the user's text stands whole."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from companion.store import recover as recovery
from companion.store.journal import Journal, NewChange
from companion.store.recover import recover
from tests.store.stub_note import ENRICHED, NOTE

OLD = NOTE * 40
NEW = ENRICHED + NOTE * 39
TORN = NEW[:512] + OLD[512:] + NEW[len(OLD) :]
EDITED_TORN = TORN.replace(b"---", b"+++")
NewChangeOf = Callable[..., NewChange]


@pytest.fixture
def pending(note: Path, journal: Journal, change: NewChangeOf) -> int:
    (note.parent / ".obsidian").mkdir()  # an empty folder is no vault
    note.write_bytes(OLD)
    return journal.begin(change(OLD, NEW), OLD, NEW)


@pytest.mark.parametrize(
    ("found", "left", "outcome", "state", "copy"),
    [
        pytest.param(NEW, NEW, "written", "done", None, id="all written"),
        pytest.param(OLD, OLD, "unchanged", "abandoned", None, id="nothing written"),
        pytest.param(TORN, OLD, "restored", "abandoned", TORN, id="a mix"),
        pytest.param(NEW + b"x", NEW + b"x", "edited", "done", OLD, id="written, then edited"),
        pytest.param(OLD + b"x", OLD + b"x", "edited", "abandoned", OLD, id="old, then edited"),
        pytest.param(EDITED_TORN, EDITED_TORN, "edited", "done", OLD, id="torn, then edited"),
        pytest.param(b"", b"", "edited", "abandoned", OLD, id="emptied"),
        pytest.param(b"\xff", b"\xff", "edited", "abandoned", OLD, id="no longer UTF-8"),
        pytest.param(None, None, "missing", "abandoned", OLD, id="deleted"),
    ],
)
def test_closes_what_is_pending(
    vault: Path,
    note: Path,
    journal: Journal,
    pending: int,
    tmp_path: Path,
    found: bytes | None,
    left: bytes | None,
    outcome: str,
    state: str,
    copy: bytes | None,
) -> None:
    note.unlink() if found is None else note.write_bytes(found)
    (recovered,) = recover(vault, journal, tmp_path / "aside")
    assert (recovered.path, recovered.change, recovered.outcome) == ("Stub.md", pending, outcome)
    assert recovered.reason
    assert recovered.holds_change is (state == "done")
    assert (note.read_bytes() if note.exists() else None) == left
    assert (recovered.copy.read_bytes() if recovered.copy else None) == copy
    assert [c.state for c in journal.changes()] == [state]
    assert recover(vault, journal, tmp_path / "aside") == []


@pytest.mark.parametrize(
    ("found", "outcome"),
    [
        pytest.param(NEW, "written", id="all written"),
        pytest.param(NEW + b"x", "edited", id="written, then edited"),
    ],
)
def test_a_note_that_was_moved_since_is_looked_at_where_it_is(
    vault: Path,
    note: Path,
    journal: Journal,
    change: NewChangeOf,
    tmp_path: Path,
    found: bytes,
    outcome: str,
) -> None:
    new = NEW.replace(b"What a stub is.", b"What a stub is, and what it is not at all.")
    found = found.replace(NEW, new)
    note.write_bytes(OLD)
    number = journal.begin(change(OLD, new), OLD, new)
    note.write_bytes(found)
    note.rename(vault / "Moved.md")
    (recovered,) = recover(vault, journal, tmp_path / "aside")
    assert (recovered.path, recovered.outcome, recovered.holds_change) == (
        "Moved.md",
        outcome,
        True,
    )
    made = journal.change(number)
    assert made and (made.path, made.state) == ("Moved.md", "done")


def test_nothing_pending_nothing_done(
    vault: Path, note: Path, journal: Journal, write: Callable[..., int], tmp_path: Path
) -> None:
    write()
    assert recover(vault, journal, tmp_path / "aside") == []
    assert not (tmp_path / "aside").exists()


@pytest.mark.parametrize("is_empty", [False, True], ids=["no folder", "an empty mount point"])
def test_a_vault_that_is_not_there_keeps_its_pending_changes(
    vault: Path, journal: Journal, pending: int, tmp_path: Path, is_empty: bool
) -> None:
    vault.rename(tmp_path / "unmounted")
    if is_empty:
        vault.mkdir()
    assert recover(vault, journal, tmp_path / "aside") == []
    assert [c.id for c in journal.pending()] == [pending]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")
def test_a_note_that_cannot_be_checked_waits_for_the_next_time(
    vault: Path, note: Path, journal: Journal, pending: int, tmp_path: Path
) -> None:
    note.rename(vault / "real.md")
    note.symlink_to("real.md")
    (stuck,) = recover(vault, journal, tmp_path / "aside")
    assert (stuck.outcome, stuck.copy) == ("stuck", None)
    assert "cannot be checked now: its path leads out of the vault" in stuck.reason
    note.unlink()
    (vault / "real.md").rename(note)
    assert [r.outcome for r in recover(vault, journal, tmp_path / "aside")] == ["unchanged"]


def test_restores_only_once_the_copy_is_safe(
    vault: Path,
    note: Path,
    journal: Journal,
    pending: int,
    tmp_path: Path,
) -> None:
    note.write_bytes(TORN)
    (tmp_path / "aside").write_text("a file where the folder should be")
    assert [r.outcome for r in recover(vault, journal, tmp_path / "aside")] == ["stuck"]
    assert note.read_bytes() == TORN
    (tmp_path / "aside").unlink()
    assert [r.outcome for r in recover(vault, journal, tmp_path / "aside")] == ["restored"]
    assert note.read_bytes() == OLD


def test_one_note_that_is_stuck_does_not_stop_the_rest(
    vault: Path,
    note: Path,
    journal: Journal,
    pending: int,
    change: NewChangeOf,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.copy(note, vault / "Other.md")
    journal.begin(change(OLD, NEW, "Other.md"), OLD, NEW)
    read = recovery._read_and_sync

    def fail_first(root: Path, path: str, images: tuple[bytes, bytes]) -> bytes | None:
        if path == "Stub.md":
            raise OSError(5, os.strerror(5))
        return read(root, path, images)

    monkeypatch.setattr(recovery, "_read_and_sync", fail_first)
    outcomes = {r.path: r.outcome for r in recover(vault, journal, tmp_path / "aside")}
    assert outcomes == {"Stub.md": "stuck", "Other.md": "unchanged"}
