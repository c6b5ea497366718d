"""The guard before the HTTP API: which requests, and which versions of a client, are accepted."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from companion import __version__
from companion.app.problem import PROBLEM_JSON, ProblemPlace, http_problem

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from companion.daemon.access import Access

MAX_BODY = 1024 * 1024  # bytes of a request
_OLDEST = (0, 3)  # the oldest version of a client that is served
_VERSION = re.compile(r"(\d{1,6})\.(\d{1,6})(?:[.+-][0-9A-Za-z.+-]{1,64})?")

SENDER = "companion.sender"  # the name in a request's environ of the token that it came with
METHODS = ("GET", "HEAD", "POST")
SHELL = frozenset({"/", "/inbox", "/history", "/vault", "/spending"})  # the page; it holds no data
STATIC = "/static/"  # its script and style
OPEN_ROUTES = frozenset(  # that need no token; two of them take a one-time code
    {
        ("GET", "/healthz"),
        ("GET", "/api/v1/openapi.json"),
        ("POST", "/api/v1/pair"),
        ("POST", "/api/v1/proof"),
        ("POST", "/api/v1/session"),
    }
)
SECURITY = (
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
)
_PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
_PAGE_SECURITY = (("Content-Security-Policy", _PAGE_POLICY), *SECURITY[1:])

_NAMES = ("127.0.0.1", "localhost")
# Our paths need no percent-encoding, so none has to be decoded before it is checked.
_PATH = re.compile(r"(?:/[A-Za-z0-9_-][A-Za-z0-9_.-]*)+|/")
_LONGEST_PATH = 1024
_QUERY = re.compile(r"[!-~]*")
_BEARER = re.compile(r"(?i:Bearer) +([A-Za-z0-9._~+/-]+=*)")  # RFC 6750, section 2.1
_JSON = re.compile(r'application/json(?:[ \t]*;[ \t]*charset=(?:utf-8|"utf-8"))?', re.IGNORECASE)


class Refusal(Exception):
    """Raised to refuse a request. headers: of the answer, in addition to the usual ones.

    kind: the last part of the problem's type, if its HTTP status is not enough.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        errors: Sequence[ProblemPlace] = (),
        headers: Sequence[tuple[str, str]] = (),
        kind: str = "",
    ) -> None:
        super().__init__(status, detail)
        self.headers = headers
        self.problem = http_problem(status, detail, kind or ("invalid" if errors else ""))
        self.problem.errors = list(errors)


