"""The bearer tokens that the daemon accepts: the token file, and tokens derived from it.

The file `token` in the configuration folder holds the command line's token. The token of a vault's
paired clients is derived from it (HMAC): it is valid for that vault's daemon only, is not stored
here, and becomes invalid when the file gets a new token.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock

from companion.config import config_folder
from companion.errors import UsageError
from companion.private_files import is_private, write_private
from companion.vault.files import read_fingerprint

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


def client_token(token: str, root: Path) -> str:
    """Return the token of paired clients of the vault at root (its real path), in hex digits."""
    vault = sha256(str(root).encode("utf-8", "surrogateescape")).hexdigest()
    return hmac.new(token.encode(), f"vault:{vault}".encode(), sha256).hexdigest()


def prove(key: str, port: int, nonce: str) -> str:
    """Return the proof of knowing the key, for a nonce: an HMAC-SHA256 in hex digits.

    port: where the prover listens. It is part of the proof, so that a program on another port
    cannot pass on the proof of the daemon as its own.
    """
    message = f"callout-companion\n{port}\n{nonce}"
    return hmac.new(key.encode(), message.encode(), sha256).hexdigest()


class _Accepted(NamedTuple):
    """The tokens accepted for a state of the token file; None if it holds no token."""

    fingerprint: tuple[int, ...] | None
    cli: bytes | None = None
    client: bytes | None = None


class Tokens:
    """The tokens that the daemon of the vault at root (its real path) accepts.

    The file is read again whenever it has changed: a rotation ends every session at once, and
    without the file no token is accepted. Safe to use from any thread.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._accepted = _Accepted(None)

    def accepts(self, bearer: str) -> bool:
        """Return whether it is one of the tokens. Compares in constant time."""
        accepted = self._read()
        token = bearer.encode("utf-8", "surrogatepass")
        if accepted.cli is None or accepted.client is None:
            return False
        is_cli = hmac.compare_digest(token, accepted.cli)
        is_client = hmac.compare_digest(token, accepted.client)
        return is_cli or is_client

    def prove(self, port: int, nonce: str) -> str | None:
        """Return the proof of knowing the client token of this vault, None if there is no token."""
        client = self._read().client
        return None if client is None else prove(client.decode(), port, nonce)

    def sign(self, message: str) -> str | None:
        """Return the HMAC-SHA256 of a message in hex digits, None if there is no token.

        The key is that of this vault's clients. Messages must not begin as those of prove() do.
        """
        client = self._read().client
        return None if client is None else hmac.new(client, message.encode(), sha256).hexdigest()

    def _read(self) -> _Accepted:
        # before the file is read: if it changes in between, it is read again the next time
        fingerprint = read_fingerprint(token_file())
        if fingerprint is None or fingerprint != self._accepted.fingerprint:
            accepted = _Accepted(fingerprint)
            with suppress(UsageError):
                token = read_token()
                client = client_token(token, self._root)
                accepted = _Accepted(fingerprint, token.encode(), client.encode())
            self._accepted = accepted
        return self._accepted


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
