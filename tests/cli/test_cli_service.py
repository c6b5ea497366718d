"""companion service, and init that offers it: with systemd's user manager, if one can be had."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from companion.app.open_vault import RuntimeFile, find_daemon
from companion.config import state_folder
from companion.daemon.service import service_file
from tests.cli.serving import wait_until
from tests.cli.user import FILLED, KEY, STUB, User
from tests.daemon.user_manager import user_manager, why_none

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux'")
needs_systemd = pytest.mark.skipif(bool(why_none()), reason=why_none())


@pytest.fixture
def session(user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[User]:
    """A user with a session of systemd, whose model is set in the configuration's file."""
    user.configure(
        f'[endpoint]\nbase_url = "{user.fake.url}"\nmodel = "m"\napi_key = "{KEY}"\n'
        '[background]\nsettle_seconds = 1\nbacklog = "all"\n[server]\nport = 0\n'
    )
    with user_manager(tmp_path) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        user.forget_endpoint()
        systemctl("set-environment", "COMPANION_CHECKS=off")
        yield user


def systemctl(*command: str) -> str:
    done = subprocess.run(["systemctl", "--user", *command], capture_output=True, text=True)
    return done.stdout.strip()


def daemon_of(root: Path) -> RuntimeFile:
    place = find_daemon(state_folder(root))
    assert place
    return place


@needs_systemd
def test_a_daemon_starts_with_the_session_and_fills_a_stub(session: User) -> None:
    ran = session.run("service", "install")
    wait_until(lambda: find_daemon(state_folder(session.vault)) is not None, "it runs")
    place = daemon_of(session.vault)
    unit = service_file(session.vault).name
    assert (ran.status, ran.err) == (0, "")
    assert systemctl("is-enabled", unit) == "enabled"
    assert systemctl("show", "-p", "MainPID", "--value", unit) == str(place.pid)
    note = session.note("Stub.md", STUB)
    wait_until(lambda: note.read_text() == FILLED, "the stub is filled")
    ran = session.run("service", "uninstall")
    assert ran.status == 0 and find_daemon(state_folder(session.vault)) is None
    assert systemctl("list-unit-files", "--no-legend", "callout*") == ""
    assert note.read_text() == FILLED


def test_without_a_user_manager(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(user.home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(user.home / "config"))
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    ran = user.run("service", "install")
    assert ran.status == 1 and "systemctl" in ran.err
    assert not (user.home / "config").exists()
