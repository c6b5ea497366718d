"""companion status, pause, resume, pair and token, with a daemon and without."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from companion.app.connection import DaemonRefused
from companion.app.tokens import read_token
from tests.cli.serving import QUIET, Serving, serving, wait_until
from tests.cli.user import KEY, STUB, User
from tests.daemon.caller import Answer, Caller
from tests.llm.fake_endpoint import error


@pytest.fixture
def served(user: User) -> Iterator[Serving]:
    """A daemon of a vault with a stub and a note that is left alone; it does what it is asked."""
    user.configure(QUIET)
    user.note("Stub.md")
    user.note("Skipped.md", STUB.replace("created", "ai: false\ncreated"))
    with serving(user) as daemon:
        wait_until(lambda: daemon.client().status().ready, "looked over")
        yield daemon


def test_status_says_what_it_waits_for(served: Serving) -> None:
    user = served.user
    user.fake.play(error(401, f"bad key {KEY}"))
    assert user.run("enrich", "Stub.md").status == 1
    told = user.run("status").out
    assert re.search(r"waits        The .* does not accept the key.*\(since .*, tried again", told)
    assert user.run("status", "--json").objects[0]["fault"]["kind"] and KEY not in told
    user.says()
    assert user.run("service", "resume").status == user.run("enrich", "Stub.md").status == 0
    assert "waits" not in user.run("status").out


NOWHERE = "http://127.0.0.1:9/v1"
OTHERS = [
    ({"COMPANION_MODEL": "other"}, "would ask other at"),
    ({"COMPANION_BASE_URL": NOWHERE}, f"would ask m at {NOWHERE}"),
    ({"COMPANION_BASE_URL": "", "COMPANION_MODEL": ""}, ", the embedded model"),
]


def test_a_command_that_would_ask_another_model(
    served: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = served.user
    for environment, words in OTHERS:
        with monkeypatch.context() as patch:
            for name, value in environment.items():
                patch.setenv(name, value)
            for command in ("enrich .", "enrich Stub.md --dry-run"):
                ran = user.run(*command.split())
                assert (ran.status, ran.out) == (2, "") and words in ran.err
                theirs = f"(pid {served.process.pid}) asks m at {user.fake.url}"
                assert theirs in ran.err and ran.err.count("\n") == 1
            for command in ("status", "service pause", "service resume", "scan", "history", "undo"):
                assert user.run(*command.split()).status == 0
    assert user.read("Stub.md") == STUB and user.calls() == 0


def ask(port: int, method: str, path: str, token: str = "", body: object = None) -> Answer:
    data = b"" if body is None else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    if data:
        lines += ["Content-Type: application/json", f"Content-Length: {len(data)}"]
    with Caller(port) as caller:
        return caller.send("\r\n".join([*lines, "", ""]).encode() + data)


def pair(port: int, code: str) -> Answer:
    return ask(port, "POST", "/api/v1/pair", body={"code": code})


def test_a_code_opens_this_vault_alone_until_the_token_changes(
    served: Serving, tmp_path: Path
) -> None:
    user = served.user
    ran = user.run("plugin", "pair")
    assert (ran.status, ran.err) == (0, "")
    code = ran.out.splitlines()[0]
    (other := tmp_path / "other" / ".obsidian").mkdir(parents=True)
    with serving(user, "--vault", str(other.parent)) as neighbour:
        assert pair(neighbour.port, code).status == 403
        token = pair(served.port, code.lower().replace("-", " ")).json["token"]
        assert pair(served.port, code).status == 403, "a code is used once"
        assert ask(served.port, "GET", "/api/v1/status", token).status == 200
        assert ask(neighbour.port, "GET", "/api/v1/status", token).status == 401
        assert ask(neighbour.port, "GET", "/api/v1/status", read_token()).status == 200
    mine = served.client()
    assert user.run("plugin", "token", "rotate").status == 0
    assert ask(served.port, "GET", "/api/v1/status", token).status == 401
    with pytest.raises(DaemonRefused, match="does not open this daemon") as refused:
        mine.status()
    assert refused.value.status == 401
    assert user.run("status").status == 0
    for kept in (served.log, served.errors.read_text(encoding="utf-8")):
        assert token not in kept and code not in kept and read_token() not in kept
