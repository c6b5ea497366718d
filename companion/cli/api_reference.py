"""The page about the HTTP API, made from its OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from companion.daemon.app import RESOURCES
from companion.daemon.openapi import describe_api

Schema = dict[str, Any]


def api_page() -> str:
    """Return all routes and the shapes of their JSON, as Markdown."""
    document = json.loads(describe_api(RESOURCES))
    schemas = document["components"]["schemas"]
    lines = ["## Routes", "", "| route | what | takes | answers |", "|---|---|---|---|"]
    for path, methods in document["paths"].items():
        for method, told in methods.items():
            lines.append(_route(method.upper(), path, told))
    lines += ["", "## Shapes", ""]
    for name in sorted(schemas):
        lines += [*_shape(name, schemas[name]), ""]
    return "\n".join(lines).rstrip()


def _route(method: str, path: str, told: Schema) -> str:
    body = told.get("requestBody", {}).get("content", {}).get("application/json", {})
    query = [_parameter(each) for each in told.get("parameters", []) if each["in"] == "query"]
    takes = [_type(body["schema"])] if body else query
    answers = {
        _type(content["schema"])
        for status, answer in told["responses"].items()
        for kind, content in answer.get("content", {}).items()
        if status.startswith("2") and kind == "application/json"
    }
    is_open = " (no token)" if told.get("security") == [] else ""
    words = [f"`{method} {path}`{is_open}", told.get("summary", ""), ", ".join(takes)]
    return f"| {' | '.join([*words, ', '.join(sorted(answers))])} |"


def _parameter(told: Schema) -> str:
    name, takes = f"`{told['name']}`", told["schema"]
    return f"{name} ({_type(takes)})" if "enum" in takes else name


def _shape(name: str, schema: Schema) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    if told := schema.get("description"):
        yield from [*told.splitlines(), ""]
    required = schema.get("required", [])
    for key, value in schema.get("properties", {}).items():
        default = "" if key in required else f", else {json.dumps(value.get('default'))}"
        yield f"- `{key}`: {_type(value)}{default}"


def _type(schema: Schema) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if options := schema.get("anyOf", schema.get("oneOf")):
        return " or ".join(dict.fromkeys(map(_type, options)))
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return str(schema.get("type", "anything"))
