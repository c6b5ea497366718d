"""The generated part of docs/api.md, from the OpenAPI document of the daemon."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from companion.daemon.app import RESOURCES
from companion.daemon.openapi import describe_api

JsonObject = dict[str, Any]


def api_page() -> str:
    """Return all routes and the shapes of their JSON, as Markdown."""
    document = json.loads(describe_api(RESOURCES))
    schemas = document["components"]["schemas"]
    lines = ["## Routes", "", "| route | scope | what | takes | answers |", "|---|---|---|---|---|"]
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            lines.append(_route_row(method.upper(), path, operation))
    lines += ["", "## Shapes", ""]
    for name in sorted(schemas):
        lines += [*_schema_section(name, schemas[name]), ""]
    return "\n".join(lines).rstrip()


def _route_row(method: str, path: str, operation: JsonObject) -> str:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    if body:
        takes = _type_of(body["schema"])
    else:
        parameters = [each for each in operation.get("parameters", []) if each["in"] == "query"]
        takes = ", ".join(
            f"`{each['name']}`"
            + (f" ({_type_of(each['schema'])})" if "enum" in each["schema"] else "")
            for each in parameters
        )
    answers = {
        _type_of(content["schema"])
        for status, response in operation["responses"].items()
        for kind, content in response.get("content", {}).items()
        if status.startswith("2") and kind == "application/json"
    }
    scope = "".join(name for each in operation["security"] for name in each["bearer"])
    words = [f"`{method} {path}`", scope or "no token", operation.get("summary", ""), takes]
    return f"| {' | '.join(words)} | {', '.join(sorted(answers))} |"


def _schema_section(name: str, schema: JsonObject) -> Iterator[str]:
    yield f"### {name}"
    yield ""
    if description := schema.get("description"):
        yield from [*description.splitlines(), ""]
    required = schema.get("required", [])
    for key, value in schema.get("properties", {}).items():
        default = "" if key in required else f", else {json.dumps(value.get('default'))}"
        yield f"- `{key}`: {_type_of(value)}{default}"


def _type_of(schema: JsonObject) -> str:
    """Return the type of a value in words, with a link to the shape it refers to."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if options := schema.get("anyOf", schema.get("oneOf")):
        return " or ".join(dict.fromkeys(map(_type_of, options)))
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type_of(schema.get('items', {}))}"
    return str(schema.get("type", "anything"))
