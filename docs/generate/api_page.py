"""The generated part of docs/api.md, from the OpenAPI document of the daemon."""

from __future__ import annotations

from typing import Any

from companion.daemon.app import describe_api

JsonObject = dict[str, Any]


def api_page() -> str:
    """Return all routes, and the names of what they take and answer, as a Markdown table."""
    lines = ["| route | what | takes | answers |", "|---|---|---|---|"]
    for path, methods in describe_api()["paths"].items():
        for method, operation in methods.items():
            query = [f"`{each['name']}`" for each in operation.get("parameters", ())]
            takes = ", ".join([*query, *_shapes(operation.get("requestBody", {}))])
            answers = ", ".join(_shapes(operation["responses"]["200"]))
            words = [f"`{method.upper()} {path}`", operation["summary"], takes, answers]
            lines.append(f"| {' | '.join(words)} |")
    return "\n".join(lines)


def _shapes(sent: JsonObject) -> list[str]:
    content = sent.get("content", {}).get("application/json", {})
    name = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
    return [name] if name else []
