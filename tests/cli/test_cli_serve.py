"""companion serve as a process: how it starts, what it leaves behind, and how it ends."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from companion.app.open_vault import find_daemon
from companion.config import state_folder
from companion.enrich.checks import UNCHECKED
from companion.vault.lock import daemon_lock
from tests.cli.serving import PATIENCE, QUIET, serving, wait_until, wait_until_scanned
from tests.cli.user import FILLED, KEY, REPOSITORY, SAYS, STUB, Ran, User, answer_by_schema

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX signals and modes")
SOON = "[endpoint]\n[background]\nsettle_seconds = 1\n"
NO_MODEL = {"COMPANION_BASE_URL": "", "COMPANION_MODEL": "", "COMPANION_API_KEY": ""}


def mode_of(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


@posix
def test_a_stub_saved_later_is_filled_and_the_log_says_so_in_a_line(user: User) -> None:
    user.configure(SOON)
    user.note("Old.md", FILLED)
    name = "Ide\na.md"  # file systems take that; a log must not
    with serving(user) as daemon:
        assert f"Companion serves {user.vault} on http://127.0.0.1:{daemon.port}" in daemon.said
        assert "fills stubs that nobody edited for 1 seconds, at most 100 a day" in daemon.said
        private = [user.home / "token", daemon.state / "daemon.json", daemon.state / "daemon.log"]
        assert [mode_of(file) for file in private] == [0o600] * 3
        wait_until_scanned(daemon)
        for path in ("Saved.md", name):
            (user.vault / path).write_text(STUB)
        wait_until(lambda: user.read("Saved.md") == user.read(name) == FILLED, "filled")
        wait_until(lambda: daemon.log.count("filled") == 2, "logged")
    for log in (daemon.log, daemon.errors.read_text()):
        [told] = [line for line in log.splitlines() if "Saved.md" in line]
        assert " INFO Saved.md: filled description, callout (change " in told
        [told] = [line for line in log.splitlines() if "Ide" in line]
        assert "Ide<U+000A>a.md: filled" in told
        assert "stub is" not in log and "Text of mine" not in log and KEY not in log
        assert log.count(UNCHECKED) == 1


def test_without_settings_and_a_model_it_looks_only(user: User, tmp_path: Path) -> None:
    (user.home / "config.toml").unlink()
    user.home.rmdir()
    user.note("Stub.md")
    nothing = NO_MODEL | {"COMPANION_CACHE": str(tmp_path / "cache")}
    with serving(user, env=nothing) as daemon:
        assert "is not on this machine: companion model pull fetches it" in daemon.said
        wait_until(lambda: daemon.status().ready, "looked over")
        status = daemon.status()
        assert (status.to_do, status.is_embedded) == (1, True)
        assert "companion model pull fetches it" in status.background.off
    assert user.read("Stub.md") == STUB and user.calls() == 0
    assert not (tmp_path / "cache").exists()


def try_to_serve(user: User, *arguments: str) -> Ran:
    """Return what `companion serve` came to, which ends by itself."""
    process = user.start("serve", *arguments)
    out, err = process.communicate(timeout=PATIENCE)
    return Ran(process.wait(), out, err)


def test_one_daemon_a_vault_and_each_has_its_port(user: User, tmp_path: Path) -> None:
    user.configure(QUIET)
    with serving(user) as daemon:
        second = try_to_serve(user, "--port", "0")
        assert (second.status, second.out) == (1, "")
        place = f"on http://127.0.0.1:{daemon.port} (pid {daemon.process.pid}); companion status"
        assert f"a daemon serves this vault already, {place} says what it does" in second.err
        assert "end it first, with Ctrl-C" in second.err
        assert find_daemon(daemon.state) is not None
        (other := tmp_path / "other" / ".obsidian").mkdir(parents=True)
        elsewhere = ["--vault", str(other.parent)]
        busy = try_to_serve(user, "--port", str(daemon.port), *elsewhere)
        assert (busy.status, busy.out) == (1, "")
        assert f"port {daemon.port} is in use" in busy.err and "--port" in busy.err
        with serving(user, *elsewhere) as neighbour:
            assert neighbour.port != daemon.port
            assert user.run("status", *elsewhere, "--json").objects[0]["vault"] == "other"
            assert user.run("status", "--json").objects[0]["vault"] == "vault"


ENDS = [
    pytest.param(signal.SIGTERM, 60.0, id="SIGTERM in a slow call"),
    pytest.param(signal.SIGINT, 0.0, id="Ctrl-C"),
]


@posix
@pytest.mark.parametrize(("number", "delay"), ENDS)
def test_it_ends_within_five_seconds_and_the_rest_is_found_again(
    user: User, number: int, delay: float
) -> None:
    user.configure(SOON)
    user.fake.script = lambda seen, n: answer_by_schema(seen, SAYS)._replace(delay=delay)
    with serving(user) as daemon:
        if delay:
            wait_until_scanned(daemon)
            user.note("Asked.md"), user.note("Found.md")
            daemon.ask("/runs", {"paths": ["Asked.md"]})
            wait_until(lambda: user.calls() == 2, "both are asked for")
        assert daemon.stop(number) == 0
    left = {file.name for file in daemon.state.iterdir()}
    assert not left & {"daemon.json"} and "Traceback" not in daemon.errors.read_text()
    assert daemon.log.endswith(" INFO stopped\n")
    with daemon_lock(daemon.state):
        pass
    if delay:
        assert user.read("Asked.md") == user.read("Found.md") == STUB
        user.says()
        with serving(user):
            wait_until(lambda: user.read("Asked.md") == user.read("Found.md") == FILLED, "found")


@posix
def test_what_a_killed_one_leaves_is_in_nobodys_way(user: User) -> None:
    user.configure(QUIET)
    user.note("Stub.md")
    with serving(user) as daemon:
        daemon.stop(signal.SIGKILL)
    assert (daemon.state / "daemon.json").exists() and find_daemon(daemon.state) is None
    told = user.run("status")
    assert told.status == 1 and "no daemon runs for the vault" in told.err
    assert user.run("enrich", ".").status == 0 and user.read("Stub.md") == FILLED
    with serving(user) as again:
        assert user.run("status", "--json").objects[0]["pid"] == again.process.pid
        wait_until_scanned(again)
        assert "vault: 1 note, 0 to work on" in user.run("status").out, "as the daemon says"


@posix
def test_a_closed_terminal_ends_it_unless_nohup_said_no(user: User) -> None:
    user.configure(QUIET)
    deaf = {"preexec_fn": lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)}
    with serving(user, **deaf) as daemon:
        daemon.process.send_signal(signal.SIGHUP)
        assert user.run("status").status == 0
        assert daemon.stop() == 0
    with serving(user) as daemon:
        assert daemon.stop(signal.SIGHUP) == 0


LOGS = """
import logging, os, sys
from pathlib import Path
from companion.daemon import process
os.umask(0o022)
process._LOG_BYTES = 10_000
process.open_log(Path(sys.argv[1]))
log = logging.getLogger("companion.x")
for number in range(360):
    log.info("%d %s", number, "x" * 80)
