"""Routes whose functions say all about them: what they take and answer stands in their types.

flask-openapi3 would do this too, but reads bodies loosely (what is not JSON becomes null), takes
a query's repeated fields, and cannot document answers of application/problem+json.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast, get_args, get_type_hints

from flask import Blueprint, Response, current_app, request
from pydantic import BaseModel

from companion.daemon.api.read import read_body, read_query
from companion.daemon.api.shapes import Nothing
from companion.daemon.daemon import Daemon

PREFIX = "/api/v1"
EXTENSION = "companion"

View = Callable[..., BaseModel]
V = TypeVar("V", bound=View)


@dataclass(frozen=True)
class Route:
    """One route. rule: as Flask has it, under PREFIX. query, body: what it takes.

    answers: what it answers, one of them. conflicts: whether it may answer 409.
    location: the address, for the Location header, of what it made.
    """

    method: str
    rule: str
    view: View
    query: type[BaseModel]
    body: type[BaseModel] | None
    answers: tuple[type[BaseModel], ...]
    status: int
    conflicts: bool
    location: Callable[[Any], str] | None
    is_open: bool

    def answer(self, **names: object) -> Response:
        """Return the answer to the current request. names: what the rule's variables hold."""
        query = read_query(self.query, request.query_string.decode("latin-1"))
        if self.query is not Nothing:
            names["query"] = query
        if self.body is not None:
            names["body"] = read_body(self.body, request.get_data())
        made = self.view(**names)
        response = Response(
            made.model_dump_json(), status=self.status, content_type="application/json"
        )
        if self.location is not None:
            response.location = self.location(made)
        return response if self.method == "POST" else _tag(response)


class Noun(Blueprint):
    """A blueprint that remembers its routes, to document them."""

    def __init__(self, name: str) -> None:
        super().__init__(name, __name__, url_prefix=PREFIX)
        self.routes: list[Route] = []

    def reads(self, rule: str) -> Callable[[V], V]:
        """Decorate a function that answers GET."""
        return lambda view: self._add("GET", rule, view)

    def does(
        self,
        rule: str,
        *,
        status: int = 200,
        conflicts: bool = False,
        location: Callable[[Any], str] | None = None,
        is_open: bool = False,
    ) -> Callable[[V], V]:
        """Decorate a function that answers POST."""
        return lambda view: self._add("POST", rule, view, status, conflicts, location, is_open)

    def _add(
        self,
        method: str,
        rule: str,
        view: V,
        status: int = 200,
        conflicts: bool = False,
        location: Callable[[Any], str] | None = None,
        is_open: bool = False,
    ) -> V:
        hints = get_type_hints(view)
        made = hints["return"]
        answers: Sequence[type[BaseModel]] = get_args(made) or (made,)
        query = hints.get("query", Nothing)
        body = hints.get("body")
        route = Route(
            method, rule, view, query, body, tuple(answers), status, conflicts, location, is_open
        )
        self.routes.append(route)
        self.add_url_rule(rule, view.__name__, route.answer, methods=[method])
        return view


def the_daemon() -> Daemon:
    """Return the daemon that the current request is for."""
    return cast(Daemon, current_app.extensions[EXTENSION])


def _tag(response: Response) -> Response:
    """Return the response with an ETag of its body, or that it is what the client has already.

    Of the body, not of some counter: it is true whatever the body was made of.
    """
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:32])
    response.make_conditional(request)
    return response
