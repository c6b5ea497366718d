"""The HTTP application: what may come in, the API, and the page's files.

The page's files hold no data and need no token, so a link may lead to them. Its script gets the
data from the API, with the token of its session.
"""

from __future__ import annotations

import gzip
import hashlib
import logging
import re
import traceback
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast

from flask import Blueprint, Response, request, send_from_directory
from flask.json.provider import DefaultJSONProvider
from flask_openapi3 import Info, OpenAPI
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from companion import __version__
from companion.app.problem import PROBLEM_JSON, Problem, ProblemPlace, http_problem
from companion.config import APP
from companion.daemon.access import Access
from companion.daemon.daemon import Daemon
from companion.daemon.routes import ACCESS, DAEMON, Refusal, api, the_access
from companion.daemon.server import MAX_BODY
from companion.errors import CompanionError

_log = logging.getLogger(__name__)

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
_OPEN = {"page.show_page", "page.send_static", "healthz", "document", "api.open_session"}
_MAX_FAULTS = 20  # of one request that are reported


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
        raise Refusal(421, f"This server answers at http://127.0.0.1:{access.port} only.")
    if request.headers.get("Origin") not in (None, *(f"http://{host}" for host in hosts)):
        raise Refusal(403, "Pages from other origins are refused.")
    if request.endpoint not in _OPEN:
        bearer = _BEARER.fullmatch(request.headers.get("Authorization", ""))
        if bearer is None or not access.admits(bearer[1]):
            raise Refusal(401, "This needs the user's token; companion token prints it.")
    if request.method == "POST":
        if (request.content_length or 0) > MAX_BODY:
            raise Refusal(413, f"A body has at most {MAX_BODY:,} bytes.")
        is_json = request.mimetype == "application/json"
        if request.content_length and not (is_json and not request.content_encoding):
            raise Refusal(415, "A body is application/json in UTF-8, without an encoding.")


def _secure(response: Response) -> Response:
    """Add the security headers. Only the page's HTML may load anything."""
    for name, value in _SECURITY.items():
        response.headers[name] = value
    if response.mimetype == "text/html":
        response.headers["Content-Security-Policy"] = _PAGE_POLICY
    if response.status_code == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    if request.endpoint == "page.send_static" and "v" in request.args:
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def _refuse_invalid(error: ValidationError) -> Response:
    """Return the answer to a request that does not fit its model."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    problem = http_problem(
        422, "The request does not have the form that this address expects.", "invalid"
    )
    problem.errors = [
        ProblemPlace(
            where="/".join(str(part)[:100] for part in fault["loc"]),
            what=fault["msg"].removeprefix("Value error, "),
        )
        for fault in faults[:_MAX_FAULTS]
    ]
    return _send_problem(problem)


def _answer_problem(error: Exception) -> Response:
    """Return the answer to an error, as problem details (RFC 9457)."""
    if isinstance(error, Refusal):
        return _send_problem(http_problem(error.status, str(error)))
    if isinstance(error, CompanionError):
        return _send_problem(Problem.of(error))
    if isinstance(error, HTTPException):
        if error.response is not None:
            return cast(Response, error.response)
        words = "There is nothing at this address." if error.code == 404 else error.name
        response = _send_problem(http_problem(error.code or 500, words))
        if isinstance(error, MethodNotAllowed):
            response.allow.update(error.valid_methods or ())
        return response
    # by type and place only, as its message may quote a note
    at = traceback.extract_tb(error.__traceback__)[-1:]
    place = f"{at[0].filename}:{at[0].lineno}" if at else "an unknown place"
    _log.error("an answer failed with %s at %s", type(error).__name__, place)
    return _send_problem(http_problem(500, "Companion failed here; its log says where."))


def _send_problem(problem: Problem) -> Response:
    return Response(problem.dump(), problem.status, content_type=PROBLEM_JSON)


BUILT_FILES = ("page.min.js", "page.min.css")
"""The script and the style, which `npm run page` makes."""
PAGES = ("/", "/inbox", "/history")
_FOLDER = Path(__file__).parent / "web" / "static"

page = Blueprint("page", __name__)


def find_missing_files() -> list[str]:
    """Return the names of files that were not built; the page cannot be shown without them."""
    return [name for name in BUILT_FILES if not (_FOLDER / name).is_file()]


def show_page() -> Response:
    """Return the page's document, whose script shows what the address names."""
    if missing := find_missing_files():
        words = f"The page was not built: {', '.join(missing)} are missing; make dev makes them.\n"
        return Response(words, 503, content_type="text/plain; charset=utf-8")
    html = (_FOLDER / "page.html").read_text("utf-8")
    for name in BUILT_FILES:
        html = html.replace(name, f"{name}?v={_pack(name)[1]}")
    return Response(html)


def send_static(name: str) -> Response:
    """Send the script, the style or the icon; a browser keeps what it asks for by its hash."""
    if name not in BUILT_FILES or not request.accept_encodings.quality("gzip"):
        return send_from_directory(_FOLDER, name)
    kind = "text/css" if name.endswith(".css") else "text/javascript"
    headers = {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return Response(_pack(name)[0], content_type=f"{kind}; charset=utf-8", headers=headers)


@cache
def _pack(name: str) -> tuple[bytes, str]:
    """Return one of the built files compressed, and a hash of it."""
    data = (_FOLDER / name).read_bytes()
    return gzip.compress(data, mtime=0), hashlib.sha256(data).hexdigest()[:16]


for path in PAGES:
    page.add_url_rule(path, "show_page", show_page, methods=["GET"])
page.add_url_rule("/static/<name>", "send_static", send_static, methods=["GET"])
