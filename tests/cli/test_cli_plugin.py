"""companion plugin install, and what companion init and companion doctor say of the plugin."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path
from typing import Any

import pytest

from companion import __version__
from companion.app.runtime_file import RuntimeFile, write_runtime_file
from companion.config import state_folder
from companion.daemon.access import take_code
from companion.vault.lock import vault_lock
from tests.cli.user import User, files_in
from tests.vault.stub_plugin import PLUGIN, build_plugin


@pytest.fixture(autouse=True)
def built(user: User, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = user.home.parent / "package"
    monkeypatch.setattr("companion.vault.plugin_files._PACKAGE", package)
    return build_plugin(package / "_plugin")


def data_of(vault: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((vault / PLUGIN / "data.json").read_bytes())
    return data


def enabled_in(vault: Path) -> Any:
    return json.loads((vault / ".obsidian/community-plugins.json").read_bytes())


def test_it_is_installed_enabled_and_pairs_once(user: User, built: Path) -> None:
    user.note("Stub.md")
    (user.vault / ".obsidian/community-plugins.json").write_text('["dataview"]')
    ran = user.run("plugin", "install", str(user.vault))
    assert (ran.status, ran.err) == (0, "") and user.calls() == 0
    assert enabled_in(user.vault) == ["dataview", "callout-companion"]
    data = data_of(user.vault)
    assert sorted(data) == ["address", "code"] and data["address"] == "http://127.0.0.1:27182"
    assert (
        re.fullmatch(r"([A-Z2-9]{4}-){3}[A-Z2-9]{4}", data["code"]) and data["code"] not in ran.all
    )
    main = (built / "main.js").read_bytes()
    assert user.files()[str(Path(PLUGIN, "main.js"))] == main
    assert f"plugin {__version__} is in {user.vault / PLUGIN}" in ran.out
    assert "Restricted mode" in ran.out and "companion serve" in ran.out
    state = state_folder(user.vault)
    assert take_code(state, data["code"]) and not take_code(state, data["code"])


def test_the_code_lasts_until_tomorrow(user: User) -> None:
    now = time.time()
    user.run("plugin", "install")
    code, state = data_of(user.vault)["code"], state_folder(user.vault)
    (soon := user.home / "copy").mkdir()
    (soon / "pairing.json").write_bytes((state / "pairing.json").read_bytes())
    assert not take_code(soon, code, clock=lambda: now + 24 * 3600 + 60)
    assert take_code(state, code, clock=lambda: now + 23.9 * 3600)


def test_the_address_is_the_running_daemons(user: User) -> None:
    user.configure("[server]\nport = 4000\n")
    ran = user.run("plugin", "install")
    assert (ran.status, ran.err) == (0, "")
    assert data_of(user.vault)["address"] == "http://127.0.0.1:4000"
    with vault_lock(state := state_folder(user.vault)):
        write_runtime_file(state, RuntimeFile(4321, os.getpid(), __version__, 1.0))
        ran = user.run("plugin", "install")
    assert (ran.status, ran.err) == (0, "")
    assert data_of(user.vault)["address"] == "http://127.0.0.1:4321"


def test_a_build_without_it_says_so(user: User, built: Path) -> None:
    (built / "main.js").unlink()
    before = files_in(user.home), user.files()
    ran = user.run("plugin", "install")
    assert ran.status == 2 and "has no Obsidian plugin in it" in ran.err
    assert (files_in(user.home), user.files()) == before


def test_a_refusal_ends_no_code(user: User) -> None:
    user.run("plugin", "install")
    code = data_of(user.vault)["code"]
    (user.vault / ".obsidian/community-plugins.json").write_text("{}")
    before = user.files()
    ran = user.run("plugin", "install")
    assert ran.status == 2 and "is not a list of plugins" in ran.err and user.files() == before
    assert take_code(state_folder(user.vault), code)


# companion init


# companion doctor


def check(user: User) -> tuple[int, dict[str, Any]]:
    ran = user.run("doctor", "--json", "--no-call")
    [told] = [told for told in ran.objects if told["name"] == "plugin"]
    return ran.status, told


def disable(vault: Path) -> None:
    (vault / ".obsidian/community-plugins.json").write_text('["dataview"]')


def spoil(vault: Path) -> None:
    (vault / ".obsidian/community-plugins.json").write_text("{")


def age(vault: Path) -> None:
    build_plugin(vault / PLUGIN, "0.0.1")


def halve(vault: Path) -> None:
    (vault / PLUGIN / "main.js").unlink()


DOCTOR = [
    pytest.param(lambda _: None, "ok", f"version {__version__}, enabled", "", id="all is well"),
    pytest.param(disable, "hint", "not enabled", "Community plugins", id="not enabled"),
    pytest.param(age, "hint", "version 0.0.1", "companion plugin install", id="another version"),
    pytest.param(halve, "hint", "companion plugin install puts it there", "", id="half of it"),
    pytest.param(spoil, "hint", "not valid JSON", "", id="a broken list"),
]


@pytest.mark.parametrize(("change", "state", "said", "mend"), DOCTOR)
def test_doctor(user: User, change: Any, state: str, said: str, mend: str) -> None:
    _, told = check(user)
    assert told["state"] == "ok" and "is not in this vault" in told["said"]
    user.run("plugin", "install")
    status, before = 0, user.files()
    change(user.vault)
    changed = user.files()
    status, told = check(user)
    assert (status, told["state"]) == (0, state) and said in told["said"] and mend in told["mend"]
    assert user.files() == changed and (changed == before) == (state == "ok")
