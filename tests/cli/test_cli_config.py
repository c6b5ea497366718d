"""companion config: settings read and changed by name, in an editor, for all vaults or one."""

import io
import json
import os
import stat
import sys
import tomllib

import pytest

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


def test_what_is_copied_with_a_key_is_dropped(user: User) -> None:
    key = json.dumps(f' "{OTHER}"\r\n')
    user.configure(f'[endpoint]\nbase_url = "{user.fake.url}"\nmodel = "m"\napi_key = {key}\n')
    ran = user.run("enrich", str(user.note("A.md")))
    assert ran.status == 0 and OTHER not in ran.all
    assert user.fake.seen[0].headers["authorization"] == f"Bearer {OTHER}"


@pytest.mark.parametrize("mark", ["\n", "\u202e", "…"], ids=["line break", "bidi", "shortened"])
@pytest.mark.parametrize("way", ["environment", "config.toml"])
def test_a_key_with_a_character_that_no_key_has_is_refused(
    user: User, monkeypatch: pytest.MonkeyPatch, way: str, mark: str
) -> None:
    key = f"{OTHER}{mark}Tr9x"
    in_file = f"api_key = {json.dumps(key)}\n" if way == "config.toml" else ""
    user.configure(f'[endpoint]\nbase_url = "{user.fake.url}"\nmodel = "m"\n{in_file}')
    monkeypatch.setenv("COMPANION_API_KEY", key if way == "environment" else "")
    ran = user.run("enrich", str(user.note("A.md")))
    assert ran.status == 2 and "api_key: within the key there is a line break or another" in ran.err
    assert not [part for part in (OTHER[:4], OTHER[-4:], "Tr9x") if part in ran.all]
    assert user.calls() == 0
