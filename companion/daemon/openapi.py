"""The OpenAPI document, generated from the models of the routes."""

from __future__ import annotations

import inspect
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from companion import __version__
from companion.app.problem import PROBLEM_JSON, Problem
from companion.app.types.base import LARGEST
from companion.daemon.api.routing import PREFIX, Resource, Route

_Mode = Literal["validation", "serialization"]

_JSON = "application/json"
_REF = "#/components/schemas/{model}"
_VARIABLE = re.compile(r"<(?:[^:>]+:)?(\w+)>")
_WORDS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))
_ETAG = {"ETag": {"schema": {"type": "string"}}}
_LOCATION = {"Location": {"schema": {"type": "string"}}}
_CHALLENGE = {"WWW-Authenticate": {"schema": {"type": "string"}}}


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
    paths |= _bare_paths()
    schemas = models_json_schema(list(modes), ref_template=_REF)[1]["$defs"]
    # A problem without places leaves them out.
    schemas["Problem"]["required"] = ["type", "code", "title", "status", "detail"]
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "Callout Companion",
            "version": __version__,
            "description": _WORDS["about"],
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [_WORDS["server"]],
        "paths": paths,
        "security": [{"bearer": []}],
        "components": {
            "securitySchemes": {"bearer": _WORDS["bearer"]},
            "schemas": schemas,
        },
    }
    return json.dumps(document, ensure_ascii=False)


def _bare_paths() -> dict[str, dict[str, Any]]:
    """Return the paths that belong to no resource, and need no token."""
    problems = _problems(_WORDS["problems"])
    paths = {}
    for path, words in _WORDS["bare_paths"].items():
        content = {_JSON: {"schema": words["schema"]}}
        good = {"description": "Done.", "content": content}
        told = {name: words[name] for name in ("operationId", "summary", "description")}
        paths[path] = {"get": told | {"security": [], "responses": {"200": good} | problems}}
    return paths


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
    problems = _WORDS["problems"] | (_WORDS["problems_of_post"] if route.method == "POST" else {})
    problems |= _WORDS["problem_of_conflicts"] if route.conflicts else {}
    problems |= _WORDS["problem_of_codes"] if route.takes_code else {}
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


def _problems(problems: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    content = {PROBLEM_JSON: {"schema": _ref(Problem)}}
    return {
        status: {
            "description": words,
            "headers": _CHALLENGE if status in ("401", "403") else {},
            "content": content,
        }
        for status, words in sorted(problems.items())
    }


def _parameters(route: Route) -> Iterator[dict[str, Any]]:
    """Yield the variables of the route's rule, the names of its query, and its header."""
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
        about = {"description": words.get(name) or _WORDS["parameters"].get(name, "")}
        required_ = {"required": name in required, "schema": schema}
        yield {"name": name, "in": "query", **required_, **about}


def _describe_fields(model: type[BaseModel]) -> dict[str, str]:
    """Return what the docstrings of a model and its bases say about its fields, by name."""
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
    """Return an example of a body: the required fields, and those that make it do something."""
    fields = model.model_fields
    needed = {name for name, field in fields.items() if field.is_required()}
    return _WORDS["examples_of_bodies"].get(model.__name__) or {
        name: _WORDS["examples"][name] for name in fields if name in needed
    }


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}
