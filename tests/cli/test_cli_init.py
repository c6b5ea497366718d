"""companion init: what it asks, tries and writes; and that it writes nothing otherwise."""

import json
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from companion.cli.model import recommend_model
from companion.config.load import load_config
from companion.llm.local_server import complete_address, list_served_models
from tests.cli.empty_machine import empty_machine
from tests.cli.user import KEY, User
from tests.llm.fake_endpoint import FakeEndpoint


class ListServer(ThreadingHTTPServer):
    """Answers GET /v1/models with `body`, as Ollama and LM Studio do."""

    daemon_threads = True
    status = 200
    body = b'{"object": "list", "data": [{"id": "llama3.2:latest"}, {"id": "nomic-embed-text"}]}'

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: ListServer

    def do_GET(self) -> None:
        right = self.path == "/v1/models" and "authorization" not in self.headers
        self.send_response(self.server.status if right else 418)
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def ollama() -> Iterator[ListServer]:
    server = ListServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def nothing_set(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is configured yet, no server of models runs here, and the plugin was built."""
    (user.home / "config.toml").unlink()
    empty_machine(user, monkeypatch)


def written(user: User) -> dict[str, Any]:
    """Return what the configuration file says."""
    return tomllib.loads((user.home / "config.toml").read_text(encoding="utf-8"))


def test_the_environment_wins_and_its_key_is_tried(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPANION_API_KEY", KEY)
    ran = user.run("init", str(user.vault), "--endpoint", user.fake.url, "--model", "m")
    assert "Before the file's settings come those of COMPANION_API_KEY" in ran.err
    assert user.fake.seen[0].headers["authorization"] == f"Bearer {KEY}"
    assert "api_key" not in written(user)["endpoint"]


# questions


def test_a_server_found_on_this_machine(
    user: User, ollama: ListServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers = (("Ollama", ollama.url), ("LM Studio", "http://127.0.0.1:9/v1"))
    monkeypatch.setattr("companion.cli.init.SERVERS", servers)
    ollama.body = b'{"data": [{"id": "a"}, {"id": "b"}]}'
    user.types("2", "n")
    ran = user.run("init", str(user.vault), "--no-test")
    assert ran.status == 0, ran.all
    assert "b, in Ollama on this machine" in ran.out and "LM Studio" not in ran.out
    assert written(user)["endpoint"] == {"base_url": ollama.url, "model": "b"}
    assert written(user)["background"] == {"enabled": False}


def test_a_wrong_address_is_asked_for_again(user: User) -> None:
    address = user.fake.url.removeprefix("http://").removesuffix("/v1")
    user.types("4", "localhost:9", "m", "", "4", address, "m", KEY, "n")
    ran = user.run("init", str(user.vault), "--no-plugin")
    assert ran.status == 0 and ran.err.count("Which model") + ran.out.count("Which model") == 2
    assert KEY not in ran.all
    assert written(user)["endpoint"] == {"base_url": user.fake.url, "model": "m", "api_key": KEY}


@pytest.mark.parametrize(
    ("free", "has_hub", "name"),
    [
        (9e9, True, "qwen3-4b"),
        (4e9, True, "qwen3-1.7b"),
        (1e8, True, "qwen2.5-coder-1.5b"),
        (9e9, False, "qwen2.5-coder-1.5b"),
    ],
)
def test_what_is_recommended_fits_and_can_be_fetched(
    monkeypatch: pytest.MonkeyPatch, free: float, has_hub: bool, name: str
) -> None:
    class Memory:
        available = free

    monkeypatch.setattr("psutil.virtual_memory", Memory)
    monkeypatch.setattr("companion.cli.model.is_on_hub", lambda _hub: has_hub)
    assert recommend_model() == name


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("localhost:18101", "http://localhost:18101/v1"),
        (" https://x.example/v1 ", "https://x.example/v1"),
        ("http://x.example/api", "http://x.example/api"),
    ],
)
def test_an_address_is_completed(typed: str, address: str) -> None:
    assert complete_address(typed) == address


# servers of models


LISTS = [
    pytest.param(200, None, ["llama3.2:latest"], id="as usual, without what makes vectors"),
    pytest.param(200, b'{"object": "list", "data": null}', [], id="Ollama without models"),
    pytest.param(200, b"<html>", [], id="a web page"),
    pytest.param(200, b'{"data": [1]}', [], id="something else"),
    pytest.param(200, b"[" * 100_000, [], id="nested"),
    pytest.param(404, b"{}", [], id="404"),
]


@pytest.mark.parametrize(("status", "body", "expected"), LISTS)
def test_the_models_of_a_server(
    ollama: ListServer, status: int, body: bytes | None, expected: list[str]
) -> None:
    ollama.status, ollama.body = status, ollama.body if body is None else body
    assert list_served_models(ollama.url) == expected


def test_only_this_machine_is_asked(fake: FakeEndpoint) -> None:
    assert list_served_models("http://192.0.2.1/v1") == []
    assert list_served_models("https://localhost:9/v1") == []
    assert list_served_models("http://127.0.0.1:9/v1") == []


def test_the_only_model_needs_no_name(user: User, ollama: ListServer) -> None:
    ran = user.run("init", str(user.vault), "--endpoint", ollama.url, "--no-test")
    assert ran.status == 0 and written(user)["endpoint"]["model"] == "llama3.2:latest"
    ollama.body = json.dumps({"data": [{"id": "a"}, {"id": "b"}]}).encode()
    ran = user.run("init", str(user.vault), "--endpoint", ollama.url, "--no-test")
    assert ran.status == 2 and "it has: a, b" in ran.err


# a second vault


def set_up_two(user: User) -> Path:
    """Set up the vault, and return another one, which has settings of its own now."""
    user.configure(f'[endpoint]\nbase_url = "{user.fake.url}"\nmodel = "m"\n')
    work = user.home.parent / "Work"
    (work / ".obsidian").mkdir(parents=True)
    for root, option in ((user.vault, "--yes"), (work, "--embedded")):
        assert user.run("init", str(root), option, "--no-test", "--no-plugin").status == 0
    return work


def test_its_daemon_gets_its_port_and_its_model(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = set_up_two(user)
    served: list[tuple[bool, Path, int]] = []
    monkeypatch.setattr(
        "companion.daemon.process.serve",
        lambda root, port, ready: served.append((load_config(root).is_embedded, root, port)),
    )
    for root in (user.vault, work):
        assert user.run("serve", "--vault", str(root)).status == 0
    assert served == [(False, user.vault, 27182), (True, work, 27183)]
