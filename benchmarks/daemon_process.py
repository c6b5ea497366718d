"""Companion's commands in processes of their own: a daemon, and what runs to its end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar
from urllib.request import Request, urlopen

from pydantic import BaseModel

from companion.app.open_vault import find_daemon
from companion.app.types.status import Status
from companion.config import state_folder
from companion.daemon.access import read_token
from companion.daemon.process import log_file

COMPANION = ("-m", "companion")
M = TypeVar("M", bound=BaseModel)


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

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def log(self) -> str:
        """What its log says."""
        return log_file(self.state).read_text(encoding="utf-8")

    def status(self) -> Status | None:
        """Return how it stands; None while it does not answer yet."""
        if self._process.poll() is not None:
            last = self._words.read_text(encoding="utf-8")[-2000:]
            raise BrokenOff(f"the daemon ended with {self._process.returncode}: {last}")
        place = find_daemon(self.state)
        if place is None or place.pid != self.pid:
            return None
        with suppress(OSError):
            return self.ask("/status", Status)
        return None

    def require_status(self) -> Status:
        """Return how it stands."""
        return self.ask("/status", Status)

    def ask(self, path: str, model: type[M], body: object = None) -> M:
        """Return its answer to GET, or to POST of a body. Raises OSError."""
        place = find_daemon(self.state)
        assert place
        headers = {"Authorization": f"Bearer {read_token()}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"http://127.0.0.1:{place.port}/api/v1{path}", data, headers)
        with urlopen(request, timeout=30) as answer:
            return model.model_validate_json(answer.read())

    def wait_until(
        self, holds: Callable[[Status], bool], seconds: float, pause: float = 0.05
    ) -> Status:
        """Return its status once that holds. Raises BrokenOff when it takes longer."""
        until = time.monotonic() + seconds
        status = None
        while time.monotonic() < until:
            status = self.status()
            if status and holds(status):
                return status
            time.sleep(pause)
        raise BrokenOff(f"not there after {seconds:g} s: {status}")

    def wait_ready(self, pause: float = 0.05) -> Status:
        """Return its status once it has looked over the vault."""
        return self.wait_until(lambda status: status.ready, 60, pause)

    def wait_filled(self, seconds: float) -> Status:
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


def run_companion(vault: Path, *words: str, check: bool = False, **environment: str) -> str:
    """Return what a command prints, which is run in the vault. environment: added to our own.

    Raises CalledProcessError if it is to be checked, and fails.
    """
    done = subprocess.run(
        [sys.executable, *COMPANION, *words, "--vault", str(vault)],
        cwd=vault,
        env={**os.environ, "PYTHONPATH": str(Path.cwd()), **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        check=check,
    )
    return done.stdout


def read_objects(vault: Path, *words: str) -> list[dict[str, Any]]:
    """Return the JSON objects that a command prints, a line each; see run_companion."""
    lines = run_companion(vault, *words, "--json").split("\n")
    return [json.loads(line) for line in lines if line.startswith("{")]
