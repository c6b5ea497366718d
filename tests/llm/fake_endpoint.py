"""A real HTTP server on this machine that plays what endpoints do wrong."""

import json
import threading
import time
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import MappingProxyType
from typing import Any, NamedTuple

KEY = "sk-test-Zx81QqLrT0pSecret"


class Scene(NamedTuple):
    """One reply: after `delay` seconds, cut short after `cut` bytes of the body."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = MappingProxyType({"content-type": "application/json"})
    delay: float = 0.0
    cut: int | None = None


class Seen(NamedTuple):
    """One request as it came in. connection: the client's port."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    at: float
    connection: int = 0


Script = Callable[[Seen, int], Scene]


class FakeEndpoint:
    """Plays `script`, which gets the request and its number from 0.

    pages: what GET answers, JSON or a scene. requested: the paths that were asked for by GET.
    """

    def __init__(self, host: str = "127.0.0.1") -> None:
        self.script: Script = lambda _seen, _n: answer("fine")
        self.seen: list[Seen] = []
        self.pages: dict[str, object] = {}
        self.requested: list[str] = []
        self._server = Server(_Handler, host)
        self._server.fake = self
        self.url = f"{self._server.address}/v1"

    def play(self, *scenes: Scene) -> None:
        """Play the scenes in order, the last one again and again."""
        self.script = lambda _seen, n: scenes[min(n, len(scenes) - 1)]

    def close(self) -> None:
        self._server.close()


def answer(content: Any, finish: str = "stop", **message: Any) -> Scene:
    """A chat completion with this content."""
    data = {
        "object": "chat.completion",
        "choices": [
            {
                "index": 0,
                "finish_reason": finish,
                "message": {"role": "assistant", "content": content, **message},
            }
        ],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15},
    }
    return Scene(body=json.dumps(data).encode())


def error(status: int, message: str = "", code: str = "", **headers: str) -> Scene:
    """An error as OpenAI writes it. Underscores in header names stand for hyphens."""
    body = json.dumps({"error": {"message": message, "code": code}}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Scene(status, body, {"content-type": "application/json", **named})


def reply(status: int, data: object) -> Scene:
    """A reply with this JSON."""
    return Scene(status, json.dumps(data).encode())


class Server(ThreadingHTTPServer):
    """A server in a thread. fake: who plays it."""

    daemon_threads = True
    request_queue_size = 256
    fake: Any

    def __init__(self, handler: type[BaseHTTPRequestHandler], host: str = "127.0.0.1") -> None:
        super().__init__((host, 0), handler)
        self.address = f"http://{host}:{self.server_port}"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Clients that hang up are part of the play."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        port = self.client_address[1]
        seen = Seen(self.path, headers, json.loads(data), time.monotonic(), port)
        fake = self.server.fake
        fake.seen.append(seen)
        self._perform(fake.script(seen, len(fake.seen) - 1))

    def do_GET(self) -> None:
        fake = self.server.fake
        fake.requested.append(self.path)
        page = fake.pages.get(self.path, error(404))
        self._perform(page if isinstance(page, Scene) else reply(200, page))

    def _perform(self, scene: Scene) -> None:
        time.sleep(scene.delay)
        self.send_response(scene.status)
        for name, value in scene.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(scene.body)))
        self.end_headers()
        self.wfile.write(scene.body[: scene.cut])
        if scene.cut is not None:
            self.close_connection = True
            self.connection.close()

    def log_message(self, *_: object) -> None:
        pass
