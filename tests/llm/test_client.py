"""Questions and answers: JSON with its fallbacks, what is learnt, what is sent, what is counted."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from companion.errors import CompanionError, UsageError
from companion.llm.answers import NoAnswer, Usage
from companion.llm.budget import Budget, Caps, LimitReached, OverWholeLimit
from companion.llm.client import Client
from companion.llm.embedded import EmbeddedEndpoint
from companion.llm.endpoint import Endpoint, JsonMode
from companion.llm.errors import (
    Cancelled,
    EndpointDown,
    RequestRejected,
)
from companion.llm.request import Question
from tests.llm.fake_endpoint import KEY, FakeEndpoint, Scene, Seen, answer, error, reply

ASK = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"description": {"type": "string"}},
    "required": ["description"],
}
DATA = {"description": "A measure."}
GOOD = answer(json.dumps(DATA))


def client_of(
    fake: FakeEndpoint, json_mode: JsonMode = "auto", kind: type[Endpoint] = Endpoint, **more: Any
) -> Client:
    key = SecretStr(KEY)
    endpoint = kind(base_url=fake.url, model="m", api_key=key, json_mode=json_mode, **more)
    return Client(endpoint)


def format_of(seen: Seen) -> str:
    return str(seen.body.get("response_format", {}).get("type", "text"))


def takes(*formats: str) -> Any:
    """A server that takes these formats only."""
    return lambda seen, _n: GOOD if format_of(seen) in formats else error(400, "bad request")


JSON = [
    pytest.param("auto", ["json_schema"], ["json_schema", "json_schema"], id="schema"),
    pytest.param("auto", ["text"], ["json_schema", "text", "text"], id="prompt"),
    pytest.param("prompt", ["text"], ["text", "text"], id="prompt wanted"),
]


@pytest.mark.parametrize(("mode", "formats", "calls"), JSON)
def test_json_format_is_found_once(
    fake: FakeEndpoint, mode: JsonMode, formats: list[str], calls: list[str]
) -> None:
    fake.script = takes(*formats)
    with client_of(fake, mode) as client:
        assert client.ask(Question(ASK, 100, SCHEMA)).data == DATA
        assert client.ask(Question(ASK, 100, SCHEMA)).data == DATA
    assert [format_of(seen) for seen in fake.seen] == calls
    in_prompt = json.dumps(SCHEMA) in fake.seen[-1].body["messages"][-1]["content"]
    assert in_prompt == (calls[-1] != "json_schema")


@pytest.mark.parametrize(("mode", "calls"), [("auto", 4), ("schema", 2)])
def test_what_is_rejected_in_each_format_is_told(
    fake: FakeEndpoint, mode: JsonMode, calls: int
) -> None:
    fake.play(error(400, "bad request"))
    with client_of(fake, mode) as client:
        for _ in range(2):
            with pytest.raises(RequestRejected, match="bad request"):
                client.ask(Question(ASK, 100, SCHEMA))
    assert len(fake.seen) == calls


ANSWERS = [
    pytest.param('{"description": "A measure."}', id="plain"),
    pytest.param('```json\n{"description": "A measure."}\n```', id="in a fence"),
    pytest.param('Sure!\n{"description": "A measure."}\nMore?', id="in prose"),
    pytest.param('{"a": 1}\n</think>\n{"description": "A measure."}', id="after half a thought"),
]


@pytest.mark.parametrize("content", ANSWERS)
def test_json_is_found(fake: FakeEndpoint, content: object) -> None:
    fake.play(answer(content))
    with client_of(fake) as client:
        assert client.ask(Question(ASK, 100, SCHEMA)).data == DATA
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
        got = client.ask(Question(ASK, 100, SCHEMA))
        assert (got.data, got.usage) == (DATA, Usage(20, 10, 2))
        assert fake.seen[1].body["max_tokens"] == tokens
        assert "JSON schema" in fake.seen[1].body["messages"][-1]["content"]
        fake.play(scene)
        with pytest.raises(NoAnswer, match=words) as failed:
            client.ask(Question(ASK, 100, SCHEMA))
        assert failed.value.usage == Usage(20, 10, 2)
        assert client.usage == Usage(40, 20, 4)


def test_what_is_complete_in_an_answer_that_was_cut_off_twice_is_used(fake: FakeEndpoint) -> None:
    names = ("description", "tags", "count", "callout")
    properties = {name: {"type": "string"} for name in names} | {"tags": {"type": "array"}}
    schema = {**SCHEMA, "properties": properties, "required": list(names)}
    text = '{"description": "A measure.", "tags": ["a", "b"], "count": 3, "callout": "It is'
    fake.play(answer(text, "length"))
    with client_of(fake) as client:
        got = client.ask(Question(ASK, 100, schema))
    assert got.data == {"description": "A measure.", "tags": ["a", "b"]}
    assert len(fake.seen) == 2


def test_the_embedded_model_that_runs_on_is_not_asked_again(fake: FakeEndpoint) -> None:
    properties = {"description": {"type": "string"}, "callout": {"type": "string"}}
    fake.play(answer('{"description": "A measure.", "callout": "It is', "length"))
    with client_of(fake, kind=EmbeddedEndpoint) as client:
        assert client.ask(Question(ASK, 100, {**SCHEMA, "properties": properties})).data == DATA
    assert len(fake.seen) == 1


def test_parameters_not_taken_are_left_out_from_then_on(fake: FakeEndpoint) -> None:
    def reasoning(seen: Seen, _n: int) -> Scene:
        if "max_tokens" in seen.body:
            return error(400, "max_tokens is not supported, use max_completion_tokens")
        if "temperature" in seen.body:
            return error(400, "temperature does not support 0.2, only the default (1)")
        return GOOD

    fake.script = reasoning
    with client_of(fake) as client:
        client.ask(Question(ASK, 100, SCHEMA))
        assert len(fake.seen) == 3
        client.ask(Question(ASK, 100))
    assert len(fake.seen) == 4
    rest = {"model": "m", "messages": ASK, "max_completion_tokens": 8292, "stream": False}
    assert fake.seen[3].body == rest


def test_only_the_embedded_model_is_told_of_its_sampler(fake: FakeEndpoint) -> None:
    for kind in (Endpoint, EmbeddedEndpoint):
        with client_of(fake, kind=kind) as client:
            client.ask(Question(ASK, 100, longest_copy=8))
    assert [seen.body.get("dry_allowed_length") for seen in fake.seen] == [None, 4]


def test_the_openai_package_reads_nothing_from_the_environment(
    fake: FakeEndpoint, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in ("API_KEY", "ADMIN_KEY", "ORG_ID", "PROJECT_ID", "WEBHOOK_SECRET"):
        monkeypatch.setenv(f"OPENAI_{name}", "leak")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/leak")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Leak: leak\nHost: leak\naccept: leak")
    monkeypatch.setenv("OPENAI_LOG", "debug")
    with Client(Endpoint(base_url=fake.url, model="m")) as client:
        client.ask(Question(ASK, 100))
    with client_of(fake) as client:
        client.ask(Question(ASK, 100))
    first, second = fake.seen
    assert "leak" not in repr(fake.seen)
    assert set(first.headers) == {
        *("host", "content-type", "content-length", "accept", "accept-encoding", "user-agent"),
    }
    assert second.headers["authorization"] == f"Bearer {KEY}"
    assert "Why?" not in "".join(capfd.readouterr())


def test_loopback_needs_no_proxy(fake: FakeEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with client_of(fake) as client:
        assert client.ask(Question(ASK, 100)).text


def test_elsewhere_goes_through_the_proxy(
    fake: FakeEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", fake.url.removesuffix("/v1"))
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with Client(
        Endpoint(base_url="http://model.example/v1", model="m", api_key=SecretStr(KEY))
    ) as client:
        assert client.ask(Question(ASK, 100)).text == "fine"
    assert fake.seen[0].path == "http://model.example/v1/chat/completions"
    assert fake.seen[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("end", ["", "/"])
def test_user_name_and_query_of_the_base_url_are_sent(fake: FakeEndpoint, end: str) -> None:
    url = fake.url.replace("http://", "http://me:pw@") + f"{end}?api-version=2"
    with Client(Endpoint(base_url=url, model="m")) as client:
        client.ask(Question(ASK, 100))
    assert fake.seen[0].path == "/v1/chat/completions?api-version=2"
    assert fake.seen[0].headers["authorization"].startswith("Basic ")


def test_a_base_url_that_no_server_can_have_is_told() -> None:
    endpoint = Endpoint(base_url=f"http://me:{KEY}@a\x01b/v1", model="m")
    with (
        Client(endpoint) as client,
        pytest.raises(UsageError, match="address, the proxy") as caught,
    ):
        client.ask(Question(ASK, 100))
    assert KEY not in str(caught.value)


def test_cancelled_while_it_waits_to_try_again(fake: FakeEndpoint) -> None:
    cancelled = threading.Event()

    def refuse(_seen: Seen, _n: int) -> Scene:
        threading.Timer(0.2, cancelled.set).start()
        return error(429, retry_after="30")

    fake.script = refuse
    with (
        Client(Endpoint(base_url=fake.url, model="m"), cancelled) as client,
        pytest.raises(Cancelled),
    ):
        client.ask(Question(ASK, 100))
    assert len(fake.seen) == 1


def test_calls_at_once_keep_a_connection_each(fake: FakeEndpoint) -> None:
    together = threading.Barrier(4)
    fake.script = lambda _seen, _n: (together.wait(60), answer("fine"))[1]
    with client_of(fake) as client, ThreadPoolExecutor(4) as pool:
        for _ in range(3):
            list(pool.map(lambda _: client.ask(Question(ASK, 100)), range(4)))
    assert len(fake.seen) == 12
    assert len({seen.connection for seen in fake.seen}) == 4


def close_at_call(client: Client) -> Any:
    """A server that closes the client in the middle of a call."""

    def script(_seen: Seen, _n: int) -> Scene:
        threading.Timer(0.2, client.close).start()
        return answer("late")._replace(delay=8)

    return script


@pytest.fixture
def budget(tmp_path: Path) -> Iterator[Budget]:
    with Budget(tmp_path / "spending.sqlite3", lambda: Caps(lambda *_: 0)) as budget:
        yield budget


def told(content: str, usage: object, **more: object) -> Scene:
    data = json.loads(answer(content).body)
    return answer(content)._replace(body=json.dumps({**data, "usage": usage, **more}).encode())


HTML = Scene(200, b"<!doctype html>", {"content-type": "text/html"})
LATE = answer("late")._replace(delay=5.0)
BROKEN_OFF = reply(  # as OpenRouter has it
    200,
    {
        "choices": [{"message": {"content": "Half"}, "error": {"code": 502}}],
        "usage": {"prompt_tokens": 500, "completion_tokens": 100},
    },
)
WITH_200 = reply(200, {"error": {"message": "busy", "code": 503}})
ESTIMATE = (21, 100)  # for ASK: 9 and 4 letters, four a token, and 8 tokens around each message
COSTS = [
    pytest.param([answer("fine")], (10, 5), 1, id="as the endpoint counts"),
    pytest.param([told("fine", {"completion_tokens": 7})], (21, 7), 1, id="half of it told"),
    pytest.param([told("fine", None)], ESTIMATE, 1, id="nothing told"),
    pytest.param(
        [told("fine", {"prompt_tokens": 9, "completion_tokens": 7, "total_tokens": 90})],
        (9, 81),
        1,
        id="thoughts in the total alone, as Google has it",
    ),
    pytest.param([Scene(200, answer("fine").body[:40])], (42, 200), 2, id="half a reply, twice"),
    pytest.param([Scene(200, answer("fine").body[:40]), answer("fine")], (31, 105), 2, id="half"),
    pytest.param([answer("", "length"), answer("fine")], (20, 10), 2, id="asked once more"),
    pytest.param([error(500), error(429), answer("fine")], (10, 5), 1, id="errors are not paid"),
    pytest.param([error(500)], (0, 0), 0, id="nothing but errors"),
    pytest.param([error(503), answer("fine")], (31, 105), 2, id="a gateway's error may be paid"),
    pytest.param([BROKEN_OFF, answer("fine")], (510, 105), 2, id="an error that is paid"),
    pytest.param([error(401)], (0, 0), 0, id="no key"),
    pytest.param([HTML], ESTIMATE, 1, id="a web page"),
    pytest.param([WITH_200, answer("fine")], (10, 5), 1, id="an error of status 200"),
    pytest.param([LATE, answer("fine")], (31, 105), 2, id="too late, and again"),
    pytest.param([LATE], (42, 200), 2, id="too late twice"),
    pytest.param([answer("x")._replace(cut=9), answer("fine")], (31, 105), 2, id="broken off"),
]


@pytest.mark.parametrize(("scenes", "tokens", "calls"), COSTS)
def test_what_a_question_costs(
    fake: FakeEndpoint,
    budget: Budget,
    scenes: list[Scene],
    tokens: tuple[int, int],
    calls: int,
) -> None:
    fake.play(*scenes)
    timeout = 1.5 if LATE in scenes else 30
    endpoint = Endpoint(base_url=fake.url, model="m", timeout=timeout)
    with Client(endpoint, budget=budget) as client:
        try:
            client.ask(Question(ASK, 100))
        except CompanionError as error:
            assert not isinstance(error, LimitReached)
    spent = budget.spent_today()
    assert ((spent.input_tokens, spent.output_tokens), spent.calls) == (tokens, calls)


def test_a_call_that_reaches_nobody_costs_nothing(budget: Budget) -> None:
    endpoint = Endpoint(base_url="http://127.0.0.1:9/v1", model="m")
    client = Client(endpoint, budget=budget)
    with client, pytest.raises(EndpointDown):
        client.ask(Question(ASK, 100))
    assert budget.spent_today()[:2] == (0, 0)


def test_a_call_broken_off_by_us_may_be_paid(fake: FakeEndpoint, budget: Budget) -> None:
    client = Client(Endpoint(base_url=fake.url, model="m"), budget=budget)
    fake.script = close_at_call(client)
    with pytest.raises(Cancelled):
        client.ask(Question(ASK, 100))
    with pytest.raises(Cancelled):
        client.ask(Question(ASK, 100))
    assert budget.spent_today()[:2] == ESTIMATE


class Source:
    """An endpoint that has to be started, and cannot be."""

    def __init__(self, settings: Endpoint) -> None:
        self.settings = settings
        self.starts = 0

    @contextmanager
    def lease(self) -> Iterator[Endpoint]:
        self.starts += 1
        raise EndpointDown("it does not start")
        yield


def test_nothing_is_started_or_sent_over_the_limit(fake: FakeEndpoint, tmp_path: Path) -> None:
    source = Source(Endpoint(base_url=fake.url, model="m"))
    with Budget(tmp_path / "spending.sqlite3", lambda: Caps(tokens_a_day=121)) as budget:
        with Client(source, budget=budget) as client:
            with pytest.raises(EndpointDown):
                client.ask(Question(ASK, 100))
            with pytest.raises(OverWholeLimit, match="tokens_a_day allows 121"):
                client.ask(Question(ASK, 101))
            budget.reserve(0, 1)
            with pytest.raises(LimitReached, match="121 tokens a day"):
                client.ask(Question(ASK, 100))
        assert (source.starts, budget.spent_today()[:2]) == (1, (0, 1))


THOUGHTS = answer("", "length")


def thinking(thought: Scene, needed: int = 1500) -> Any:
    """Return what a model plays that answers once it may write so many tokens."""

    def script(seen: Seen, _n: int) -> Scene:
        if seen.body["max_tokens"] < needed:
            return thought
        form = seen.body.get("response_format")
        return GOOD if form else answer("fine")

    return script


def test_a_model_that_thinks_gets_room_for_it(fake: FakeEndpoint) -> None:
    fake.script = thinking(answer("<think>Hm", "length"))
    with client_of(fake) as client:
        assert client.ask(Question(ASK, 100)).text == "fine" and len(fake.seen) == 2
        assert client.ask(Question(ASK, 100, SCHEMA)).data == DATA
        with Client(client.settings) as other:
            other.ask(Question(ASK, 100))
    assert len(fake.seen) == 4, "once it is known, one call is enough"


def test_a_model_that_counts_thoughts_as_output_gets_room_at_once(fake: FakeEndpoint) -> None:
    def reason(seen: Seen, _n: int) -> Scene:
        if "max_tokens" in seen.body:
            return error(400, "'max_tokens' is not supported. Use 'max_completion_tokens' instead.")
        return answer("fine") if seen.body["max_completion_tokens"] > 1500 else THOUGHTS

    fake.script = reason
    with client_of(fake) as client:
        assert client.ask(Question(ASK, 100)).text == "fine"
    assert len(fake.seen) == 2


def test_a_model_that_thinks_too_long_is_given_up(fake: FakeEndpoint) -> None:
    fake.script = thinking(THOUGHTS, 9000)
    with client_of(fake) as client, pytest.raises(NoAnswer, match="was all thoughts"):
        client.ask(Question(ASK, 100))
    assert [seen.body["max_tokens"] for seen in fake.seen] == [100, 8392]


FAULTS = [
    pytest.param(answer("Half a sen", "length"), "cut off", id="cut off"),
    pytest.param(THOUGHTS, "only thoughts", id="only thoughts"),
    pytest.param(answer(""), "is empty", id="empty"),
    pytest.param(Scene(200, b"{}"), "no completion", id="no completion"),
    pytest.param(answer(None, refusal="No."), "", id="a refusal says nothing of other notes"),
]


@pytest.mark.parametrize(("scene", "fault"), FAULTS)
def test_which_fault_it_was_is_told(fake: FakeEndpoint, scene: Scene, fault: str) -> None:
    fake.play(scene)
    with client_of(fake) as client, pytest.raises(NoAnswer) as caught:
        client.ask(Question(ASK, 100))
    assert caught.value.fault == fault and isinstance(caught.value, CompanionError)
