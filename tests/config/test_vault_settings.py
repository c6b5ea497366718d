"""Settings of one vault over the common ones: what wins, and what no vault may lose by it."""

from pathlib import Path
from typing import Any

import pytest

from companion.config import load_config
from companion.config.load import merge_tables, vault_file, vaults_with_settings
from companion.errors import UsageError

KEY = "sk-common-Bd52SecretKey"
REMOTE = {"base_url": "https://api.example.com/v1", "model": "big", "api_key": KEY}

MERGED = [
    pytest.param({"a": 1}, {}, {"a": 1}, id="nothing of its own"),
    pytest.param(
        {"server": {"port": 1}, "notes": {"fields": ["a"], "language": "de"}},
        {"server": {"port": 2}, "notes": {"fields": ["b"]}},
        {"server": {"port": 2}, "notes": {"fields": ["b"], "language": "de"}},
        id="its own go over the common ones, key by key",
    ),
    pytest.param(
        {"endpoint": {**REMOTE, "timeout": 9}},
        {"endpoint": {"model": "qwen2.5-coder-1.5b"}},
        {"endpoint": {"model": "qwen2.5-coder-1.5b", "timeout": 9}},
        id="a model of its own is the embedded one",
    ),
    pytest.param(
        {"endpoint": REMOTE},
        {"endpoint": {"base_url": "http://localhost/v1", "model": "m"}},
        {"endpoint": {"base_url": "http://localhost/v1", "model": "m"}},
        id="the key stays with its address",
    ),
    pytest.param(
        {"endpoint": REMOTE},
        {"endpoint": {"timeout": 9}},
        {"endpoint": {**REMOTE, "timeout": 9}},
        id="a time-out of its own changes no address",
    ),
    pytest.param(
        {"endpoint": REMOTE, "similar": {"model": "e"}},
        {"endpoint": {"base_url": "http://localhost/v1", "model": "m"}},
        {
            "endpoint": {"base_url": "http://localhost/v1", "model": "m"},
            "similar": {},
        },
        id="where its own answers, notes are not compared at the common address",
    ),
    pytest.param(
        {"endpoint": REMOTE, "similar": REMOTE},
        {"similar": {"model": "e"}},
        {"endpoint": REMOTE, "similar": {}},
        id="notes that were compared at an address of its own are compared nowhere else",
    ),
    pytest.param(
        {"private": {"folders": ["A"], "properties": {"a": "1"}}, "ignore": {"tags": ["t"]}},
        {"private": {"folders": ["B", "A"], "properties": {"b": "2"}}, "ignore": {"tags": ["u"]}},
        {
            "private": {"folders": ["A", "B"], "properties": {"a": "1", "b": "2"}},
            "ignore": {"tags": ["t", "u"]},
        },
        id="what is private or ignored adds up",
    ),
    pytest.param(
        {"agents": {"may_accept": ["description"], "folders": ["Inbox"]}},
        {"agents": {"may_accept": ["callout"]}},
        {"agents": {}},
        id="folders of agents, which are gone, allow nothing elsewhere",
    ),
    pytest.param(
        {"agents": {"may_accept": ["description"]}},
        {"agents": {"folders": ["Inbox"]}},
        {"agents": {}},
        id="nor do the vault's own",
    ),
    pytest.param(
        {"endpoint": {"input_price": 1, "output_price": 2}},
        {"endpoint": {"output_price": 3}},
        {"endpoint": {"price": [1, 3]}},
        id="two prices, as they were set before, are one",
    ),
    pytest.param(
        {"similar": {"enabled": False}},
        {"similar": {"model": "e"}},
        {"similar": {"model": "none"}},
        id="notes that were not to be compared are not",
    ),
    pytest.param({"endpoint": 1}, {"endpoint": {"a": 2}}, {"endpoint": {"a": 2}}, id="no table"),
]


@pytest.mark.parametrize(("common", "own", "merged"), MERGED)
def test_merged(common: dict[str, Any], own: dict[str, Any], merged: dict[str, Any]) -> None:
    assert merge_tables(common, own) == merged


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COMPANION_HOME", str(tmp_path / "home"))
    for name in ("BASE_URL", "MODEL", "API_KEY"):
        monkeypatch.delenv(f"COMPANION_{name}", raising=False)
    (tmp_path / "home" / "vault-settings").mkdir(parents=True)
    return tmp_path / "home"


def test_only_the_vault_has_them(home: Path) -> None:
    (home / "config.toml").write_text("[limits]\ntokens_a_day = 5\n")
    work, other = Path("/vaults/Work"), Path("/vaults/Other")
    vault_file(work).write_text('vault = "/vaults/Work"\n[server]\nport = 27183\n')
    config = load_config(work)
    assert (config.vault, config.server.port, config.limits.tokens_a_day) == (work, 27183, 5)
    assert load_config(other) == load_config() != config
    assert [root for root, _ in vaults_with_settings()] == [work]


def test_an_address_in_the_environment_gets_no_key_of_a_vault(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Path("/vaults/Work")
    vault_file(work).write_text(f'[endpoint]\nbase_url = "http://a/v1"\nmodel="m"\napi_key="{KEY}"')
    assert load_config(work).endpoint.api_key.get_secret_value() == KEY
    monkeypatch.setenv("COMPANION_BASE_URL", "http://b/v1")
    assert load_config(work).endpoint.api_key.get_secret_value() == ""


WRONG = [
    pytest.param("[server]\nport = 'x'", "server.port: this takes a whole number", id="value"),
    pytest.param("prot = 1", "unknown setting prot", id="key"),
    pytest.param("[server", "is not valid TOML", id="no TOML"),
]


@pytest.mark.parametrize(("text", "words"), WRONG)
def test_the_file_with_the_error_is_named(home: Path, text: str, words: str) -> None:
    work = Path("/vaults/Work")
    vault_file(work).write_text(text)
    with pytest.raises(UsageError, match=words) as caught:
        load_config(work)
    assert str(caught.value).startswith(str(vault_file(work)))
    assert list(vaults_with_settings()) == []
    (home / "config.toml").write_text("foo = 1\n")
    with pytest.raises(UsageError, match="unknown setting foo"):
        load_config()
