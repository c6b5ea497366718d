"""What a model server on this machine says of itself, such as how much its model reads at once."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from companion.llm.endpoint import Endpoint

_TIMEOUT = 1.0  # seconds; a server on this machine answers within milliseconds, or is not there
_MAX_REPLY = 1024 * 1024  # bytes
_KEPT = 30.0  # seconds; a model may be loaded anew, with room for more or less
_LEAST_CONTEXT = 1024  # tokens, as of the setting
# Where servers list their models: the path, the list, what names a model in it, and its context.
_LISTS = (
    ("{api}/models", "data", "id", "max_model_len"),  # vLLM, SGLang
    ("{root}/api/ps", "models", "model", "context_length"),  # Ollama: those that are loaded
    ("{root}/api/v0/models", "data", "id", "loaded_context_length"),  # LM Studio
)
_contexts: dict[tuple[str, str, str], tuple[float, int | None]] = {}  # and until when they are kept


def ask_server(endpoint: Endpoint, path: str) -> Any:
    """Return the JSON at the path, without a proxy; None if no server here answers with any.

    None for servers on other machines, and encrypted ones: they are not asked.
    """
    import http.client  # few commands ask

    parts = endpoint.parts
    if parts.scheme != "http" or not endpoint.is_local:
        return None
    headers = {"Authorization": f"Bearer {endpoint.key}"} if endpoint.key else {}
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return json.loads(response.read(_MAX_REPLY)) if response.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError, RecursionError):
        return None
    finally:
        connection.close()


def find_context(endpoint: Endpoint) -> int | None:
    """Return how many tokens the model reads and writes in one call, as its server says now.

    None if the server does not say, or is on another machine. It is asked once in half a minute.
    """
    key, now = (endpoint.base_url or "", endpoint.model, endpoint.key), time.monotonic()
    until, tokens = _contexts.get(key, (0.0, None))
    if now > until:
        tokens = next((each for each in _contexts_of(endpoint) if each >= _LEAST_CONTEXT), None)
        _contexts[key] = now + _KEPT, tokens
    return tokens


def _contexts_of(endpoint: Endpoint) -> Iterator[int]:
    """Yield each context that the server tells of the model."""
    names = (endpoint.model, f"{endpoint.model}:latest")  # which Ollama adds
    api = endpoint.parts.path.rstrip("/")
    root = api.removesuffix("/v1")
    for path, listed, name, tokens in _LISTS:
        with suppress(TypeError, KeyError, ValueError):  # another server's list, or none
            entries = ask_server(endpoint, path.format(api=api, root=root))[listed]
            yield from [int(each[tokens]) for each in entries if each[name] in names]
    with suppress(TypeError, KeyError, ValueError):
        # llama.cpp has one model, whatever its name is, and tells the share of one call
        yield int(ask_server(endpoint, f"{root}/props")["default_generation_settings"]["n_ctx"])
