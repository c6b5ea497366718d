"""Changing settings in config.toml: exactly those, and every other byte of it stays."""

import json
import os
import stat
import tomllib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import count
from pathlib import Path
from threading import Barrier, BrokenBarrierError

import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from companion.config import Config, edit_settings
from companion.config.edit_settings import (
    Choices,
    PlannedSettings,
    SettingValue,
    change_settings,
    find_place,
    plan_settings,
    write_planned,
)
from companion.errors import UsageError
from tests.cases import Case, cases

KEY = "sk-write-Vw81SecretKey"
SETTINGS: dict[str, SettingValue] = {
    "vault": "/home/me/Notes",
    "endpoint.base_url": "http://localhost:11434/v1",
    "endpoint.model": "llama",
    "background.enabled": True,
}
WRITTEN = (
    'vault = "/home/me/Notes"\n\n[endpoint]\nbase_url = "http://localhost:11434/v1"\n'
    'model = "llama"\n\n[background]\nenabled = true\n'
)


def change(file: Path, text: str | bytes, settings: dict[str, SettingValue]) -> tuple[str, ...]:
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    planned = plan_settings(file, settings)
    write_planned(planned)
    return planned.changed


def test_a_new_file(tmp_path: Path) -> None:
    file = tmp_path / "home" / "config.toml"
    planned = plan_settings(file, SETTINGS)
    assert not file.parent.exists() and planned.config.endpoint.model == "llama"
    write_planned(planned)
    assert file.read_text() == WRITTEN
    assert os.name == "nt" or stat.S_IMODE(file.stat().st_mode) == 0o600
    again = plan_settings(file, SETTINGS)
    assert again.changed == () and again.after == again.before == file.read_bytes()


@cases("config/cases/settings.md", "Changed settings", ways=["as written", "CRLF", "BOM"])
def test_an_existing_file(tmp_path: Path, case: Case) -> None:
    settings: dict[str, SettingValue] = {}
    for name, _, value in (line.partition(" = ") for line in case.told):
        settings[name] = json.loads(value) if value else None
    change(tmp_path / "config.toml", case.before, settings)
    assert (tmp_path / "config.toml").read_bytes().decode() == case.after


def test_a_last_line_that_has_no_end(tmp_path: Path) -> None:
    change(tmp_path / "config.toml", "[notes]\nfields = []", {"background.enabled": False})
    written = "[notes]\nfields = []\n[background]\nenabled = false\n"
    assert (tmp_path / "config.toml").read_text() == written


TABLES = st.sampled_from(
    [
        '[endpoint]  # e\ntimeout = 1 # r\nmodel = "a"\n',
        "[endpoint]\n",
        'endpoint.model = "a"\nendpoint.timeout = 2\n',
        'endpoint = {model = "a", timeout = 3}\n',
        "[background]\n# quiet\nsettle_seconds = 5.0\n",
        "[notes.postponed_properties]\nstatus = 'x' # s\n",
        '[ignore]\npatterns = [\n "a", # p\n\n "b",\n]\n',
        '[callout]\ntitle = """\\\n  x"""\n',
        "# between\n\n",
        "[limits]\n\n\n# last",
    ]
)
VALUES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8)


