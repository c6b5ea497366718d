"""Obsidian's own list of vaults, where each system has it, and whatever may stand in it."""

import json
import sys
from pathlib import Path

import pytest

from companion.vault.obsidian import find_registered_vaults

PLACES = [
    pytest.param("linux", "~/.config/obsidian", id="Linux"),
    pytest.param("linux", "~/.var/app/md.obsidian.Obsidian/config/obsidian", id="Flatpak"),
    pytest.param("linux", "~/snap/obsidian/current/.config/obsidian", id="Snap"),
    pytest.param("darwin", "~/Library/Application Support/obsidian", id="macOS"),
    pytest.param("win32", "~/AppData/Roaming/obsidian", id="Windows"),
]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    for name in ("XDG_CONFIG_HOME", "APPDATA"):
        monkeypatch.delenv(name, raising=False)
    for name in ("Notes", "Work", "Old", ".config/obsidian/Sandbox"):
        (tmp_path / name / ".obsidian").mkdir(parents=True)
    (tmp_path / "Plain").mkdir()
    return tmp_path


def write_list(folder: Path, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "obsidian.json").write_text(text, encoding="utf-8")


@pytest.mark.parametrize(("platform", "place"), PLACES)
def test_where_each_system_has_it(
    home: Path, monkeypatch: pytest.MonkeyPatch, platform: str, place: str
) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    vaults = {
        "1": {"path": str(home / "Old"), "ts": 1},
        "2": {"path": str(home / "Work"), "ts": 3},
        "3": {"path": str(home / "Notes"), "ts": 2, "open": True},
        "4": {"path": str(home / "gone"), "ts": 4},
        "5": {"path": str(home / "Plain"), "ts": 5},
        "6": {"path": str(home / ".config/obsidian/Sandbox"), "ts": 6},
    }
    write_list(home / place.removeprefix("~/"), json.dumps({"vaults": vaults}))
    found = [vault.root.name for vault in find_registered_vaults()]
    assert [name for name in found if name != "Sandbox"] == ["Notes", "Work", "Old"]
    assert ("Sandbox" in found) == (place.removeprefix("~/") != ".config/obsidian")


BROKEN = [
    pytest.param("", id="empty"),
    pytest.param("[]", id="a list"),
    pytest.param('{"vaults": null}', id="null"),
    pytest.param('{"vaults": []}', id="a list of vaults"),
    pytest.param('{"vaults": {"1": "x", "2": {}, "3": {"path": 1}, "4": {"path": ""}}}', id="odd"),
    pytest.param('{"vaults": {"1": {"path": "a\\u0000b"}}}', id="a zero in a path"),
    pytest.param("[" * 100_000, id="nested"),
]


@pytest.mark.parametrize("text", BROKEN)
def test_a_list_that_says_nothing(home: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert find_registered_vaults() == []
    write_list(home / ".config" / "obsidian", text)
    assert find_registered_vaults() == []
