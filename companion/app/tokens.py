"""The user's token, and how those of a vault are derived from it.

The file `token` in the configuration folder holds it; it is the command line's. Which of the
derived ones a vault's daemon accepts is in `vault_tokens.py`.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

from filelock import FileLock

from companion.config import config_folder
from companion.errors import UsageError
from companion.private_files import is_private, write_private

_BYTES = 32
_TOKEN = re.compile(r"[\w-]{43,128}", re.ASCII)
_REMEDY = "companion plugin token rotate makes a new one"


def token_file() -> Path:
    """Return the path of the token file, which may not exist."""
    return config_folder() / "token"


def has_token() -> bool:
    """Return whether the token file exists, or may not be accessed."""
    try:
        return token_file().exists()
    except OSError:
        return True


def read_token() -> str:
    """Return this user's token.

    Raises UsageError if there is no token file, or it cannot be read or holds no token.
    """
    file = token_file()
    try:
        token = file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise UsageError(f"there is no token yet ({file}); {_REMEDY}") from None
    except UnicodeDecodeError:
        token = ""
    except OSError as error:
        raise UsageError(f"the token {file} cannot be read ({error.strerror}); allow it") from None
    if not _TOKEN.fullmatch(token):
        raise UsageError(f"the file {file} holds no token; {_REMEDY}")
    return token


def ensure_token() -> str:
    """Return this user's token, creating it if there is none. Only the user may read the file.

    Processes that call this at the same time get the same token.

    Raises UsageError if the file holds no token, or cannot be written.
    """
    file = token_file()
    if not has_token():
        with _locked():
            if not has_token():
                _write_new()
    if not is_private(file):
        with suppress(OSError):  # another user's file, which `companion doctor` reports
            file.chmod(0o600)
    return read_token()


def rotate_token() -> str:
    """Replace the token and return the new one; all sessions and paired clients end.

    Raises UsageError if it cannot be written.
    """
    with _locked():
        return _write_new()


def client_token(token: str, root: Path, id_: str = "") -> str:
    """Return the token of that id for the vault at root (its real path): `ID.HEX-DIGITS`.

    Without an id: the one that earlier versions gave to all clients of the vault, in hex digits.
    """
    vault = sha256(str(root).encode("utf-8", "surrogateescape")).hexdigest()
    message = f"vault:{vault}:{id_}" if id_ else f"vault:{vault}"
    digest = hmac.new(token.encode(), message.encode("utf-8", "surrogatepass"), sha256).hexdigest()
    return f"{id_}.{digest}" if id_ else digest


def prove(key: str, port: int, nonce: str) -> str:
    """Return the proof of knowing the key, for a nonce: an HMAC-SHA256 in hex digits.

    port: where the prover listens. It is part of the proof, so that a program on another port
    cannot pass on the proof of the daemon as its own.
    """
    message = f"callout-companion\n{port}\n{nonce}"
    return hmac.new(key.encode(), message.encode(), sha256).hexdigest()


@contextmanager
def _locked() -> Iterator[None]:
    """Hold the lock of the token file. Raises UsageError if its folder cannot be written."""
    folder = config_folder()
    lock = FileLock(folder / "token.lock", mode=0o600, thread_local=False)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        why = error.strerror or error
        raise UsageError(f"the folder {folder} cannot be written ({why}); allow it") from None
    try:
        yield
    finally:
        lock.release()


def _write_new() -> str:
    token = secrets.token_urlsafe(_BYTES)
    write_private(token_file(), f"{token}\n".encode("ascii"))
    return token
