"""Estimates before a run, without a network, and modules that cost nothing until they are used."""

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from pydantic import SecretStr

from companion.errors import UsageError
from companion.llm.endpoint import Endpoint, estimate_tokens, find_cost
from companion.llm.errors import hide_secrets

TEXTS = [
    pytest.param("", 0, 1, id="nothing"),
    pytest.param("Perplexity measures how well models predict. " * 12, 100, 150, id="English"),
    pytest.param("Перплексия показывает, насколько хорошо модель. " * 10, 150, 260, id="Russian"),
    pytest.param("困惑度衡量语言模型预测文本的能力。" * 10, 150, 270, id="Chinese"),
]


@pytest.mark.parametrize(("text", "least", "most"), TEXTS)
def test_estimate_tokens(text: str, least: int, most: int) -> None:
    assert least <= estimate_tokens(text) <= most


PRICES = [
    pytest.param("gpt-4o-mini", "https://api.openai.com/v1", Decimal("0.027"), id="OpenAI"),
    pytest.param("no-such-model", "https://api.openai.com/v1", None, id="unknown model"),
    pytest.param("gpt-4o-mini", "https://ai.example/v1", None, id="unknown address"),
    pytest.param("qwen", "http://localhost:11434/v1", Decimal(0), id="this machine"),
]


@pytest.mark.parametrize(("model", "url", "dollars"), PRICES)
def test_price(model: str, url: str, dollars: Decimal | None) -> None:
    assert find_cost(Endpoint(base_url=url, model=model), 100_000, 20_000) == dollars


ADDRESSES = [
    pytest.param("http://localhost:1/v1", True, id="localhost"),
    pytest.param("http://127.8.0.1/v1", True, id="loopback"),
    pytest.param("http://[::1]:80/v1", True, id="IPv6"),
    pytest.param("http://0.0.0.0:1/v1", True, id="as a server says where it listens"),
    pytest.param("http://[::]:1/v1", True, id="the same in IPv6"),
    pytest.param("http://api.localhost/v1", True, id="below localhost"),
    pytest.param("https://localhost.example/v1", False, id="elsewhere"),
    pytest.param("http://192.168.0.2/v1", False, id="other machine"),
]


@pytest.mark.parametrize(("url", "local"), ADDRESSES)
def test_is_local(url: str, local: bool) -> None:
    assert Endpoint(base_url=url, model="m").is_local is local


@pytest.mark.parametrize(
    "url", ["", "localhost:1", "ftp://x/v1", "http://", "http://x:0", "http://[x"]
)
def test_no_address(url: str) -> None:
    with pytest.raises(UsageError, match="base URL must be an address"):
        Endpoint.at(url)


def test_endpoint_shows_no_secret() -> None:
    endpoint = Endpoint(
        base_url="https://me:pw@ai.example:8/v1/?key=q", model="m", api_key=SecretStr("sk-1")
    )
    assert repr(endpoint) == "Endpoint('https://ai.example:8/v1', model='m')"


@pytest.mark.parametrize(
    ("base_url", "secret"),
    [
        (
            "https://ai.example/v1?key=AIzaSyD4exampleexample&api-version=3",
            "AIzaSyD4exampleexample",
        ),
        ("https://me:p%40ssword@ai.example/v1", "p@ssword"),
        ("https://a-token-as-user-name@ai.example/v1", "a-token-as-user-name"),
        ("https://ai.example/v1?key=AAAAAAAAAA%2FBBBBBBBBB&v=1", "AAAAAAAAAA/BBBBBBBBB"),
    ],
)
def test_a_secret_of_the_base_url_is_hidden_in_what_a_server_says(
    base_url: str, secret: str
) -> None:
    endpoint = Endpoint(base_url=base_url, model="m")
    said = f"it does not take {secret}"
    assert hide_secrets(said, endpoint) == "it does not take [hidden]"


def test_importing_is_cheap_and_openai_stays_quiet() -> None:
    code = (
        "import sys; from companion.llm import client, embedded, endpoint\n"
        "slow = {'openai', 'httpx2', 'xllamacpp', 'huggingface_hub', 'genai_prices'}\n"
        "assert not slow & set(sys.modules), slow & set(sys.modules)\n"
        "from companion.llm import connection; import logging\n"
        "connection.Connection(endpoint.Endpoint(base_url='http://x', model='m'))\n"
        "assert not logging.getLogger('openai').isEnabledFor(logging.INFO)\n"
    )
    root = str(Path(__file__).parents[2])
    env = {"OPENAI_LOG": "debug", "PYTHONPATH": root, "PATH": "", "SYSTEMROOT": "C:\\Windows"}
    subprocess.run([sys.executable, "-c", code], check=True, env=env)
