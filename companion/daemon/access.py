"""Who may use the daemon: who has the user's token, and the page, by a session.

The token is in the file `token` in the state folder. A new one ends all sessions at once, since
codes and sessions are signed with it.
"""

from __future__ import annotations

import hmac
import re
import secrets
import threading
import time
from contextlib import suppress
from pathlib import Path

from itsdangerous import BadData, URLSafeTimedSerializer

from companion.config import common_state_folder
from companion.errors import UsageError
from companion.private_files import write_private

CODE_LASTS = 600  # seconds
SESSION_LASTS = 12 * 3600  # seconds
_TOKEN = re.compile(r"[\w-]{43,128}", re.ASCII)
_REMEDY = "companion token --new makes one"


def token_file() -> Path:
    """Return the path of the token file, which may not exist."""
    return common_state_folder() / "token"


def read_token() -> str:
    """Return this user's token. Raises UsageError if there is none, or it cannot be read."""
    file = token_file()
    try:
        token = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        raise UsageError(f"the token {file} cannot be read ({why}); {_REMEDY}") from None
    if not _TOKEN.fullmatch(token):
        raise UsageError(f"the file {file} holds no token; {_REMEDY}")
    return token


def ensure_token() -> str:
    """Return this user's token, made if there is none. Only the user may read its file.

    Raises UsageError if the file holds no token, or cannot be written.
    """
    file = token_file()
    if not file.exists():
        replace_token()
    with suppress(OSError):  # it is another user's
        file.chmod(0o600)
    return read_token()


def replace_token() -> str:
    """Return a new token; the old one and all sessions end. Raises UsageError."""
    token = secrets.token_urlsafe(32)
    write_private(token_file(), f"{token}\n".encode("ascii"))
    return token


def new_page_address(port: int) -> str:
    """Return an address of the page, to be used once in ten minutes. Raises UsageError."""
    code = _signer("page", port).dumps(secrets.token_hex(8))
    return f"http://127.0.0.1:{port}/#code={code}"


class Access:
    """Who may use the daemon that listens on port. Safe to use from any thread."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._lock = threading.Lock()
        self._used: dict[str, float] = {}  # codes, with when they expire by the monotonic clock

    def admits(self, bearer: str) -> bool:
        """Return whether it is the user's token, or a session's."""
        try:
            if hmac.compare_digest(bearer.encode(), read_token().encode()):
                return True
            _signer("session", self.port).loads(bearer, max_age=SESSION_LASTS)
        except (UsageError, BadData):
            return False
        return True

    def open_session(self, code: str) -> str | None:
        """Return the token of a new session for a code of an address, None for a wrong one."""
        with self._lock:
            now = time.monotonic()
            self._used = {used: at for used, at in self._used.items() if now < at}
            try:
                name = _signer("page", self.port).loads(code, max_age=CODE_LASTS)
            except (UsageError, BadData):
                return None
            if name in self._used:
                return None
            self._used[name] = now + CODE_LASTS + 1
        return _signer("session", self.port).dumps(secrets.token_hex(8))


def _signer(what: str, port: int) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(read_token(), salt=f"companion {what} {port}")
