"""A machine on which companion init finds nothing set up, nor any server of models."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from companion.doctor.machine import Memory
from companion.errors import UsageError
from tests.cli.user import User
from tests.vault.stub_plugin import build_plugin


class NoManager:
    """A system that starts nothing with the session."""

    def require(self) -> None:
        raise UsageError("no manager answers")


def empty_machine(user: User, monkeypatch: pytest.MonkeyPatch, listed: Sequence[Path] = ()) -> None:
    """Make this machine one. The plugin was built. listed: where Obsidian lists vaults."""
    user.forget_endpoint()
    memory = Memory(total=8_000_000_000, free=4_000_000_000)
    package = user.home.parent / "package"
    build_plugin(package / "_plugin")
    monkeypatch.setattr("companion.vault.plugin_files._PACKAGE", package)
    monkeypatch.setattr("companion.doctor.machine.SERVERS", ())
    monkeypatch.setattr("companion.doctor.machine.read_memory", lambda: memory)
    monkeypatch.setattr("companion.doctor.machine.measure_speed", lambda: None)
    for module in ("cli.service", "daemon.service_manager"):
        monkeypatch.setattr(f"companion.{module}.find_manager", NoManager)
    monkeypatch.setattr("companion.vault.obsidian._lists", lambda: list(listed))
