"""companion uninstall: all that is Companion's goes, and nothing else."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from companion.app.runtime_file import RuntimeFile, write_runtime_file
from companion.config import state_folder
from companion.vault.lock import vault_lock
from tests.cli.user import FILLED, User, files_in
from tests.vault.stub_plugin import PLUGIN, build_plugin

OTHERS = {
    "home/notes.txt": b"mine",
    "home/prompts/fields/mood.md": b"---\nkind: text\n---\nWhich mood?\n",
    "home/vaults/Private/Diary.md": b"a vault of the user's, beside the state of vaults",
    "home/vaults/Old-0123456789ab/Diary.md": b"a vault with an odd name",
    "home/demo/Mine.md": b"no example vault of ours",
    "cache/models/mine.gguf": b"GGUF",
}
"""Files of the user's in folders that Companion uses, too."""


@pytest.fixture(autouse=True)
def place(user: User, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Companion in use: a filled note, the plugin, a token and a model; files of the user's."""
    place = user.home.parent
    monkeypatch.setenv("COMPANION_CACHE", str(place / "cache"))
    monkeypatch.setattr("companion.cli.plugin.find_built", lambda: build_plugin(place / "built"))
    monkeypatch.setattr("companion.cli.uninstall.find_registered_vaults", list)
    user.configure(f"vault = {str(user.vault)!r}\n[endpoint]\n")
    user.note("Stub.md")
    plugins = user.vault / ".obsidian/community-plugins.json"
    plugins.write_text('[\n  "dataview"\n]')
    assert user.run("enrich", "Stub.md").status == 0
    assert user.run("plugin", "install").status == 0
    assert user.run("plugin", "token", "rotate").status == 0
    for name, data in (OTHERS | {"cache/models/Qwen3-1.7B-Q4_K_M.gguf.partial": b"GG"}).items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(data)
    return place


def test_all_of_it_goes_and_nothing_else(user: User, place: Path) -> None:
    ran = user.run("uninstall", "--yes")
    assert ran.status == 0, ran.all
    for part in (user.vault / PLUGIN, state_folder(user.vault), user.home / "config.toml"):
        assert str(part) in ran.out and not part.exists()
    left = {name: data for name, data in files_in(place).items() if not name.startswith("built/")}
    vault = {
        "vault/Stub.md": FILLED.encode(),
        "vault/.obsidian/community-plugins.json": b'[\n  "dataview"\n]',
    }
    assert left == OTHERS | vault
    assert "pip uninstall callout-companion" in ran.out
    assert user.run("uninstall", "--yes").out.startswith("Companion keeps nothing here.")


def test_models_may_stay(user: User, place: Path) -> None:
    assert user.run("uninstall", "--yes", "--keep-models").status == 0
    assert (place / "cache/models/Qwen3-1.7B-Q4_K_M.gguf.partial").exists()


def interrupted(state: Path) -> None:
    with closing(sqlite3.connect(state / "journal.sqlite3", isolation_level=None)) as db:
        db.execute("UPDATE changes SET state = 'pending'")


def served(state: Path) -> None:
    write_runtime_file(state, RuntimeFile(1, os.getpid(), "0.3.0", 0.0))


REFUSED = [
    pytest.param(lambda state: None, (), 2, "nobody is here to agree; add --yes", id="unasked"),
    pytest.param(interrupted, ("--yes",), 1, "a change was interrupted", id="interrupted"),
    pytest.param(served, ("--yes",), 1, f"a daemon runs (pid {os.getpid()}", id="served"),
]


@pytest.mark.parametrize(("prepare", "options", "status", "words"), REFUSED)
def test_unsure_it_removes_nothing(
    user: User, place: Path, prepare: object, options: tuple[str, ...], status: int, words: str
) -> None:
    assert callable(prepare)
    prepare(state_folder(user.vault))
    before = files_in(place)
    with vault_lock(state_folder(user.vault)):
        ran = user.run("uninstall", *options)
    assert (ran.status, words in ran.err) == (status, True), ran.all
    assert files_in(place).keys() == before.keys()


def test_it_asks(user: User, place: Path) -> None:
    user.types("n")
    ran = user.run("uninstall")
    assert ran.status == 0 and "Nothing was removed." in ran.err
    assert (user.home / "config.toml").exists()
