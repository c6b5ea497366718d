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
from companion.daemon.api.routing import KEY, PREFIX, Resource, Route

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
    403: "It comes from a page of another origin, or the token's scope is not enough.",
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
    409: "The note was changed meanwhile, or cannot be written; a large run is not agreed to; or a"
    " request of the same key is being done, or was interrupted.",
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
        "info": {
            "title": "Callout Companion",
            "version": __version__,
            "description": _ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [_SERVER],
        "paths": paths,
        "security": [{"bearer": []}],
        "components": {
            "securitySchemes": {"bearer": _BEARER},
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
    problems |= (_CONFLICT if route.conflicts or route.once else {}) | (
        _WRONG_CODE if route.takes_code else {}
    )
    responses |= _problems(problems)
    summary, _, description = (inspect.getdoc(route.view) or "").partition("\n\n")
    about = " ".join([description, *inspect.cleandoc(_doc_of(route.body)).split("\n")])
    operation: dict[str, Any] = {
        "operationId": route.view.__name__,
        "summary": summary,
        "description": about.strip() or summary,
        "tags": [tag],
        "parameters": list(_parameters(route)),
        "responses": responses,
    }
    if route.body is not None:
        body = {_JSON: {"schema": _ref(route.body), "example": _make_example(route.body)}}
        operation["requestBody"] = {"required": True, "content": body}
    operation["security"] = [{"bearer": [route.scope]}] if route.scope else []
    return operation


def _problems(problems: dict[int, str]) -> dict[str, dict[str, Any]]:
    content = {PROBLEM_JSON: {"schema": _ref(Problem)}}
    return {
        str(status): {
            "description": words,
            "headers": _CHALLENGE if status in (401, 403) else {},
            "content": content,
        }
        for status, words in sorted(problems.items())
    }


def _parameters(route: Route) -> Iterator[dict[str, Any]]:
    """Yield the variables of the route's rule, the names of its query, and its header."""
    if route.once:
        yield {"name": KEY, "in": "header", "schema": _KEY_SCHEMA, "description": _KEY_WORDS}
    for variable in _VARIABLE.finditer(route.rule):
        is_number = variable[0].startswith("<int")
        number = {"type": "integer", "minimum": 1, "maximum": LARGEST}
        name = {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"}
        schema = number if is_number else name
        name_ = {"name": variable[1], "in": "path", "required": True, "schema": schema}
        yield name_ | {"description": f"The id of the {variable[1]}."}
    query = route.query.model_json_schema()
    words = _describe_fields(route.query)
    required = query.get("required", ())
    for name, schema in query.get("properties", {}).items():
        kinds = [kind for kind in schema.pop("anyOf", []) if kind != {"type": "null"}]
        for kind in kinds:
            schema |= kind
        if schema.get("default", "") is None:
            del schema["default"]
        about = {"description": words.get(name) or _USUAL.get(name, "")}
        required_ = {"required": name in required, "schema": schema}
        yield {"name": name, "in": "query", **required_, **about}


def _describe_fields(model: type[BaseModel]) -> dict[str, str]:
    """Return what the docstrings of a model and its bases say of its fields, by their names."""
    text = " ".join(" ".join(_doc_of(each).split()) for each in reversed(model.__mro__))
    names = "|".join(model.model_fields) or "-"
    starts = list(re.finditer(rf"(?:(?<=[.;] )|^)((?:(?:{names}), )*(?:{names})): ", text))
    ends = [each.start() for each in starts[1:]] + [len(text)] * bool(starts)
    words: dict[str, str] = {}
    for start, end in zip(starts, ends, strict=True):
        said = text[start.end() : end].strip(" ;")
        words |= dict.fromkeys(start[1].split(", "), f"{said[:1].upper()}{said[1:]}")
    return words


def _doc_of(model: type | None) -> str:
    is_ours = model is not None and model.__module__.startswith("companion.")
    return (model.__doc__ or "") if model and is_ours else ""


def _make_example(model: type[BaseModel]) -> dict[str, Any]:
    """Return a body that the route takes: what is required, and what makes it do something."""
    fields = model.model_fields
    needed = {name for name, field in fields.items() if field.is_required()}
    return _EXAMPLES.get(model.__name__) or {
        name: _EXAMPLE[name] for name in fields if name in needed
    }


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}


_ABOUT = (
    "What Companion does in a vault, for programs on this machine: notes and what they need, runs"
    " that fill them, proposals to decide on, changes to undo. Every error is a problem (RFC 9457)"
    " with a code for programs and a detail for people."
)
_KEY_SCHEMA = {"type": "string", "pattern": "^[!-~]{1,64}$"}
_KEY_WORDS = (
    "A new random value for each thing to do. A request with the same one, as after an answer that"
    " got lost, is not done again for a day: it gets the first answer."
)
_BEARER = {
    "type": "http",
    "scheme": "bearer",
    "description": (
        "Each operation names the scope that its token needs; one allows what those before it do:"
        " `read` (look), `propose` (values), `decide` (accept, refuse, undo, also in an editor),"
        " `all` (start runs, and everything else)."
    ),
}
_SERVER = {
    "url": "http://127.0.0.1:{port}",
    "description": "The daemon of a vault; it answers to this machine only.",
    "variables": {"port": {"default": "27182"}},
}
_USUAL = {  # what parameters mean whose model does not say it
    "agent": "The name that the agent gives itself.",
    "after": "Those that come after this one; the page before tells it as `next`.",
    "before": "With a lower id; the page before tells it as `next`.",
    "filter": "How the notes are: with something to do, with something left alone, or skipped.",
    "folder": "In this folder, and those below it; empty: in the vault.",
    "latest": "Only those that no later one for the same need followed.",
    "limit": "How many there are on a page at most.",
    "path": "Of this note.",
    "run": "Of this run.",
    "state": "In this state.",
}
_EXAMPLE: dict[str, Any] = {  # of required fields, by their names
    "agent": "my-agent",
    "base_sha256": "0" * 64,
    "change": 17,
    "changes": [17, 16],
    "client": "my-editor",
    "code": "ABCD-2345",
    "field": "description",
    "fill": True,
    "folder": "Journal",
    "ids": [12],
    "kind": "aliases",
    "name": "qwen2.5-coder-1.5b",
    "new_sha256": "1" * 64,
    "nonce": "0123456789abcdef" * 4,
    "open": ["Bread/Sourdough.md"],
    "path": "Bread/Sourdough.md",
    "paths": ["Bread"],
    "proposals": [12],
    "script": "my-script",
    "text": "---\ndescription:\n---\n\n# Sourdough\n",
    "value": "How bread rises by wild yeast.",
}
_EXAMPLES: dict[str, dict[str, Any]] = {  # of bodies that require nothing, by their models
    "Decisions": {"accept": [{"id": 12}, {"id": 13, "text": "Better words."}], "refuse": [14]},
    "AskAgain": {"wish": "Shorter, and name the year."},
    "ScanOptions": {"paths": ["Bread"], "field": "description"},
    "Undo": {"run": "20261125-104412-3f9a"},
}
_HEALTH = {"status": {"const": "ok"}, "name": {"const": APP}, "version": {"type": "string"}}
_HEALTH_SCHEMA = {"type": "object", "properties": _HEALTH, "required": list(_HEALTH)}
_BARE_PATHS: dict[str, dict[str, Any]] = {  # they belong to no resource
    "/healthz": {
        "get": {
            "operationId": "read_health",
            "summary": "Whether a daemon answers at all, and its version; nothing else.",
            "description": "It needs no token, and answers to clients of all versions.",
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
            "description": "It needs no token: it tells nothing of a vault.",
            "security": [],
            "responses": {
                "200": {"description": "It.", "content": {_JSON: {"schema": {"type": "object"}}}},
                **_problems(_PROBLEMS),
            },
        }
    },
}
