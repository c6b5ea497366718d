"""A daemon in a process of its own, and vaults made for it: what the daemon's benchmarks share."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from companion.config import state_folder
from companion.daemon.api.status_schemas import StatusShape
from companion.daemon.daemon_client import DaemonClient, DaemonGone
from companion.daemon.log import log_file
from companion.daemon.runtime_file import find_daemon
from companion.daemon.tokens import read_token
from companion.vault.journal import Change, Journal

COMPANION = ("-m", "companion")
FOLDER_OF = 100  # notes
NOTE = """---
aliases:
  - name {number}
{description}created: 2024-01-01
---

# {name}

Some sentences of prose about {name}. They go on for a while, as sentences do.

## Heading

- one
- two
"""


class BrokenOff(Exception):
    """The daemon did not get there in time, or ended."""


class DaemonProcess:
    """`companion serve` on a vault, on any free port; its home is the one that was set last."""

    def __init__(self, vault: Path, program: Sequence[str] = COMPANION) -> None:
        self.state = state_folder(vault)
        self.spawned_at = time.perf_counter()
        words = [sys.executable, *program, "serve", "--vault", str(vault), "--port", "0"]
        self._words = Path(os.environ["COMPANION_HOME"], "stderr")
        null = subprocess.DEVNULL
        with self._words.open("ab") as stderr:
            self._process = subprocess.Popen(words, stdin=null, stdout=null, stderr=stderr)
        self._client: DaemonClient | None = None

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def log(self) -> str:
        """What its log says."""
        return log_file(self.state).read_text(encoding="utf-8")

    def status(self) -> StatusShape | None:
        """Return how it stands; None while it does not answer yet."""
        if self._process.poll() is not None:
            last = self._words.read_text(encoding="utf-8")[-2000:]
            raise BrokenOff(f"the daemon ended with {self._process.returncode}: {last}")
        if self._client is None:
            place = find_daemon(self.state)
            if place is None or place.pid != self.pid:
                return None
            self._client = DaemonClient(place.port, read_token())
        with suppress(DaemonGone):
            return self._client.status()
        return None

    def wait_until(
        self, holds: Callable[[StatusShape], bool], seconds: float, pause: float = 0.05
    ) -> StatusShape:
        """Return its status once that holds. Raises BrokenOff when it takes longer."""
        until = time.monotonic() + seconds
        status = None
        while time.monotonic() < until:
            status = self.status()
            if status and holds(status):
                return status
            time.sleep(pause)
        raise BrokenOff(f"not there after {seconds:g} s: {status}")

    def wait_ready(self, pause: float = 0.05) -> StatusShape:
        """Return its status once it has looked over the vault."""
        return self.wait_until(lambda status: status.ready, 60, pause)

    def wait_filled(self, seconds: float) -> StatusShape:
        """Return its status once nothing is left to do or under way."""
        return self.wait_until(
            lambda status: status.ready and not status.to_do and not status.in_hand, seconds, 0.2
        )

    def kill(self) -> None:
        """Kill -9."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Stop it as a service manager does; by force after 10 seconds."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(10)
            return
        self.kill()


@contextmanager
def running_daemon(vault: Path, program: Sequence[str] = COMPANION) -> Iterator[DaemonProcess]:
    """Run a daemon; it is ready, that is, has looked over the vault."""
    daemon = DaemonProcess(vault, program)
    try:
        daemon.wait_ready()
        yield daemon
    finally:
        daemon.stop()


@contextmanager
def fresh_folder() -> Iterator[Path]:
    """Return a folder, removed at the end, without symbolic links on the way to it."""
    # so that the daemon and the folder go, too, when the benchmark is told to end
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("told to end"))
    with tempfile.TemporaryDirectory(prefix="companion-daemon-") as name:
        yield Path(name).resolve()


def set_home(home: Path, tables: dict[str, dict[str, object]]) -> None:
    """Have this process and its daemons use a home folder of that configuration."""
    for name in ("COMPANION_BASE_URL", "COMPANION_API_KEY", "COMPANION_MODEL"):
        os.environ.pop(name, None)
    os.environ["COMPANION_HOME"] = str(home)
    home.mkdir(parents=True, exist_ok=True)
    lines: list[str] = []
    for table, settings in tables.items():
        lines.append(f"[{table}]")
        # of strings, numbers, booleans and lists of them, JSON is TOML
        lines += [f"{key} = {json.dumps(value)}" for key, value in settings.items()]
    (home / "config.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def stub_tables(base_url: str, **background: object) -> dict[str, dict[str, object]]:
    """Return the configuration for the stub endpoint. background: settings of that table."""
    table = {"enabled": True, "backlog": "all", "notes_a_day": 100_000} | background
    return {"endpoint": {"base_url": base_url, "model": "stub"}, "background": table}


def name_of(number: int) -> str:
    """Return the title of a note, which the stub knows again."""
    return f"Subject-{number:05}"


def path_of(number: int) -> str:
    """Return the note's path in the vault."""
    return f"{number // FOLDER_OF:03}/{name_of(number)}.md"


def note(number: int, description: str | None = None) -> str:
    """Return the text of a note. description: its value; "": a stub; None: without the property."""
    line = "" if description is None else f"description: {description}".rstrip() + "\n"
    return NOTE.format(number=number, name=name_of(number), description=line)


def make_vault(vault: Path, notes: int, description: str | None = "") -> Path:
    """Return the vault, with so many notes."""
    for number in range(notes):
        file = vault / path_of(number)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(note(number, description), encoding="utf-8")
    (vault / ".obsidian").mkdir(parents=True)
    return vault


def copy_vault(source: Path | None, vault: Path, notes: int) -> Path:
    """Return a copy of the vault at source; without one, a vault of so many notes, none a stub."""
    if source is None:
        return make_vault(vault, notes, "What it is about.")
    shutil.copytree(source, vault, symlinks=True)
    return vault


def read_changes(vault: Path) -> list[Change]:
    """Return what the journal of the vault holds, oldest first."""
    with Journal(state_folder(vault) / "journal.sqlite3", read_only=True) as journal:
        return journal.changes()[::-1]


def tally(asked: Counter[str]) -> str:
    """Return how often notes were asked about: `1: 498, 2: 2` for two of them twice."""
    often = Counter(asked.values())
    return ", ".join(f"{times}: {often[times]}" for times in sorted(often)) or "none"


def make_parser(doc: str | None) -> argparse.ArgumentParser:
    """Return a parser of the options that every program here has."""
    assert doc
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a few seconds, to see that it works")
    return parser


def print_table(rows: Sequence[tuple[str, object, str]]) -> None:
    """Print names, figures, and what is wanted of them."""
    shown = [f"{figure:.3f}" if isinstance(figure, float) else str(figure) for _, figure, _ in rows]
    wide, broad = max(len(name) for name, _, _ in rows), max(map(len, shown))
    for (name, _, wanted), figure in zip(rows, shown, strict=True):
        print(f"{name:{wide}}  {figure:>{broad}}  {wanted}".rstrip())


def report(broken: Sequence[str]) -> int:
    """Return the exit status, once it was said which promises do not hold."""
    print("\nbroken: " + "; ".join(broken) if broken else "\nall promises hold")
    return 1 if broken else 0
