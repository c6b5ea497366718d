"""Completion in the shells themselves, as docs/commands.md says to set it up."""

import os
import re
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.user import User

pytestmark = pytest.mark.release

_PATIENCE = 120.0  # seconds; each completion starts a Python
DOCUMENTED = (Path(__file__).parents[2] / "docs" / "commands.md").read_text(encoding="utf-8")
_SETUP = {
    "bash": ["--norc", "--noprofile", "-i"],
    "zsh": ["-f", "-i"],
    "fish": ["--no-config"],
}


def shell(name: str) -> pytest.MarkDecorator:
    missing = os.name == "nt" or shutil.which(name) is None
    return pytest.mark.skipif(missing, reason=f"{name} is not installed here")


def setup_of(name: str) -> str:
    """Return the documented line of the start-up file."""
    [line] = re.findall(
        rf"^    (\S.*{'bash' if name == 'zsh' else name}_source.*?)(?:  +#.*)?$", DOCUMENTED, re.M
    )
    return str(line).replace("bash_source", f"{name}_source")


class Shell:
    """An interactive shell on a terminal of its own, in the user's vault."""

    def __init__(self, name: str, user: User, terminal: int) -> None:
        self.terminal = terminal
        self.shown = ""

    def type(self, text: str) -> None:
        os.write(self.terminal, text.encode())

    def wait_for(self, words: str) -> None:
        """Return once the words are shown."""
        ends = time.monotonic() + _PATIENCE
        while words not in self.shown:
            ready, _, _ = select.select([self.terminal], [], [], max(0.0, ends - time.monotonic()))
            assert ready, f"{words!r} is not shown: {self.shown!r}"
            self.shown += os.read(self.terminal, 4096).decode(errors="replace")


@contextmanager
def open_shell(name: str, user: User) -> Iterator[Shell]:
    import pty

    ours, theirs = pty.openpty()
    environment = environment_of(user) | {"PS1": "$ ", "TERM": "dumb"}
    process = subprocess.Popen(
        [name, *_SETUP[name]],
        cwd=user.vault,
        env=environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Shell(name, user, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def environment_of(user: User) -> dict[str, str]:
    """Return an environment in which `companion` is the one that is tested."""
    here = Path(sys.executable).parent
    return os.environ | user.environment | {"PATH": f"{here}{os.pathsep}{os.environ['PATH']}"}


@pytest.fixture
def vault(user: User) -> User:
    user.note("Mine and yours.md")
    user.note("Sub/Other.md")
    return user


TYPED = [
    ("companion enrich Min", "Mine\\ and\\ yours.md"),
    ("companion scan --json Min", "Mine\\ and\\ yours.md"),
    ("companion prompt Min", "Mine\\ and\\ yours.md"),
    ("companion history Min", "Mine\\ and\\ yours.md"),
    ("companion undo Min", "Mine\\ and\\ yours.md"),
    ("companion enrich --vault Su", "Sub/"),
    ("companion enr", "companion enrich"),
]


@pytest.mark.parametrize("name", [pytest.param(n, marks=shell(n), id=n) for n in ("bash", "zsh")])
def test_names_are_completed(vault: User, name: str) -> None:
    begin = "autoload -U compinit && compinit -u -D; " if name == "zsh" else ""
    with open_shell(name, vault) as opened:
        opened.type(f"{begin}{setup_of(name)}; echo re''ady\n")
        opened.wait_for("ready")
        for typed, expected in TYPED:
            opened.shown = ""
            opened.type(f"{typed}\t")
            opened.wait_for(expected)
            opened.type("\x15")  # Ctrl-U: empty the line


@shell("fish")
def test_names_are_completed_in_fish(vault: User) -> None:
    asked = "; ".join(f"complete -C '{typed}'" for typed, _ in TYPED)
    told = subprocess.run(
        ["fish", *_SETUP["fish"], "-c", f"{setup_of('fish')}; {asked}"],
        cwd=vault.vault,
        env=environment_of(vault),
        capture_output=True,
        text=True,
        timeout=_PATIENCE,
        check=True,
    )
    assert told.stdout.count("Mine and yours.md") == 5, told
    assert "Sub/" in told.stdout and "enrich" in told.stdout
