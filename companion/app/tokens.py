"""The user's token, and the tokens of a vault, which are derived from it.

The file `token` in the configuration folder holds it; it is the command line's. A private file in
the vault's state folder says which of the derived ones the vault's daemon accepts. That file has no
secret, not even a hash of one: each token is derived (HMAC) from the user's own, the vault and its
id. So a new user token ends all others at once.
"""

from __future__ import annotations

import hmac
import re
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from companion.app.types.base import Shape
from companion.app.types.status import NewToken, Token, TokenSecret
from companion.config import config_folder, state_folder
from companion.errors import NotThere, UsageError
from companion.private_files import is_private, locked, read_if_there, write_private
from companion.vault.files import read_fingerprint

_BYTES = 32
_LOCK, _LOCK_TIMEOUT = "token.lock", 2.0  # seconds
_TOKEN = re.compile(r"[\w-]{43,128}", re.ASCII)
_REMEDY = "companion plugin token rotate makes a new one"


def token_file() -> Path:
    """Return the path of the token file, which may not exist."""
    return config_folder() / "token"


def has_token() -> bool:
    """Return whether the token file exists, or cannot be accessed."""
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
        raise UsageError(
            f"the token {file} cannot be read ({error.strerror}); check its permissions"
        ) from None
    if not _TOKEN.fullmatch(token):
        raise UsageError(f"the file {file} holds no token; {_REMEDY}")
    return token


