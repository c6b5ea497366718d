"""The day's spending as the configuration has it, and clients that share an endpoint."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from companion.config import Config
from companion.enrich.asker import Asker
from companion.enrich.configured_model import model_facts, open_source, open_spending
from companion.enrich.context.vault_context import VaultContext
from companion.enrich.workspace import open_workspace
from companion.errors import UsageError
from companion.llm import catalog
from companion.llm.budget import LimitReached
from companion.llm.client import Client
from companion.llm.embedded import EmbeddedServer
from companion.llm.endpoint import Endpoint
from companion.llm.local_server import find_context
from tests.examples import labelled
from tests.llm.fake_endpoint import FakeEndpoint

pytestmark = pytest.mark.usefixtures("home")

OPENAI = {"base_url": "https://api.openai.com/v1", "model": "gpt-4o-mini"}
NEAR = {"base_url": "http://localhost:1/v1", "model": "gpt-4o-mini"}
OWN_PRICE = {"price": [2, 10]}
FAR = {"base_url": "https://ai.example/v1", "model": "own"}


def config(endpoint: dict[str, Any], **tables: Any) -> Config:
    return Config.model_validate({"endpoint": endpoint, **tables})


PRICES = [
    pytest.param({}, 0.0, id="embedded"),
    pytest.param(NEAR, 0.0, id="on this machine"),
    pytest.param(OPENAI, 0.27, id="known"),
    pytest.param(FAR, None, id="not known"),
    pytest.param({**FAR, **OWN_PRICE}, 4.0, id="told by the user"),
    pytest.param({**NEAR, **OWN_PRICE}, 4.0, id="of a proxy on this machine"),
    pytest.param({**OPENAI, **OWN_PRICE}, 4.0, id="told in place of the known one"),
    pytest.param({**NEAR, "price": [0, 10]}, 2.0, id="only what is written"),
]


@pytest.mark.parametrize(("endpoint", "dollars"), PRICES)
def test_price_of_the_configured_model(endpoint: dict[str, Any], dollars: float | None) -> None:
    with open_spending(config(endpoint)) as spending:
        spending.reserve(1_000_000, 200_000)
        assert spending.spent_today().dollars == dollars
    capped = config(endpoint, limits={"dollars_a_day": 1})
    if dollars is not None:
        open_spending(capped).close()
        return
    with pytest.raises(UsageError, match="price of own at https://ai"):
        open_spending(capped)


PROSE = [
    pytest.param(NEAR, 2000, id="on this machine, where servers have little room by default"),
    pytest.param(OPENAI, 8000, id="elsewhere"),
    pytest.param({**NEAR, "context_tokens": 32768}, None, id="as much as fits"),
]


# what servers answer: docs.vllm.ai, docs.ollama.com/api/ps, lmstudio.ai/docs/developer/rest, and
# llama.cpp's tools/server/README.md
SERVED: Mapping[str, tuple[str, object, int | None]] = {
    "vLLM": ("/v1/models", {"data": [{"id": "m", "max_model_len": 32768}]}, 32768),
    "Ollama, loaded by another program": (
        "/api/ps",
        {"models": [{"model": "m", "context_length": 32768}]},
        None,
    ),
    "LM Studio": (
        "/api/v0/models",
        {"data": [{"id": "m", "state": "loaded", "loaded_context_length": 8192}]},
        8192,
    ),
    "LM Studio, not loaded": (
        "/api/v0/models",
        {"data": [{"id": "m", "state": "not-loaded", "max_context_length": 32768}]},
        None,
    ),
    "llama.cpp": ("/props", {"default_generation_settings": {"n_ctx": 4096}}, 4096),
    "infinity": ("/v1/models", {"data": [{"id": "m", "max_model_len": float("inf")}]}, None),
    "too small": ("/props", {"default_generation_settings": {"n_ctx": 512}}, None),
    "something else": ("/v1/models", ["no", "list"], None),
}


@labelled(("path", "page", "tokens"), SERVED)
def test_a_server_here_is_asked_for_its_context(
    fake: FakeEndpoint,
    path: str,
    page: object,
    tokens: int | None,
) -> None:
    find_context.cache_clear()
    fake.pages[path] = page
    assert find_context(Endpoint(base_url=fake.url, model="m")) == tokens


def test_of_a_server_with_room_a_note_gets_more(fake: FakeEndpoint, tmp_path: Path) -> None:
    find_context.cache_clear()
    fake.pages["/v1/models"] = {"data": [{"id": "m", "max_model_len": 12288}]}
    (tmp_path / "vault").mkdir()
    settings = config({"base_url": fake.url, "model": "m"})
    with open_workspace(settings, tmp_path / "vault") as space:
        model = Asker(space, VaultContext(space.scan())).model
    assert (model.context_tokens, model.prose_tokens) == (12288, 6144)


@pytest.mark.parametrize(("endpoint", "tokens"), PROSE)
def test_how_much_of_a_note_is_shown(endpoint: dict[str, Any], tokens: int | None) -> None:
    assert model_facts(config(endpoint)).prose_tokens == tokens


def test_background_notes_are_counted_by_vault_in_one_file(tmp_path: Path, home: Path) -> None:
    settings = config(NEAR, background={"notes_a_day": 2})
    roots = [tmp_path / name / "vault" for name in ("a", "b")]
    for root in roots:
        with open_spending(settings, root) as spending:
            for _ in range(2):
                spending.reserve_note()
            with pytest.raises(LimitReached):
                spending.reserve_note()
    with open_spending(settings, roots[0]) as spending:
        assert spending.notes_today() == 2
    assert [path.name for path in home.iterdir()] == ["spending.sqlite3"]


def test_the_embedded_model_outlives_its_clients(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[EmbeddedServer] = []
    monkeypatch.setattr(EmbeddedServer, "close", lambda server: closed.append(server))
    monkeypatch.setattr(catalog, "model_path", lambda name: tmp_path / "some.gguf")
    with open_source(config({})) as source:
        assert source.settings.embedded
        with Client(source):
            Client(source).close()
        assert closed == []
    assert len(closed) == 1


def test_a_model_that_is_not_here_is_not_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "model_path", lambda name: None)
    with pytest.raises(UsageError, match="model pull"), open_source(config({})):
        pass
