"""Access to a running daemon: by tokens, one-time codes, and sessions of the page."""

from __future__ import annotations

import hmac
import re
import secrets
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Literal, NamedTuple

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from companion.app.tokens import Tokens, client_token, prove, read_token
from companion.config import state_folder, vault_digest
from companion.errors import UsageError
from companion.private_files import make_private_folder, write_private

_LASTS = 12 * 3600  # seconds that a session lasts
_SESSION = re.compile(r"([0-9]{1,12})\.([0-9a-f]{32})\.([0-9a-f]{64})")


class Proofs(NamedTuple):
    """Proofs of knowing the token of the vault's clients, and the plugin's id."""

    token: str
    place: str


class Access:
    """Who may use the daemon of the vault at root (its real path), which listens on port.

    plugin_id: the id in the plugin's runtime file. tokens, sessions: those that are valid.
    """

    def __init__(self, root: Path, port: int, plugin_id: str) -> None:
        self.port = port
        self.tokens = Tokens(root)
        self.sessions = Sessions(root, self.tokens, port)
        self._root = root
        self._plugin_id = plugin_id

    def pair(self, code: str) -> str | None:
        """Return the token of the vault's clients for a one-time code, None for a wrong one."""
        is_right = take_code(state_folder(self._root), code)
        return client_token(read_token(), self._root) if is_right else None

    def open_page(self, code: str) -> str | None:
        """Return the bearer token of a new session, for a code of `companion open`.

        Returns None if the code is wrong, or there is no token.
        """
        is_right = take_code(state_folder(self._root), code, purpose="page")
        return self.sessions.open() if is_right else None

    def prove(self, nonce: str) -> Proofs | None:
        """Return the daemon's proofs for a client's nonce, None while there is no token."""
        by_token = self.tokens.prove(self.port, nonce)
        by_place = prove(self._plugin_id, self.port, nonce)
        return None if by_token is None else Proofs(by_token, by_place)


class Sessions:
    """The sessions of the page of the vault at root (its real path), on a port.

    Nothing is stored: a session is a bearer token that says when it expires, with an HMAC whose key
    is derived from the user's token. It ends then, and when the user's token is replaced. It is no
    cookie, since a browser sends those of one port to all ports of a host (RFC 6265, section 8.5).
    Safe to use from any thread.
    """

    def __init__(
        self, root: Path, tokens: Tokens, port: int, clock: Callable[[], float] = time.time
    ) -> None:
        self._place = f"companion-{port}-{vault_digest(root)}"
        self._tokens = tokens
        self._clock = clock

    def open(self) -> str | None:
        """Return the bearer token of a new session; None while the user has no token."""
        message = f"{int(self._clock()) + _LASTS}.{secrets.token_hex(16)}"
        mac = self._sign(message)
        return None if mac is None else f"{message}.{mac}"

    def accepts(self, bearer: str) -> bool:
        """Return whether it is the token of a session that has not ended."""
        session = _SESSION.fullmatch(bearer)
        if session is None:
            return False
        expires, nonce, mac = session.groups()
        expected = self._sign(f"{expires}.{nonce}")
        is_ours = expected is not None and hmac.compare_digest(mac, expected)
        return is_ours and self._clock() < int(expires)

    def _sign(self, message: str) -> str | None:
        return self._tokens.sign(f"page\n{self._place}\n{message}")


_ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ23456789"  # no two that look alike: 0 O, 1 I L, U V
_LENGTH = 8  # characters: 30^8 codes, of which somebody who guesses may try five
_LOCK_TIMEOUT = 2.0  # seconds

Clock = Callable[[], float]
Purpose = Literal["pairing", "page"]
"""What a code is for: to pair a client, or to open the page. Each has a code of its own."""


class _PairingCode(BaseModel):
    """The code that is valid now. Times are in seconds since the epoch."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    sha256: str
    made_at: float
    expires_at: float
    tries: int

    def is_valid(self, now: float) -> bool:
        """Return whether the code may still be used.

        A clock that was set back, as after sleep, may show less than the time it was made at; one
        that shows less by as much as a code lasts ends it, too.
        """
        lasts = self.expires_at - self.made_at
        return self.tries > 0 and abs(now - self.made_at) < lasts


def new_code(
    state: Path,
    lasts: float = 120.0,
    tries: int = 5,
    *,
    purpose: Purpose = "pairing",
    clock: Clock = time.time,
) -> str:
    """Return a new code like `ABCD-2345` that take_code accepts once; it replaces an earlier one.

    state: the vault's state folder, where its hash is saved. lasts: in seconds.

    Raises UsageError if the folder cannot be written.
    """
    code = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    now = clock()
    saved = _PairingCode(sha256=_hash(code), made_at=now, expires_at=now + lasts, tries=tries)
    try:
        make_private_folder(state)
        with _lock(state):
            _save(state, purpose, saved)
    except (OSError, Timeout) as error:
        raise UsageError(f"the folder {state} cannot be written ({error}); allow it") from None
    return f"{code[:4]}-{code[4:]}"


def take_code(
    state: Path, code: str, *, purpose: Purpose = "pairing", clock: Clock = time.time
) -> bool:
    """Return whether it is the code made last, and is still valid; it is used up by that.

    Case, hyphens and spaces do not matter. A try that cannot be counted is refused.
    """
    try:
        with _lock(state):
            saved = _read(file := _file(state, purpose))
            if saved is None:
                return False
            if not saved.is_valid(clock()):
                file.unlink()
                return False
            is_right = hmac.compare_digest(_hash(code), saved.sha256)
            if is_right:
                file.unlink()
            else:
                _save(state, purpose, saved.model_copy(update={"tries": saved.tries - 1}))
            return is_right
    except (OSError, Timeout, UsageError):
        return False


def has_code(state: Path) -> bool:
    """Return whether the code made last is still valid, and not used up."""
    saved = _read(_file(state, "pairing"))
    return saved is not None and saved.is_valid(time.time())


def _read(file: Path) -> _PairingCode | None:
    try:
        return _PairingCode.model_validate_json(file.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def _save(state: Path, purpose: Purpose, code: _PairingCode) -> None:
    write_private(_file(state, purpose), code.model_dump_json().encode())


def _file(state: Path, purpose: Purpose) -> Path:
    return state / f"{purpose}.json"


def _lock(state: Path) -> FileLock:
    return FileLock(state / "pairing.lock", timeout=_LOCK_TIMEOUT, mode=0o600, thread_local=False)


def _hash(code: str) -> str:
    plain = "".join(sign for sign in code.upper() if sign not in "- \t\r\n")
    return sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()
