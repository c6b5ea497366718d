"""The HTTP API as a WSGI application, and the addresses of the page.

The page's files hold no data and need no token, so a link may lead to them. Its script gets the
data from the API, with the token of its session.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from flask import Blueprint, Flask, Response, request, send_from_directory
from werkzeug.exceptions import HTTPException

from companion import __version__
from companion.app.problem import PROBLEM_JSON, Problem, http_problem
from companion.config import APP
from companion.daemon.access import Access
from companion.daemon.api import client_routes, routing, vault_routes
from companion.daemon.api.client_routes import outbox
from companion.daemon.api.model_routes import model
from companion.daemon.api.routing import PREFIX
from companion.daemon.api.vault_routes import changes, notes, proposals, runs
from companion.daemon.daemon import Daemon
from companion.daemon.guard import SHELL, STATIC, Guard, Refusal, is_visit
from companion.daemon.openapi import describe_api
from companion.errors import CompanionError

_log = logging.getLogger(__name__)

RESOURCES = (
    client_routes.status,
    notes,
    proposals,
    runs,
    changes,
    outbox,
    client_routes.events,
    model,
    client_routes.presence,
    client_routes.tokens,
    client_routes.pair,
    client_routes.proof,
)


def make_app(daemon: Daemon, access: Access, closing: threading.Event) -> Guard:
    """Return the API of a daemon behind its guard. access: who may use it.

    closing: set when the daemon stops; no answer is delayed from then on.
    """
    app = Flask(__name__, static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False
    app.extensions[routing.EXTENSION] = daemon
    app.extensions[routing.ACCESS_EXTENSION] = access
    app.extensions[vault_routes.WAITERS] = vault_routes.Waiters(closing)
    for blueprint in (*RESOURCES, page):
        app.register_blueprint(blueprint)
    health = json.dumps({"status": "ok", "name": APP, "version": __version__})
    _add_document(app, "/healthz", lambda: health)
    _add_document(app, f"{PREFIX}/openapi.json", lambda: describe_api(RESOURCES))
    app.register_error_handler(Exception, _answer_problem)
    addresses = app.url_map.bind(f"127.0.0.1:{access.port}")
    return Guard(app, access, methods=lambda path: set(addresses.allowed_methods(path)))


def _add_document(app: Flask, rule: str, document: Callable[[], str]) -> None:
    app.add_url_rule(
        rule, rule, lambda: Response(document(), content_type="application/json"), methods=["GET"]
    )


def _answer_problem(error: Exception) -> Response:
    """Return the answer to an error, as problem details (RFC 9457)."""
    headers: Sequence[tuple[str, str]] = ()
    if isinstance(error, Refusal):
        problem, headers = error.problem, error.headers
    elif isinstance(error, CompanionError):
        problem = Problem.of(error)
    elif isinstance(error, HTTPException):
        if error.code == 404 and is_visit(request.environ):
            return show_page(404)
        problem = http_problem(error.code or 500, "There is nothing at this address.")
    else:  # by type and place only, as its message may quote a note
        at = traceback.extract_tb(error.__traceback__)[-1:]
        place = f"{at[0].filename}:{at[0].lineno}" if at else "an unknown place"
        _log.error("an answer failed with %s at %s", type(error).__name__, place)
        problem = http_problem(500, "Companion failed here; its log says where.")
    return Response(problem.dump(), problem.status, list(headers), content_type=PROBLEM_JSON)


BUILT_FILES = ("page.min.js", "page.min.css")
"""The script and the style, which `npm run page` makes."""
STATIC_FILES = (*BUILT_FILES, "icon.svg")
_LANGUAGE = re.compile(r"[a-z]{2}\.min\.json")  # messages in another language

_FOLDER = Path(__file__).parent / "web" / "static"

page = Blueprint("page", __name__)


def find_missing_files() -> list[str]:
    """Return the names of files that were not built; the page cannot be shown without them."""
    return [name for name in BUILT_FILES if not (_FOLDER / name).is_file()]


def show_page(status: int = 200) -> Response:
    """Return the page's document, whose script shows what the address names."""
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
    """Send the script, the style, the icon, or the messages of a language."""
    if name not in STATIC_FILES and not _LANGUAGE.fullmatch(name):
        raise Refusal(404, "There is nothing at this address.")
    return _send(name)


def _send(name: str) -> Response:
    response = send_from_directory(_FOLDER, name)
    del response.headers["Cache-Control"]  # the guard says it of all answers
    return response
