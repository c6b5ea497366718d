"""Access to a running daemon: by tokens, one-time codes, and sessions of the page."""

from __future__ import annotations

import hmac
import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from companion.config import state_folder, vault_digest
from companion.daemon.pairing import take_code
from companion.daemon.tokens import Tokens, client_token, prove, read_token

_LASTS = 12 * 3600  # seconds that a session lasts
_VALUE = re.compile(r"([0-9]{1,12})\.([0-9a-f]{32})\.([0-9a-f]{64})")


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
        """Return the Set-Cookie header of a new session, for a code of `companion open`.

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

    Nothing is stored: the cookie holds when the session expires, and an HMAC with a key that is
    derived from the user's token. It ends then, and when the token is replaced.

    The cookie is named by port and vault, since a browser sends the cookies of one port to all
    ports of a host (RFC 6265, section 8.5). Safe to use from any thread.
    """

    def __init__(
        self, root: Path, tokens: Tokens, port: int, clock: Callable[[], float] = time.time
    ) -> None:
        self.cookie = f"companion-{port}-{vault_digest(root)}"
        self._tokens = tokens
        self._clock = clock

    def open(self) -> str | None:
        """Return the Set-Cookie header of a new session; None while there is no token."""
        message = f"{int(self._clock()) + _LASTS}.{secrets.token_hex(16)}"
        mac = self._sign(message)
        if mac is None:
            return None
        attributes = f"Path=/; Max-Age={_LASTS}; HttpOnly; SameSite=Strict"
        return f"{self.cookie}={message}.{mac}; {attributes}"

    def accepts(self, header: str | None) -> bool:
        """Return whether a Cookie header has a session that has not ended.

        One with two cookies of our name has none: another program on this host set one of them.
        """
        pairs = [part.strip().partition("=") for part in (header or "").split(";")]
        values = [value for name, _, value in pairs if name == self.cookie]
        found = _VALUE.fullmatch(values[0]) if len(values) == 1 else None
        if found is None:
            return False
        expires, nonce, mac = found.groups()
        expected = self._sign(f"{expires}.{nonce}")
        is_ours = expected is not None and hmac.compare_digest(mac, expected)
        return is_ours and self._clock() < int(expires)

    def _sign(self, message: str) -> str | None:
        return self._tokens.sign(f"page\n{self.cookie}\n{message}")
