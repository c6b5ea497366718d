from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from companion.daemon.app import make_app
from companion.daemon.server import Server, bind_port, make_server
from tests.daemon.caller import JSON, Answer, Caller, make_request
from tests.daemon.fake_daemon import FakeDaemon

TOKEN = "t0ken-Of_the.owner~1"
CODE = "7Q4F-9XKM"


class Served(Caller):
    """A daemon behind a real server on a free port, and its owner, who calls it."""

    def __init__(self, daemon: FakeDaemon) -> None:
        listener = bind_port(0)
        self.daemon = daemon
        self.token = TOKEN
        self.closing = threading.Event()
        codes = [CODE]
        app = make_app(
            daemon,
            lambda bearer: bearer == TOKEN,
            lambda code: TOKEN if code in codes and not codes.remove(code) else None,  # type: ignore[func-returns-value]
            listener.getsockname()[1],
            self.closing,
        )
        self._server: Server = make_server(app, listener)
        super().__init__(self._server.port)
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()

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

    def stop(self) -> None:
        self.closing.set()
        self.close()
        self._server.stop()
        self._thread.join(10)
        assert not self._thread.is_alive()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    served = Served(FakeDaemon(tmp_path))
    yield served
    served.stop()
