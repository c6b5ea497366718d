"""Settings that are changed by a click."""

from pathlib import Path
from typing import Any

import pytest

from companion.app.types.status import IgnoredNotes, PrivateNotes, SettingsChange
from companion.app.vault import Vault
from companion.app.vault_settings import show_settings
from companion.config import config_file
from companion.config.load import vault_file
from companion.enrich.due_needs import find_to_do
from companion.enrich.workspace import open_workspace
from companion.errors import CompanionError, TakesOut, UsageError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COMPANION_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "vault" / ".obsidian").mkdir(parents=True)
    return tmp_path.resolve() / "vault"


def write_common(text: str) -> None:
    config_file().parent.mkdir(parents=True, exist_ok=True)
    config_file().write_text(text, encoding="utf-8")
    config_file().chmod(0o600)


CHANGES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "what to fill": ({"fields": {"tags": False}}, {"fields": {"tags": False}}),
    "by field": ({"modes": {"callout": "propose"}}, {"modes": {"callout": "propose"}}),
    "by folder": ({"folder_modes": {"Work": "write"}}, {"folder_modes": {"Work": "write"}}),
    "background": (
        {"background": False, "notes_a_day": 5},
        {"background": False, "notes_a_day": 5},
    ),
    "private": (
        {"private": PrivateNotes(folders=["Diary"], properties={"p": ["yes"]})},
        {"private": PrivateNotes(folders=["Diary"], tags=[], properties={"p": ["yes"]})},
    ),
    "ignored": (
        {"ignored": IgnoredNotes(tags=["old"], fields={"tags": ["A"]})},
        {"ignored": IgnoredNotes(folders=[], tags=["old"], globs=[], fields={"tags": ["A"]})},
    ),
}


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("is_first", [True, False], ids=["first vault", "another vault"])
def test_changes_and_shows_settings(root: Path, is_first: bool) -> None:
    write_common(f'vault = "{root if is_first else root.parent}" # mine\n')
    with open_workspace(None, root) as space:
        vault = Vault(space)
        before = vault.settings()
        for label, (change, expected) in CHANGES.items():
            after = vault.change_settings(SettingsChange(**change))
            for name, value in expected.items():
                shown = getattr(after, name)
                assert (getattr(before, name) | value if isinstance(value, dict) else value) == (
                    shown
                ), label
        assert vault.change_settings(SettingsChange()) == after
    assert "# mine" in config_file().read_text()
    assert ("Diary" in config_file().read_text()) == is_first
    assert vault_file(root).exists() != is_first


@pytest.mark.usefixtures("home")
def test_what_is_private_is_taken_out_only_on_purpose(root: Path) -> None:
    write_common(f'vault = "{root}"\n[private]\nfolders = ["Diary"]\n')
    with open_workspace(None, root) as space:
        vault = Vault(space)
        change = SettingsChange(private=PrivateNotes(folders=["Health"]))
        with pytest.raises(TakesOut, match="Diary"):
            vault.change_settings(change)
        assert vault.settings().private.folders == ["Diary"]
        after = vault.change_settings(change.model_copy(update={"replace": True}))
        assert after.private.folders == ["Health"]


@pytest.mark.usefixtures("home")
def test_what_all_vaults_keep_private_stays(root: Path) -> None:
    write_common(f'vault = "{root.parent}"\n[private]\nfolders = ["Diary"]\n')
    with open_workspace(None, root) as space:
        vault = Vault(space)
        after = vault.change_settings(
            SettingsChange(private=PrivateNotes(folders=["Diary", "Health"]))
        )
        assert after.private.folders == ["Diary", "Health"]
        change = SettingsChange(private=PrivateNotes(folders=["Health"]), replace=True)
        with pytest.raises(UsageError, match="for all vaults"):
            vault.change_settings(change)


WRONG: dict[str, SettingsChange] = {
    "no such field": SettingsChange(fields={"colour": True}),
    "no mode of a field": SettingsChange(modes={"colour": "write"}),
    "a note as a folder": SettingsChange(private=PrivateNotes(folders=["A.md"])),
    "no tag": SettingsChange(ignored=IgnoredNotes(tags=["a b"])),
}


@pytest.mark.usefixtures("home")
def test_refuses_what_no_setting_takes(root: Path) -> None:
    write_common("")
    with open_workspace(None, root) as space:
        before = show_settings(space)
        for label, change in WRONG.items():
            with pytest.raises(CompanionError):
                Vault(space).change_settings(change)
            assert show_settings(space) == before, label
        assert config_file().read_text() == ""


@pytest.mark.usefixtures("home")
def test_a_field_can_be_left_alone_in_a_folder(root: Path) -> None:
    write_common('[ignore.fields]\ndescription = ["Projects"]\n')
    for path in ("Projects/a.md", "Projects 2/b.md"):
        (root / path).parent.mkdir()
        (root / path).write_text("---\ndescription:\n---\n\nText.\n")
    with open_workspace(None, root) as space:
        scan = space.scan()
        to_do = {path: find_to_do(space, path, facts.needs) for path, facts in scan.notes.each()}
        assert [each.kind for each in to_do["Projects/a.md"].needs] == ["callout"]
        assert to_do["Projects/a.md"].unfilled == (
            "description: not filled in Projects (ignore.fields)",
        )
        assert "description" in [each.kind for each in to_do["Projects 2/b.md"].needs]
