"""The HTTP API as a WSGI application."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from companion import __version__
from companion.app.problem import PROBLEM_JSON, http_problem
from companion.config import APP
from companion.daemon.access import Access
from companion.daemon.api import client_routes, event_routes, routing, run_routes
from companion.daemon.api.model_routes import model
from companion.daemon.api.note_routes import changes, notes
from companion.daemon.api.outbox_routes import outbox
from companion.daemon.api.proposal_routes import for_programs, proposals
from companion.daemon.api.routing import PREFIX
from companion.daemon.api.run_routes import runs
from companion.daemon.daemon import Daemon
from companion.daemon.guard import Guard, is_visit
from companion.daemon.openapi import describe_api
from companion.daemon.problem import Refusal, find_problem
from companion.daemon.web.pages import page, show_page

RESOURCES = (
    client_routes.status,
    notes,
    proposals,
    for_programs,
    runs,
    changes,
    outbox,
    event_routes.events,
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
    app = Flask("companion.daemon.web", static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False
    app.extensions[routing.EXTENSION] = daemon
    app.extensions[routing.ACCESS_EXTENSION] = access
    app.extensions[run_routes.WAITERS] = run_routes.Waiters(closing)
    for blueprint in (*RESOURCES, page):
        app.register_blueprint(blueprint)
    health = json.dumps({"status": "ok", "name": APP, "version": __version__})
    _add_document(app, "/healthz", lambda: health)
    _add_document(app, f"{PREFIX}/openapi.json", lambda: describe_api(RESOURCES))
    app.register_error_handler(Exception, _answer_problem)
    addresses = app.url_map.bind(f"127.0.0.1:{access.port}")
    return Guard(app, access, methods=lambda path: set(addresses.allowed_methods(path)))


def _add_document(app: Flask, rule: str, document: Callable[[], str]) -> None:
    """Have GET answer the JSON document at the address that rule names."""
    app.add_url_rule(
        rule, rule, lambda: Response(document(), content_type="application/json"), methods=["GET"]
    )


def _answer_problem(error: Exception) -> Response:
    if isinstance(error, HTTPException):
        if error.code == 404 and is_visit(request.environ):
            return show_page(404)
        problem = http_problem(error.code or 500, "There is nothing at this address.")
    else:
        problem = find_problem(error)
    headers = error.headers if isinstance(error, Refusal) else ()
    return Response(problem.dump(), problem.status, list(headers), content_type=PROBLEM_JSON)