def ensure_token() -> str:
    """Return this user's token, creating it if there is none. Only the user may read the file.

    Processes that call this at the same time get the same token.

    Raises UsageError if the file holds no token, or cannot be written, or another process takes
    too long to write it.
    """
    file = token_file()
    if not has_token():
        with locked(config_folder(), _LOCK, _LOCK_TIMEOUT):
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
    with locked(config_folder(), _LOCK, _LOCK_TIMEOUT):
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

    port: of the prover, so that a program on another port cannot pass on the daemon's proof.
    """
    message = f"callout-companion\n{port}\n{nonce}"
    return hmac.new(key.encode(), message.encode(), sha256).hexdigest()


def _write_new() -> str:
    token = secrets.token_urlsafe(_BYTES)
    write_private(token_file(), f"{token}\n".encode("ascii"))
    return token


_MOST = 100  # tokens of a vault
_DAY = 24 * 3600.0  # seconds
_USE_SAVED = 60.0  # seconds between two notes of the use of a token
_EARLIER = "earlier"  # the id of the token that earlier versions gave to all clients of a vault

OWNER = Token(id="", name="command line", scope="all", made_at=0.0)
"""Stands for the user's own token, the command line's."""


class _Saved(Shape):
    """The tokens of a vault. user: a hash of the user's token when they were made. takes_earlier:
    whether the token of earlier versions is accepted; it gets its entry on first use.
    """

    user: str
    takes_earlier: bool
    tokens: list[Token]


class _Accepted(NamedTuple):
    """The tokens accepted for a state of the files; without a user token, none."""

    fingerprints: tuple[object, object]
    user_token: str | None
    saved: _Saved


class VaultTokens:
    """The tokens of the vault at root (its real path). Safe to use from any thread and process.

    The files are read again whenever they have changed, so a revoked token is refused at once.
    """

    def __init__(self, root: Path, clock: Callable[[], float] = time.time) -> None:
        self._root, self._clock = root, clock
        self._file = state_folder(root) / "tokens.json"
        self._accepted: _Accepted | None = None
        self._lock = threading.Lock()
        self._use_saved: dict[str, float] = {}

    def find(self, bearer: str) -> Token | None:
        """Return the entry of this token, None if there is none. Compares in constant time."""
        accepted = self._read()
        if accepted.user_token is None:
            return None
        token_bytes = bearer.encode("utf-8", "surrogatepass")
        id_ = bearer.rpartition(".")[0]
        expected = client_token(accepted.user_token, self._root, id_)
        is_owner = hmac.compare_digest(token_bytes, accepted.user_token.encode())
        is_client = hmac.compare_digest(token_bytes, expected.encode("utf-8", "surrogatepass"))
        if is_owner or not is_client:
            return OWNER if is_owner else None
        token = self._entry(accepted.saved, id_ or _EARLIER)
        if token and self._clock() - self._use_saved.get(token.id, 0.0) > _USE_SAVED:
            self._save_use(token)
        return token

    def all(self) -> list[Token]:
        """Return the valid tokens, oldest first. Raises UsageError without a user token."""
        read_token()
        return self._valid(self._read().saved)

    def make(self, new: NewToken, seconds: float | None = None) -> TokenSecret:
        """Return a new token. seconds: how long it is valid, in place of its days.

        Raises UsageError if there are too many, or the file cannot be written.
        """
        now = self._clock()
        if seconds is None and new.days:
            seconds = new.days * _DAY
        token = Token(
            id=secrets.token_hex(8),
            name=new.name,
            scope=new.scope,
            made_at=now,
            expires_at=None if seconds is None else now + seconds,
        )
        self._change(lambda saved: [*_make_room(saved.tokens), token])
        secret = client_token(read_token(), self._root, token.id)
        return TokenSecret(**vars(token), token=secret)

    def revoke(self, name: str) -> Token:
        """Revoke the token of this id, or of this name if only one has it; return it.

        Raises NotThere if there is none, UsageError if several have the name.
        """
        tokens = self.all()
        matches = [each for each in tokens if each.id == name]
        matches = matches or [each for each in tokens if each.name == name]
        if not matches:
            raise NotThere(f"there is no token {name}")
        if len(matches) > 1:
            ids = ", ".join(each.id for each in matches)
            raise UsageError(f"{len(matches)} tokens are named {name}; name one by its id: {ids}")
        self._change(lambda saved: [each for each in saved.tokens if each.id != matches[0].id])
        return matches[0]

    def prove(self, port: int, nonce: str, id_: str = "") -> str | None:
        """Return the proof of knowing the token of that id; None: there is no user token."""
        user_token = self._read().user_token
        return user_token and prove(client_token(user_token, self._root, id_), port, nonce)

    def _read(self) -> _Accepted:
        # before the files are read: if one changes in between, it is read again the next time
        fingerprints = read_fingerprint(token_file()), read_fingerprint(self._file)
        accepted = self._accepted
        if accepted is None or fingerprints[0] is None or accepted.fingerprints != fingerprints:
            try:
                user_token = read_token()
            except UsageError:
                user_token = None
            saved = _load(self._file, user_token or "")
            self._accepted = accepted = _Accepted(fingerprints, user_token, saved)
        return accepted

    def _entry(self, saved: _Saved, id_: str) -> Token | None:
        token = next((each for each in self._valid(saved) if each.id == id_), None)
        if token is None and id_ == _EARLIER and saved.takes_earlier:
            return Token(id=_EARLIER, name="Obsidian", scope="all", made_at=self._clock())
        return token

    def _valid(self, saved: _Saved) -> list[Token]:
        now = self._clock()
        return [each for each in saved.tokens if each.expires_at is None or now < each.expires_at]

    def _save_use(self, token: Token) -> None:
        """Record that the token is used now; if that cannot be written, it is ignored."""
        now = self._use_saved[token.id] = self._clock()
        used = token.model_copy(update={"used_at": now})

        def note(saved: _Saved) -> list[Token]:
            if self._entry(saved, token.id) is None:  # it has been revoked
                return saved.tokens
            ids = [each.id for each in saved.tokens]
            at = ids.index(token.id) if token.id in ids else len(ids)
            return [*saved.tokens[:at], used, *saved.tokens[at + 1 :]]

        try:
            self._change(note)
        except UsageError:
            return

    def _change(self, change: Callable[[_Saved], list[Token]]) -> None:
        """Write the tokens that change returns for the existing ones. Raises UsageError."""
        with self._lock, locked(self._file.parent, "tokens.lock", _LOCK_TIMEOUT):
            saved = _load(self._file, read_token())
            tokens = change(saved)
            before, after = ({each.id for each in some} for some in (saved.tokens, tokens))
            is_out = _EARLIER in before - after
            update = {"tokens": tokens, "takes_earlier": saved.takes_earlier and not is_out}
            write_private(self._file, saved.model_copy(update=update).model_dump_json().encode())


def _make_room(tokens: list[Token]) -> list[Token]:
    """Return the tokens with room for another: if there are too many, the first to expire goes."""
    if len(tokens) < _MOST:
        return tokens
    expiring = [each for each in tokens if each.expires_at is not None]
    if not expiring:
        raise UsageError(f"there are {_MOST} tokens; revoke those that nobody uses any more")
    first = min(expiring, key=lambda each: each.expires_at or 0.0)
    return [each for each in tokens if each is not first]


def _load(file: Path, user_token: str) -> _Saved:
    """Return the saved tokens; none if the user's token changed, or the file is damaged."""
    user = sha256(user_token.encode()).hexdigest()
    try:
        data = read_if_there(file)
        if data is None:
            return _Saved(user=user, takes_earlier=True, tokens=[])
        saved = _Saved.model_validate_json(data)
    except (UsageError, ValidationError):
        saved = None
    if saved is None or saved.user != user:
        return _Saved(user=user, takes_earlier=False, tokens=[])
    return saved