class Guard:
    """A WSGI application that passes only acceptable requests to `app`.

    access: who may use the daemon. methods: returns the methods of a path, none if the path does
    not exist.
    """

    def __init__(
        self, app: WSGIApplication, access: Access, methods: Callable[[str], Collection[str]]
    ) -> None:
        self.app = app
        self._access = access
        self._methods = methods
        self._hosts = frozenset(f"{name}:{access.port}" for name in _NAMES)
        self._origins = frozenset(f"http://{host}" for host in self._hosts)
        self._misdirected = (
            f"This server answers at http://127.0.0.1:{access.port} only; a tunnel to it needs the"
            " same port at both ends."
        )

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request, always with the security headers."""
        start = _securing(start_response)
        try:
            self._check(environ)
        except Refusal as refusal:
            body, status = refusal.problem.dump(), HTTPStatus(refusal.problem.status)
            headers = [("Content-Type", PROBLEM_JSON), ("Content-Length", str(len(body)))]
            start(f"{status.value} {status.phrase}", [*headers, *refusal.headers])
            return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
        return self.app(environ, start)

    def may_send_body(self, environ: WSGIEnvironment) -> bool:
        """Return whether a request is acceptable, before its body is read."""
        try:
            self._check(environ)
        except Refusal:
            return False
        return True

    def _check(self, environ: WSGIEnvironment) -> None:
        path, _, query = environ.get("REQUEST_URI", "").partition("?")
        method = environ["REQUEST_METHOD"]
        is_shell = method == "GET" and (path in SHELL or is_visit(environ))
        self._check_sender(environ, is_shell=is_shell)
        is_open = is_shell or (method, path) in OPEN_ROUTES or path.startswith(STATIC)
        if not (is_open or path in SHELL):
            self._check_token(environ)
        if path != "/healthz":  # it answers clients of all versions
            check_client(environ.get("HTTP_COMPANION_VERSION"))
        if len(path) > _LONGEST_PATH or not _PATH.fullmatch(path) or not _QUERY.fullmatch(query):
            raise Refusal(404, "There is nothing at this address.")
        methods = [name for name in METHODS if name in self._methods(path)] or METHODS
        if method not in methods:
            allowed = ("Allow", ", ".join(methods))
            raise Refusal(405, "This address does not support that method.", headers=[allowed])
        _check_body(environ, method)

    def _check_sender(self, environ: WSGIEnvironment, *, is_shell: bool) -> None:
        """Refuse other hosts, origins and sites. is_shell: a link may lead to it from anywhere."""
        # The server joins repeated headers with a comma, so they never match.
        if environ.get("HTTP_HOST") not in self._hosts:
            raise Refusal(421, self._misdirected)
        if environ.get("HTTP_ORIGIN") not in (None, *self._origins):
            raise Refusal(403, "Pages from other origins are refused.")
        is_link = is_shell and environ.get("HTTP_SEC_FETCH_MODE") == "navigate"
        is_link = is_link and environ.get("HTTP_SEC_FETCH_DEST") == "document"
        if not is_link and environ.get("HTTP_SEC_FETCH_SITE") not in (None, "none", "same-origin"):
            raise Refusal(403, "Pages from other sites are refused.")

    def _check_token(self, environ: WSGIEnvironment) -> None:
        authorization = environ.get("HTTP_AUTHORIZATION")
        bearer = _BEARER.fullmatch(authorization or "")
        if bearer is not None and (token := self._access.tokens.find(bearer[1])):
            environ[SENDER] = token
            return
        challenge, words = "Bearer", "A bearer token is needed."
        if authorization is not None:
            challenge = 'Bearer error="invalid_token"'
            words = "This token does not open this daemon."
        raise Refusal(401, words, headers=[("WWW-Authenticate", challenge)])


def is_visit(environ: WSGIEnvironment) -> bool:
    """Return whether a browser visits an address outside the API; it gets the page."""
    path = environ.get("REQUEST_URI", "").partition("?")[0]
    is_page = not path.startswith(("/api/", STATIC)) and path != "/healthz"
    goes = environ.get("HTTP_SEC_FETCH_MODE") == "navigate"
    return is_page and goes and environ.get("HTTP_SEC_FETCH_DEST") == "document"


def check_client(version: str | None) -> None:
    """Raise Refusal if a client of this version cannot be served.

    version: its `Companion-Version` header; a client without one of our versions is served.
    """
    client, daemon = _read_version(version), _read_version(__version__)
    if client is None or daemon is None:
        return
    its = f"This client's version, {version}, is too"
    if client < _OLDEST:
        words = f"{its} old for Companion {__version__}: update the client"
        raise Refusal(422, f"{words}, which is the plugin in Obsidian.", kind="client-too-old")
    if client[0] > daemon[0]:
        words = f"{its} new for Companion {__version__}: update Companion"
        raise Refusal(422, f"{words}, and start `companion serve` again.", kind="client-too-new")


def _read_version(version: str | None) -> tuple[int, int] | None:
    match = _VERSION.fullmatch(version or "")
    return (int(match[1]), int(match[2])) if match else None


def _check_body(environ: WSGIEnvironment, method: str) -> None:
    length = int(environ.get("CONTENT_LENGTH") or 0)
    if method != "POST":
        if length:
            raise Refusal(400, f"{method} takes no body.")
        return
    if length > MAX_BODY:
        raise Refusal(413, f"A body has at most {MAX_BODY:,} bytes.")
    is_plain = environ.get("HTTP_CONTENT_ENCODING") is None
    if not is_plain or not _JSON.fullmatch(environ.get("CONTENT_TYPE", "")):
        raise Refusal(415, "A body is application/json in UTF-8, without an encoding.")


def _securing(start_response: StartResponse) -> StartResponse:
    """Return a start_response that also sends the security headers.

    No answer may be cached: answers are about the user's notes, and some caches are on the disk.
    Only the page's HTML, scripts and styles, which are text, may load anything.
    """

    def start(
        status: str, headers: list[tuple[str, str]], exc_info: Any = None
    ) -> Callable[[bytes], object]:
        types = [value for name, value in headers if name.lower() == "content-type"]
        is_page = any(value.startswith("text/") for value in types)
        security = _PAGE_SECURITY if is_page else SECURITY
        return start_response(status, [*headers, *security], exc_info)

    return start
