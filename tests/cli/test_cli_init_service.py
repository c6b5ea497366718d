"""companion init offers to start the daemon with the session; with a real user manager."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from companion.config import state_folder
from companion.daemon.runtime_file import find_daemon
from tests.cli.serving import wait_until
from tests.cli.user import User
from tests.daemon.user_manager import user_manager, why_none

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="systemd is Linux'"),
    pytest.mark.skipif(bool(why_none()), reason=why_none()),
]


@pytest.fixture
def session(user: User, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[User]:
    """A user with a session of systemd, whose model is set in the configuration's file."""
    user.configure(f'[endpoint]\nbase_url = "{user.fake.url}"\nmodel = "m"\n[server]\nport = 0\n')
    with user_manager(tmp_path) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        user.forget_endpoint()
        yield user


ENTER = [""] * 9


def test_enter_starts_it_and_once_is_enough(session: User) -> None:
    command = ["init", str(session.vault), "--no-plugin"]
    session.types(*ENTER)
    ran = session.run(*command)
    assert ran.status == 0 and "with every session of yours?" in ran.err, ran.all
    wait_until(lambda: find_daemon(state_folder(session.vault)), "the daemon answers")
    place = find_daemon(state_folder(session.vault))
    assert place and f"It runs on http://127.0.0.1:{place.port}" in ran.out
    assert "companion service uninstall ends that" in ran.out
    session.types(*ENTER)
    again = session.run(*command)
    assert again.status == 0 and "with every session" not in again.err, again.all
    ran = session.run(*command, "--yes", "--service")
    assert ran.status == 0 and "Nothing to change: the daemon" in ran.out
    assert find_daemon(state_folder(session.vault)) == place
    session.run("service", "uninstall")


@pytest.mark.parametrize("says", [["n"], []])
def test_no_and_no_answer_start_nothing(session: User, says: Any) -> None:
    session.types(*ENTER[:3], *says)
    ran = session.run("init", str(session.vault), "--no-plugin")
    assert ran.status == 0 and "with every session of yours?" in ran.err, ran.all
    assert find_daemon(state_folder(session.vault)) is None
    assert "until you stop it" in ran.out
    assert session.run("init", str(session.vault), "--yes", "--no-plugin").status == 0
    assert find_daemon(state_folder(session.vault)) is None
