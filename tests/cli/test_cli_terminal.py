"""Companion as a process: signals, pipes, colours only on a terminal, completion, help."""

import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from companion.cli import run
from companion.enrich.checks import UNCHECKED
from tests.cli.terminal import in_a_terminal
from tests.cli.user import FILLED, SAYS, STUB, Process, Terminal, User, answer_by_schema
from tests.examples import labelled

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX signals and terminals")
_PATIENCE = 60.0  # seconds


def wait_for_calls(user: User, number: int) -> None:
    deadline = time.monotonic() + _PATIENCE
    while user.calls() < number and time.monotonic() < deadline:
        time.sleep(0.01)
    assert user.calls() >= number


@pytest.fixture
def stopped(user: User) -> Iterator[tuple[User, Process, Event]]:
    """A user whose run of four notes is asked about the second; the model answers at the event."""
    user.configure("[endpoint]\nconcurrency = 1\n")
    for name in "ABCD":
        user.note(f"{name}.md")
    may_answer = Event()
    user.fake.script = lambda seen, n: (
        may_answer.wait(_PATIENCE * (n > 0)),
        answer_by_schema(seen, SAYS),
    )[1]
    process = user.start("enrich", ".")
    wait_for_calls(user, 2)
    yield user, process, may_answer
    may_answer.set()
    process.kill()


WAITING = "Stopping: waiting for 1 call under way; what is answered is kept."


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_waits_for_the_calls_under_way_and_keeps_what_is_answered(
    stopped: tuple[User, Process, Event], number: int
) -> None:
    user, process, may_answer = stopped
    process.send_signal(number)
    assert process.stderr and any(line.startswith(WAITING) for line in process.stderr)
    may_answer.set()
    out, err = process.communicate(timeout=_PATIENCE)
    assert process.returncode == 128 + number and err == ""
    assert "Stopped: 1 enriched, 1 proposed, 2 not done." in out and "companion undo --run" in out
    assert "kept, since the run was stopped; the next one writes it without a call" in out
    assert [user.read(f"{name}.md") for name in "ABCD"] == [FILLED, STUB, STUB, STUB]
    assert user.run("enrich", ".").status == 0 and user.calls() == 4
    assert all(user.read(f"{name}.md") == FILLED for name in "ABCD")


@posix
def test_a_second_signal_gives_the_calls_up_and_says_how_many(
    stopped: tuple[User, Process, Event],
) -> None:
    user, process, _ = stopped
    process.send_signal(signal.SIGINT)
    assert process.stderr and any(line.startswith(WAITING) for line in process.stderr)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=_PATIENCE)
    assert process.returncode == 130 and "Traceback" not in err, err + out
    assert err.endswith("Gave up 1 call, for which the endpoint may charge.\n")
    assert "Stopped: 1 enriched, 3 not done." in out
    assert [user.read(f"{name}.md") for name in "ABCD"] == [FILLED, STUB, STUB, STUB]


@posix
@pytest.mark.parametrize(("options", "first"), [(["--json"], '{"path": "000 '), ([], "000 ")])
def test_the_reader_of_a_pipe_may_leave(user: User, options: list[str], first: str) -> None:
    for number in range(700):
        user.note(f"{number:03} {'long name ' * 10}.md", "---\ndescription:\n---\n")
    process = user.start("scan", *options)
    assert process.stdout and process.stderr
    assert process.stdout.readline().startswith(first)
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(_PATIENCE) == 1


def test_a_pipe_is_utf_8_without_colours(user: User) -> None:
    user.note("Größe.md", STUB.replace("\n", "\r\n"))
    process = user.start("enrich", ".", "--diff", env={"PYTHONIOENCODING": "ascii"})
    out, err = process.communicate(timeout=_PATIENCE)
    assert (process.returncode, err) == (0, f"{UNCHECKED}\n")
    assert "✓ Größe.md" in out and "\x1b" not in out


def test_a_width_of_zero_hides_nothing(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "0")
    assert user.run("proposals").out == "No proposals wait.\n"


@pytest.mark.parametrize(("setting", "told"), [("off", 1), ("on", 0), ("", 0)])
def test_that_checks_are_off_is_said_once(
    user: User,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    setting: str,
    told: int,
) -> None:
    user.note("Stub.md")
    user.note("Other.md")
    monkeypatch.setenv("COMPANION_CHECKS", setting)
    run(["enrich", "."])
    assert capsys.readouterr().err.count(UNCHECKED) == told


@posix
@pytest.mark.parametrize("no_color", [False, True], ids=["colours", "NO_COLOR"])
def test_a_terminal(user: User, no_color: bool) -> None:
    user.note("Stub.md")
    extra = {"TERM": "xterm-256color", **({"NO_COLOR": "1"} if no_color else {})}
    shown = in_a_terminal(user, ["enrich", ".", "--dry-run"], extra)
    assert "description: What a stub is." in shown and "Enriching" in shown
    assert bool(re.search(r"\x1b\[[0-9;]*3[0-9]m", shown)) is not no_color
    assert not no_color or not re.search(r"\x1b\[[0-9;]*m", shown)  # bold and dim, either


