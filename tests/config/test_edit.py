"""Changing settings in config.toml: exactly those, and every other byte of it stays."""

import json
import os
import stat
import tomllib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from typing import Any

import pytest
from filelock import FileLock
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from companion.config import Config, edit
from companion.config.edit import SettingsEdit, find_losses, plan_edit, plan_for_vault, write_edit
from companion.config.load import config_file
from companion.errors import UsageError
from tests.cases import Case, cases

KEY = "sk-write-Vw81SecretKey"
SETTINGS: dict[str, Any] = {
    "vault": "/home/me/Notes",
    "endpoint.base_url": "http://localhost:11434/v1",
    "endpoint.model": "llama",
    "background.enabled": True,
}
WRITTEN = (
    'vault = "/home/me/Notes"\n\n[endpoint]\nbase_url = "http://localhost:11434/v1"\n'
    'model = "llama"\n\n[background]\nenabled = true\n'
)


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COMPANION_HOME", str(tmp_path / "home"))
    return config_file()


def change(text: str | bytes, settings: dict[str, Any]) -> tuple[str, ...]:
    config_file().parent.mkdir(exist_ok=True)
    config_file().write_bytes(text if isinstance(text, bytes) else text.encode())
    return write_edit(lambda: plan_edit(None, settings)).changed


def test_a_new_file(file: Path) -> None:
    planned = plan_edit(None, SETTINGS)
    assert not file.parent.exists() and planned.config.endpoint.model == "llama"
    write_edit(lambda: planned)
    assert file.read_text() == WRITTEN
    assert os.name == "nt" or stat.S_IMODE(file.stat().st_mode) == 0o600
    again = plan_edit(None, SETTINGS)
    assert again.changed == () and again.after == again.before == file.read_bytes()


@cases("config/cases/settings.md", "Changed settings", ways=["as written"])
def test_an_existing_file(file: Path, case: Case) -> None:
    settings: dict[str, Any] = {}
    for name, _, value in (line.partition(" = ") for line in case.told):
        settings[name] = json.loads(value) if value else None
    change(case.before, settings)
    assert file.read_bytes().decode() == case.after


def test_a_last_line_that_has_no_end(file: Path) -> None:
    change("[notes]\nfields = []", {"background.enabled": False})
    written = "[notes]\nfields = []\n[background]\nenabled = false\n"
    assert file.read_text() == written


TABLES = st.sampled_from(
    [
        '[endpoint]  # e\ntimeout = 1 # r\nmodel = "a"\n',
        "[endpoint]\n",
        'endpoint.model = "a"\nendpoint.timeout = 2\n',
        'endpoint = {model = "a", timeout = 3}\n',
        "[background]\n# quiet\nsettle_seconds = 5.0\n",
        "[notes.postponed_properties]\nstatus = 'x' # s\n",
        '[ignore]\npatterns = [\n "a", # p\n\n "b",\n]\n',
        "# between\n\n",
        "[limits]\n\n\n# last",
    ]
)
VALUES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    first=st.sampled_from(["", "# a\n", "vault = '/old' # v\n"]),
    parts=st.lists(TABLES, max_size=5, unique=True),
    model=VALUES,
    vault=VALUES,
    out=st.booleans(),
)
def test_whatever_the_file_only_the_settings_change(
    first: str,
    parts: list[str],
    model: str,
    vault: str,
    out: bool,
) -> None:
    text = first + "\n".join(parts)
    try:
        before = tomllib.loads(text)
        Config.model_validate(before)
    except ValueError:  # what the parts make together is no configuration
        return
    settings: dict[str, Any] = {"vault": vault, "endpoint.model": model}
    settings["endpoint.timeout" if out else "background.enabled"] = None if out else True
    change(text, settings)
    expected = before | {"vault": vault}
    expected["endpoint"] = expected.get("endpoint", {}) | {"model": model}
    if out:
        expected["endpoint"].pop("timeout", None)
    else:
        expected["background"] = expected.get("background", {}) | {"enabled": True}
    new = config_file().read_bytes().decode()
    assert tomllib.loads(new) == expected
    comments = [line for line in text.split("\n") if "#" in line and "timeout" not in line]
    assert all(line.partition("#")[2] in new for line in comments)


