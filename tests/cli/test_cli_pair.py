"""companion pair and companion token: codes and tokens as people meet them."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from companion.config import state_folder
from companion.daemon.pairing import take_code
from companion.daemon.runtime_file import RuntimeFile, write_runtime_file
from companion.daemon.tokens import Tokens, client_token, ensure_token, read_token
from companion.vault.lock import vault_lock
from tests.cli.user import User


def test_a_code_opens_once(user: User) -> None:
    ran = user.run("pair")
    code, where, how = ran.out.splitlines()
    assert ran.status == 0 and re.fullmatch(r"[A-Z2-9]{4}-[A-Z2-9]{4}", code)
    assert str(user.vault) in where and "2 minutes" in where and "Obsidian: Settings" in how
    assert "start it first: companion serve" in ran.err
    state = state_folder(user.vault)
    assert take_code(state, code) and not take_code(state, code)


def test_a_code_for_programs(user: User, tmp_path: Path) -> None:
    with vault_lock(state := state_folder(user.vault)):
        write_runtime_file(state, RuntimeFile(1, os.getpid(), "1", 0.0))
        ran = user.run("pair", "--json")
    [told] = ran.objects
    assert ran.err == "" and sorted(told) == ["code", "seconds", "tries", "vault"]
    assert take_code(state, told["code"])


def test_each_vault_has_its_own(user: User, tmp_path: Path) -> None:
    (other := tmp_path / "other" / ".obsidian").mkdir(parents=True)
    code = user.run("pair", "--vault", str(other.parent)).out.splitlines()[0]
    assert not take_code(state_folder(user.vault), code)
    assert take_code(state_folder(other.parent), code)


def test_no_vault(user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(user.home)
    ran = user.run("pair")
    assert (ran.status, ran.out) == (2, "") and "no vault here" in ran.err


def test_a_rotation_ends_what_was(user: User) -> None:
    token = ensure_token()
    tokens = Tokens(user.vault)
    client = client_token(token, user.vault)
    assert tokens.accepts(client)
    ran = user.run("token", "rotate")
    assert (ran.status, ran.err) == (0, "") and "All sessions have ended" in ran.out
    assert not tokens.accepts(client) and not tokens.accepts(token)
    assert tokens.accepts(read_token())
    assert token not in ran.out and read_token() not in ran.out


def test_where_the_token_lies(user: User) -> None:
    ran = user.run("token", "path")
    assert (ran.status, ran.out) == (0, f"{user.home / 'token'}\n")
    assert not (user.home / "token").exists()
