"""Model servers on this machine: where they usually are, and which models they have."""

from __future__ import annotations

import json

from companion.llm.endpoint import Endpoint

# their documented defaults: docs.ollama.com/openai, lmstudio.ai/docs/developer
SERVERS = (("Ollama", "http://127.0.0.1:11434/v1"), ("LM Studio", "http://127.0.0.1:1234/v1"))
_TIMEOUT = 1.0  # seconds; a server on this machine answers within milliseconds, or is not there
_MAX_REPLY = 1024 * 1024  # bytes


def list_served_models(base_url: str) -> list[str]:
    """Return the names of the models that generate text at an address on this machine.

    Empty if no such server answers; servers elsewhere, and encrypted ones, are not asked.
    """
    import http.client  # few commands ask

    endpoint = Endpoint.at(base_url)
    parts = endpoint.parts
    if parts.scheme != "http" or not endpoint.is_local:
        return []
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT)
    try:  # without a proxy
        connection.request("GET", f"{parts.path.rstrip('/')}/models")
        listed = json.loads(connection.getresponse().read(_MAX_REPLY))
        names = [entry["id"] for entry in listed["data"] or ()]  # Ollama says null if it has none
    except (OSError, http.client.HTTPException, ValueError, RecursionError, TypeError, KeyError):
        return []  # no list in OpenAI's format
    finally:
        connection.close()
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
