"""The addresses of the page: one document for all of them, its script and its style.

They hold no data and need no token, so that a link may lead to them. What the page shows its script
gets from the API, with the token of its session.
"""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Response, send_from_directory

from companion.daemon.guard import SHELL, STATIC
from companion.daemon.problem import Refusal

BUILT_FILES = ("page.min.js", "page.min.css")
"""The script and the style, which `npm run page` makes."""
STATIC_FILES = (*BUILT_FILES, "icon.svg")

_FOLDER = Path(__file__).parent / "static"

page = Blueprint("page", __name__)


def find_missing_files() -> list[str]:
    """Return the names of files that were not built; the page cannot be shown without them."""
    return [name for name in BUILT_FILES if not (_FOLDER / name).is_file()]


def show_page(status: int = 200) -> Response:
    """Return the page's document, whose script shows what is at the address."""
    if missing := find_missing_files():
        words = f"The page was not built: {', '.join(missing)} are missing; make dev makes them.\n"
        return Response(words, 503, content_type="text/plain; charset=utf-8")
    response = _send("page.html")
    response.status_code = status
    return response


for path in sorted(SHELL):
    page.add_url_rule(path, f"shell-{path}", show_page, methods=["GET"])


@page.get(f"{STATIC}<name>")
def send_static(name: str) -> Response:
    """Send the script, the style or the icon."""
    if name not in STATIC_FILES:
        raise Refusal(404, "There is nothing at this address.")
    return _send(name)


def _send(name: str) -> Response:
    response = send_from_directory(_FOLDER, name)
    del response.headers["Cache-Control"]  # the guard says it of all answers
    return response
