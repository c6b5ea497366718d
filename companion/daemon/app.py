"""The HTTP API as a WSGI application."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from functools import partial

from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from companion import __version__
from companion.config import APP
from companion.daemon.api import client_routes, routing, run_routes
from companion.daemon.api.client_routes import presence, status
from companion.daemon.api.model_routes import model
from companion.daemon.api.note_routes import changes, notes
from companion.daemon.api.proposal_routes import programs, proposals
from companion.daemon.api.routing import PREFIX
from companion.daemon.api.run_routes import runs
from companion.daemon.daemon import Daemon
from companion.daemon.guard import Guard
from companion.daemon.openapi import describe_api
from companion.daemon.problem import PROBLEM_JSON, find_problem, http_problem
from companion.daemon.web.pages import PageAccess, add_pages

RESOURCES = (
    status,
    notes,
    proposals,
    programs,
    runs,
    changes,
    model,
    presence,
    client_routes.pair,
    client_routes.proof,
)


def make_app(
    daemon: Daemon,
    accepts: Callable[[str], object],
    exchange: Callable[[str], str | None],
    prove: Callable[[int, str], client_routes.Proofs | None],
    page: PageAccess,
    port: int,
    closing: threading.Event | None = None,
) -> Guard:
    """Return the API of a daemon that listens on port, behind its guard.

    accepts: whether a bearer token is valid. exchange: returns the token for a one-time code, None
    for a wrong code. prove: returns the proofs for a port and a client's nonce, None while there
    is no token. page: who may see the page. closing: set when the daemon stops; no answer is
    delayed from then on.
    """
    app = Flask("companion.daemon.web", static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False
    app.extensions[routing.EXTENSION] = daemon
    app.extensions[client_routes.EXTENSION] = exchange
    app.extensions[client_routes.PROOF_EXTENSION] = partial(prove, port)
    app.extensions[run_routes.EXTENSION] = run_routes.Waiters(closing or threading.Event())
    for resource in RESOURCES:
        app.register_blueprint(resource)
    add_pages(app, page)
    health = json.dumps({"status": "ok", "name": APP, "version": __version__})
    _add_document(app, "/healthz", lambda: health)
    _add_document(app, f"{PREFIX}/openapi.json", lambda: describe_api(RESOURCES))
    app.register_error_handler(Exception, _answer_problem)
    addresses = app.url_map.bind(f"127.0.0.1:{port}")
    return Guard(
        app,
        accepts,
        page.sessions.accepts,
        methods=lambda path: set(addresses.allowed_methods(path)),
        port=port,
    )


def _add_document(app: Flask, rule: str, document: Callable[[], str]) -> None:
    """Have GET answer the JSON document at the address that rule names."""
    app.add_url_rule(
        rule, rule, lambda: Response(document(), content_type="application/json"), methods=["GET"]
    )


def _answer_problem(error: Exception) -> Response:
    if isinstance(error, HTTPException):
        problem = http_problem(error.code or 500, "There is nothing at this address.")
    else:
        problem = find_problem(error)
    return Response(problem.dump(), problem.status, content_type=PROBLEM_JSON)
