"""A machine on which companion init finds nothing set up, nor any server of models."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from companion.llm.catalog import DEFAULT_MODEL
from tests.cli.user import User
from tests.vault.stub_plugin import build_plugin


def empty_machine(user: User, monkeypatch: pytest.MonkeyPatch, listed: Sequence[Path] = ()) -> None:
    """Make this machine one. The plugin was built. listed: where Obsidian lists vaults."""
    user.forget_endpoint()
    package = user.home.parent / "package"
    build_plugin(package / "_plugin")
    monkeypatch.setattr("companion.vault.plugin_files._PACKAGE", package)
    monkeypatch.setattr("companion.cli.init.SERVERS", ())
    monkeypatch.setattr("companion.cli.init.recommend_model", lambda: DEFAULT_MODEL)
    monkeypatch.setattr("companion.vault.obsidian._lists", lambda: list(listed))
