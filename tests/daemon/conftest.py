import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Generic, TypeVar

import pytest

from companion.app.filler import Filler
from companion.app.run import Run
from companion.app.types.runs import NoteResult
from companion.daemon.access import Access, ensure_token, new_page_address
from companion.daemon.app import make_app
from companion.daemon.daemon import Daemon
from companion.daemon.server import Server, bind_port
from companion.errors import CompanionError
from companion.vault.watch import Watch
from tests.daemon.caller import JSON, Answer, Caller, make_request
from tests.daemon.daemon_fixture import DaemonFixture, open_daemon_fixture
from tests.examples import IS_RELEASE
from tests.llm.fake_endpoint import FakeEndpoint

collect_ignore = [] if IS_RELEASE else ["test_api_fuzz.py"]  # slow to import, too

D = TypeVar("D", bound=Daemon)


class Serving(Caller, Generic[D]):
    """A daemon behind a real server on a free port, and its owner, who calls it.

    results: what runs are given, in `server`.
    """

    results: SimpleQueue[NoteResult | CompanionError]

    def __init__(self, daemon: D) -> None:
        listener = bind_port(0)
        self.daemon = daemon
        self.token = ensure_token()
        port = listener.getsockname()[1]
        self.access = Access(port)
        self.app = make_app(daemon, self.access)
        self._server = Server(self.app, listener)
        super().__init__(port)
        threading.Thread(target=self._server.run, daemon=True).start()

    @property
    def headers(self) -> dict[str, str | list[str]]:
        """The headers of a request that may come in."""
        return {"Host": f"127.0.0.1:{self.port}", "Authorization": f"Bearer {self.token}"}

    def get(self, path: str, **headers: str) -> Answer:
        """Return the answer to GET under /api/v1; underscores in names stand for hyphens."""
        return self.ask("GET", f"/api/v1{path}", b"", **headers)

    def post(self, path: str, value: Any = None) -> Answer:
        """Return the answer to POST under /api/v1, of a value as JSON or of raw bytes."""
        body = value if isinstance(value, bytes) else json.dumps(value or {}).encode()
        return self.ask("POST", f"/api/v1{path}", body, Content_Type=JSON)

    def ask(self, method: str, target: str, body: bytes = b"", **headers: str) -> Answer:
        """Return the answer to a request of the owner's."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = make_request(method, target, self.headers | named, body)
        return self.send(request, has_body=method != "HEAD")

    def report_open(self, *paths: str) -> list[dict[str, Any]]:
        """Report these notes as open in an editor, and return the edits that wait for it."""
        assert self.post("/presence", {"client": "c", "open": list(paths)}).status == 200
        edits: list[dict[str, Any]] = self.get("/feed?client=c").json["edits"]
        return edits

    @property
    def page_headers(self) -> dict[str, str | list[str]]:
        """The headers of a request of the page, in a session of its own."""
        host = f"127.0.0.1:{self.port}"
        session = self.access.open_session(new_page_address(self.port).partition("=")[2])
        return {"Host": host, "Origin": f"http://{host}", "Authorization": f"Bearer {session}"}

    def stop(self) -> None:
        self.daemon.feed.close()
        self.close()
        self._server.stop()


Served = Serving[Daemon]


@pytest.fixture
def daemon_fixture(
    tmp_path: Path, fake: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> Iterator[DaemonFixture]:
    """A vault with its daemon, not started yet."""
    with open_daemon_fixture(tmp_path, fake, monkeypatch) as daemon_fixture:
        yield daemon_fixture


@pytest.fixture
def server(daemon_fixture: DaemonFixture, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A daemon without its threads, for a vault with one stub, Stub.md.

    A run waits until the test gives it results, or a fault, unless it is cancelled.
    """
    results = SimpleQueue[NoteResult | CompanionError]()

    def fill(_self: Filler, run: Run, *_: object, **__: object) -> Iterator[NoteResult]:
        while not run.is_cancelled and run.counts.total() < run.total:
            with suppress(Empty):
                result = results.get(timeout=0.05)
                if isinstance(result, CompanionError):
                    raise result
                yield result

    monkeypatch.setattr(Filler, "fill", fill)
    monkeypatch.setattr(Watch, "ensure", lambda _: None)
    daemon_fixture.note("Stub.md")
    daemon = daemon_fixture.open()
    daemon.scans.scan_all()
    served = Served(daemon)
    served.results = results
    yield served
    served.stop()
