"""Paths that cannot be read, and names that would steer the terminal."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import pytest

from tests.cli.serving import QUIET, serving
from tests.cli.user import FILLED, STUB, User

posix = pytest.mark.skipif(os.name == "nt", reason="names that only POSIX systems have")


@pytest.fixture
def locked(user: User, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a note in a folder that nobody may look into, whoever runs the tests."""
    file = user.note("Locked/B.md")
    lstat, iterdir = Path.lstat, Path.iterdir

    def look(path: Path) -> os.stat_result:
        if file.parent in path.parents:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return lstat(path)

    def list_(path: Path) -> object:
        if path == file.parent:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return iterdir(path)

    monkeypatch.setattr(Path, "lstat", look)
    monkeypatch.setattr(Path, "iterdir", list_)
    return "Locked/B.md"


def test_a_path_that_cannot_be_read_does_not_stop_the_others(user: User, locked: str) -> None:
    user.note("A.md")
    ran = user.run("enrich", "A.md", locked)
    assert ran.status == 1 and user.read("A.md") == FILLED
    assert "✗ Locked/B.md: it cannot be read (Permission denied)" in ran.out
    scanned = user.run("scan", "A.md", locked)
    assert scanned.status == 0 and "cannot be read (Permission denied)" in scanned.err


@pytest.mark.parametrize("command", ["enrich", "scan", "prompt"])
def test_alone_it_is_told(user: User, locked: str, command: str) -> None:
    ran = user.run(command, locked)
    assert ran.status == 2 and "there is no" not in ran.err
    assert "Locked/B.md cannot be read (Permission denied); allow it" in ran.err


@posix
@pytest.mark.skipif(os.name == "nt", reason="Windows keeps the folder that is in use")
def test_a_current_folder_that_was_deleted(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    (gone := user.home / "gone").mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    ran = user.run("scan", "--vault", str(user.vault))
    assert ran.status == 1 and ran.err == (
        "companion: the current folder was deleted; change to another one\n"
    )


def test_a_line_end_in_a_name_is_shown_as_one(user: User) -> None:
    user.note("Two\nlines.md")
    user.note("Three\n✓ lines.md", STUB.replace("created", "ai: no\ncreated"))
    for command in (["scan", "--skipped"], ["enrich", ".", "--all"], ["history"], ["undo"]):
        shown = user.run(*command).all
        assert "Two\\nlines.md" in shown, command
        assert "\nlines.md" not in shown and "\n✓ lines.md" not in shown, command


def test_the_status_while_the_drive_is_away(user: User) -> None:
    user.configure(f'vault = "{user.vault}"\n{QUIET}')
    user.note("Stub.md")
    with serving(user) as served:
        served.user.vault.rename(user.vault.parent / "away")
        ran = user.run("status")
        assert ran.status == 0 and f"pid {served.process.pid}" in ran.out
        assert user.run("status", "--vault", str(user.vault)).status == 0
        shutil.copytree(user.vault.parent / "away", user.vault, dirs_exist_ok=True)
    shutil.rmtree(user.vault)
    ran = user.run("status")
    assert ran.status == 2 and "there is no folder" in ran.err
