"""What a model server on this machine says of itself: its models, and how much each reads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Any

from companion.llm.endpoint import Endpoint

# their documented defaults: docs.ollama.com/openai, lmstudio.ai/docs/developer
SERVERS = (("Ollama", "http://127.0.0.1:11434/v1"), ("LM Studio", "http://127.0.0.1:1234/v1"))
_TIMEOUT = 1.0  # seconds; a server on this machine answers within milliseconds, or is not there
_MAX_REPLY = 1024 * 1024  # bytes
_OTHER_JSON = (TypeError, KeyError, ValueError, OverflowError)  # of another server, or none
_LEAST_CONTEXT = 1024  # tokens, as of the setting
# Where servers list their models: the path, the list, and a model's context in it. Ollama is not
# asked: /api/ps has the context that the last program asked for, and for our calls, which ask for
# none, Ollama loads the model again with its default.
_LISTS = (
    ("{api}/models", "data", "max_model_len"),  # vLLM, SGLang
    ("{root}/api/v0/models", "data", "loaded_context_length"),  # LM Studio
)


def ask_server(endpoint: Endpoint, path: str, timeout: float = _TIMEOUT) -> Any:
    """Return the JSON at the path, without a proxy; None if no server here answers with any.

    None for servers on other machines, and encrypted ones: they are not asked. timeout: seconds.
    """
    import http.client  # few commands ask

    parts = endpoint.parts
    if parts.scheme != "http" or not endpoint.is_local:
        return None
    headers = {"Authorization": f"Bearer {endpoint.key}"} if endpoint.key else {}
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    try:
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        return json.loads(response.read(_MAX_REPLY)) if response.status == 200 else None
    except (OSError, http.client.HTTPException, ValueError, RecursionError):
        return None
    finally:
        connection.close()


def list_served_models(base_url: str) -> list[str]:
    """Return the names of the models that generate text at an address on this machine.

    Empty if no such server answers; servers elsewhere are not asked.
    """
    endpoint = Endpoint.at(base_url)
    listed = ask_server(endpoint, f"{endpoint.parts.path.rstrip('/')}/models")
    try:
        names = [entry["id"] for entry in listed["data"] or ()]  # Ollama says null if it has none
    except (TypeError, KeyError):  # no list in OpenAI's format
        return []
    return [name for name in names if isinstance(name, str) and "embed" not in name.lower()]


def complete_address(typed: str) -> str:
    """Return an address with what is often left out: `http://` on this machine, and `/v1`.

    Raises UsageError if it is no address.
    """
    address = typed.strip() if "://" in typed else f"http://{typed.strip()}"
    parts = Endpoint.at(address).parts
    if "://" not in typed and parts.path in ("", "/"):
        address = f"{address.rstrip('/')}/v1"
    return address


@lru_cache(maxsize=16)
def find_context(endpoint: Endpoint) -> int | None:
    """Return how many tokens the model reads and writes in one call, as its server says.

    None if the server does not say, or is on another machine. It is asked once in a process.
    """
    return next((each for each in _contexts_of(endpoint) if each >= _LEAST_CONTEXT), None)


def _contexts_of(endpoint: Endpoint) -> Iterator[int]:
    """Yield each context that the server tells of the model."""
    api = endpoint.parts.path.rstrip("/")
    root = api.removesuffix("/v1")
    for path, listed, tokens in _LISTS:
        with suppress(*_OTHER_JSON):
            entries = ask_server(endpoint, path.format(api=api, root=root))[listed]
            yield from [int(each[tokens]) for each in entries if each["id"] == endpoint.model]
    with suppress(*_OTHER_JSON):
        # llama.cpp has one model, whatever its name is, and tells the share of one call
        yield int(ask_server(endpoint, f"{root}/props")["default_generation_settings"]["n_ctx"])
