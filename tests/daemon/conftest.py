from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

import pytest
from flask import Flask

from companion.daemon import http_server as web
from companion.daemon.api.client_routes import Proofs
from companion.daemon.app import make_app
from companion.daemon.daemon import Daemon
from companion.daemon.http_server import Server, bind_port
from companion.daemon.tokens import Tokens, ensure_token, prove
from companion.daemon.web.pages import PageAccess, Sessions
from tests.daemon.caller import JSON, Answer, Caller, make_request
from tests.daemon.fake_daemon import FakeDaemon

TOKEN = "t0ken-Of_the.owner~1"
CODE = "7Q4F-9XKM"
PAGE_CODE = "P4GE-C0DE"
PLACE = "c0ffee" * 5

D = TypeVar("D", bound=Daemon)


class Serving(Caller, Generic[D]):
    """A daemon behind a real server on a free port, and its owner, who calls it."""

    def __init__(
        self,
        daemon: D,
        token: str,
        accepts: Callable[[str], object],
        exchange: Callable[[str], str | None],
        prove: Callable[[int, str], Proofs | None],
        tokens: Tokens,
    ) -> None:
        listener = bind_port(0)
        self.daemon = daemon
        self.token = token
        self.closing = threading.Event()
        port = listener.getsockname()[1]
        self.page_codes = [PAGE_CODE]
        self.sessions = Sessions(daemon.root, tokens, port)
        page = PageAccess(self.sessions, self._take_page_code)
        app = make_app(daemon, accepts, exchange, prove, page, port, self.closing)
        self.app = cast(Flask, app.app)
        self._server = Server(app, listener)
        super().__init__(port)
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

    @property
    def page_headers(self) -> dict[str, str | list[str]]:
        """The headers of a request of the page, in a session of its own."""
        host = f"127.0.0.1:{self.port}"
        cookie = (self.sessions.open() or "").partition(";")[0]
        page = {"Companion-Page": "1", "Origin": f"http://{host}", "Cookie": cookie}
        return {"Host": host, **page}

    def _take_page_code(self, code: str) -> bool:
        if code in self.page_codes:
            self.page_codes.remove(code)
            return True
        return False

    def stop(self) -> None:
        self.closing.set()
        self.close()
        self._server.stop()
        self._thread.join(10)
        assert not self._thread.is_alive()


class Served(Serving[FakeDaemon]):
    """A daemon that answers from memory, for shapes and for faults that nobody can order.

    has_token: whether it has one with which to prove itself.
    """

    has_token = True

    def __init__(self, daemon: FakeDaemon) -> None:
        codes = [CODE]

        def exchange(code: str) -> str | None:
            if code not in codes:
                return None
            codes.remove(code)
            return TOKEN

        def prove_both(port: int, nonce: str) -> Proofs | None:
            if not self.has_token:
                return None
            return Proofs(prove(TOKEN, port, nonce), prove(PLACE, port, nonce))

        ensure_token()
        accepts = lambda bearer: bearer == TOKEN  # noqa: E731
        super().__init__(daemon, TOKEN, accepts, exchange, prove_both, Tokens(daemon.root))


@pytest.fixture(autouse=True)
def quick_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a server's loop notice within a moment that it shall end."""
    monkeypatch.setattr(web, "_LOOP", 0.02)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setenv("COMPANION_HOME", str(tmp_path / "home"))
    served = Served(FakeDaemon(tmp_path))
    yield served
    served.stop()
