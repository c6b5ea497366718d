"""Which servers of models are found on this machine, and what models they have."""

from __future__ import annotations

import http.client
import json
from typing import NamedTuple
from urllib.parse import urlsplit

from companion.llm.endpoint import Endpoint

_TIMEOUT = 1.0  # seconds; a server on this machine answers within milliseconds, or is not there
_MAX_LIST = 1024 * 1024  # bytes


class Server(NamedTuple):
    """A program that serves models under a base URL of its own."""

    name: str
    base_url: str


class Found(NamedTuple):
    """A server that answered, and the names of its models that can write."""

    name: str
    base_url: str
    models: tuple[str, ...]


# their documented defaults: docs.ollama.com/openai, lmstudio.ai/docs/developer
KNOWN = (
    Server("Ollama", "http://127.0.0.1:11434/v1"),
    Server("LM Studio", "http://127.0.0.1:1234/v1"),
)


def find_servers() -> list[Found]:
    """Return the known servers that answer on this machine, also those without a model."""
    asked = ((server, list_models(server.base_url)) for server in KNOWN)
    return [Found(*server, models) for server, models in asked if models is not None]


def list_models(base_url: str) -> tuple[str, ...] | None:
    """Return the names of the models that can write; None when nothing such answers.

    Asks on this machine only, straight and without a key: other endpoints are not asked, None.
    """
    parts = urlsplit(base_url)
    if parts.scheme != "http" or not Endpoint(base_url, "").is_local:
        return None
    line = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT)
    try:
        line.request("GET", f"{parts.path.rstrip('/')}/models")
        reply = line.getresponse()
        return _read(reply.read(_MAX_LIST)) if reply.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        line.close()


def _read(body: bytes) -> tuple[str, ...] | None:
    """Return the ids in a list of models as OpenAI's API gives it; None when it is none."""
    try:
        data = json.loads(body)["data"] or []  # Ollama says null when it has none
        names = [entry["id"] for entry in data]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return tuple(name for name in names if isinstance(name, str) and _can_write(name))


def _can_write(name: str) -> bool:
    """Whether it is a name, and of none of those that only make vectors, which are named, too."""
    return name.isprintable() and bool(name.strip()) and "embed" not in name.lower()
