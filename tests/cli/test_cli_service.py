"""companion service, and init that offers it: with systemd's user manager, if one can be had."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from companion.app.open_vault import RuntimeFile, find_daemon
from companion.config import state_folder
from companion.daemon.log import log_file
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
        "[background]\nsettle_seconds = 1\n[server]\nport = 0\n"
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


def unit_of(session: User, root: Path) -> str:
    [told] = session.run("service", "status", str(root), "--json").objects
    return Path(told["file"]).name


@needs_systemd
def test_a_daemon_starts_with_the_session_and_fills_a_stub(session: User) -> None:
    ran = session.run("service", "install")
    place = daemon_of(session.vault)
    unit = unit_of(session, session.vault)
    assert (ran.status, ran.err) == (0, "")
    assert f"It runs on http://127.0.0.1:{place.port} (pid {place.pid})." in ran.out
    assert systemctl("is-enabled", unit) == "enabled"
    assert systemctl("show", "-p", "MainPID", "--value", unit) == str(place.pid)
    wait_until(lambda: session.run("status", "--json").objects[0]["ready"], "looked over")
    note = session.note("Stub.md", STUB)  # it did not lie there before
    wait_until(lambda: note.read_text() == FILLED, "the stub is filled")
    shown = session.run("service", "status")
    assert shown.status == 0 and str(session.vault) in shown.out
    assert f"pid {place.pid}" in shown.out and "at login" in shown.out
    assert "serving vault on port" in session.run("service", "logs").out
    ran = session.run("service", "uninstall")
    assert ran.status == 0 and find_daemon(state_folder(session.vault)) is None
    assert systemctl("list-unit-files", "--no-legend", "callout*") == ""
    assert session.run("service", "status").out.startswith("No daemon starts")
    assert note.read_text() == FILLED


@pytest.mark.release
@needs_systemd
def test_again_it_changes_nothing_unless_the_daemon_has_to_start_anew(
    session: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.run("service", "install")
    first = daemon_of(session.vault)
    again = session.run("service", "install")
    assert again.status == 0 and again.out.startswith("Nothing to change")
    assert daemon_of(session.vault) == first
    with monkeypatch.context() as upgraded:
        upgraded.setattr("companion.cli.service.__version__", "99.0.0")  # as of the new program
        old = session.run("service", "status")
        assert f"version {first.version}, and this is 99.0.0: companion service install" in old.out
        assert session.run("service", "install").status == 0
    second = daemon_of(session.vault)
    assert second.pid != first.pid
    changed = session.run("config", "set", "endpoint.concurrency", "3")
    assert "companion service install does that" in changed.err
    assert session.run("service", "install").status == 0
    assert daemon_of(session.vault).pid != second.pid


@pytest.mark.release
@needs_systemd
def test_it_is_started_anew_after_it_was_killed(session: User) -> None:
    session.run("service", "install")
    unit, first = unit_of(session, session.vault), daemon_of(session.vault)
    os.kill(first.pid, 9)
    wait_until(
        lambda: systemctl("show", "-p", "SubState", "--value", unit) == "auto-restart",
        "it waits to be started anew",
    )
    shown = session.run("service", "status")
    assert shown.status == 1 and "companion service logs says why" in shown.out
    assert session.run("service", "install").status == 0  # no need to wait
    assert daemon_of(session.vault).pid != first.pid


@pytest.mark.release
@needs_systemd
def test_several_vaults(session: User, tmp_path: Path) -> None:
    session.configure((session.home / "config.toml").read_text().replace("port = 0", ""))
    odd = tmp_path / "Notes 100% \"of\" $HOME 'mine' \\n {x} ; ü"
    (odd / ".obsidian").mkdir(parents=True)
    vaults = [odd, session.vault]
    ran = session.run("service", "install", "--port", "0", *map(str, vaults))
    places = [daemon_of(vault) for vault in vaults]
    assert ran.status == 0 and len({place.port for place in places}) == 2
    which = session.run("service", "logs")
    assert which.status == 2 and all(str(vault) in which.err for vault in vaults)
    assert session.run("service", "uninstall").status == 2
    told = session.run("service", "status", "--json").objects
    assert [each["vault"] for each in told] == sorted(map(str, vaults))
    assert {each["pid"] for each in told} == {place.pid for place in places}
    assert session.run("service", "uninstall", str(odd)).status == 0
    odd.rename(tmp_path / "gone")
    assert session.run("service", "uninstall", str(odd)).status == 1
    assert daemon_of(session.vault) in places
    assert session.run("service", "uninstall", "--all").status == 0
    assert systemctl("list-unit-files", "--no-legend", "callout*") == ""


@pytest.mark.release
@needs_systemd
def test_a_second_vault_takes_another_port(session: User, tmp_path: Path) -> None:
    (other := tmp_path / "other").mkdir()
    session.run("service", "install")
    first = (tmp_path / "config/systemd/user" / unit_of(session, session.vault)).read_text()
    session.run("service", "install", str(other))
    second = (tmp_path / "config/systemd/user" / unit_of(session, other)).read_text()
    assert "--port" not in first and '"--port" "0"' in second
    again = session.run("service", "install", str(session.vault), str(other))
    assert again.out.count("Nothing to change") == 2


@needs_systemd
def test_no_unit_holds_the_key_or_what_else_is_set_here(
    session: User, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COMPANION_API_KEY", KEY)
    monkeypatch.setenv("COMPANION_BASE_URL", "https://name:password@example.org/v1")
    ran = session.run("service", "install")
    assert ran.status == 0
    assert "does not see COMPANION_BASE_URL, COMPANION_API_KEY of this terminal" in ran.err
    assert str(session.home / "config.toml") in ran.err
    unit = (tmp_path / "config/systemd/user" / unit_of(session, session.vault)).read_text()
    record = next(state_folder(session.vault).glob("service.json")).read_text()
    for text in (unit, record, ran.all, systemctl("show-environment")):
        assert KEY not in text and "password" not in text


@pytest.mark.release
@needs_systemd
def test_a_daemon_that_cannot_start_says_why(session: User) -> None:
    session.run("service", "install")
    session.configure("[server]\nport = 'none'\n")
    systemctl("restart", unit_of(session, session.vault))
    log = log_file(state_folder(session.vault))
    wait_until(lambda: "did not start" in log.read_text(), "it says why")
    session.configure("[server]\nport = 0\n")
    told = session.run("service", "logs", "-n", "1")
    assert "the daemon did not start" in told.out and "server.port" in told.out
    assert len(told.out.splitlines()) == 1 and str(log) in told.err


@needs_systemd
def test_a_vault_that_no_unit_can_name(session: User, tmp_path: Path) -> None:
    (tmp_path / "two\nlines").mkdir()
    ran = session.run("service", "install", str(tmp_path / "two\nlines"))
    assert ran.status == 2 and "two\\nlines' has a line break" in ran.err
    assert len(ran.err.splitlines()) == 1 and not (tmp_path / "config/systemd").exists()
    assert session.run("service", "status").out.startswith("No daemon starts")


@pytest.mark.release
@needs_systemd
def test_a_vault_that_is_gone_is_still_listed_and_uninstalled(session: User) -> None:
    session.run("service", "install")
    session.vault.rename(moved := session.vault.with_name("moved"))
    os.chdir(moved)
    assert str(session.vault) in session.run("service", "status").out
    assert session.run("service", "uninstall", str(session.vault)).status == 0
    assert systemctl("list-unit-files", "--no-legend", "callout*") == ""


def test_without_a_user_manager(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(user.home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(user.home / "config"))
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    ran = user.run("service", "install")
    assert ran.status == 1 and "run companion serve by hand" in ran.err
    assert not (user.home / "config").exists() and not list(user.home.glob("vaults/*/service.json"))


def test_a_record_that_is_damaged_counts_for_nothing(user: User) -> None:
    (state := state_folder(user.vault)).mkdir(parents=True)
    for content in ("{", "[]", json.dumps({"vault": 1}), ""):
        (state / "service.json").write_text(content)
        assert user.run("service", "status").out.startswith("No daemon starts")


ENTER = [""] * 9


@pytest.mark.release
@needs_systemd
def test_enter_at_init_starts_it_and_once_is_enough(session: User) -> None:
    command = ["init", str(session.vault), "--no-plugin"]
    session.types(*ENTER)
    ran = session.run(*command)
    assert ran.status == 0 and "whenever you log in?" in ran.err, ran.all
    wait_until(lambda: find_daemon(state_folder(session.vault)), "the daemon answers")
    place = find_daemon(state_folder(session.vault))
    assert place and f"It runs on http://127.0.0.1:{place.port}" in ran.out
    assert "companion service uninstall stops that" in ran.out
    session.types(*ENTER)
    again = session.run(*command)
    assert again.status == 0 and "whenever you log in" not in again.err, again.all
    ran = session.run(*command, "--yes", "--service")
    assert ran.status == 0 and "Nothing to change: the daemon" in ran.out
    assert find_daemon(state_folder(session.vault)) == place
    session.run("service", "uninstall")


@pytest.mark.release
@needs_systemd
@pytest.mark.parametrize("says", [["n"], []])
def test_no_and_no_answer_at_init_start_nothing(session: User, says: list[str]) -> None:
    session.types(*ENTER[:3], *says)
    ran = session.run("init", str(session.vault), "--no-plugin")
    assert ran.status == 0 and "whenever you log in?" in ran.err, ran.all
    assert find_daemon(state_folder(session.vault)) is None
    assert "until you stop it" in ran.out
    assert session.run("init", str(session.vault), "--yes", "--no-plugin").status == 0
    assert find_daemon(state_folder(session.vault)) is None
