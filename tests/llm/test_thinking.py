"""Models that think before they answer: they get room for it, or are told not to, or it is said."""

import json
from typing import Any

import pytest
from pydantic import SecretStr

from companion.errors import CompanionError
from companion.llm.answers import NoAnswer
from companion.llm.client import Client
from companion.llm.embedded import EmbeddedEndpoint
from companion.llm.endpoint import Endpoint
from companion.llm.request import Question
from tests.llm.fake_endpoint import KEY, FakeEndpoint, Scene, Seen, answer, error

ASK = [{"role": "user", "content": "Why?"}]
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"description": {"type": "string"}},
    "required": ["description"],
}
SAID = "A measure."


def told(scene: Scene, thoughts: int) -> Scene:
    """Return the answer with the tokens of its thoughts in its usage, as OpenAI tells them."""
    data = json.loads(scene.body)
    data["usage"]["completion_tokens_details"] = {"reasoning_tokens": thoughts}
    return scene._replace(body=json.dumps(data).encode())


TELLING = [
    pytest.param(lambda: answer("", "length", reasoning_content="Hm"), id="reasoning_content"),
    pytest.param(lambda: answer(None, "length", reasoning="Hm"), id="reasoning"),
    pytest.param(lambda: answer("<think>Hm", "length"), id="<think>"),
    pytest.param(lambda: told(answer("", "length"), 100), id="reasoning_tokens"),
    pytest.param(lambda: answer("", "length"), id="an empty answer that is cut off"),
]


def thinking(thought: Scene, needed: int = 1500) -> Any:
    """Return what a model plays that answers once it may write so many tokens."""

    def script(seen: Seen, _n: int) -> Scene:
        if seen.body["max_tokens"] < needed:
            return thought
        form = seen.body.get("response_format")
        return answer(json.dumps({"description": SAID}) if form else SAID, reasoning_content="Hm")

    return script


def client_of(fake: FakeEndpoint, kind: type[Endpoint] = Endpoint, **settings: Any) -> Client:
    endpoint = kind(base_url=fake.url, model="m", api_key=SecretStr(KEY), **settings)
    return Client(endpoint)


@pytest.mark.parametrize("thought", TELLING)
def test_a_model_that_thinks_gets_room_for_it(fake: FakeEndpoint, thought: Any) -> None:
    fake.script = thinking(thought())
    with client_of(fake) as client:
        assert not client.capabilities.thinks
        assert client.ask(Question(ASK, 100)).text == SAID and len(fake.seen) == 2
        assert client.capabilities.thinks
        assert client.ask(Question(ASK, 100, SCHEMA)).data == {"description": SAID}
        with Client(client.settings) as other:
            other.ask(Question(ASK, 100))
    assert len(fake.seen) == 4, "once it is known, one call is enough"


def test_a_model_that_counts_thoughts_as_output_gets_room_at_once(fake: FakeEndpoint) -> None:
    def reason(seen: Seen, _n: int) -> Scene:
        if "max_tokens" in seen.body:
            return error(400, "'max_tokens' is not supported. Use 'max_completion_tokens' instead.")
        return answer(SAID) if seen.body["max_completion_tokens"] > 1500 else answer("", "length")

    fake.script = reason
    with client_of(fake) as client:
        assert client.ask(Question(ASK, 100)).text == SAID
    assert len(fake.seen) == 2


def test_a_model_that_thinks_too_long_is_given_up(fake: FakeEndpoint) -> None:
    fake.script = thinking(answer("", "length"), 9000)
    with client_of(fake) as client, pytest.raises(NoAnswer, match="was all thoughts"):
        client.ask(Question(ASK, 100))
    assert [seen.body["max_tokens"] for seen in fake.seen] == [100, 8392]


def test_room_for_thoughts_keeps_to_the_context(fake: FakeEndpoint) -> None:
    fake.script = thinking(answer("", "length"), 9000)
    with (
        client_of(fake, context_tokens=2048) as client,
        pytest.raises(NoAnswer, match="was all thoughts"),
    ):
        client.ask(Question(ASK, 100))
    assert 1500 < fake.seen[1].body["max_tokens"] < 2048


def test_the_embedded_model_is_told_not_to_think_from_the_first_call(fake: FakeEndpoint) -> None:
    with client_of(fake, kind=EmbeddedEndpoint) as client:
        client.ask(Question(ASK, 100))
    assert fake.seen[0].body["chat_template_kwargs"] == {"enable_thinking": False}


FAULTS = [
    pytest.param(answer("Half a sen", "length"), "cut off", id="cut off"),
    pytest.param(answer("", "length"), "only thoughts", id="only thoughts"),
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