@given(
    first=st.sampled_from(["", "# a\n", "vault = '/old' # v\n"]),
    parts=st.lists(TABLES, max_size=5, unique=True),
    model=VALUES,
    vault=VALUES,
    out=st.booleans(),
)
def test_whatever_the_file_only_the_settings_change(
    tmp_path_factory: pytest.TempPathFactory,
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
    settings: dict[str, SettingValue] = {"vault": vault, "endpoint.model": model}
    settings["endpoint.timeout" if out else "background.enabled"] = None if out else True
    file = tmp_path_factory.getbasetemp() / "config.toml"
    change(file, text, settings)
    expected = before | {"vault": vault}
    expected["endpoint"] = expected.get("endpoint", {}) | {"model": model}
    if out:
        expected["endpoint"].pop("timeout", None)
    else:
        expected["background"] = expected.get("background", {}) | {"enabled": True}
    new = file.read_bytes().decode()
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
def test_a_broken_file_is_refused(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        change(tmp_path / "config.toml", data, SETTINGS)
    assert (tmp_path / "config.toml").read_bytes() == data


def test_a_wrong_value_is_refused_without_showing_a_key(tmp_path: Path) -> None:
    settings: dict[str, SettingValue] = {"endpoint.api_key": KEY, "endpoint.base_url": "ftp://x"}
    with pytest.raises(UsageError, match="base_url must begin with http") as caught:
        plan_settings(tmp_path / "config.toml", settings)
    assert KEY not in str(caught.value)


def test_what_changes_is_said_without_secrets(tmp_path: Path) -> None:
    text = f'[endpoint]\nbase_url = "https://me:{KEY}@x.example/v1?k={KEY}"\nmodel = "m"\n'
    settings: dict[str, SettingValue] = {
        "endpoint.base_url": f"https://me:{KEY}@y.example/v1",
        "endpoint.api_key": KEY,
        "endpoint.model": "m",
        "background.enabled": False,
    }
    file = tmp_path / "config.toml"
    assert change(file, text, settings) == (
        'endpoint.base_url = "https://y.example/v1" (was "https://x.example/v1")',
        "endpoint.api_key: set",
        "background.enabled = false",
    )
    assert plan_settings(file, {"endpoint.api_key": "b"}).changed == ("endpoint.api_key: changed",)
    taken = plan_settings(file, {"endpoint.api_key": None})
    assert taken.changed == ("endpoint.api_key: taken out",)


def test_an_edit_meanwhile_is_not_lost(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    planned = plan_settings(file, SETTINGS)
    file.write_text("# mine\n")
    with pytest.raises(UsageError, match=r"somebody changed .* in the meantime"):
        write_planned(planned)
    assert file.read_text() == "# mine\n"


def test_commands_at_the_same_moment_take_turns(tmp_path: Path) -> None:
    file, started = tmp_path / "config.toml", Barrier(2, timeout=30)

    def change_one(name: str, value: SettingValue) -> tuple[str, ...]:
        plans = count()

        def plan() -> PlannedSettings:
            planned = plan_settings(file, {name: value})
            if next(plans) == 0:
                started.wait()  # both have read the file before either writes it
            return planned

        return change_settings(plan).changed

    with ThreadPoolExecutor(2) as pool:
        changed = list(pool.map(change_one, ["endpoint.timeout", "callout.title"], [9, "Mine"]))
    assert changed == [("endpoint.timeout = 9",), ('callout.title = "Mine"',)]
    config = plan_settings(file, {}).config
    assert (config.endpoint.timeout, config.callout.title) == (9, "Mine")


@pytest.mark.usefixtures("home")
def test_vaults_set_up_at_the_same_moment_get_ports_of_their_own(tmp_path: Path) -> None:
    roots = [tmp_path / name for name in ("first", "second", "third")]
    for root in roots:
        root.mkdir()
    change_settings(lambda: find_place(roots[0]).plan(Choices(background=False)))
    reading, changing = Barrier(2), Barrier(2)

    def set_up(root: Path) -> int:
        barriers = iter((reading, changing))

        def plan() -> PlannedSettings:
            planned = find_place(root).plan(Choices(background=True))
            with suppress(BrokenBarrierError):  # of changing: they take turns
                next(barriers).wait(0.5)
            return planned

        return change_settings(plan).config.server.port

    with ThreadPoolExecutor(2) as pool:
        assert len(set(pool.map(set_up, roots[1:]))) == 2


def test_a_turn_is_not_waited_for_without_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edit_settings, "_LOCK_TIMEOUT", 0.0)
    file = tmp_path / "config.toml"
    planned = plan_settings(file, SETTINGS)
    with FileLock(f"{file}.lock"), pytest.raises(UsageError, match=r"another command .*\.lock for"):
        write_planned(planned)
    assert not file.exists()


@pytest.mark.skipif(os.name == "nt", reason="symbolic links need a right there")
def test_a_link_stays_a_link(tmp_path: Path, home: Path) -> None:
    real, link = tmp_path / "dotfiles" / "config.toml", home / "config.toml"
    for folder in (real.parent, home):
        folder.mkdir()
    real.write_text("")
    link.symlink_to(real)
    write_planned(plan_settings(link, SETTINGS))
    assert link.is_symlink() and real.read_text() == WRITTEN
    change_settings(lambda: find_place(tmp_path / "Work").plan(Choices(review=True)))
    assert list(real.parent.iterdir()) == [real]  # its folder may be read-only


def test_a_write_that_fails_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "config.toml"
    file.write_text("# mine\n")

    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(UsageError, match=r"cannot be written .No space left"):
        write_planned(plan_settings(file, SETTINGS))
    assert {path.name for path in tmp_path.iterdir()} == {"config.toml", "config.toml.lock"}
    assert file.read_text() == "# mine\n"
