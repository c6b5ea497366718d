"""Routes: they read a request as typed values, call a view, and answer with its model as JSON."""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast, get_args, get_type_hints
from urllib.parse import parse_qsl

from flask import Blueprint, Response, current_app, request
from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from companion.app.operation import operation_of
from companion.app.problem import ProblemPlace
from companion.app.types.base import LARGEST, Nothing
from companion.app.types.status import Scope, Token, is_within
from companion.daemon.access import Access
from companion.daemon.daemon import Daemon
from companion.daemon.guard import SENDER, Refusal

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")

PREFIX = "/api/v1"
EXTENSION = "companion"  # the daemon, among the extensions of the Flask application
ACCESS_EXTENSION = "companion-access"

_SECONDS = 10.0  # after which an answer tells what was done by then
_VARIABLE = re.compile(r"<(\w+)>")
_INVALID_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def read_body(model: type[M], data: bytes) -> M:
    """Return the JSON object in data as a model.

    Raises Refusal: 400 if it is not JSON by RFC 8259 and RFC 7493 (I-JSON), or is nested too deep;
    422 if it does not fit the model.
    """
    try:
        from_json(data, allow_inf_nan=False)  # refuses lone surrogates, and more than 200 levels
        value = json.loads(data.decode("utf-8"), object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        why = f"The body is not JSON: {error}" if isinstance(error, _DuplicateName) else _NOT_JSON
        raise Refusal(400, why) from None
    return _validate(model, value, "body")


def read_query(model: type[M], query: str) -> M:
    """Return the query string as a model whose fields read strings.

    Raises Refusal: 400 if it is malformed; 422 if it does not fit the model or repeats a name.
    """
    try:
        if _INVALID_ESCAPE.search(query):
            raise ValueError
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True, errors="strict")
    except ValueError:
        if query:
            raise Refusal(400, "The query is not written as `name=value&name=value`.") from None
        pairs = []
    names = [name for name, _ in pairs]
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        places = [ProblemPlace(where=f"query/{name}", what="it is given twice") for name in twice]
        raise Refusal(422, _INVALID, places)
    return _validate(model, dict(pairs), "query")


def _validate(model: type[M], value: object, origin: str) -> M:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        places = []
        for fault in faults[:_MAX_FAULTS]:  # where: written like a JSON pointer
            where = "/".join(str(part)[:_LONGEST_NAME] for part in (origin, *fault["loc"]))
            what = fault["msg"].removeprefix("Value error, ")
            if fault["type"] == "model_type":  # pydantic's message names a Python class
                what = "it is not a JSON object"
            places.append(ProblemPlace(where=where, what=what))
        raise Refusal(422, _INVALID, places) from None


class _DuplicateName(ValueError):
    """An object has two members with the same name."""


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise _DuplicateName("an object has a name twice")
    return members


_NOT_JSON = "The body is not JSON in UTF-8, or is nested too deeply."
_INVALID = "The request does not have the form that this address expects."
_MAX_FAULTS = 20  # of one request that are reported
_LONGEST_NAME = 100  # characters

View = Callable[..., BaseModel | Response]
V = TypeVar("V", bound=View)


