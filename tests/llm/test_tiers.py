"""Models of the catalogue's architectures, for real: they load, answer, and never think."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any, cast

import pytest

from companion.llm.client import Client
from companion.llm.embedded import EmbeddedServer
from companion.llm.endpoint import Endpoint
from companion.llm.request import Capabilities, Question
from tests.llm.tiny_gguf import Architecture, make_model

ASK = [{"role": "user", "content": "Yes or no?"}]
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"answer": {"type": "string", "enum": ["yes", "no"]}},
    "required": ["answer"],
}
OVER = "<think>\n\n</think>\n\n"


@pytest.fixture(scope="module", params=["qwen2", "qwen3"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[EmbeddedServer]:
    architecture = cast(Architecture, request.param)
    file = make_model(tmp_path_factory.mktemp("tiny") / f"{architecture}.gguf", architecture)
    with EmbeddedServer(file, context_tokens=1024, threads=1) as server:
        yield server


def test_it_loads_and_answers(server: EmbeddedServer) -> None:
    with Client(server) as client:
        assert client.ask(Question(ASK, 300, SCHEMA)).data["answer"] in ("yes", "no")
        usage = client.ask(Question(ASK, 20)).usage
        assert usage.input_tokens > len("Yes or no?") and usage.output_tokens
        assert not client.thinks


def test_its_template_is_told_that_thinking_is_off(server: EmbeddedServer) -> None:
    with server.lease() as endpoint:
        body = Capabilities("schema").body_for(Question(ASK, 20), endpoint)
        assert rendered(endpoint, body).endswith(f"<|im_start|>assistant\n{OVER}")
        body["chat_template_kwargs"] = {"enable_thinking": True}
        assert rendered(endpoint, body).endswith("<|im_start|>assistant\n")


def rendered(endpoint: Endpoint, body: dict[str, Any]) -> str:
    """Return the prompt that llama.cpp makes of the request."""
    url = endpoint.address.removesuffix("/v1") + "/apply-template"
    headers = {"Authorization": f"Bearer {endpoint.key}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=60) as reply:
        return str(json.load(reply)["prompt"])
