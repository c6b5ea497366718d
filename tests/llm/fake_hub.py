"""A server on this machine that serves one file as Hugging Face does."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import pytest
from huggingface_hub import constants

from tests.llm.fake_endpoint import Server


class HubServer(Server):
    """The server. asked: method and path of each request."""

    content: bytes
    asked: list[str]


@contextmanager
def running_hub(monkeypatch: pytest.MonkeyPatch, content: bytes) -> Iterator[HubServer]:
    """Run a server that has the content as any file of `owner/repo`, in Hugging Face's place."""
    server = HubServer(_Hub)
    server.content, server.asked = content, []
    point_hub_at(server.address, monkeypatch)
    yield server
    server.close()


def point_hub_at(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have huggingface_hub ask this address."""
    template = url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)


class _Hub(BaseHTTPRequestHandler):
    server: HubServer

    def do_HEAD(self) -> None:
        self.server.asked.append(f"{self.command} {self.path}")
        self.send_response(200 if "owner/repo" in self.path else 404)
        self.send_header("X-Repo-Commit", "0" * 40)
        self.send_header("ETag", '"abc"')
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()

    def do_GET(self) -> None:
        self.do_HEAD()
        self.wfile.write(self.server.content)

    def log_message(self, *_: object) -> None:
        pass
