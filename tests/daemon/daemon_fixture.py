"""A vault with its real daemon, in this process, and an endpoint that plays the model."""

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from companion.app.run import Run
from companion.app.types.runs import NoteResult, RunRequest
from companion.app.types.status import Status
from companion.config import Config
from companion.config.settings import (
    AgentsTable,
    BackgroundTable,
    IgnoreTable,
    LimitsTable,
    PrivateTable,
    ReviewTable,
)
from companion.daemon.daemon import Daemon
from companion.enrich.configured_model import open_spending
from companion.enrich.workspace import Workspace, open_workspace
from companion.llm.endpoint import Endpoint
from companion.store.journal import Change
from tests.cli.user import FILLED, KEY, SAYS, STUB, answer_by_schema, let_it_rest
from tests.llm.fake_endpoint import FakeEndpoint, Scene, Seen, error

__all__ = ["FILLED", "SAYS", "STUB", "DaemonFixture", "eventually"]

SETTLE = 0.15  # seconds
_PATIENCE = 60.0  # seconds
_SECRETS = (KEY, "Text of mine", "What a stub is", "A stub is a short", "It grows", "Marker")


def eventually(condition: Callable[[], object], timeout: float = _PATIENCE) -> None:
    """Return once the condition holds; fail when it never does."""
    until = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < until, "it did not come to be"
        time.sleep(0.01)


class Model:
    """What the endpoint plays: it answers, thinks until it may go on, or fails."""

    def __init__(self, fake: FakeEndpoint) -> None:
        self._fake = fake
        self._may_answer = threading.Event()
        self._may_answer.set()
        self._values: dict[str, object] = dict(SAYS)
        self.fault: Scene | None = None
        fake.script = self._play

    def says(self, **values: object) -> None:
        """Say this for these fields, and the usual for the others."""
        self._values = {**SAYS, **values}

    def think(self) -> None:
        """Answer nothing until answer()."""
        self._may_answer.clear()

    def answer(self) -> None:
        """Answer what was asked, and all that will be."""
        self._may_answer.set()

    @property
    def seen(self) -> list[Seen]:
        """The questions that came in."""
        return list(self._fake.seen)

    def calls(self, about: str = "") -> int:
        """Return how many questions came in; about: those in which this word stands."""
        return sum(about in json.dumps(seen.body) for seen in list(self._fake.seen))

    def fail(self, status: int, message: str = "", code: str = "", **headers: str) -> None:
        """Answer with this error until mend()."""
        self.fault = error(status, message, code, **headers)

    def mend(self) -> None:
        """Answer again."""
        self.fault = None

    def _play(self, seen: Seen, number: int) -> Scene:
        self._may_answer.wait(_PATIENCE)
        return self.fault or answer_by_schema(seen, self._values)


