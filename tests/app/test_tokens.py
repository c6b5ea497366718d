"""Tokens: private, agreed on, derived for a vault; over at once when revoked or rotated."""

import hmac
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from companion.app import tokens as token_module
from companion.app.tokens import (
    OWNER,
    VaultTokens,
    client_token,
    ensure_token,
    read_token,
    rotate_token,
    token_file,
)
from companion.app.types.status import NewToken
from companion.config import state_folder
from companion.errors import NotThere, UsageError
from tests.clock import Clock

pytestmark = pytest.mark.usefixtures("home")

VAULT = Path("/somebody/Notes")
posix = pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_a_token_that_another_makes_is_not_waited_for_without_end(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_module, "_LOCK_TIMEOUT", 0.0)
    token_file().parent.mkdir(parents=True, exist_ok=True)
    with (
        FileLock(token_file().with_name("token.lock")),
        pytest.raises(UsageError, match=r"another command .*token\.lock for"),
    ):
        ensure_token()


def test_a_token_is_made_once(home: Path) -> None:
    token = ensure_token()
    assert len(token) == 43 and ensure_token() == token == read_token()
    assert token_file() == home / "token" and token_file().read_text() == f"{token}\n"


@posix
def test_nobody_else_reads_it(home: Path) -> None:
    ensure_token()
    assert (mode(home / "token"), mode(home)) == (0o600, 0o700)
    (home / "token").chmod(0o644)
    ensure_token()
    assert mode(home / "token") == 0o600


