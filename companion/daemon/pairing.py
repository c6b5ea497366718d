"""One-time codes: what a person types into another program, or opens the page with."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from companion.errors import UsageError
from companion.private_files import make_private_folder, write_private

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