@posix
def test_a_terminal_shows_bars(user: User) -> None:
    user.note("Projects/A.md")
    user.note("Projects/B.md")
    assert user.run("enrich", "Projects/A.md").status == 0
    assert re.search(r"30 days .*█.* 1 note filled", in_a_terminal(user, ["history"]))
    assert re.search(r"Projects +█+░+  1, 0, 1", in_a_terminal(user, ["scan"]))
    assert "█" not in user.run("scan").out + user.run("history").out


@posix
def test_a_terminal_breaks_lines_between_words(user: User) -> None:
    user.note("Full.md", "# Full\n\nNothing is missing here.\n")
    shown = in_a_terminal(user, ["scan"], {"COLUMNS": "60"})
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown).replace("\r\n", "\n")
    assert "such as `> [!ai] A question?`, or the mark of a postponed note" in " ".join(
        plain.split()
    )
    assert not [line for line in plain.splitlines() if len(line) > 60]


@pytest.fixture
def remote(user: User, monkeypatch: pytest.MonkeyPatch) -> User:
    """A user at a terminal, with 3 stubs, which are many, and an endpoint that counts as remote."""
    monkeypatch.setattr("companion.enrich.cost.ASK_FROM", 2)
    for number in range(3):
        user.note(f"{number}.md")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setattr("companion.config.Config.is_remote", True)
    return user


FORECAST = r"3 notes would be sent to m at .*: about [\d,]+ tokens in and [\d,]+ out, which cost"
ASKED: dict[str, tuple[io.StringIO | None, str, int, int]] = {
    "no": (Terminal("n\n"), ".", 0, 0),
    "Ctrl-D": (Terminal(), ".", 130, 0),
    "yes": (Terminal("y\n"), ". --dry-run", 0, 3),
    "few notes": (Terminal(), ". --limit 2 --dry-run", 0, 2),
    "a pipe": (io.StringIO("y\n"), ".", 2, 0),
    "closed": (None, ".", 2, 0),
    "a pipe with --yes": (io.StringIO("y\n"), ". --yes --dry-run", 0, 3),
    "closed with --yes": (None, ". --yes --dry-run", 0, 3),
}


@labelled(("stdin", "arguments", "status", "calls"), ASKED)
def test_a_large_run_at_a_remote_endpoint_needs_a_yes(
    remote: User,
    monkeypatch: pytest.MonkeyPatch,
    stdin: io.StringIO | None,
    arguments: str,
    status: int,
    calls: int,
) -> None:
    monkeypatch.setattr(sys, "stdin", stdin)
    ran = remote.run("enrich", *arguments.split())
    assert (ran.status, remote.calls()) == (status, calls)
    assert bool(re.search(FORECAST, ran.err)) is not (
        "--yes" in arguments or "--limit" in arguments
    )
    assert ("--yes to send them all" in ran.err) is (status == 2)
    assert remote.read("0.md") == STUB


def test_notes_that_need_nothing_are_not_asked_about(
    remote: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote.configure('[endpoint]\n[notes]\nfields = ["description"]\n')
    for number in range(2):
        remote.note(f"{number}.md", "---\ndescription: Said.\n---\n")
    monkeypatch.setattr(sys, "stdin", None)
    ran = remote.run("enrich", ".", "--all")
    assert (ran.status, remote.calls()) == (0, 1) and "would be sent" not in ran.err
    assert "1 enriched, 2 unchanged" in ran.out


COMPLETIONS = {
    "zsh": ("zsh_source", "", "#compdef companion"),
    "fish": ("fish_source", "", "--command companion"),
    "a command": ("bash_complete", "companion en", "enrich"),
    "an option": ("bash_complete", "companion enrich --dr", "--dry-run"),
    "a setting": ("bash_complete", "companion config set endpoint.mo", "endpoint.model"),
}


@labelled(("what", "words", "expected"), COMPLETIONS)
def test_shell_completion(
    user: User,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    what: str,
    words: str,
    expected: str,
) -> None:
    monkeypatch.setenv("_COMPANION_COMPLETE", what)
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(words.count(" ")))
    with pytest.raises(SystemExit) as ended:
        user.run()
    assert ended.value.code == 0 and expected in capsys.readouterr().out


@pytest.mark.parametrize("columns", [80, 50])
def test_help_lists_few_commands_in_sections(
    user: User, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    told = user.run("--help").out
    sections = told.partition("Everyday:")[2].partition("Examples:")[0]
    names = re.findall(r"(?m)^  (\S+)  ", sections)
    assert 10 < len(set(names)) == len(names) <= 23 and "..." not in sections
    assert re.findall(r"(?m)^(\S.*):$", sections) == [
        "Background",
        "Set-up",
        "Programs and prompts",
    ]
    assert told.count("    companion ") == 3


def test_version_needs_no_vault(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "companion", "--version"]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert ran.returncode == 0 and re.fullmatch(r"companion \d+\.\d+\.\d+\n", ran.stdout)


@pytest.mark.skipif(os.name == "nt", reason="a name of bytes")
def test_what_the_user_can_mend_is_no_fault_of_ours(user: User) -> None:
    said = user.start("scan", "\udcff").communicate()[1]
    assert said == "companion: the name \\xff is not valid UTF-8; rename it to have it enriched\n"