@posix
def test_nobody_else_could_read_it_at_any_moment(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes = []
    write = os.fsync

    def look(descriptor: int) -> None:
        modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        write(descriptor)

    monkeypatch.setattr(os, "fsync", look)
    old = os.umask(0)
    try:
        ensure_token()
    finally:
        os.umask(old)
    assert modes == [0o600] and mode(home / "token") == 0o600


def test_processes_that_start_together_agree() -> None:
    program = "from companion.app.tokens import ensure_token; print(ensure_token())"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", program]
    processes = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    printed = {process.communicate(timeout=60)[0].strip() for process in processes}
    assert printed == {read_token()}


DAMAGED = [
    pytest.param(b"", id="empty"),
    pytest.param(b"short\n", id="short"),
    pytest.param(b"a b" * 20, id="spaces"),
    pytest.param("ä".encode() * 50, id="no ASCII"),
    pytest.param(b"x" * 100_000, id="long"),
]


@pytest.mark.parametrize("data", DAMAGED)
def test_a_file_with_something_else_is_refused_and_kept(home: Path, data: bytes) -> None:
    home.mkdir()
    (home / "token").write_bytes(data)
    for read in (read_token, ensure_token):
        with pytest.raises(UsageError, match="holds no token; companion plugin token rotate"):
            read()
    assert (home / "token").read_bytes() == data
    for bearer in ("", data.decode(), client_token(data.decode(), VAULT)):
        assert VaultTokens(VAULT).find(bearer) is None


def test_without_a_file_nobody_gets_in() -> None:
    with pytest.raises(UsageError, match="there is no token yet"):
        read_token()
    assert VaultTokens(VAULT).find("") is None


def test_who_it_is() -> None:
    token = ensure_token()
    tokens = VaultTokens(VAULT)
    assert tokens.find(token)
    assert tokens.find(client_token(token, VAULT))
    assert tokens.find(client_token(token, VAULT / "other")) is None


WRONG = [
    pytest.param("", id="nothing"),
    pytest.param("ä\u20ac\U0001f600", id="no ASCII"),
    pytest.param("\udcff\ud800", id="lone surrogates"),
    pytest.param("\0", id="NUL"),
    pytest.param("x" * 1_000_000, id="a megabyte"),
]


@pytest.mark.parametrize("bearer", WRONG)
def test_what_is_no_token(bearer: str) -> None:
    token = ensure_token()
    tokens = VaultTokens(VAULT)
    for given_ in (bearer, token + bearer if bearer else token[:-1], token.swapcase()):
        assert tokens.find(given_) is None


@given(bearer=st.text(st.characters(exclude_categories=())))
def test_no_text_crashes_it_or_gets_in(bearer: str) -> None:
    ensure_token()
    assert VaultTokens(VAULT).find(bearer) is None


def test_both_tokens_are_compared_whatever_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    token = ensure_token()
    tokens = VaultTokens(VAULT)
    compared = []
    compare = hmac.compare_digest

    def count(one: bytes, other: bytes) -> bool:
        compared.append(other)
        return compare(one, other)

    monkeypatch.setattr(hmac, "compare_digest", count)
    for bearer in (token, client_token(token, VAULT), "wrong"):
        compared.clear()
        tokens.find(bearer)
        assert len(compared) == 2


def test_a_rotation_ends_every_session_at_once() -> None:
    tokens = VaultTokens(VAULT)
    for _ in range(50):
        old = ensure_token()
        client = tokens.make(NewToken(name="x")).token
        assert tokens.find(client)
        new = rotate_token()
        assert new != old and read_token() == new
        assert tokens.find(old) is None and tokens.find(client) is None
        assert tokens.find(new) == OWNER and tokens.all() == []


def test_a_token_has_name_scope_and_age_and_its_last_use_is_kept() -> None:
    ensure_token()
    clock = Clock(1_790_000_000.0)
    tokens = VaultTokens(VAULT, clock)
    made = tokens.make(NewToken(name="backup script", scope="propose", days=2))
    clock.now += 3600
    for other in (tokens, VaultTokens(VAULT, clock)):  # it survives a restart
        token = other.find(made.token)
        assert token and (token.name, token.scope) == ("backup script", "propose")
        [listed] = other.all()
        assert (listed.made_at, listed.used_at) == (clock.now - 3600, clock.now)
    clock.now += 2 * 24 * 3600
    assert tokens.find(made.token) is None and tokens.all() == []


def test_a_revoked_one_is_out_at_once_whoever_revoked_it() -> None:
    ensure_token()
    tokens = VaultTokens(VAULT)
    first, second = (tokens.make(NewToken(name="script")) for _ in range(2))
    assert tokens.find(first.token) and tokens.find(second.token)
    with pytest.raises(UsageError, match=f"named script; .*{first.id}, {second.id}"):
        tokens.revoke("script")
    VaultTokens(VAULT).revoke(first.id)
    assert tokens.find(first.token) is None and tokens.find(second.token)
    tokens.revoke("script")
    assert tokens.find(second.token) is None
    with pytest.raises(NotThere):
        tokens.revoke("script")


def test_that_of_an_earlier_version_goes_on_as_a_named_one() -> None:
    earlier = client_token(ensure_token(), VAULT)
    tokens = VaultTokens(VAULT)
    assert tokens.find(earlier)
    [listed] = tokens.all()
    assert (listed.name, listed.scope) == ("Obsidian", "all")
    tokens.revoke(listed.id)
    assert tokens.find(earlier) is None and VaultTokens(VAULT).find(earlier) is None


@posix
def test_their_file_is_private_and_holds_no_secret() -> None:
    ensure_token()
    tokens = VaultTokens(VAULT)
    made = tokens.make(NewToken(name="x"))
    file = state_folder(VAULT) / "tokens.json"
    assert mode(file) == 0o600
    assert made.token.partition(".")[2] not in file.read_text() and read_token() not in (
        file.read_text()
    )
    file.write_text("damaged")
    assert tokens.find(made.token) is None and tokens.all() == []
    assert tokens.find(client_token(read_token(), VAULT)) is None


def test_there_are_only_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(token_module, "_MOST", 2)
    ensure_token()
    tokens = VaultTokens(VAULT)
    page = tokens.make(NewToken(name="page"), 3600.0)
    stays = [tokens.make(NewToken(name=name)).id for name in "ab"]
    assert tokens.find(page.token) is None
    with pytest.raises(UsageError, match="there are 2 tokens; revoke"):
        tokens.make(NewToken(name="c"))
    assert [each.id for each in tokens.all()] == stays


def test_a_file_that_is_gone_ends_every_session(home: Path) -> None:
    token = ensure_token()
    tokens = VaultTokens(VAULT)
    assert tokens.find(token)
    (home / "token").unlink()
    assert tokens.find(token) is None
    (home / "token").write_text(token)
    assert tokens.find(token)


@posix
def test_a_folder_that_cannot_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("COMPANION_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(UsageError, match=r"cannot be written \(Not a directory\)"):
        ensure_token()


def test_a_folder_that_cannot_be_written_is_named(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: object, *_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(home))

    monkeypatch.setattr("filelock.FileLock.acquire", refuse)
    for make in (ensure_token, rotate_token):
        with pytest.raises(UsageError, match=r"cannot be written \(Permission denied\); check"):
            make()
    monkeypatch.setattr(Path, "exists", refuse)
    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(UsageError, match=r"cannot be read \(Permission denied\); check"):
        read_token()
