"""A daemon in a process of its own, as `companion serve` starts it."""

import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from companion.app.types.status import Status
from companion.config import state_folder
from companion.daemon.access import read_token
from companion.daemon.process import log_file
from tests.cli.user import Process, User

PATIENCE = 90.0  # seconds; a loaded machine is slow
QUIET = "[endpoint]\nconcurrency = 1\n[background]\nenabled = false\n"
_AT = re.compile(r"^Companion serves .* on http://127\.0\.0\.1:(\d+)")


class Serving:
    """A daemon that answers. said: what it has printed so far. errors: its standard error."""

    def __init__(self, user: User, process: Process, errors: Path) -> None:
        self.user = user
        self.process = process
        self.errors = errors
        self.said = ""
        self.port = self._wait_until_ready()

    @property
    def state(self) -> Path:
        """The vault's state folder. The user's settings have to be those in force."""
        return state_folder(self.user.vault)

    @property
    def log(self) -> str:
        """Everything in its log."""
        return log_file(self.state).read_text(encoding="utf-8")

    def status(self) -> Status:
        """Return its status."""
        return Status.model_validate(self.ask("/status"))

    def ask(self, path: str, body: object = None) -> Any:
        """Return its answer to GET, or to POST of a body."""
        headers = {"Authorization": f"Bearer {read_token()}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"http://127.0.0.1:{self.port}/api/v1{path}", data, headers)
        with urlopen(request, timeout=PATIENCE) as answer:
            return json.loads(answer.read())

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send it a signal; return its exit status."""
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def _wait_until_ready(self) -> int:
        assert self.process.stdout
        port = 0
        for line in self.process.stdout:
            self.said += line
            if found := _AT.search(line):
                port = int(found[1])
            if line.startswith("Ctrl-C"):
                return port
        raise AssertionError(f"it did not start: {self.said}{self.errors.read_text()}")


@contextmanager
def serving(user: User, *arguments: str, **options: Any) -> Iterator[Serving]:
    """Serve the user's vault on a free port, until the end of the block at the latest."""
    errors = user.home.parent / f"errors-{os.urandom(4).hex()}"
    with errors.open("w") as stderr:
        process = user.start("serve", "--port", "0", *arguments, stderr=stderr, **options)
    with process:
        try:
            yield Serving(user, process, errors)
        finally:
            process.kill()


def wait_until_scanned(daemon: Serving) -> None:
    """Return once the daemon has looked over the vault: what is saved later did not lie there."""
    wait_until(lambda: daemon.status().ready, "looked over the vault")


def wait_until(is_so: Callable[[], object], what: str) -> None:
    """Return once it is so."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, f"not within {PATIENCE} s: {what}"
        time.sleep(0.02)
