"""The addresses of the page: its shell, its scripts and styles, and its views.

The shell holds no data and needs no session, so that it may be opened by a link. Everything else
does, and is fetched by `static/page.js`, which sends the session's token.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from flask import Blueprint, Response, request, send_from_directory

from companion.daemon.guard import PAGE, SHELL, STATIC, VIEWS
from companion.daemon.problem import Refusal
from companion.daemon.web import show
from companion.daemon.web.history_view import history_view
from companion.daemon.web.inbox_view import inbox_view
from companion.daemon.web.now_view import now_view
from companion.daemon.web.spending_view import spending_view
from companion.daemon.web.vault_view import vault_view
from companion.note.text import show_hidden

STATIC_FILES = ("idiomorph.min.js", "simple.min.css", "page.js", "inbox.js", "page.css")
"""The scripts and styles, those of others first; `npm run page` brings these from npm."""

_FOLDER = Path(__file__).parent / "static"

page = Blueprint("page", __name__, template_folder="templates")
for each in (inbox_view, now_view, history_view, vault_view, spending_view):
    page.register_blueprint(each, url_prefix=PAGE.rstrip("/"))


def show_shell() -> Response:
    """Show the page without its content, which its script fetches."""
    view = request.path.strip("/") or VIEWS[0]
    titles = {view: view.capitalize() for view in VIEWS}
    missing = [name for name in STATIC_FILES if not (_FOLDER / name).is_file()]
    return show("shell.html", view=view, titles=titles, missing=missing)


for path in sorted(SHELL):
    page.add_url_rule(path, f"shell-{path}", show_shell, methods=["GET"])


@page.get(f"{STATIC}<name>")
def send_static(name: str) -> Response:
    """Send a script or a stylesheet."""
    if name not in STATIC_FILES:
        raise Refusal(404, "There is nothing at this address.")
    return send_from_directory(_FOLDER, name)


page.add_app_template_filter(show_hidden, "visible")


@page.app_template_filter()
def local_time(moment: float | str) -> str:
    """Return a Unix time, or one in ISO 8601, as the user's clock has it, to the minute."""
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment).timestamp()
    return datetime.fromtimestamp(moment).strftime("%Y-%m-%d %H:%M")
