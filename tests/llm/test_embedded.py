"""The embedded model, for real: it answers us and nobody else, and is there only when needed."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from companion.llm.catalog import pull_model
from companion.llm.client import Client
from companion.llm.embedded import EmbeddedServer, ModelNotStarted
from companion.llm.request import Question

pytestmark = pytest.mark.model

ASK = [{"role": "user", "content": "Yes or no?"}]
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"answer": {"type": "string", "enum": ["yes", "no"]}},
    "required": ["answer"],
    "additionalProperties": False,
}
LONG: dict[str, Any] = {
    "type": "object",
    "properties": {
        "list": {"type": "array", "items": {"type": "boolean"}, "minItems": 12, "maxItems": 12}
    },
    "required": ["list"],
}
unix_only = pytest.mark.skipif(sys.platform == "win32", reason="uses signals of Unix")


@pytest.fixture(scope="module")
def model() -> Path:
    return pull_model("smollm2-135m", lambda _done, _total: None)


@pytest.fixture(scope="module")
def server(model: Path) -> Iterator[EmbeddedServer]:
    with EmbeddedServer(model, "smollm2-135m", context_tokens=1024, threads=1) as server:
        yield server


@pytest.fixture
def client(server: EmbeddedServer) -> Iterator[Client]:
    with Client(server) as client:
        yield client


def status_of(url: str, key: str = "", method: str = "GET", **headers: str) -> tuple[int, str]:
    """Return the status, and what browsers of other origins may read the answer."""
    sent = {"Origin": "http://evil.example", **headers}
    if key:
        sent["Authorization"] = f"Bearer {key}"
    request = urllib.request.Request(url, headers=sent, method=method)
    if method == "POST":
        request.data = b'{"messages": [{"role": "user", "content": "hi"}], "max_tokens": 1}'
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=60) as reply:
            return reply.status, reply.headers.get("Access-Control-Allow-Origin") or ""
    except urllib.error.HTTPError as error:
        return error.code, error.headers.get("Access-Control-Allow-Origin") or ""


def wait_for(happened: Callable[[], bool], seconds: float = 60) -> bool:
    end = time.monotonic() + seconds
    while not happened() and time.monotonic() < end:
        time.sleep(0.05)
    return happened()


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


READ = (
    "/v1/models",
    "/models",
    "/slots",
    "/props",
    "/metrics",
    "/tools",
    "/lora-adapters",
    "/v1/x",
)
TAKEN = ("/v1/chat/completions", "/completion", "/props", "/tokenize")
ROUTES = [
    *(("GET", route, key, 401) for route in READ for key in ("", "wrong")),
    *(("POST", route, "", 401) for route in TAKEN),
    *(("GET", route, "right", 501) for route in ("/slots", "/metrics")),
    *(("GET", route, "right", 404) for route in ("/", "/index.html")),
]


@pytest.mark.parametrize(("method", "route", "key", "status"), ROUTES)
def test_only_what_is_needed_is_open(
    server: EmbeddedServer, method: str, route: str, key: str, status: int
) -> None:
    with server.lease() as endpoint:
        url = endpoint.address.removesuffix("/v1") + route
        key = endpoint.key if key == "right" else key
        assert status_of(url, key, method) == (status, "")


def test_browsers_of_other_origins_may_not_ask(server: EmbeddedServer) -> None:
    wanted = {"Access-Control-Request-Method": "POST"}
    with server.lease() as endpoint:
        url = f"{endpoint.base_url}/chat/completions"
        assert status_of(url, method="OPTIONS", **wanted)[1] == ""


@unix_only
def test_the_key_is_in_no_argument_and_no_environment(server: EmbeddedServer) -> None:
    with server.lease() as endpoint:
        shown = Path(f"/proc/{server.pid}")
        if not shown.exists():
            pytest.skip("needs /proc")
        key = endpoint.key.encode()
        assert key not in (shown / "cmdline").read_bytes()
        assert key not in (shown / "environ").read_bytes()
        assert server.pid is not None
        assert os.getpriority(os.PRIO_PROCESS, server.pid) >= 5


@unix_only
def test_starts_again_when_it_was_killed(server: EmbeddedServer, client: Client) -> None:
    client.ask(Question(ASK, 40, SCHEMA))
    killed = server.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    assert client.ask(Question(ASK, 40, SCHEMA)).data
    assert server.pid not in (None, killed)


@unix_only
def test_killed_in_the_middle_of_a_call(server: EmbeddedServer, client: Client) -> None:
    client.ask(Question(ASK, 40, SCHEMA))
    killed = server.pid
    assert killed is not None
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(client.ask, Question(ASK, 400, LONG))
        time.sleep(0.2)
        os.kill(killed, signal.SIGKILL)
        assert asked.result(300).data


def test_stops_when_idle_and_not_in_the_middle_of_a_call(model: Path) -> None:
    with EmbeddedServer(model, context_tokens=1024, threads=1, idle=0.4) as server:
        assert server.pid is None
        with server.lease():
            time.sleep(0.8)
            assert server.pid is not None
        assert wait_for(lambda: server.pid is None)


@unix_only
def test_processes_share_one(model: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from companion.llm.embedded import EmbeddedServer\n"
        "with EmbeddedServer(Path(sys.argv[1]), context_tokens=1024, threads=1) as server:\n"
        "  with server.lease() as endpoint: print(server.pid, endpoint.base_url, flush=True)\n"
        "  sys.stdin.read()\n"
    )
    root = str(Path(__file__).parents[2])
    users = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(model)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": root},
        )
        for _ in range(3)
    ]
    seen = {user.stdout.readline() for user in users if user.stdout}
    assert len(seen) == 1
    pid = int(seen.pop().split()[0])
    for user in users[:2]:
        user.communicate()
    assert is_running(pid)
    users[2].kill()
    users[2].communicate()
    assert wait_for(lambda: not is_running(pid))


def test_no_model_is_told(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"not a model")
    with EmbeddedServer(broken) as server:
        with pytest.raises(ModelNotStarted, match=r"broken cannot be started \("), server.lease():
            pass
        assert server.pid is None
