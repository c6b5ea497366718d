"""The OpenAPI document, generated from the models of the routes."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from companion import __version__
from companion.app.problem import PROBLEM_JSON, Problem
from companion.app.types.base import LARGEST
from companion.config import APP
from companion.daemon.api.routing import PREFIX, Resource, Route

_Mode = Literal["validation", "serialization"]

_JSON = "application/json"
_REF = "#/components/schemas/{model}"
_VARIABLE = re.compile(r"<(?:[^:>]+:)?(\w+)>")
_ETAG = {"ETag": {"schema": {"type": "string"}}}
_LOCATION = {"Location": {"schema": {"type": "string"}}}
_CHALLENGE = {"WWW-Authenticate": {"schema": {"type": "string"}}}

# The problems that any request may be answered with, and those of POST besides.
_PROBLEMS = {
    400: "It is no request that can be read.",
    401: "The token is missing or does not open this daemon.",
    403: "It comes from a page of another origin.",
    404: "There is nothing of that name.",
    405: "The address does not take this method.",
    421: "Host is not this server.",
    422: "It does not have the form this address takes, or cannot be done.",
    431: "The headers are too large.",
    500: "Companion made a mistake.",
    503: "The endpoint or the journal cannot be used now.",
}
_POST_PROBLEMS = {
    411: "The length of the body is not given.",
    413: "The body is too large.",
    415: "The body is not application/json.",
}
_WRONG_CODE = {429: "Too many wrong codes came in a row; Retry-After says how long to wait."}
_CONFLICT = {
    409: "The note was changed meanwhile, or cannot be written; or a large run is not agreed to."
}


@cache
def describe_api(resources: Sequence[Resource]) -> str:
    """Return the OpenAPI 3.1 document of the resources' routes, as JSON."""
    modes: dict[tuple[type[BaseModel], _Mode], None] = {(Problem, "serialization"): None}
    paths: dict[str, dict[str, Any]] = {}
    for resource in resources:
        for route in resource.routes:
            if route.body is not None:
                modes[route.body, "validation"] = None
            told = (*route.answers, *route.events.values())
            modes |= {(answer, "serialization"): None for answer in told}
            path = _VARIABLE.sub(r"{\1}", PREFIX + route.rule)
            paths.setdefault(path, {})[route.method.lower()] = _operation(route, resource.name)
    paths |= _BARE_PATHS
    schemas = models_json_schema(list(modes), ref_template=_REF)[1]["$defs"]
    # A problem without places leaves them out.
    schemas["Problem"]["required"] = ["type", "code", "title", "status", "detail"]
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Callout Companion", "version": __version__},
        "paths": paths,
        "security": [{"bearer": []}],
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas,
        },
    }
    return json.dumps(document, ensure_ascii=False)


def _operation(route: Route, tag: str) -> dict[str, Any]:
    shapes = [_ref(answer) for answer in route.answers] or [{}]
    schema = shapes[0] if len(shapes) == 1 else {"anyOf": shapes}
    is_cached = route.method == "GET" and not route.events
    headers = (_ETAG if is_cached else {}) | (_LOCATION if route.location else {})
    content: dict[str, Any] = {_JSON: {"schema": schema}}
    if route.events:
        told = {name: _ref(model) for name, model in route.events.items()}
        content = {"text/event-stream": {"schema": {"type": "string"}, "x-events": told}}
    good = {"description": "Done.", "headers": headers, "content": content}
    responses: dict[str, Any] = {str(route.status): good}
    if is_cached:
        responses["304"] = {"description": "It is as the client has it.", "headers": _ETAG}
    problems = _PROBLEMS | (_POST_PROBLEMS if route.method == "POST" else {})
    problems |= (_CONFLICT if route.conflicts else {}) | (_WRONG_CODE if route.takes_code else {})
    responses |= _problems(problems)
    operation: dict[str, Any] = {
        "operationId": route.view.__name__,
        "summary": inspect.getdoc(route.view) or "",
        "tags": [tag],
        "parameters": list(_parameters(route)),
        "responses": responses,
    }
    if route.body is not None:
        body = {_JSON: {"schema": _ref(route.body)}}
        operation["requestBody"] = {"required": True, "content": body}
    if route.is_open:
        operation["security"] = []
    return operation


def _problems(problems: dict[int, str]) -> dict[str, dict[str, Any]]:
    content = {PROBLEM_JSON: {"schema": _ref(Problem)}}
    return {
        str(status): {
            "description": words,
            "headers": _CHALLENGE if status == 401 else {},
            "content": content,
        }
        for status, words in sorted(problems.items())
    }


def _parameters(route: Route) -> Iterator[dict[str, Any]]:
    """Yield the variables of the route's rule, and the names of its query."""
    for variable in _VARIABLE.finditer(route.rule):
        is_number = variable[0].startswith("<int")
        number = {"type": "integer", "minimum": 1, "maximum": LARGEST}
        name = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}
        schema = number if is_number else name
        yield {"name": variable[1], "in": "path", "required": True, "schema": schema}
    query = route.query.model_json_schema()
    required = query.get("required", ())
    for name, schema in query.get("properties", {}).items():
        kinds = [kind for kind in schema.pop("anyOf", []) if kind != {"type": "null"}]
        for kind in kinds:
            schema |= kind
        if schema.get("default", "") is None:
            del schema["default"]
        yield {"name": name, "in": "query", "required": name in required, "schema": schema}


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}


_HEALTH = {"status": {"const": "ok"}, "name": {"const": APP}, "version": {"type": "string"}}
_HEALTH_SCHEMA = {"type": "object", "properties": _HEALTH, "required": list(_HEALTH)}
_BARE_PATHS: dict[str, dict[str, Any]] = {  # they belong to no resource
    "/healthz": {
        "get": {
            "operationId": "read_health",
            "summary": "Whether a daemon answers at all, and its version; nothing else.",
            "security": [],
            "responses": {
                "200": {"description": "It does.", "content": {_JSON: {"schema": _HEALTH_SCHEMA}}},
                **_problems(_PROBLEMS),
            },
        }
    },
    f"{PREFIX}/openapi.json": {
        "get": {
            "operationId": "read_document",
            "summary": "This document.",
            "responses": {
                "200": {"description": "It.", "content": {_JSON: {"schema": {"type": "object"}}}},
                **_problems(_PROBLEMS),
            },
        }
    },
}
