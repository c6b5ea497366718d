"""What an interrupted Companion left open is closed, and the user's text stands whole."""

import os
import shutil
import sys
from pathlib import Path

import pytest

from companion.store import recovery
from tests.store.conftest import Bench
from tests.store.stub_note import ENRICHED, NOTE, new_change

OLD = NOTE * 40
NEW = ENRICHED + NOTE * 39
TORN = NEW[:512] + OLD[512:] + NEW[len(OLD) :]
EDITED_TORN = TORN.replace(b"---", b"+++")


@pytest.fixture
def pending(bench: Bench) -> int:
    (bench.note.parent / ".obsidian").mkdir()  # an empty folder is no vault
    bench.note.write_bytes(OLD)
    return bench.journal.begin(new_change(OLD, NEW), OLD, NEW)


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
    bench: Bench,
    pending: int,
    found: bytes | None,
    left: bytes | None,
    outcome: str,
    state: str,
    copy: bytes | None,
) -> None:
    bench.note.unlink() if found is None else bench.note.write_bytes(found)
    (recovered,) = bench.recover()
    assert (recovered.path, recovered.change, recovered.outcome) == ("Stub.md", pending, outcome)
    assert recovered.reason
    assert recovered.holds_change is (state == "done")
    assert (bench.note.read_bytes() if bench.note.exists() else None) == left
    assert (recovered.copy.read_bytes() if recovered.copy else None) == copy
    assert bench.states() == [state]
    assert bench.recover() == []


def test_a_note_that_was_moved_since_is_looked_at_where_it_is(bench: Bench, pending: int) -> None:
    bench.note.write_bytes(NEW)
    bench.note.rename(bench.vault / "Moved.md")
    (recovered,) = bench.recover()
    assert (recovered.path, recovered.outcome) == ("Moved.md", "written")
    made = bench.change(pending)
    assert (made.path, made.state) == ("Moved.md", "done")


def test_nothing_pending_nothing_done(bench: Bench) -> None:
    bench.write()
    assert bench.recover() == []
    assert not bench.aside.exists()


@pytest.mark.parametrize("is_empty", [False, True], ids=["no folder", "an empty mount point"])
def test_a_vault_that_is_not_there_keeps_its_pending_changes(
    bench: Bench, pending: int, is_empty: bool
) -> None:
    bench.vault.rename(bench.vault.parent / "unmounted")
    if is_empty:
        bench.vault.mkdir()
    assert bench.recover() == []
    assert [c.id for c in bench.journal.pending()] == [pending]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX only")
def test_a_note_that_cannot_be_checked_waits_for_the_next_time(bench: Bench, pending: int) -> None:
    bench.note.rename(bench.vault / "real.md")
    bench.note.symlink_to("real.md")
    (stuck,) = bench.recover()
    assert (stuck.outcome, stuck.copy) == ("stuck", None)
    assert "cannot be checked now: its path leads out of the vault" in stuck.reason
    bench.note.unlink()
    (bench.vault / "real.md").rename(bench.note)
    assert [r.outcome for r in bench.recover()] == ["unchanged"]


def test_restores_only_once_the_copy_is_safe(bench: Bench, pending: int) -> None:
    bench.note.write_bytes(TORN)
    bench.aside.write_text("a file where the folder should be")
    assert [r.outcome for r in bench.recover()] == ["stuck"]
    assert bench.note.read_bytes() == TORN
    bench.aside.unlink()
    assert [r.outcome for r in bench.recover()] == ["restored"]
    assert bench.note.read_bytes() == OLD


def test_one_note_that_is_stuck_does_not_stop_the_rest(
    bench: Bench, pending: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(bench.note, bench.vault / "Other.md")
    bench.journal.begin(new_change(OLD, NEW, "Other.md"), OLD, NEW)
    read = recovery._read_and_sync

    def fail_first(root: Path, path: str, images: tuple[bytes, bytes]) -> bytes | None:
        if path == "Stub.md":
            raise OSError(5, os.strerror(5))
        return read(root, path, images)

    monkeypatch.setattr(recovery, "_read_and_sync", fail_first)
    outcomes = {r.path: r.outcome for r in bench.recover()}
    assert outcomes == {"Stub.md": "stuck", "Other.md": "unchanged"}