log.debug("Text of mine")
log.warning("B\\udcffd.md: \\x1b[2Ja\\nb")
"""


def test_old_lines_of_the_log_are_dropped_and_no_file_of_it_is_open_to_others(
    tmp_path: Path,
) -> None:
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-c", LOGS, str(tmp_path)]
    subprocess.run(command, check=True, env=environment, stderr=subprocess.DEVNULL)
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["daemon.log", *(f"daemon.log.{n}" for n in (1, 2, 3))]
    assert all(0 < file.stat().st_size <= 10_000 for file in files)
    if os.name != "nt":
        assert {mode_of(file) for file in files} == {0o600}
    log = files[0].read_text(encoding="utf-8")
    assert log.splitlines()[-1].endswith("WARNING B?d.md: <U+001B>[2Ja<U+000A>b")
    assert log.splitlines()[-2].endswith(f"359 {'x' * 80}") and "Text of mine" not in log


def test_the_log_cannot_be_written(user: User) -> None:
    log = state_folder(user.vault) / "daemon.log"
    log.mkdir(parents=True)
    ran = try_to_serve(user, "--port", "0")
    assert (ran.status, ran.out) == (2, "") and f"the log {log} cannot be written" in ran.err


SERVER = {"flask", "werkzeug", "waitress", "watchdog"}
NOT_FOR_SCAN = SERVER | {
    *("openai", "http.client", "ssl", "tomlkit", "ctypes", "statistics"),
    *("companion.app.run", "companion.app.types.changes"),
    *("companion.enrich.task", "companion.enrich.context.vault_context"),
}
NOT_FOR_UNDO = SERVER | {"openai", "http.client", "ssl"}
NOT_FOR_STATUS = NOT_FOR_UNDO | {"tomlkit", "companion.app.run"}
IMPORTS = {  # imported one after the other in one process, which prints what is loaded by then
    "companion.cli": SERVER | {"pydantic", "rich", "logging", "shutil", "textwrap", "difflib"},
    "companion.cli.scan": NOT_FOR_SCAN,
    "companion.cli.serve": SERVER | {"openai"},
    "companion.cli.enrich": SERVER | {"companion.app.run", "companion.cli.model"},
    "companion.cli.history": SERVER | {"companion.app.run", "companion.cli.model"},
    "companion.cli.proposals": SERVER | {"companion.app.run", "companion.cli.model"},
}


def test_commands_import_no_server() -> None:
    script = "".join(f"import sys, {module}; print(*sys.modules)\n" for module in IMPORTS)
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, cwd=REPOSITORY, text=True
    )
    for (module, unwanted), line in zip(IMPORTS.items(), ran.stdout.splitlines(), strict=True):
        assert not unwanted & set(line.split()), module


LOADED = ("app", "config", "daemon", "doctor", "enrich", "llm", "note", "store", "vault")


def test_an_upgrade_replaces_no_file_that_a_daemon_has_yet_to_import() -> None:
    script = "import sys; from companion.daemon import process as p; p.load_modules()"
    script += "; print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, cwd=REPOSITORY, text=True
    )
    for package in LOADED:
        for file in REPOSITORY.glob(f"companion/{package}/**/[!_]*.py"):
            assert ".".join(file.relative_to(REPOSITORY).with_suffix("").parts) in ran.stdout


@pytest.mark.parametrize(
    ("command", "unwanted"),
    [
        ("scan", NOT_FOR_SCAN),
        ("status", NOT_FOR_STATUS),
        ("undo", NOT_FOR_UNDO),
        ("history", NOT_FOR_UNDO | {"companion.app.run", "companion.app.types.runs"}),
    ],
)
def test_a_command_imports_nothing_that_it_does_not_use(
    user: User, command: str, unwanted: set[str]
) -> None:
    user.note("Stub.md")
    script = f"import sys; from companion.cli import run; run(['{command}']); print(*sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, check=True, cwd=user.vault, text=True
    )
    modules = set(ran.stdout.split())
    assert "companion.enrich.workspace" in modules and not unwanted & modules
