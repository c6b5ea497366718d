"""Which servers of models are found on this machine, and what models they have."""

from __future__ import annotations

import http.client
import json
import time
from hashlib import file_digest
from pathlib import Path
from threading import Event
from typing import NamedTuple
from urllib.parse import urlsplit

from companion.config import Config
from companion.doctor.setup import Check
from companion.enrich.model import describe_endpoint, open_client
from companion.errors import AnswerError
from companion.llm.catalog import Model, find_model, model_path, models_folder
from companion.llm.client import Client
from companion.llm.endpoint import Endpoint
from companion.llm.response import ThoughtsOnly

_TIMEOUT = 1.0  # seconds; a server on this machine answers within milliseconds, or is not there
_MAX_LIST = 1024 * 1024  # bytes


class ModelServer(NamedTuple):
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
    ModelServer("Ollama", "http://127.0.0.1:11434/v1"),
    ModelServer("LM Studio", "http://127.0.0.1:1234/v1"),
)


def discover_servers() -> list[Found]:
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


_QUESTION = ({"role": "user", "content": "Answer with the word ready."},)
_TOKENS = 16
_TOKENS_TO_TALK = 1024  # some models say a lot before the word


class ProbeResult(NamedTuple):
    """What the model said, and after how many seconds; the embedded one is started first.

    thinks: whether it thought first.
    """

    said: str
    seconds: float
    thinks: bool = False


def probe_model(config: Config) -> ProbeResult:
    """Return what the configured model answers to one short question.

    Raises EndpointError or AnswerError, which say why it does not; UsageError when the embedded
    model is not on this machine, or the endpoint's address is none.
    """
    once = config.endpoint.model_copy(update={"retries": min(config.endpoint.retries, 1)})
    begun = time.monotonic()
    with open_client(config.model_copy(update={"endpoint": once}), Event()) as client:
        said = _ask(client)
        return ProbeResult(said, time.monotonic() - begun, client.thinks)


def what_thinking_means(config: Config) -> str:
    """Return what to say of a model that thinks; empty where the user said how much it may."""
    table = config.endpoint
    if table.reasoning_effort == "none":
        return (
            "its server does not turn thinking off; choose a model that does not think, or set"
            " max_output_tokens under [endpoint] to the tokens that its thoughts and answers take"
        )
    if table.reasoning_effort or table.max_output_tokens:
        return ""
    return (
        "it thinks before it answers, which takes time and tokens; under [endpoint],"
        ' reasoning_effort = "none" ends that where the server can, and max_output_tokens'
        " gives its thoughts more room"
    )


def _ask(client: Client) -> str:
    try:
        return client.ask_text(_QUESTION, _TOKENS).text
    except ThoughtsOnly:
        raise
    except AnswerError:
        return client.ask_text(_QUESTION, _TOKENS_TO_TALK).text


_PULL = "companion model pull fetches it"


def is_missing(config: Config) -> bool:
    """Whether there is no model that could be asked. Raises UsageError when none has that name."""
    return config.is_embedded and model_path(config.endpoint.model) is None


def check_model(config: Config, *, thorough: bool) -> Check:
    """Return which model is asked and, of the embedded one, whether its file is here and whole.

    thorough: its checksum, too, which reads the whole file.

    Raises UsageError when there is no such model, or the endpoint's address is none.
    """
    if not config.is_embedded:
        return Check("model", "ok", describe_endpoint(config))
    model = find_model(config.endpoint.model)
    path = model_path(model.name)
    if path is None:
        return _not_here(model)
    if thorough and model.sha256:
        with path.open("rb") as file:
            if file_digest(file, "sha256").hexdigest() != model.sha256:
                mend = f"delete {path}; {_PULL} again"
                return Check("model", "problem", f"the file of {model.name} is damaged", mend)
    size = path.stat().st_size
    looked = "checksum right" if thorough and model.sha256 else "not read through"
    return Check("model", "ok", f"{describe_endpoint(config)} ({size:,} bytes, {looked})")


def check_answer(config: Config) -> Check:
    """Return how long the model takes for a word. Raises what trial.try_model does."""
    trial = probe_model(config)
    said = f"the model answered within {trial.seconds:.1f} s"
    if not trial.thinks:
        return Check("answer", "ok", said)
    mend = what_thinking_means(config)
    return Check("answer", "hint" if mend else "ok", f"{said}, and thought first", mend)


def _not_here(model: Model) -> Check:
    file: Path = models_folder() / model.file
    if file.is_file():
        said = f"the file of {model.name} has {file.stat().st_size:,} bytes, not {model.size:,}"
        return Check("model", "problem", said, f"delete {file}; {_PULL} again")
    said = f"{model.name} is not on this machine yet; the first run fetches it"
    return Check("model", "hint", said, f"{_PULL} now")
