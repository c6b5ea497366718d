"""Who may talk to the daemon: the token file, and the tokens that follow from it.

The file `token` in the configuration folder is the command line's own bearer token. A paired client
of one vault has a token that is computed from it, so that it opens only that vault's daemon, lies
nowhere with us, and ends when the file gets a new token.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Literal, NamedTuple

from filelock import FileLock

from companion.config import config_folder
from companion.errors import UsageError
from companion.private_files import is_private, write_private

_BYTES = 32
_TOKEN = re.compile(r"[\w-]{43,128}", re.ASCII)
_REMEDY = "companion token rotate makes a new one"

Caller = Literal["cli", "client"]


def token_file() -> Path:
    """Return where the token lies, whether it is there or not."""
    return config_folder() / "token"


def has_token() -> bool:
    """Whether there is a token, or a file that may not even be looked at."""
    try:
        return token_file().exists()
    except OSError:
        return True


def read_token() -> str:
    """Return the token of this user.

    Raises UsageError when there is none yet, or the file holds something else.
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
    """Return the token of this user, made now if there is none; nobody else may read it.

    Processes that call this at the same time get the same one.

    Raises UsageError when the file holds something else, or cannot be written.
    """
    file = token_file()
    if not has_token():
        with _writing():
            if not has_token():
                _write_new()
    if not is_private(file):
        with suppress(OSError):  # somebody else's file; doctor says so
            file.chmod(0o600)
    return read_token()


def rotate_token() -> str:
    """Return a new token, in the place of the old one: all sessions and paired clients end.

    Raises UsageError when it cannot be written.
    """
    with _writing():
        return _write_new()


def client_token(token: str, root: Path) -> str:
    """Return the token of paired clients of the vault at root (its real path): 64 hex digits."""
    vault = sha256(str(root).encode("utf-8", "surrogateescape")).hexdigest()
    return hmac.new(token.encode(), f"vault:{vault}".encode(), sha256).hexdigest()


def prove(key: str, port: int, nonce: str) -> str:
    """Return what only somebody who has the key can answer to a nonce: 64 hex digits.

    port: where the one who proves it listens. An answer that a program on another port fetched
    from there, to pass it on, is thereby none for the port that the client dialled.
    """
    message = f"callout-companion\n{port}\n{nonce}"
    return hmac.new(key.encode(), message.encode(), sha256).hexdigest()


class _Accepted(NamedTuple):
    """What the token file, as it was at `seen`, lets in; nobody where it holds no token."""

    seen: tuple[int, ...] | None
    cli: bytes | None = None
    client: bytes | None = None


class Tokens:
    """The tokens that the daemon of the vault at root (its real path) accepts, at any moment.

    The file is read again whenever it changed: a rotation ends every session at once, and while
    the file is gone nobody gets in. Any thread may ask.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._accepted = _Accepted(None)

    def accepts(self, bearer: str) -> Caller | None:
        """Return whose token it is; None for nobody's. Takes as long whatever it is."""
        accepted = self._read()
        given = bearer.encode("utf-8", "surrogatepass")
        if accepted.cli is None or accepted.client is None:
            return None
        is_cli = hmac.compare_digest(given, accepted.cli)
        is_client = hmac.compare_digest(given, accepted.client)
        if is_cli:
            return "cli"
        return "client" if is_client else None

    def prove(self, port: int, nonce: str) -> str | None:
        """Return the proof that we know the token of this vault's clients; None without one."""
        client = self._read().client
        return None if client is None else prove(client.decode(), port, nonce)

    def _read(self) -> _Accepted:
        # looked at before it is read: one changed in between is read again the next time
        seen = _look(token_file())
        if seen is None or seen != self._accepted.seen:
            self._accepted = self._derive(seen)
        return self._accepted

    def _derive(self, seen: tuple[int, ...] | None) -> _Accepted:
        try:
            token = read_token()
        except UsageError:
            return _Accepted(seen)
        return _Accepted(seen, token.encode(), client_token(token, self._root).encode())


def _look(file: Path) -> tuple[int, ...] | None:
    try:
        seen = file.stat()
    except OSError:
        return None
    return seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns


@contextmanager
def _writing() -> Iterator[None]:
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