BROKEN = [
    pytest.param(b"[endpoint\n", "is not valid TOML.*line 1", id="no TOML"),
    pytest.param(b'vault = "\xff"\n', "is not valid UTF-8", id="no UTF-8"),
    pytest.param(b"foo = 1\n", "unknown setting foo; .*; nothing was written", id="unknown"),
    pytest.param(b"endpoint = 1\n", "endpoint in config.toml has to be a table", id="no table"),
]


@pytest.mark.parametrize(("data", "words"), BROKEN)
def test_a_broken_file_is_refused(file: Path, data: bytes, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        change(data, SETTINGS)
    assert file.read_bytes() == data


def test_a_wrong_value_is_refused_without_showing_a_key() -> None:
    with pytest.raises(UsageError, match="base_url must begin with http") as caught:
        plan_edit(None, {"endpoint.api_key": KEY, "endpoint.base_url": "ftp://x"})
    assert KEY not in str(caught.value)


def test_what_changes_is_said_without_secrets() -> None:
    text = f'[endpoint]\nbase_url = "https://me:{KEY}@x.example/v1?k={KEY}"\nmodel = "m"\n'
    changed = {
        "endpoint.base_url": f"https://me:{KEY}@y.example/v1",
        "endpoint.api_key": KEY,
        "endpoint.model": "m",
        "background.enabled": False,
    }
    assert change(text, changed) == (
        'endpoint.base_url = "https://y.example/v1" (was "https://x.example/v1")',
        "endpoint.api_key: set",
        "background.enabled = false",
    )
    assert plan_edit(None, {"endpoint.api_key": None}).changed == ("endpoint.api_key: taken out",)


def test_what_is_private_no_more_is_named() -> None:
    change("[private]\nfolders = ['Diary', 'Health']\nproperties = { secret = 'x' }\n", {})
    before = plan_edit(None, {}).config
    assert find_losses(plan_edit(None, {"private.folders": ["Diary", "Work"]}), before) == [
        "private.folders: Health"
    ]
    assert not find_losses(plan_edit(None, {"background.enabled": True}), before)


def test_vaults_set_up_at_the_same_moment_get_ports_of_their_own(tmp_path: Path) -> None:
    roots = [tmp_path / name for name in ("first", "second", "third")]
    for root in roots:
        root.mkdir()
    write_edit(lambda: plan_for_vault(roots[0], {"background.enabled": False}))
    changing = Barrier(2)

    def set_up(root: Path) -> int:
        def plan() -> SettingsEdit:
            planned = plan_for_vault(root, {"background.enabled": True})
            with suppress(BrokenBarrierError):  # they take turns
                changing.wait(0.5)
            return planned

        return write_edit(plan).config.server.port

    with ThreadPoolExecutor(2) as pool:
        assert len(set(pool.map(set_up, roots[1:]))) == 2


def test_a_turn_is_not_waited_for_without_end(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edit, "_LOCK_TIMEOUT", 0.0)
    file.parent.mkdir()
    with FileLock(f"{file}.lock"), pytest.raises(UsageError, match=r"another command .*\.lock for"):
        write_edit(lambda: plan_edit(None, SETTINGS))
    assert not file.exists()


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need a right there")
def test_a_link_stays_a_link(tmp_path: Path, file: Path) -> None:
    real = tmp_path / "dotfiles" / "config.toml"
    for folder in (real.parent, file.parent):
        folder.mkdir()
    real.write_text("")
    file.symlink_to(real)
    write_edit(lambda: plan_edit(None, SETTINGS))
    assert file.is_symlink() and real.read_text() == WRITTEN


def test_a_write_that_fails_leaves_what_was_there(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change("# mine\n", {})

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(UsageError, match=r"cannot be written .No space left"):
        write_edit(lambda: plan_edit(None, SETTINGS))
    assert file.read_text() == "# mine\n"
