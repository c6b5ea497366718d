"""One-time codes: what a person types into another program so that it gets a token."""

from __future__ import annotations

import hmac
import json
import secrets
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from companion.config.private_file import write_private
from companion.errors import UsageError
from companion.vault.private_files import make_private_folder

_ALPHABET = "ABCDEFGHJKMNPQRSTVWXYZ23456789"  # no two that look alike: 0 O, 1 I L, U V
_LENGTH = 8  # characters: 30^8 codes, of which somebody who guesses may try five
_PATIENCE = 2.0  # seconds for another one who looks at the code at this moment

Clock = Callable[[], float]


class _PairingCode(BaseModel):
    """The code that may be typed now. Times in seconds since the epoch."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    sha256: str
    made_at: float
    expires_at: float
    tries: int


def new_code(state: Path, lasts: float = 120.0, tries: int = 5, *, clock: Clock = time.time) -> str:
    """Return a code, as `ABCD-2345`, that take_code accepts once; an earlier one ends.

    state: the vault's state folder, where its hash is kept. lasts: in seconds.

    Raises UsageError when that folder cannot be written.
    """
    code = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
    now = clock()
    kept = _PairingCode(sha256=_hash(code), made_at=now, expires_at=now + lasts, tries=tries)
    try:
        make_private_folder(state)
        with _alone(state):
            _keep(state, kept)
    except (OSError, Timeout) as error:
        raise UsageError(f"the folder {state} cannot be written ({error}); allow it") from None
    return f"{code[:4]}-{code[4:]}"


def take_code(state: Path, code: str, *, clock: Clock = time.time) -> bool:
    """Whether it is the code that was made last; it ends with that, and after its time or tries.

    Case, hyphens and spaces do not matter. A try that cannot be counted is refused.
    """
    try:
        with _alone(state):
            return _take(state, code, clock())
    except (OSError, Timeout, UsageError):
        return False


def _take(state: Path, code: str, now: float) -> bool:
    file = _file(state)
    kept = _read(file)
    if kept is None:
        return False
    if kept.tries < 1 or not kept.made_at <= now < kept.expires_at:
        file.unlink()
        return False
    is_right = hmac.compare_digest(_hash(code), kept.sha256)
    if is_right:
        file.unlink()
    else:
        _keep(state, kept.model_copy(update={"tries": kept.tries - 1}))
    return is_right


def _read(file: Path) -> _PairingCode | None:
    try:
        return _PairingCode.model_validate(json.loads(file.read_bytes()))
    except (FileNotFoundError, ValueError, RecursionError, ValidationError):
        return None


def _keep(state: Path, code: _PairingCode) -> None:
    write_private(_file(state), code.model_dump_json().encode())


def _file(state: Path) -> Path:
    return state / "pairing.json"


def _alone(state: Path) -> FileLock:
    return FileLock(state / "pairing.lock", timeout=_PATIENCE, mode=0o600, thread_local=False)


def _hash(code: str) -> str:
    plain = "".join(sign for sign in code.upper() if sign not in "- \t\r\n")
    return sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()
