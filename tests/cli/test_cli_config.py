"""companion config: settings read and changed by name, in an editor, for all vaults or one."""

import io
import json
import os
import stat
import sys
import tomllib

import pytest

from companion.config.load import load_config, vault_file
from tests.cli.user import User

OTHER = "sk-typed-Kw7OtherKey"


@pytest.fixture(autouse=True)
def environment_empty(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    user.forget_endpoint()


def test_the_key_comes_by_standard_input_and_is_never_shown(
    user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = user.configure('[endpoint]\nbase_url = "http://me:pw@x/v1?k=pw"\nmodel = "m"\n')
    assert user.run("config", "get", "endpoint.api_key").status == 1
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{OTHER}\n"))
    ran = user.run("config", "set", "endpoint.api_key")
    assert (ran.status, ran.out) == (0, "endpoint.api_key: set\n")
    assert tomllib.loads(file.read_text())["endpoint"]["api_key"] == OTHER
    assert os.name == "nt" or stat.S_IMODE(file.stat().st_mode) == 0o600
    for asked in (["endpoint.api_key"], [], ["--json"], ["endpoint.base_url"]):
        ran = user.run("config", "get", *asked)
        assert ran.status == 0 and OTHER not in ran.all and "pw" not in ran.all
    monkeypatch.setattr(sys, "stdin", io.StringIO("\n"))
    assert "no key was entered" in user.run("config", "set", "endpoint.api_key").err


WAYS = ["environment", "config.toml", "the vault's own", "config set", "init"]


def read_key_by(user: User, way: str, key: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    """Return exit status and output of a command that reads the key so."""
    of_fake = f'base_url = "{user.fake.url}"\nmodel = "m"\n'
    with_key = f"{of_fake}api_key = {json.dumps(key)}\n"
    in_file = f"[endpoint]\n{with_key}"
    user.configure(in_file if way == "config.toml" else f"[endpoint]\n{of_fake}")
    if way == "the vault's own":
        vault_file(user.vault).parent.mkdir()
        vault_file(user.vault).write_text(in_file)
    commands = {
        "config set": ["config", "set", "endpoint.api_key"],
        "init": f"init . --endpoint {user.fake.url} --model m --api-key-env KEY --no-test".split(),
    }
    monkeypatch.setenv("COMPANION_API_KEY", key if way == "environment" else "")
    monkeypatch.setenv("KEY", key)
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{key}\n"))
    ran = user.run(*commands.get(way, ["enrich", str(user.note("A.md"))]))
    return ran.status, ran.all


@pytest.mark.parametrize("header", ["Bearer ", "bearer ", "Authorization: Bearer "])
@pytest.mark.parametrize("way", WAYS)
def test_what_is_copied_with_a_key_is_dropped(
    user: User, monkeypatch: pytest.MonkeyPatch, way: str, header: str
) -> None:
    status, printed = read_key_by(user, way, f' \ufeff"{header}{OTHER}"\r\n', monkeypatch)
    assert status == 0 and OTHER not in printed
    if way == "environment":
        assert user.fake.seen[0].headers["authorization"] == f"Bearer {OTHER}"
    else:
        assert load_config(user.vault).endpoint.key == OTHER


@pytest.mark.parametrize(
    "mark", ["\n", "\x07", "\u202e", "…"], ids=["line break", "bell", "bidi", "shortened"]
)
@pytest.mark.parametrize("way", WAYS)
def test_a_key_with_a_character_that_no_key_has_is_refused(
    user: User, monkeypatch: pytest.MonkeyPatch, way: str, mark: str
) -> None:
    if way == "config set" and mark == "\n":
        pytest.skip("it takes one line")
    status, printed = read_key_by(user, way, f"{OTHER}{mark}Tr9x", monkeypatch)
    assert status == 2 and "api_key: within the key there is a line break or another" in printed
    assert not [part for part in (OTHER[:4], OTHER[-4:], "Tr9x") if part in printed]
    assert user.calls() == 0
