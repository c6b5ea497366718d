"""The HTTP application: what may come in, the API, and the page's files.

The page's files hold no data and need no token, so a link may lead to them. Its script gets the
data from the API, with the token of its session.
"""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, abort, request
from flask.json.provider import DefaultJSONProvider
from flask_openapi3 import Info, OpenAPI
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from werkzeug.exceptions import HTTPException, InternalServerError
from werkzeug.wrappers import Response as BaseResponse

from companion import __version__
from companion.app.problem import PROBLEM_JSON, Problem, ProblemPlace, http_problem
from companion.app.run import log_fault
from companion.config import APP
from companion.daemon.access import Access
from companion.daemon.daemon import Daemon
from companion.daemon.routes import ACCESS, DAEMON, api, the_access
from companion.errors import CompanionError

_SECURITY = {
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",  # answers are about the user's notes, and some caches on the disk
}
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
_BEARER = re.compile(r"(?i:Bearer) +([A-Za-z0-9._~+/-]+=*)")  # RFC 6750, section 2.1
_OPEN = {"page.show_page", "page.static", "healthz", "document", "api.open_session"}


class _Json(DefaultJSONProvider):
    """Reads JSON by RFC 8259, without NaN, lone surrogates, and more than 200 levels."""

    def loads(self, s: str | bytes, **options: Any) -> Any:
        return from_json(s, allow_inf_nan=False)


class _Api(OpenAPI):
    """The application. A view answers with a model, which is sent as JSON."""

    json_provider_class = _Json

    def make_response(self, rv: Any) -> Response:
        if isinstance(rv, BaseModel):
            return Response(rv.model_dump_json(by_alias=True), content_type="application/json")
        response: Response = super().make_response(rv)
        return response


def describe_api() -> dict[str, Any]:
    """Return the OpenAPI document."""
    return _make_api().api_doc


def _make_api() -> OpenAPI:
    app = _Api(
        __name__,
        info=Info(title="Callout Companion", version=__version__),
        security_schemes={"bearer": {"type": "http", "scheme": "bearer"}},
        validation_error_callback=_refuse_invalid,
        validation_error_model=Problem,
        doc_ui=False,
        static_folder=None,
    )
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.register_api(api)
    return app


def make_app(daemon: Daemon, access: Access) -> OpenAPI:
    """Return the API of a daemon, and its page."""
    app = _make_api()
    app.url_map.merge_slashes = False
    app.extensions[DAEMON], app.extensions[ACCESS] = daemon, access
    app.before_request(_check)
    app.after_request(_secure)
    app.register_error_handler(Exception, _answer_problem)
    app.register_blueprint(page)
    health = {"status": "ok", "name": APP, "version": __version__}
    app.add_url_rule("/healthz", "healthz", lambda: health, methods=["GET"])
    app.add_url_rule("/api/v1/openapi.json", "document", lambda: app.api_doc, methods=["GET"])
    return app


def _check() -> None:
    """Refuse a request of another host, origin, or user, and one whose body is not JSON."""
    access = the_access()
    hosts = {f"{name}:{access.port}" for name in ("127.0.0.1", "localhost")}
    if request.headers.get("Host") not in hosts:
        abort(421, f"This server answers at http://127.0.0.1:{access.port} only.")
    if request.headers.get("Origin") not in (None, *(f"http://{host}" for host in hosts)):
        abort(403, "Pages from other origins are refused.")
    if request.endpoint not in _OPEN:
        bearer = _BEARER.fullmatch(request.headers.get("Authorization", ""))
        if bearer is None or not access.admits(bearer[1]):
            abort(401, "This needs the user's token; companion token prints it.")
    if request.method == "POST":
        is_json = request.mimetype == "application/json"
        if request.content_length and not (is_json and not request.content_encoding):
            abort(415, "A body is application/json in UTF-8, without an encoding.")


def _secure(response: Response) -> Response:
    """Add the security headers. Only the page's HTML may load anything."""
    for name, value in _SECURITY.items():
        response.headers[name] = value
    if request.endpoint == "page.static" and response.status_code < HTTPStatus.BAD_REQUEST:
        response.headers["Cache-Control"] = "no-cache"  # kept, and asked for again by its ETag
    if response.mimetype == "text/html":
        response.headers["Content-Security-Policy"] = _PAGE_POLICY
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _refuse_invalid(error: ValidationError) -> Response:
    """Return the answer to a request that does not fit its model."""
    problem = http_problem(
        422, "The request does not have the form that this address expects.", "invalid"
    )
    problem.errors = [
        ProblemPlace(
            where="/".join(map(str, fault["loc"])),
            what=fault["msg"].removeprefix("Value error, "),
        )
        for fault in error.errors(include_url=False, include_input=False, include_context=False)
    ]
    return _send_problem(problem)


def _answer_problem(error: Exception) -> BaseResponse:
    """Return the answer to an error, as problem details (RFC 9457)."""
    if isinstance(error, CompanionError):
        return _send_problem(Problem.of(error))
    if not isinstance(error, HTTPException):
        log_fault("an answer", error)
        error = InternalServerError("Companion failed here; its log says where.")
    answer = error.get_response()
    if error.response is None:
        words = "There is nothing at this address." if error.code == 404 else error.description
        answer.data = http_problem(answer.status_code, words or error.name).dump()
        answer.content_type = PROBLEM_JSON
    return answer


def _send_problem(problem: Problem) -> Response:
    return Response(problem.dump(), problem.status, content_type=PROBLEM_JSON)


PAGES = ("/", "/inbox", "/history")
page = Blueprint("page", __name__, static_folder="web/static", static_url_path="/static")


def show_page() -> Response:
    """Return the page's document, whose script shows what the address names."""
    return page.send_static_file("page.html")


for path in PAGES:
    page.add_url_rule(path, "show_page", show_page, methods=["GET"])
