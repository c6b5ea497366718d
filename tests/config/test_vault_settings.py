"""Settings of one vault over the common ones: what wins, and what no vault may lose by it."""

import errno
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest

from companion.config import load_config
from companion.config.load import merge_tables, vault_file, vaults_with_settings
from companion.enrich.settings import SettingsSource
from companion.errors import UsageError
from tests.cases import Case, cases
from tests.examples import labelled

KEY = "sk-common-Bd52SecretKey"


@cases("config/cases/settings.md", "A vault's own settings", ways=["as written"])
def test_merged(case: Case) -> None:
    common, own = tomllib.loads(case.before), tomllib.loads("\n".join(case.told))
    assert merge_tables(common, own) == tomllib.loads(case.after)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COMPANION_HOME", str(tmp_path / "home"))
    for name in ("BASE_URL", "MODEL", "API_KEY"):
        monkeypatch.delenv(f"COMPANION_{name}", raising=False)
    (tmp_path / "home" / "vault-settings").mkdir(parents=True)
    return tmp_path / "home"


def test_only_the_vault_has_them(home: Path) -> None:
    (home / "config.toml").write_text("[limits]\ntokens_a_day = 5\n")
    work, other = Path("/vaults/Work"), Path("/vaults/Other")
    vault_file(work).write_text('vault = "/vaults/Work"\n[server]\nport = 27183\n')
    config = load_config(work)
    assert (config.vault, config.server.port, config.limits.tokens_a_day) == (work, 27183, 5)
    assert load_config(other) == load_config() != config
    assert [root for root, _ in vaults_with_settings()] == [work]


def test_an_address_in_the_environment_gets_no_key_of_a_vault(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Path("/vaults/Work")
    vault_file(work).write_text(f'[endpoint]\nbase_url = "http://a/v1"\nmodel="m"\napi_key="{KEY}"')
    assert load_config(work).endpoint.api_key.get_secret_value() == KEY
    monkeypatch.setenv("COMPANION_BASE_URL", "http://b/v1")
    assert load_config(work).endpoint.api_key.get_secret_value() == ""


AROUND = {
    "a folder in it": ('folders = ["Inner/Diary"]', "Diary/Today.md"),
    "in another spelling": ('folders = ["inner/DIARY/"]', "Diary/Today.md"),
    "the folder that it is in": ('folders = ["Inner"]', "Today.md"),
    "a folder of the vault in that": ('folders = ["Inner"]', "Work/Today.md"),
    "a folder beside it": ('folders = ["Beside", "Inner 2"]', None),
}


@pytest.mark.parametrize("by", ["the common settings", "those of any vault", "settings of its own"])
@labelled(("private", "held_back"), AROUND)
def test_what_a_vault_around_keeps_private_stays_so(
    home: Path, tmp_path: Path, by: str, private: str, held_back: str | None
) -> None:
    outer, inner = tmp_path / "Outer", tmp_path / "Outer" / "Inner"
    inner.mkdir(parents=True)
    (outer / ".obsidian").mkdir()
    file = vault_file(outer) if by == "settings of its own" else home / "config.toml"
    guards = 'tags = ["secret"]\nproperties = { secret = "true" }\n'
    name = "" if by == "those of any vault" else f'vault = "{outer.as_posix()}"\n'
    file.write_text(f"{name}[private]\n{private}\n{guards}")
    vault_file(inner).write_text('[endpoint]\nbase_url = "https://ai.example/v1"\nmodel = "m"\n')
    settings = SettingsSource(inner).current
    ignore = settings.ignore
    paths = ["Today.md", "Diary/Today.md", "Work/Today.md"]
    reasons = {path: ignore.path_reason(path) for path in paths}
    assert [path for path in paths if ignore.is_private(path)] == [p for p in paths if reasons[p]]
    assert (reasons[held_back] is not None) if held_back else not any(reasons.values())
    assert "secret" in settings.rules.private_tags
    assert ("secret", "true") in settings.rules.private_properties


def test_a_property_keeps_notes_private_by_the_common_value_too(home: Path, tmp_path: Path) -> None:
    (home / "config.toml").write_text('[private.properties]\nstatus = "secret"\n')
    (vault := tmp_path / "vault").mkdir()
    vault_file(vault).write_text('[private.properties]\nstatus = "confidential"\n')
    marks = load_config(vault, allow_moved=True).private.marks
    assert set(marks) == {("status", "confidential"), ("status", "secret")}


def test_a_property_keeps_notes_private_by_the_values_of_all_vaults(
    home: Path, tmp_path: Path
) -> None:
    outer, inner = tmp_path / "Outer", tmp_path / "Outer" / "Inner"
    inner.mkdir(parents=True)
    settings = SettingsSource(inner)
    for vault, value in ((outer, "secret"), (inner, "confidential")):
        vault_file(vault).write_text(f'[private.properties]\nstatus = "{value}"\n')
    pairs = [("status", "confidential"), ("status", "secret")]
    current = settings.refresh()
    assert [*current.rules.private_properties] == pairs
    vault_file(outer).write_text('[private.properties]\nstatus = "hidden"\n')
    assert ("status", "hidden") in settings.refresh().rules.private_properties


def test_a_folder_around_that_may_not_be_looked_at_is_no_vault(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sandbox may forbid even that; before Python 3.14, Path.is_dir raises the error then."""
    inner = tmp_path / "Outer" / "Inner"
    inner.mkdir(parents=True)
    stat = os.stat

    def refuse(path: Any, *args: Any, **options: Any) -> os.stat_result:
        if Path(path) == tmp_path / ".obsidian":
            raise PermissionError(errno.EPERM, "Operation not permitted")
        return stat(path, *args, **options)

    monkeypatch.setattr(os, "stat", refuse)
    assert SettingsSource(inner).current.ignore.path_reason("Today.md") is None


def test_a_vault_around_is_watched(home: Path, tmp_path: Path) -> None:
    outer, inner = tmp_path / "Outer", tmp_path / "Outer" / "Diary" / "Inner"
    inner.mkdir(parents=True)
    (home / "config.toml").write_text("[limits]\ntokens_a_day = 5\n")
    settings = SettingsSource(inner)
    assert settings.current.ignore.path_reason("Today.md") is None
    private = f'vault = "{outer.as_posix()}"\n[private]\nfolders = ["Diary"]\n'
    vault_file(outer).write_text(private)  # a file that was not there at the start
    assert settings.refresh().ignore.is_private("Today.md")
    vault_file(outer).write_text("")  # what is half saved lets nothing out
    with pytest.raises(UsageError, match="is empty or gone"):
        settings.refresh()
    vault_file(outer).write_text(private)
    assert settings.refresh().ignore.is_private("Today.md")
    vault_file(outer).unlink()
    with pytest.raises(UsageError, match="is empty or gone"):
        settings.refresh()


WRONG = [
    pytest.param("[server]\nport = 'x'", "server.port: this has to be a valid integer", id="value"),
    pytest.param("prot = 1", "unknown setting prot", id="key"),
    pytest.param("[server", "is not valid TOML", id="no TOML"),
]


@pytest.mark.parametrize(("text", "words"), WRONG)
def test_the_file_with_the_error_is_named(home: Path, text: str, words: str) -> None:
    work = Path("/vaults/Work")
    vault_file(work).write_text(text)
    with pytest.raises(UsageError, match=words) as caught:
        load_config(work)
    assert str(caught.value).startswith(str(vault_file(work)))
    assert list(vaults_with_settings()) == []
    (home / "config.toml").write_text("foo = 1\n")
    with pytest.raises(UsageError, match="unknown setting foo"):
        load_config()