@dataclass(frozen=True)
class Route:
    """A route. rule: as in Flask, below PREFIX. query, body: the models that it takes.

    answers: the models that it may answer; what the page shows is a Response. scope: that the token
    needs; None: no token is needed. conflicts: whether it may answer 409. location: returns the
    Location header for an answer. takes_code: whether it takes a one-time code, and may answer 429.
    events: the events that it sends, by name, if its answer is a stream of server-sent events.
    """

    method: str
    rule: str
    view: View
    query: type[BaseModel]
    body: type[BaseModel] | None
    answers: tuple[type[BaseModel], ...]
    scope: Scope | None
    status: int = 200
    conflicts: bool = False
    location: Callable[[Any], str] | None = None
    takes_code: bool = False
    events: Mapping[str, type[BaseModel]] = field(default_factory=dict)

    def answer(self, **names: object) -> Response:
        """Return the answer to the current request. names: the values of the rule's variables."""
        self._check_scope()
        query = read_query(self.query, request.query_string.decode("latin-1"))
        if self.query is not Nothing:
            names["query"] = query
        if self.body is not None:
            names["body"] = read_body(self.body, request.get_data())
        response = self._do(names)
        if self.method == "GET" and not self.events:  # 304 if the client has it, by a hash
            response.set_etag(_hash(response.get_data())[:32])
            response.make_conditional(request)
        return response

    def _do(self, names: Mapping[str, object]) -> Response:
        made = self.view(**names)
        if not isinstance(made, BaseModel):
            return made
        body = made.model_dump_json(by_alias=True)
        response = Response(body, self.status, content_type="application/json")
        if self.location is not None:
            response.location = self.location(made)
        return response

    def _check_scope(self) -> None:
        """Raise Refusal if the scope of the request's token is not enough."""
        if self.scope is None:
            return
        token: Token = request.environ[SENDER]
        if not is_within(self.scope, token.scope):
            challenge = f'Bearer error="insufficient_scope", scope="{self.scope}"'
            words = f"This needs a token of the scope `{self.scope}`; this one has `{token.scope}`."
            headers = [("WWW-Authenticate", challenge)]
            raise Refusal(403, words, headers=headers, kind="insufficient-scope")


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Resource(Blueprint):
    """A blueprint for one kind of resource, which remembers its routes to document them."""

    def __init__(self, name: str) -> None:
        super().__init__(name, __name__, url_prefix=PREFIX)
        self.routes: list[Route] = []

    def reads(self, rule: str, scope: Scope = "read", **options: Any) -> Callable[[V], V]:
        """Decorate a function that answers GET. options: of its Route."""
        return self._add("GET", rule, scope, options)

    def does(self, rule: str, scope: Scope | None = "all", **options: Any) -> Callable[[V], V]:
        """Decorate a function that answers POST. options: of its Route."""
        return self._add("POST", rule, scope, options)

    def offer(
        self,
        *methods: Callable[..., object],
        of: Callable[[], object] = lambda: the_daemon().vault,
    ) -> None:
        """Make routes from methods of Vault or Agents. of: returns the object to call."""
        for operation in map(operation_of, methods):

            def view(name: str = operation.function.__name__, **arguments: object) -> BaseModel:
                sent = [each for each in arguments.values() if not isinstance(each, Nothing)]
                return cast(BaseModel, getattr(of(), name)(*sent))

            name = operation.function.__qualname__.removeprefix("Vault.").lower()
            view.__name__, view.__doc__ = name.replace(".", "_"), operation.summary
            takes = operation.takes or Nothing
            query, body = (takes, None) if operation.verb == "GET" else (Nothing, takes)
            route = Route(
                operation.verb,
                operation.rule,
                view,
                query,
                body,
                (operation.answer,),
                operation.scope,
                conflicts=operation.conflicts,
            )
            self._serve(route, operation.hints)

    def _serve(self, route: Route, hints: Mapping[str, object]) -> None:
        """Add a route, whose variables are numbers or names, by the hints of its view."""

        def convert(variable: re.Match[str]) -> str:
            is_number = int in (hints.get(variable[1]), hints.get("id"))
            return f"<int(min=1, max={LARGEST}):{variable[1]}>" if is_number else variable[0]

        route = replace(route, rule=_VARIABLE.sub(convert, route.rule))
        self.routes.append(route)
        self.add_url_rule(route.rule, route.view.__name__, route.answer, methods=[route.method])

    def _add(
        self, method: str, rule: str, scope: Scope | None, options: Mapping[str, Any]
    ) -> Callable[[V], V]:
        def add(view: V) -> V:
            hints = get_type_hints(view)
            made, query = hints["return"], hints.get("query", Nothing)
            answers = tuple(get_args(made) or (made,))
            answers = () if answers == (Response,) else answers
            body = hints.get("body")
            self._serve(Route(method, rule, view, query, body, answers, scope, **options), hints)
            return view

        return add


def run_address(run: Any) -> str:
    """Return the address of the run that was started."""
    return f"{PREFIX}/runs/{run.id}"


def for_a_while(results: Iterator[T]) -> Iterator[T]:
    """Yield results, at least one, until the answer has taken long enough."""
    until = time.monotonic() + _SECONDS
    for each in results:
        yield each
        if time.monotonic() > until:
            return


def the_daemon() -> Daemon:
    """Return the daemon that the current request is for."""
    return cast(Daemon, current_app.extensions[EXTENSION])


def the_access() -> Access:
    """Return the access to that daemon."""
    return cast(Access, current_app.extensions[ACCESS_EXTENSION])