class DaemonFixture:
    """Keeps a vault: writes notes, and has a daemon that may be stopped and started again."""

    def __init__(self, folder: Path, fake: FakeEndpoint) -> None:
        self.vault = folder / "vault"
        (self.vault / ".obsidian").mkdir(parents=True)
        self.model = Model(fake)
        self.settings: dict[str, Any] = {
            "enabled": None,
            "backlog": "all",
            "settle_seconds": SETTLE,
            "notes_a_day": 100,
        }
        self.limits = LimitsTable()
        self.review = ReviewTable()
        self.ignore = IgnoreTable()
        self.private = PrivateTable()
        self.agents = AgentsTable()
        self.timeout = 60.0
        self.concurrency = 4
        self.small: bool | None = None
        self.url = fake.url
        self.log = StringIO()
        self._opened = ExitStack()
        self.daemon: Daemon
        self.space: Workspace

    @property
    def config(self) -> Config:
        """The configuration of the next start."""
        endpoint = Endpoint.model_validate(
            {
                "base_url": self.url,
                "model": "m",
                "api_key": KEY,
                "timeout": self.timeout,
                "concurrency": self.concurrency,
                "small": self.small,
            }
        )
        background = BackgroundTable.model_construct(**self.settings)
        # the table itself takes no settle time this short
        config = Config(
            endpoint=endpoint,
            limits=self.limits,
            review=self.review,
            ignore=self.ignore,
            private=self.private,
            agents=self.agents,
        )
        return config.model_copy(update={"background": background})

    def start(self) -> Daemon:
        """Start the daemon."""
        daemon = self.open()
        self._opened.callback(daemon.stop)
        daemon.start()
        return daemon

    def open(self) -> Daemon:
        """Open the vault; return its daemon, whose threads are not started."""
        config = self.config
        self.space = self._opened.enter_context(open_workspace(config, self.vault))
        spending = self._opened.enter_context(open_spending(config, self.vault))
        self.daemon = Daemon(self.space, spending)
        return self.daemon

    def start_asking(self, text: str = STUB) -> Path:
        """Start the daemon, and return Stub.md, about which the model thinks until answer()."""
        self.model.think()
        self.start()
        file = self.note("Stub.md", text)
        eventually(lambda: self.model.calls() == 1)
        return file

    def stop(self) -> None:
        """Stop it."""
        self._opened.close()

    def restart(self, *open_paths: str) -> Daemon:
        """Stop the daemon, and start it again; its outbox waits until these notes are reported."""
        self.stop()
        daemon = self.start()
        daemon.presence.report("c", ())  # what it reported would hold for 45 seconds
        daemon.presence.report("desk", open_paths)
        return daemon

    def note(self, path: str, text: str | bytes = STUB, *, rests: bool = True) -> Path:
        """Write a note; rests: as if that were a minute ago."""
        file = self.vault / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        if rests:
            let_it_rest(file)
        return file

    def read(self, path: str) -> str:
        """Return the text of a note."""
        return (self.vault / path).read_bytes().decode()

    def is_filled(self, path: str) -> bool:
        """Whether the note is there, and as the model's usual words make it."""
        try:
            return self.read(path) == FILLED
        except FileNotFoundError:
            return False

    def changes(self, path: str | None = None) -> list[Change]:
        """Return what the journal holds, newest first."""
        return self.space.journal.changes(path)

    def status(self) -> Status:
        """Return the daemon's status."""
        return self.daemon.status()

    def is_idle(self) -> bool:
        """Whether the daemon has looked, and nothing waits or is in hand."""
        status = self.status()
        return status.ready and not status.in_hand and not status.background.waiting

    def is_idle_but_for_the_background(self) -> bool:
        """Whether nothing is in hand, and no run waits."""
        status = self.status()
        return not status.in_hand and not status.runs

    def run(self, *paths: str, wait: bool = True, **options: Any) -> Run:
        """Start a run; wait: until it is over."""
        run = self.daemon.start_run(RunRequest.of(paths=list(paths), **options))
        if wait:
            eventually(lambda: run.is_over)
        return run

    def editor_run(self, path: str, text: str, **options: Any) -> NoteResult:
        """Return the one result of a run on an open note, whose editor shows text and takes it."""
        run = self.run(path, wait=False, **options)
        outbox = self.daemon.outbox
        eventually(lambda: run.is_over or outbox.rows_of([path]))
        for row in outbox.rows_of([path]):
            offer = outbox.give(row.id, text)
            outbox.confirm(row.id, offer.base_sha256, offer.new_sha256)
        eventually(lambda: run.is_over)
        (result,) = run.results
        return result

    def text_made(self, result: NoteResult) -> str:
        """Return the text that the change of a result made, from the journal."""
        images = self.space.journal.images(result.change or 0)
        assert images, result.reason
        return images[1].decode()

    def rescan(self) -> None:
        """Have the daemon look over the whole vault, and return when it has."""
        self.daemon.scans.refresh(_PATIENCE)


@contextmanager
def open_daemon_fixture(
    folder: Path, fake: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> Iterator[DaemonFixture]:
    """Keep a vault whose daemon's log must hold no secret or fault of ours.

    On a slow machine, too, calls and writes under way end when it stops, and runs see what a scan
    finds: all its waits are as long as those of the tests.
    """
    monkeypatch.setenv("COMPANION_HOME", str(folder / "home"))
    for name in ("COMPANION_BASE_URL", "COMPANION_API_KEY", "COMPANION_MODEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("companion.daemon.scans._GATHER", 0.05)
    monkeypatch.setattr("companion.daemon.background._LOOK", 0.05)
    monkeypatch.setattr("companion.daemon.daemon._REPORTED", 0.05)
    monkeypatch.setattr("companion.daemon.daemon._LOOK", 0.05)
    for wait in ("daemon._STOP", "daemon._REFRESH", "scans._FIRST_SCAN"):
        monkeypatch.setattr(f"companion.daemon.{wait}", _PATIENCE)
    daemon_fixture = DaemonFixture(folder, fake)
    handler = logging.StreamHandler(daemon_fixture.log)
    log = logging.getLogger("companion")
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield daemon_fixture
    finally:
        daemon_fixture.model.answer()
        daemon_fixture.stop()
        log.removeHandler(handler)
        log.setLevel(level)
    said = daemon_fixture.log.getvalue()
    assert not [secret for secret in _SECRETS if secret in said], said
    assert "unexpected" not in said, said
    assert "Traceback" not in said, said


def statuses(run: Run) -> Mapping[str, str]:
    """Return what became of each note of the run."""
    return {entry.path: entry.status for entry in run.results}
