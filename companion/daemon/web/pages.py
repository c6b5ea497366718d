"""The addresses of the page: its shell, its scripts and styles, its views; and its sessions.

The shell holds no data and needs no session, so that it may be opened by a link. Everything else
does, and is fetched by `static/page.js` with a header that no page of another origin can send.
"""

from __future__ import annotations

import hmac
import re
import secrets
import time
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, NamedTuple

from flask import Blueprint, Flask, Response, current_app, request, send_from_directory
from pydantic import Field

from companion.daemon.api.routing import the_daemon
from companion.daemon.api.schemas import Sent
from companion.daemon.guard import PAGE, PAGE_HEADER, SHELL, STATIC, VIEWS
from companion.daemon.problem import Refusal
from companion.daemon.tokens import Tokens
from companion.daemon.web import sent_body, show
from companion.daemon.web.history_view import history_view
from companion.daemon.web.inbox_view import inbox_view
from companion.daemon.web.now_view import now_view
from companion.daemon.web.spending_view import spending_view
from companion.daemon.web.vault_view import vault_view

FILES = ("idiomorph.min.js", "simple.min.css", "page.js", "inbox.js", "page.css")
"""The scripts and styles, those of others first; `npm run page` brings these from npm."""

_FOLDER = Path(__file__).parent / "static"
_EXTENSION = "companion-page"
_LASTS = 12 * 3600  # seconds that a session lasts
_VALUE = re.compile(r"([0-9]{1,12})\.([0-9a-f]{32})\.([0-9a-f]{64})")


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
        vault = sha256(str(root).encode("utf-8", "surrogateescape")).hexdigest()[:12]
        self.cookie = f"companion-{port}-{vault}"
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


class PageAccess(NamedTuple):
    """Who may see the page. take_code: whether a code of `companion open` is valid, once."""

    sessions: Sessions
    take_code: Callable[[str], bool]


class OneTimeCode(Sent):
    """The code in the fragment of the address that `companion open` opens."""

    code: Annotated[str, Field(min_length=1, max_length=64)]


page = Blueprint("page", __name__, template_folder="templates")
for each in (inbox_view, now_view, history_view, vault_view, spending_view):
    page.register_blueprint(each, url_prefix=PAGE.rstrip("/"))


def add_pages(app: Flask, access: PageAccess) -> None:
    """Add the page's addresses to the application."""
    app.extensions[_EXTENSION] = access
    app.register_blueprint(page)


def show_shell() -> Response:
    """Show the page without its content, which its script fetches."""
    view = request.path.strip("/") or VIEWS[0]
    titles = {view: view.capitalize() for view in VIEWS}
    missing = [name for name in FILES if not (_FOLDER / name).is_file()]
    values = {"view": view, "titles": titles, "missing": missing, "header": PAGE_HEADER}
    return show("shell.html", **values, vault=the_daemon().root.name)


for path in sorted(SHELL):
    page.add_url_rule(path, f"shell-{path}", show_shell, methods=["GET"])


@page.get(f"{STATIC}<name>")
def send_static(name: str) -> Response:
    """Send a script or a stylesheet."""
    if name not in FILES:
        raise Refusal(404, "There is nothing at this address.")
    return send_from_directory(_FOLDER, name)


@page.post(f"{PAGE}session")
def open_session() -> Response:
    """Open a session for a one-time code."""
    access: PageAccess = current_app.extensions[_EXTENSION]
    is_right = access.take_code(sent_body(OneTimeCode).code)
    cookie = access.sessions.open() if is_right else None
    if cookie is None:
        raise Refusal(
            403, "This address was used, or is too old; `companion open` makes a new one."
        )
    return Response(status=204, headers={"Set-Cookie": cookie})


@page.app_template_filter()
def local_time(moment: float | str) -> str:
    """Return a Unix time, or one in ISO 8601, as the user's clock has it, to the minute."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment).timestamp()
    return datetime.fromtimestamp(moment).strftime("%Y-%m-%d %H:%M")
