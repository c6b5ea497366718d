"""Access to a running daemon: by tokens, and by one-time codes, which are exchanged for one."""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from companion import __version__
from companion.app.tokens import VaultTokens, prove
from companion.app.types.base import Shape
from companion.app.types.status import NewToken, TokenSecret
from companion.config import state_folder
from companion.errors import UsageError
from companion.private_files import locked, write_private


class Proof(Shape):
    """HMAC-SHA256 of `callout-companion`, the daemon's port and the nonce, a line each; in hex.

    token: made with the client's token as the key. place: made with the `id` in the
    plugin's runtime file, which says where the daemon is.
    """

    token: str
    place: str
    version: str


class Access:
    """Who may use the daemon of the vault at root (its real path), which listens on port.

    plugin_id: the id in the plugin's runtime file.
    """

    def __init__(self, root: Path, port: int, plugin_id: str) -> None:
        self.port = port
        self.tokens = VaultTokens(root)
        self.wrong_codes = WrongCodes()
        self.state = state_folder(root)
        self._plugin_id = plugin_id

    def exchange(
        self, code: str, purpose: Purpose, name: str, seconds: float | None = None
    ) -> TokenSecret | None:
        """Return a new token of this name for a one-time code, None for a wrong one.

        seconds: how long the token is valid; None: until it is revoked. Not a cookie: browsers send
        those to all ports of a host (RFC 6265, section 8.5).

        Raises UsageError if no token can be made; the code is used up even then.
        """
        is_right = take_code(self.state, code, purpose=purpose)
        self.wrong_codes.count(is_right=is_right)
        return self.tokens.make(NewToken(name=name, scope="all"), seconds) if is_right else None

    def prove(self, nonce: str, id_: str = "") -> Proof | None:
        """Return the daemon's proofs for a client's nonce, None while there is no user token.

        id_: of the client's token; empty: it has one of an earlier version, or none.
        """
        by_token = self.tokens.prove(self.port, nonce, id_)
        by_place = prove(self._plugin_id, self.port, nonce)
        if by_token is None:
            return None
        return Proof(token=by_token, place=by_place, version=__version__)


class WrongCodes:
    """The wrong codes entered in a row, and how long their sender should wait.

    Programs on this machine cannot be told apart by their address. So a right code is accepted at
    any time, however many wrong ones came before, and the length of a code makes guessing hopeless.
    Safe to use from any thread.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._number, self._last = 0, 0.0

    def count(self, *, is_right: bool) -> None:
        """Count a code; a right one, or a long pause, ends the row."""
        with self._lock:
            now = self._clock()
            before = self._number if now - self._last < _ROW_ENDS else 0
            self._number, self._last = (0 if is_right else before + 1), now

    @property
    def wait(self) -> int:
        """The seconds to wait before the next try; none for the first few wrong codes."""
        beyond = self._number - _SLIPS
        return 0 if beyond <= 0 else min(2**beyond, _LONGEST_WAIT)


_ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ23456789"  # no two that look alike: 0 O, 1 I L, U V
_LENGTH = 8  # characters of a code that is typed: 30^8 codes, for two minutes
CARRIED_LENGTH = 16  # of one that programs carry, and that lasts longer
_LOCK, _LOCK_TIMEOUT = "pairing.lock", 2.0  # seconds
_SLIPS = 3  # wrong codes in a row, as somebody types them
_LONGEST_WAIT = 64  # seconds
_ROW_ENDS = 600.0  # seconds

Clock = Callable[[], float]
Purpose = Literal["pairing", "page"]
"""What a code is for: to pair a client, or to open the page. Each has its own code."""


class _PairingCode(BaseModel):
    """The code that is valid now. Times are in seconds since the epoch."""

    model_config = ConfigDict(frozen=True, strict=True)

    sha256: str
    made_at: float
    expires_at: float

    def is_valid(self, now: float) -> bool:
        """Return whether the code may still be used.

        A clock that was set back by more than a code lasts also ends it.
        """
        return abs(now - self.made_at) < self.expires_at - self.made_at

    def accepts(self, code: str, now: float) -> bool:
        """Return whether it is this code, and may still be used. Case is ignored."""
        return self.is_valid(now) and hmac.compare_digest(_hash(code), self.sha256)


def new_code(
    state: Path,
    lasts: float = 120.0,
    *,
    length: int = _LENGTH,
    purpose: Purpose = "pairing",
    clock: Clock = time.time,
) -> str:
    """Return a new code like `ABCD-2345` that take_code accepts once; it replaces an earlier one.

    state: the vault's state folder, where its hash is saved. lasts: in seconds. length: characters.

    Raises UsageError if the folder cannot be written.
    """
    code = "".join(secrets.choice(_ALPHABET) for _ in range(length))
    now = clock()
    saved = _PairingCode(sha256=_hash(code), made_at=now, expires_at=now + lasts)
    with locked(state, _LOCK, _LOCK_TIMEOUT):
        write_private(_file(state, purpose), saved.model_dump_json().encode())
    return "-".join(code[start : start + 4] for start in range(0, length, 4))


def new_page_address(state: Path, port: int, lasts: float = 60.0) -> str:
    """Return an address of the page with a new one-time code, valid for this many seconds."""
    code = new_code(state, lasts, length=CARRIED_LENGTH, purpose="page")
    return f"http://127.0.0.1:{port}/#code={code}"


def take_code(
    state: Path, code: str, *, purpose: Purpose = "pairing", clock: Clock = time.time
) -> bool:
    """Return whether it is the latest code, and valid; that uses it up."""
    try:
        with locked(state, _LOCK, _LOCK_TIMEOUT):
            saved, now = _read(file := _file(state, purpose)), clock()
            is_right = saved is not None and saved.accepts(code, now)
            if is_right or (saved and not saved.is_valid(now)):
                file.unlink()
            return is_right
    except (OSError, UsageError):
        return False


def can_pair(state: Path, code: str) -> bool:
    """Return whether the code would still be accepted."""
    saved = _read(_file(state, "pairing"))
    return saved is not None and saved.accepts(code, time.time())


def _read(file: Path) -> _PairingCode | None:
    try:
        return _PairingCode.model_validate_json(file.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def _file(state: Path, purpose: Purpose) -> Path:
    return state / f"{purpose}.json"


def _hash(code: str) -> str:
    plain = "".join(sign for sign in code.upper() if sign not in "- \t\r\n")
    return sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()
