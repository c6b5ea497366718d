"""A daemon proves whose it is, to a client that has sent nothing but a nonce."""

import hmac
import json
from hashlib import sha256
from pathlib import Path

import pytest

from companion import __version__
from companion.app.tokens import client_token, ensure_token, rotate_token
from companion.app.types.status import NewToken
from companion.config import config_folder
from companion.daemon.access import Access
from tests.daemon.caller import JSON, Answer, make_request
from tests.daemon.conftest import PLACE, Served
from tests.daemon.test_guard import assert_is_problem, assert_is_secured

pytestmark = pytest.mark.usefixtures("home")

NONCE = "0123456789abcdef" * 4
VAULT = Path("/somebody/Notes")


def ask(server: Served, body: bytes) -> Answer:
    """Return the answer to somebody without a token."""
    headers = {"Host": f"127.0.0.1:{server.port}", "Content-Type": JSON}
    return server.send(make_request("POST", "/api/v1/proof", headers, body))


def expected(key: str, port: int, nonce: str = NONCE) -> str:
    """Return the proof as a client makes it, from what docs/api.md says."""
    return hmac.new(
        key.encode(), f"callout-companion\n{port}\n{nonce}".encode(), sha256
    ).hexdigest()


def key_of(server: Served) -> str:
    """Return the token of the vault's clients."""
    return client_token(server.token, server.daemon.root)


def test_it_is_of_token_nonce_and_port(server: Served) -> None:
    answer = ask(server, b'{"nonce":"%s"}' % NONCE.encode())
    assert answer.json == {
        "token": expected(key_of(server), server.port),
        "place": expected(PLACE, server.port),
        "version": __version__,
    }
    assert answer.status == 200 and key_of(server).encode() not in answer.body
    assert_is_secured(answer)


def test_the_key_is_the_token_of_the_id(server: Served) -> None:
    made = server.access.tokens.make(NewToken(name="Obsidian", scope="all"))
    body = json.dumps({"nonce": NONCE, "id": made.id}).encode()
    assert ask(server, body).json["token"] == expected(made.token, server.port)


NO_NONCES = {
    "none": b"{}",
    "empty": b'{"nonce":""}',
    "short": b'{"nonce":"%s"}' % (b"0" * 63),
    "long": b'{"nonce":"%s"}' % (b"0" * 65),
    "capitals": b'{"nonce":"%s"}' % (b"F" * 64),
    "a line break": b'{"nonce":"%s\\n"}' % (b"0" * 64),
    "a line break in it": b'{"nonce":"%s\\n0"}' % (b"0" * 62),
    "a number": b'{"nonce":7}',
    "and a port of its choice": b'{"nonce":"%s","port":1}' % (b"0" * 64),
    "and a key of its choice": b'{"nonce":"%s","key":"x"}' % (b"0" * 64),
}


def test_nothing_else_is_signed(server: Served) -> None:
    for label, body in NO_NONCES.items():
        answer = ask(server, body)
        assert answer.status == 422, label
        assert_is_problem(answer, 422, "POST")
        assert expected(key_of(server), server.port).encode() not in answer.body


def test_the_key_is_the_vaults_clients_token_of_now() -> None:
    token = ensure_token()
    prove = Access(VAULT, 5, PLACE).prove
    made = prove(NONCE)
    assert made and made.token == expected(client_token(token, VAULT), 5)
    assert made.place == expected(PLACE, 5)
    again = client_token(rotate_token(), VAULT)
    made = prove(NONCE)
    assert made and (made.token, made.place) == (expected(again, 5), expected(PLACE, 5))
    (config_folder() / "token").unlink()
    assert prove(NONCE) is None


def test_without_a_token_the_client_is_told(server: Served) -> None:
    (config_folder() / "token").unlink()
    assert_is_problem(ask(server, b'{"nonce":"%s"}' % NONCE.encode()), 503, "POST")
