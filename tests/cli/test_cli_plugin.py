"""companion plugin install: the code that it leaves, a daemon's address, and a build without it."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from companion import __version__
from companion.app.open_vault import RuntimeFile, write_runtime_file
from companion.config import state_folder
from companion.daemon.access import take_code
from companion.vault.lock import daemon_lock
from tests.cli.user import User, files_in
from tests.vault.stub_plugin import PLUGIN, build_plugin


@pytest.fixture(autouse=True)
def built(user: User, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = user.home.parent / "package"
    monkeypatch.setattr("companion.vault.plugin_files._PACKAGE", package)
    return build_plugin(package / "_plugin")


def install(user: User) -> dict[str, Any]:
    """Return the plugin's settings once it is installed."""
    ran = user.run("plugin", "install")
    data: dict[str, Any] = json.loads((user.vault / PLUGIN / "data.json").read_bytes())
    assert (ran.status, ran.err) == (0, "") and data["code"] not in ran.out
    return data


def test_the_code_is_taken_once_and_lasts_until_tomorrow(user: User) -> None:
    now = time.time()
    code, state = install(user)["code"], state_folder(user.vault)
    (soon := user.home / "copy").mkdir()
    (soon / "pairing.json").write_bytes((state / "pairing.json").read_bytes())
    assert not take_code(soon, code, clock=lambda: now + 24 * 3600 + 60)
    assert take_code(state, code, clock=lambda: now + 23.9 * 3600)
    assert not take_code(state, code)


def test_the_address_is_the_running_daemons(user: User) -> None:
    with daemon_lock(state := state_folder(user.vault)):
        write_runtime_file(state, RuntimeFile(4321, os.getpid(), __version__, 1.0))
        assert install(user)["address"] == "http://127.0.0.1:4321"


def test_a_build_without_it_says_so(user: User, built: Path) -> None:
    (built / "main.js").unlink()
    before = files_in(user.home), user.files()
    ran = user.run("plugin", "install")
    assert ran.status == 2 and "has no Obsidian plugin in it" in ran.err
    assert (files_in(user.home), user.files()) == before


def test_a_refusal_ends_no_code(user: User) -> None:
    code = install(user)["code"]
    (user.vault / ".obsidian/community-plugins.json").write_text("{}")
    before = user.files()
    ran = user.run("plugin", "install")
    assert ran.status == 2 and "is not a list of plugins" in ran.err and user.files() == before
    assert take_code(state_folder(user.vault), code)
