"""companion plugin install of a build without the plugin."""

from pathlib import Path

import pytest

from tests.cli.user import User, files_in
from tests.vault.stub_plugin import build_plugin


@pytest.fixture(autouse=True)
def built(user: User, monkeypatch: pytest.MonkeyPatch) -> Path:
    package = user.home.parent / "package"
    monkeypatch.setattr("companion.vault.plugin_files._PACKAGE", package)
    return build_plugin(package / "_plugin")


def test_a_build_without_it_says_so(user: User, built: Path) -> None:
    (built / "main.js").unlink()
    before = files_in(user.home), user.files()
    ran = user.run("plugin", "install")
    assert ran.status == 2 and "has no Obsidian plugin in it" in ran.err
    assert (files_in(user.home), user.files()) == before
