"""The file that tells the plugin where its vault's daemon is."""

import json
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from companion import __version__
from companion.daemon import process
from companion.daemon.process import PluginRuntimeFile
from tests.daemon.daemon_fixture import eventually


@pytest.fixture(autouse=True)
def looks_often(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_LOOKS", 0.01)


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    root = Path(os.path.realpath(tmp_path)) / "vault"
    root.mkdir()
    return root


def install(vault: Path) -> Path:
    folder = vault / ".obsidian/plugins/callout-companion"
    folder.mkdir(parents=True)
    return folder


def files_in(folder: Path) -> list[Path]:
    """Return the daemons' files; one that is being written has another name."""
    return list(folder.glob("daemon-*.json"))


@contextmanager
def served(vault: Path, port: int = 4321) -> Iterator[PluginRuntimeFile]:
    place = PluginRuntimeFile(vault, port)
    place.start()
    try:
        yield place
    finally:
        place.stop()


def test_it_is_there_while_the_daemon_is(vault: Path) -> None:
    folder = install(vault)
    with served(vault) as place:
        eventually(lambda: files_in(folder))
        [file] = files_in(folder)
        assert json.loads(file.read_text()) == {
            "port": 4321,
            "id": place.id,
            "machine": socket.gethostname(),
            "version": __version__,
        }
        assert os.name == "nt" or stat.S_IMODE(file.stat().st_mode) == 0o600
        assert file.name.startswith("daemon-") and file.suffix == ".json"
    assert list(folder.iterdir()) == []


def test_it_comes_when_the_plugin_is_installed_later_and_again(vault: Path) -> None:
    with served(vault):
        folder = install(vault)
        eventually(lambda: files_in(folder))
        [file] = files_in(folder)
        file.unlink()
        eventually(lambda: file.exists())


def test_a_vault_without_the_plugin_gets_none(vault: Path) -> None:
    (vault / ".obsidian/plugins").mkdir(parents=True)
    PluginRuntimeFile(vault, 1)._write()
    assert list((vault / ".obsidian/plugins").iterdir()) == []


LINKS = [".obsidian", ".obsidian/plugins", ".obsidian/plugins/callout-companion"]


@pytest.mark.parametrize("link", LINKS)
def test_it_follows_no_link(vault: Path, link: str) -> None:
    install(vault)
    outside = vault.parent / "outside"
    (vault / link).rename(outside)
    (vault / link).symlink_to(outside)
    PluginRuntimeFile(vault, 1)._write()
    assert [file for file in outside.rglob("*") if file.is_file()] == []


def test_it_writes_through_no_link_of_its_name(vault: Path) -> None:
    folder = install(vault)
    place, outside = PluginRuntimeFile(vault, 1), vault.parent / "outside.json"
    outside.write_text("mine")
    place._file.symlink_to(outside)
    place._write()
    assert outside.read_text() == "mine" and place._file.is_symlink()
    assert [file.name for file in folder.iterdir()] == [place._file.name]


def test_machines_and_users_that_share_a_vault_keep_apart(
    vault: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = install(vault)
    PluginRuntimeFile(vault, 1)._write()
    monkeypatch.setattr("socket.gethostname", lambda: "another")
    PluginRuntimeFile(vault, 2)._write()
    monkeypatch.setenv("COMPANION_HOME", "/another/user")
    PluginRuntimeFile(vault, 3)._write()
    told = [json.loads(file.read_text()) for file in folder.iterdir()]
    assert sorted(one["port"] for one in told) == [1, 2, 3]


def test_what_another_daemon_wrote_stays(vault: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "_LOOKS", 60.0)
    folder = install(vault)
    with served(vault, 1):
        eventually(lambda: files_in(folder))
        PluginRuntimeFile(vault, 2)._write()
    [file] = files_in(folder)
    assert json.loads(file.read_text())["port"] == 2


def test_a_folder_that_cannot_be_written_ends_nothing(
    vault: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = install(vault)
    place = PluginRuntimeFile(vault, 1)
    place._file.mkdir()
    place.start()
    place.stop()
    assert [file.name for file in folder.iterdir()] == [place._file.name]
