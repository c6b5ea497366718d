"""Model servers such as Ollama that run on this machine, and the models that they have."""

from __future__ import annotations

import http.client
import json
from typing import NamedTuple
from urllib.parse import urlsplit

from companion.llm.endpoint import Endpoint

_TIMEOUT = 1.0  # seconds; a server on this machine answers within milliseconds, or is not there
_MAX_LIST = 1024 * 1024  # bytes


class ModelServer(NamedTuple):
    """A program that serves models, and the base URL at which it does by default."""

    name: str
    base_url: str


class DiscoveredServer(NamedTuple):
    """A server that answered. models: the names of those that generate text."""

    name: str
    base_url: str
    models: tuple[str, ...]


# their documented defaults: docs.ollama.com/openai, lmstudio.ai/docs/developer
KNOWN = (
    ModelServer("Ollama", "http://127.0.0.1:11434/v1"),
    ModelServer("LM Studio", "http://127.0.0.1:1234/v1"),
)


def discover_servers() -> list[DiscoveredServer]:
    """Return the known servers that answer on this machine, also those without a model."""
    answers = ((server, list_models(server.base_url)) for server in KNOWN)
    return [DiscoveredServer(*server, models) for server, models in answers if models is not None]


def list_models(base_url: str) -> tuple[str, ...] | None:
    """Return the names of the models that generate text; None if no such server answers.

    Only servers on this machine are asked, without a proxy and without a key; None for others.
    """
    parts = urlsplit(base_url)
    if parts.scheme != "http" or not Endpoint(base_url, "").is_local:
        return None
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT)
    try:
        connection.request("GET", f"{parts.path.rstrip('/')}/models")
        response = connection.getresponse()
        return _parse_list(response.read(_MAX_LIST)) if response.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def _parse_list(body: bytes) -> tuple[str, ...] | None:
    """Return the ids of models that generate text; None if it is no list in OpenAI's format."""
    try:
        data = json.loads(body)["data"] or []  # Ollama says null when it has none
        names = [entry["id"] for entry in data]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return tuple(
        name
        for name in names
        if isinstance(name, str) and name.isprintable() and name.strip()
        if "embed" not in name.lower()  # embedding models generate no text
    )
