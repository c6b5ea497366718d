"""companion uninstall where something is at work or unfinished: it removes nothing."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from companion.app.open_vault import RuntimeFile, write_runtime_file
from companion.config import state_folder
from companion.vault.lock import daemon_lock
from tests.cli.user import User, files_in
from tests.examples import labelled


def interrupt(state: Path) -> None:
    with closing(sqlite3.connect(state / "journal.sqlite3")) as db, db:
        db.execute("UPDATE changes SET state = 'pending'")


def serve(state: Path) -> None:
    write_runtime_file(state, RuntimeFile(1, os.getpid(), "0.3.0", 0.0))


REFUSED = {
    "interrupted": (interrupt, "a change was interrupted"),
    "served": (serve, f"a daemon runs (pid {os.getpid()}"),
}


@labelled(("prepare", "words"), REFUSED)
def test_unsure_it_removes_nothing(
    user: User, monkeypatch: pytest.MonkeyPatch, prepare: Callable[[Path], None], words: str
) -> None:
    monkeypatch.setenv("COMPANION_CACHE", str(user.home / "cache"))
    monkeypatch.setattr("companion.cli.uninstall.find_registered_vaults", list)
    user.note("Stub.md")
    assert user.run("enrich", "Stub.md").status == 0
    prepare(state := state_folder(user.vault))
    before = files_in(user.home)
    with daemon_lock(state):
        ran = user.run("uninstall", "--yes")
    assert (ran.status, words in ran.err) == (1, True), ran.all
    assert before.keys() <= files_in(user.home).keys()
