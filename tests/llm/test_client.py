"""Questions and answers: JSON with its fallbacks, what is learnt, what is sent, what is counted."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from companion.errors import AnswerError
from companion.llm.answer import Usage
from companion.llm.client import Client
from companion.llm.endpoint import Endpoint, JsonMode
from companion.llm.faults import Cancelled, JsonUnsupported
from tests.llm.fake_endpoint import KEY, FakeEndpoint, Scene, Seen, answer, error

ASK = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"description": {"type": "string"}},
    "required": ["description"],
}
DATA = {"description": "A measure."}
GOOD = answer(json.dumps(DATA))


def client_of(fake: FakeEndpoint, json_mode: JsonMode = "auto", **settings: Any) -> Client:
    return Client(Endpoint(fake.url, "m", KEY, json=json_mode, **settings), first_delay=0.01)


def format_of(seen: Seen) -> str:
    return str(seen.body.get("response_format", {}).get("type", "text"))


def takes(*formats: str, words: str = "response_format is not supported") -> Any:
    """A server that takes these formats only."""

    def script(seen: Seen, _n: int) -> Scene:
        return GOOD if format_of(seen) in formats else error(400, words)

    return script


JSON = [
    pytest.param("auto", ["json_schema"], ["json_schema", "json_schema"], id="schema"),
    pytest.param(
        "auto", ["json_object"], ["json_schema", "json_object", "json_object"], id="object"
    ),
    pytest.param("object", ["json_object"], ["json_object", "json_object"], id="object wanted"),
]


@pytest.mark.parametrize("words", ["response_format is not supported", "bad request"])
@pytest.mark.parametrize(("mode", "formats", "calls"), JSON)
def test_json_format_is_found_once(
    fake: FakeEndpoint, mode: JsonMode, formats: list[str], calls: list[str], words: str
) -> None:
    fake.script = takes(*formats, words=words)
    with client_of(fake, mode) as client:
        assert client.ask_json(ASK, SCHEMA, 100).data == DATA
        assert client.ask_json(ASK, SCHEMA, 100).data == DATA
    assert [format_of(seen) for seen in fake.seen] == calls


UNSUPPORTED = [
    pytest.param("auto", "response_format is not supported", 2, id="said, remembered"),
    pytest.param("auto", "bad request", 4, id="not said, tried again"),
    pytest.param("schema", "no json_schema here", 1, id="only the schema is wanted"),
    pytest.param("text", "", 0, id="configured"),
]


@pytest.mark.parametrize(("mode", "words", "calls"), UNSUPPORTED)
def test_no_json_format_at_all(fake: FakeEndpoint, mode: JsonMode, words: str, calls: int) -> None:
    fake.script = takes("text", words=words)
    with client_of(fake, mode) as client:
        for _ in range(2):
            with pytest.raises(JsonUnsupported, match="json to text"):
                client.ask_json(ASK, SCHEMA, 100)
        assert len(fake.seen) == calls
        assert client.ask_text(ASK, 100).text


ANSWERS = [
    pytest.param('{"description": "A measure."}', id="plain"),
    pytest.param('```json\n{"description": "A measure."}\n```', id="in a fence"),
    pytest.param('Sure!\n{"description": "A measure."}\nMore?', id="in prose"),
    pytest.param('<think>{"a": 1}</think>\n{"description": "A measure."}', id="after thoughts"),
    pytest.param('{"a": 1}\n</think>\n{"description": "A measure."}', id="after half a thought"),
    pytest.param([{"type": "text", "text": '{"description": "A measure."}'}], id="in parts"),
]


@pytest.mark.parametrize("content", ANSWERS)
def test_json_is_found(fake: FakeEndpoint, content: object) -> None:
    fake.play(answer(content))
    with client_of(fake) as client:
        assert client.ask_json(ASK, SCHEMA, 100).data == DATA
    assert len(fake.seen) == 1


MALFORMED = [
    pytest.param(answer('{"description": "A mea'), "not the JSON", 100, id="half"),
    pytest.param(answer("A measure."), "not the JSON", 100, id="prose"),
    pytest.param(answer('{"other": "x"}'), "not the JSON", 100, id="other keys"),
    pytest.param(answer('{"description": ["x"]}'), "not the JSON", 100, id="other type"),
    pytest.param(answer('{"description": "A mea', "length"), "cut off", 200, id="truncated"),
    pytest.param(answer(""), "empty", 100, id="empty"),
]


@pytest.mark.parametrize(("scene", "words", "tokens"), MALFORMED)
def test_malformed_json_is_asked_for_once_more(
    fake: FakeEndpoint, scene: Scene, words: str, tokens: int
) -> None:
    fake.play(scene, GOOD)
    with client_of(fake) as client:
        got = client.ask_json(ASK, SCHEMA, 100)
        assert (got.data, got.usage) == (DATA, Usage(20, 10, 2))
        assert fake.seen[1].body["max_tokens"] == tokens
        assert "JSON schema" in fake.seen[1].body["messages"][-1]["content"]
        fake.play(scene)
        with pytest.raises(AnswerError, match=words):
            client.ask_json(ASK, SCHEMA, 100)
        assert client.usage == Usage(40, 20, 4)


def test_parameters_not_taken_are_left_out_from_then_on(fake: FakeEndpoint) -> None:
    def reasoning(seen: Seen, _n: int) -> Scene:
        if "max_tokens" in seen.body:
            return error(400, "max_tokens is not supported, use max_completion_tokens")
        if "temperature" in seen.body:
            return error(400, "temperature does not support 0.2, only the default (1)")
        return GOOD

    fake.script = reasoning
    with client_of(fake) as client:
        client.ask_json(ASK, SCHEMA, 100)
        assert len(fake.seen) == 3
        client.ask_text(ASK, 100)
    assert len(fake.seen) == 4
    assert fake.seen[3].body == {"model": "m", "messages": ASK, "max_completion_tokens": 100}


def test_the_openai_package_reads_nothing_from_the_environment(
    fake: FakeEndpoint, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("API_KEY", "ADMIN_KEY", "ORG_ID", "PROJECT_ID", "WEBHOOK_SECRET"):
        monkeypatch.setenv(f"OPENAI_{name}", "leak")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/leak")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Leak: leak\nAuthorization: Bearer leak")
    monkeypatch.setenv("OPENAI_LOG", "debug")
    with Client(Endpoint(fake.url, "m")) as client:
        client.ask_text(ASK, 100)
    with client_of(fake) as client:
        client.ask_text(ASK, 100)
    first, second = fake.seen
    assert "leak" not in repr(fake.seen)
    assert set(first.headers) == {
        *("host", "content-type", "content-length", "accept", "accept-encoding", "user-agent")
    }
    assert second.headers["authorization"] == f"Bearer {KEY}"
    assert "Why?" not in "".join(capfd.readouterr())


def test_loopback_needs_no_proxy(fake: FakeEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with client_of(fake) as client:
        assert client.ask_text(ASK, 100).text


def test_elsewhere_goes_through_the_proxy(
    fake: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", fake.url.removesuffix("/v1"))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with Client(Endpoint("http://model.example/v1", "m", KEY)) as client:
        assert client.ask_text(ASK, 100).text == "fine"
    assert fake.seen[0].path == "http://model.example/v1/chat/completions"


def test_user_name_and_query_of_the_base_url_are_sent(fake: FakeEndpoint) -> None:
    url = fake.url.replace("http://", "http://me:pw@") + "?api-version=2"
    with Client(Endpoint(url, "m")) as client:
        client.ask_text(ASK, 100)
    assert fake.seen[0].path == "/v1/chat/completions?api-version=2"
    assert fake.seen[0].headers["authorization"].startswith("Basic ")


def test_many_threads_share_a_client(fake: FakeEndpoint) -> None:
    fake.script = lambda seen, _n: answer(seen.body["messages"][0]["content"])._replace(delay=0.02)
    with client_of(fake) as client, ThreadPoolExecutor(16) as pool:
        asked = [f"question {n}" for n in range(64)]
        told = pool.map(lambda q: client.ask_text([{"role": "user", "content": q}], 9).text, asked)
        assert list(told) == asked
    assert client.usage == Usage(640, 320, 64)


def test_cancelled_while_it_waits_to_try_again(fake: FakeEndpoint) -> None:
    fake.play(error(429, retry_after="30"))
    cancelled = threading.Event()
    threading.Timer(0.2, cancelled.set).start()
    start = time.monotonic()
    with Client(Endpoint(fake.url, "m"), cancelled) as client, pytest.raises(Cancelled):
        client.ask_text(ASK, 100)
    assert time.monotonic() - start < 5


def test_closed_in_the_middle_of_a_call(fake: FakeEndpoint) -> None:
    fake.play(answer("late")._replace(delay=8))
    client = client_of(fake)
    threading.Timer(0.3, client.close).start()
    start = time.monotonic()
    with pytest.raises(Cancelled):
        client.ask_text(ASK, 100)
    assert time.monotonic() - start < 5
