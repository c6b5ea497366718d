"""companion init: what it asks, tries and writes; and that it writes nothing otherwise."""

import json
import os
import threading
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from companion.config.load import load_config, vault_file
from companion.doctor.machine import (
    Memory,
    ModelServer,
    Speed,
    discover_servers,
    list_served_models,
)
from tests.cli.empty_machine import empty_machine
from tests.cli.terminal import LAST, in_a_terminal
from tests.cli.user import KEY, User
from tests.llm.fake_endpoint import FakeEndpoint, answer

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX terminals")


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


def test_a_model_that_thinks_first_gets_room(user: User) -> None:
    user.fake.script = lambda seen, _n: (
        answer("Ready") if seen.body["max_tokens"] > 100 else answer("", finish="length")
    )
    ran = user.run("init", str(user.vault), "--endpoint", user.fake.url, "--model", "m")
    assert ran.status == 0 and "It answered" in ran.out


def test_the_environment_wins_and_its_key_is_tried(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPANION_API_KEY", KEY)
    ran = user.run("init", str(user.vault), "--endpoint", user.fake.url, "--model", "m")
    assert "COMPANION_API_KEY in the environment wins over the file" in ran.err
    assert user.fake.seen[0].headers["authorization"] == f"Bearer {KEY}"
    assert "api_key" not in written(user)["endpoint"]


def test_another_address_in_the_environment_keeps_its_key(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMPANION_API_KEY", KEY)
    monkeypatch.setenv("COMPANION_BASE_URL", "http://elsewhere.example/v1")
    monkeypatch.setenv("COMPANION_MODEL", "other")
    ran = user.run("init", str(user.vault), "--endpoint", user.fake.url, "--model", "m")
    assert "COMPANION_BASE_URL, COMPANION_MODEL, COMPANION_API_KEY" in ran.err
    assert ran.status == 0 and "authorization" not in user.fake.seen[0].headers


# questions


def test_a_server_found_on_this_machine(
    user: User, ollama: ListServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "companion.doctor.machine.SERVERS",
        (ModelServer("Ollama", ollama.url), ModelServer("LM Studio", "http://127.0.0.1:9/v1")),
    )
    ollama.body = b'{"data": [{"id": "a"}, {"id": "b"}]}'
    user.types("3", "b", "n", "y")  # model, which one, background, keep though it fails
    ran = user.run("init", str(user.vault))
    assert ran.status == 0, ran.all
    assert "Ollama, found on this machine: a, b" in ran.out and "LM Studio" not in ran.out
    assert written(user)["endpoint"] == {"base_url": ollama.url, "model": "b"}
    assert written(user)["background"] == {"enabled": False}
    assert "Notes are filled only when you ask" in ran.out


def test_how_long_a_note_takes_is_said(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    memory, speed = Memory(16_000_000_000, 12_000_000_000), Speed(190e9, 26e9)
    monkeypatch.setattr("companion.doctor.machine.read_memory", lambda: memory)
    monkeypatch.setattr("companion.doctor.machine.measure_speed", lambda: speed)
    user.types("1")
    ran = user.run("init", str(user.vault))
    assert "; about 8 s a note)" in ran.out, ran.all
    assert "2.5 GB, to be fetched once; about 21 s a note)" in ran.out
    assert "Recommended: 1, qwen2.5-coder-1.5b: " in ran.out
    assert "but qwen3-4b would take about 21 s a note on this machine's cores" in ran.out


@posix
def test_a_whole_dialogue_at_a_terminal(user: User) -> None:
    user.fake.play(answer("ready"))
    typed: list[tuple[str, str]] = [
        ("Number", LAST),
        ("base URL", "nonsense"),
        ("base URL", user.fake.url),
    ]
    typed += [("Model", "m"), ("API key", KEY), ("Should it", "n")]
    shown = in_a_terminal(user, ["init", str(user.vault)], answers=typed)
    assert "must be an address" in shown and KEY not in shown
    for wait in ("Looking at this machine", "Waiting for its first answer", "Trying it on a note"):
        assert wait in shown
    assert written(user) == {
        "vault": str(user.vault),
        "endpoint": {"base_url": user.fake.url, "model": "m", "api_key": KEY},
        "background": {"enabled": False},
    }


# servers of models


LISTS = [
    pytest.param(200, None, ("llama3.2:latest",), id="as usual, without what makes vectors"),
    pytest.param(200, b'{"object": "list", "data": null}', (), id="Ollama without models"),
    pytest.param(200, b"<html>", None, id="a web page"),
    pytest.param(200, b'{"data": [1]}', None, id="something else"),
    pytest.param(200, b'{"data": [{"id": 1}, {"id": "  "}]}', (), id="no names"),
    pytest.param(200, b"[" * 100_000, None, id="nested"),
    pytest.param(
        200, b'{"data": [{"id": "a\\u001b[2Jb"}]}', (), id="a name that clears the screen"
    ),
    pytest.param(404, b"{}", None, id="404"),
]


@pytest.mark.parametrize(("status", "body", "expected"), LISTS)
def test_the_models_of_a_server(
    ollama: ListServer,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    body: bytes | None,
    expected: tuple[str, ...] | None,
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setattr("companion.doctor.machine.SERVERS", (ModelServer("Ollama", ollama.url),))
    ollama.status, ollama.body = status, ollama.body if body is None else body
    assert list_served_models(ollama.url) == expected
    assert [found.models for found in discover_servers()] == (
        [] if expected is None else [expected]
    )


def test_only_this_machine_is_asked(fake: FakeEndpoint) -> None:
    assert list_served_models("http://192.0.2.1/v1") is None
    assert list_served_models("https://localhost:9/v1") is None
    assert list_served_models("http://127.0.0.1:9/v1") is None


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


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_doctor_looks_at_the_keys_of_all_vaults(user: User) -> None:
    work = set_up_two(user)
    vault_file(work).write_text(
        f'[endpoint]\nbase_url = "http://x/v1"\nmodel = "m"\napi_key = "{KEY}"'
    )
    vault_file(work).chmod(0o644)
    ran = user.run("doctor", "--no-call")
    assert ran.status == 1 and f"others may read {vault_file(work)}, which holds a key" in ran.out
