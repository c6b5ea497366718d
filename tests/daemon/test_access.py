import stat
from pathlib import Path

import pytest

from companion.daemon import access
from companion.daemon.access import (
    Access,
    ensure_token,
    new_page_address,
    read_token,
    replace_token,
    token_file,
)
from companion.errors import UsageError
from tests.daemon.caller import assert_is_problem
from tests.daemon.conftest import Served

PORT = 4711


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPANION_HOME", str(tmp_path / "home"))


def code_of(address: str) -> str:
    return address.partition("#code=")[2]


def test_the_token_is_made_once_for_the_user_alone() -> None:
    token = ensure_token()
    assert ensure_token() == read_token() == token
    assert stat.S_IMODE(token_file().stat().st_mode) == 0o600
    assert Access(PORT).admits(token)


def test_a_file_that_others_can_read_is_made_private() -> None:
    ensure_token()
    token_file().chmod(0o644)
    ensure_token()
    assert stat.S_IMODE(token_file().stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 50, b"a b" * 20])
def test_a_damaged_file_lets_nobody_in(content: bytes) -> None:
    ensure_token()
    token_file().write_bytes(content)
    with pytest.raises(UsageError, match="companion token --new"):
        read_token()
    for bearer in ("", content.decode("latin-1"), "x" * 43):
        assert not Access(PORT).admits(bearer)


def test_an_address_opens_one_session_for_its_port() -> None:
    ensure_token()
    daemon = Access(PORT)
    code = code_of(new_page_address(PORT))
    assert Access(PORT + 1).open_session(code) is None
    session = daemon.open_session(code)
    assert session and daemon.admits(session)
    assert daemon.open_session(code) is None
    assert not Access(PORT + 1).admits(session)
    assert not daemon.admits(code) and daemon.open_session(session) is None


def test_a_new_token_ends_everything_made_with_the_old_one() -> None:
    old = ensure_token()
    daemon = Access(PORT)
    code, session = (code_of(new_page_address(PORT)) for _ in range(2))
    session = daemon.open_session(session) or ""
    new = replace_token()
    assert daemon.admits(new) and not (daemon.admits(old) or daemon.admits(session))
    assert daemon.open_session(code) is None


def test_codes_and_sessions_expire(monkeypatch: pytest.MonkeyPatch) -> None:
    ensure_token()
    daemon = Access(PORT)
    code = code_of(new_page_address(PORT))
    session = daemon.open_session(code_of(new_page_address(PORT))) or ""
    monkeypatch.setattr(access, "CODE_LASTS", -1)
    monkeypatch.setattr(access, "SESSION_LASTS", -1)
    assert daemon.open_session(code) is None and not daemon.admits(session)


def test_the_page_trades_its_code_for_a_session(server: Served) -> None:
    code = code_of(server.post("/session/address").json["address"])
    server.token = "none"
    assert_is_problem(server.get("/status"), 401)
    assert_is_problem(server.post("/session", {"code": "wrong"}), 403)
    server.token = server.post("/session", {"code": code}).json["token"]
    assert server.get("/status").status == 200
    assert_is_problem(server.post("/session", {"code": code}), 403)
