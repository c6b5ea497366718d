"""What cannot be read or written, a second Companion, and faults that end a run."""

import errno
import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NoReturn

import pytest

from companion.config import state_folder
from companion.errors import JournalError
from companion.store.journal import Journal
from tests.cli.user import STUB, User

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX modes")
READING = (["scan"], ["history"], ["prompt", "Stub.md"])
WRITING = (["enrich", "Stub.md"], ["undo"], ["enrich", "Stub.md", "--dry-run"])


@pytest.fixture
def state(user: User) -> Path:
    """The state folder of the vault, in which one change is recorded; Stub.md is a stub."""
    user.note("Done.md")
    user.run("enrich", ".")
    user.note("Stub.md")
    return state_folder(user.vault.resolve())


@posix
@pytest.mark.parametrize("command", [*READING, *WRITING], ids=" ".join)
def test_only_its_owner_may_look_into_the_state_folder(
    user: User, state: Path, command: list[str]
) -> None:
    state.chmod(0o755)
    user.run(*command)
    assert stat.S_IMODE(state.stat().st_mode) == 0o700


JOURNAL_USERS = [
    *("scan", "enrich .", "enrich Stub.md --dry-run", "batch export ../q.jsonl"),
    *("proposals", "apply --all", "refuse --all", "prompt Stub.md", "history"),
    *("undo", "doctor forget --yes", "service backlog --leave"),
]


def test_a_journal_of_a_newer_version(user: User, state: Path) -> None:
    with closing(sqlite3.connect(state / "journal.sqlite3")) as db:
        db.execute("PRAGMA user_version = 999")
    before = user.files()
    for command in JOURNAL_USERS:
        ran = user.run(*command.split())
        assert ran.status == 1 and ran.err.count("\n") == 1, command
        assert "another version of Companion" in ran.err
    assert user.files() == before and user.calls() == 1


NOTES = 20
Patch = Callable[[pytest.MonkeyPatch], None]


def full_disk(patch: pytest.MonkeyPatch) -> None:
    write = os.write

    def fail(fd: int, data: bytes) -> int:
        if os.lseek(fd, 0, os.SEEK_CUR) + len(data) > os.fstat(fd).st_size:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(fd, data)

    patch.setattr(os, "write", fail)


def failing_disk(patch: pytest.MonkeyPatch) -> None:
    def fail(fd: int, data: bytes) -> NoReturn:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    patch.setattr(os, "write", fail)


def full_journal(patch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> NoReturn:
        raise JournalError("the journal cannot grow, the disk is full; free some space")

    patch.setattr(Journal, "begin", fail)


FAULTS = [
    pytest.param(full_disk, "the disk is full; free some space", id="the disk is full"),
    pytest.param(failing_disk, "writing it failed half-way", id="the disk fails"),
    pytest.param(full_journal, "the journal cannot grow", id="the journal is full"),
]


@pytest.mark.parametrize("at_once", [1, 4])
@pytest.mark.parametrize(("fault", "words"), FAULTS)
def test_nothing_more_is_sent(
    user: User, monkeypatch: pytest.MonkeyPatch, fault: Patch, words: str, at_once: int
) -> None:
    user.configure(f"[endpoint]\nconcurrency = {at_once}\n")
    for number in range(NOTES):
        user.note(f"{number:02}.md")
    before = user.files()
    with monkeypatch.context() as patch:
        fault(patch)
        ran = user.run("enrich", ".")
    assert ran.status == 1 and words in ran.err and ran.err.count("\n") == 1
    assert user.calls() <= 1 + 2 * (at_once - 1), "what was under way, and no more"
    assert "not done" in ran.out and "Stopped" not in ran.out
    assert user.files() == before and user.read("00.md") == STUB
    assert f"{NOTES} enriched" in user.run("enrich", ".").out
