"""The addresses of the page: its shell, its scripts and styles, its session and its views.

The shell holds no data and needs no session, so that it may be opened by a link. Everything else
does, and is fetched by `static/page.js` with a header that no page of another origin can send.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, NamedTuple

from flask import Blueprint, Flask, Response, request, send_from_directory
from pydantic import Field

from companion.daemon.api.routing import read_body, the_daemon
from companion.daemon.api.schemas import Sent
from companion.daemon.guard import PAGE, PAGE_HEADER, SHELL, STATIC, VIEWS
from companion.daemon.problem import Refusal
from companion.daemon.web.history_view import history_view
from companion.daemon.web.inbox_view import inbox_view
from companion.daemon.web.now_view import now_view
from companion.daemon.web.sessions import Sessions
from companion.daemon.web.spending_view import spending_view
from companion.daemon.web.vault_view import vault_view
from companion.daemon.web.view import show

FILES = ("idiomorph.min.js", "simple.min.css", "page.js", "inbox.js", "page.css")
"""The scripts and styles, those of others first; `npm run page` brings these from npm."""

_FOLDER = Path(__file__).parent / "static"
_TITLES = {view: view.capitalize() for view in VIEWS}


class PageAccess(NamedTuple):
    """Who may see the page. take_code: whether a code of `companion open` is valid, once."""

    sessions: Sessions
    take_code: Callable[[str], bool]


class OneTimeCode(Sent):
    """The code in the fragment of the address that `companion open` opens."""

    code: Annotated[str, Field(min_length=1, max_length=64)]


def add_pages(app: Flask, access: PageAccess) -> None:
    """Add the page's addresses to the application."""
    page = Blueprint("page", __name__, template_folder="templates")
    page.add_app_template_filter(_local_time, "local_time")
    for path in sorted(SHELL):
        page.add_url_rule(path, f"shell-{path}", _show_shell, methods=["GET"])
    page.add_url_rule(f"{STATIC}<name>", "static", _send_static, methods=["GET"])

    @page.post(f"{PAGE}session")
    def open_session() -> Response:
        code = read_body(OneTimeCode, request.get_data()).code
        cookie = access.sessions.open() if access.take_code(code) else None
        if cookie is None:
            raise Refusal(
                403, "This address was used, or is too old; `companion open` makes a new one."
            )
        response = Response(status=204)
        response.headers["Set-Cookie"] = cookie
        return response

    for view in (inbox_view, now_view, history_view, vault_view, spending_view):
        page.register_blueprint(view, url_prefix=PAGE.rstrip("/"))
    app.register_blueprint(page)


def _show_shell() -> Response:
    view = request.path.strip("/") or VIEWS[0]
    missing = [name for name in FILES if not (_FOLDER / name).is_file()]
    values = {"view": view, "titles": _TITLES, "missing": missing, "header": PAGE_HEADER}
    return show("shell.html", **values, vault=the_daemon().root.name)


def _send_static(name: str) -> Response:
    if name not in FILES:
        raise Refusal(404, "There is nothing at this address.")
    return send_from_directory(_FOLDER, name)


def _local_time(moment: float | str) -> str:
    """Return a Unix time, or one in ISO 8601, as the user's clock has it, to the minute."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment).timestamp()
    return datetime.fromtimestamp(moment).strftime("%Y-%m-%d %H:%M")
