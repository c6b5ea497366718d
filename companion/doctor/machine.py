"""What this machine has for a model, which model suits it, and whether the model answers."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable
from typing import NamedTuple

from companion.config import Config
from companion.enrich.configured_model import model_facts
from companion.errors import AnswerError
from companion.llm.catalog import (
    CATALOG,
    DEFAULT_MODEL,
    Model,
    find_model,
    list_models,
    model_path,
    models_folder,
)
from companion.llm.client import Client
from companion.llm.embedded import count_all_cores
from companion.llm.endpoint import Endpoint
from companion.llm.local_server import ask_server
from companion.llm.request import Question
from companion.llm.response import ThoughtsOnly

RECOMMENDED = "qwen3-4b"
_PATIENCE = 15.0  # seconds for a note, beyond which a model is not recommended
_TOKENS_READ, _TOKENS_WRITTEN = 700, 40  # for a note, about
_ROUNDS = 0.15  # seconds in all, of each of two measurements
_READING = 0.57  # times the operations, so that the default model takes what docs/figures.md has
_SPARE_DISK = 300_000_000  # bytes to stay free beside a model that is fetched
_BILLIONS = re.compile(r"(?<![\w.])(\d+(?:\.\d+)?)b(?![a-z0-9])", re.IGNORECASE)


class Memory(NamedTuple):
    """The machine's memory, in bytes. free: what programs could have now, without swapping."""

    total: int
    free: int


class Speed(NamedTuple):
    """The machine's speed. flops: operations a second, by all cores; bandwidth: bytes/s."""

    flops: float
    bandwidth: float


class Machine(NamedTuple):
    """The machine. free_disk: bytes free where models are stored. speed: None if not known."""

    memory: Memory
    free_disk: int
    servers: tuple[ModelServer, ...]
    speed: Speed | None = None

    def offers(self) -> list[Model]:
        """Return the models that fit its free memory and disk; the default one in any case."""
        return [
            model
            for model in CATALOG
            if model.tier
            and self.memory.free >= model.tier.free_memory
            and (self.has_room(model) or model.name == DEFAULT_MODEL)
        ]

    def has_room(self, model: Model) -> bool:
        """Whether the model's file is on this machine, or its disk has room for it."""
        return bool(model_path(model.name)) or self.free_disk >= (model.size or 0) + _SPARE_DISK

    def estimate_seconds(self, model: Model) -> float | None:
        """Return about how many seconds the model takes for a note on the cores; None: not known.

        To read a token takes two operations a parameter; to write one, the whole file is read from
        memory. It may be wrong by a factor of two: only the default model's time was compared.
        """
        if self.speed is None or model.parameters is None or model.size is None:
            return None
        operations = 2e9 * model.parameters * _TOKENS_READ
        written = model.size * _TOKENS_WRITTEN / self.speed.bandwidth
        return _READING * operations / self.speed.flops + written


class Recommendation(NamedTuple):
    """The model to choose unless something speaks against it. server: None for the embedded one."""

    model: str
    server: ModelServer | None
    reason: str


def inspect_machine() -> Machine:
    """Return the machine's memory, cores and model servers. Only servers on it are asked."""
    folder = models_folder()
    there = next(above for above in (folder, *folder.parents) if above.exists())
    free_disk = shutil.disk_usage(there).free
    return Machine(read_memory(), free_disk, tuple(discover_servers()), measure_speed())


def measure_speed() -> Speed:
    """Return the machine's speed, which takes about a third of a second.

    It is the best of many rounds of a few milliseconds, so other programs hardly change it. One
    core multiplies matrices this small, so its result counts for each.
    """
    import numpy as np

    matrix, block = np.ones((64, 64), np.float32), np.ones(1 << 24, np.float32)
    flops = 2 * matrix.size * len(matrix) / _shortest_time(lambda: matrix @ matrix)
    return Speed(flops * count_all_cores(), block.nbytes / _shortest_time(block.sum))


def _shortest_time(work: Callable[[], object]) -> float:
    """Return the fewest seconds that the work takes, of as many rounds as fit."""
    end, shortest = time.perf_counter() + _ROUNDS, float("inf")
    while (start := time.perf_counter()) < end or shortest == float("inf"):
        work()
        shortest = min(shortest, time.perf_counter() - start)
    return shortest


def read_memory() -> Memory:
    """Return the machine's memory."""
    import psutil

    memory = psutil.virtual_memory()
    return Memory(memory.total, memory.available)


def recommend_model(machine: Machine) -> Recommendation:
    """Return the choice that suits the machine: by its memory, its disk and its cores.

    A model that a server already has takes precedence over one to download, if its name says that
    it has as many parameters; how fast it is there is not known, since a graphics card may help.
    """
    offers = [model.name for model in machine.offers()]
    seconds = machine.estimate_seconds(find_model(RECOMMENDED)) or 0.0
    fits = RECOMMENDED in offers and seconds <= _PATIENCE
    name = RECOMMENDED if fits else DEFAULT_MODEL
    sized = [
        (_billions(model), server, model) for server in machine.servers for model in server.models
    ]
    enough = [each for each in sized if each[0] >= _billions(name)]
    if enough and model_path(name) is None:
        _, server, model = min(enough, key=lambda each: each[0])
        reason = f"it is on this machine already, and no smaller than {name}"
        return Recommendation(model, server, reason)
    if not machine.has_room(find_model(name)):
        for server in machine.servers:
            if server.models:
                reason = "the disk has no room for a model of Companion's own"
                return Recommendation(server.models[0], server, reason)
    free = f"{machine.memory.free / 1e9:.1f} GB of memory is free"
    tier = find_model(RECOMMENDED).tier
    if name == RECOMMENDED:
        return Recommendation(name, None, f"{free}, and nothing leaves this machine")
    if tier and machine.memory.free < tier.free_memory:
        return Recommendation(name, None, f"{free}, and larger ones need more")
    if RECOMMENDED not in offers:
        return Recommendation(name, None, "the disk has no room for a larger one")
    slow = f"{RECOMMENDED} would take about {seconds:.0f} s a note on this machine's cores"
    return Recommendation(name, None, f"{free}, but {slow}")


def find_shortage(config: Config) -> str:
    """Return in words why the embedded model does not fit into the free memory; empty if it does.

    Raises UsageError if there is no such model.
    """
    if not config.is_embedded:
        return ""
    model = find_model(config.endpoint.model)
    tokens = (model_facts(config).context_tokens or 0) * config.concurrency
    needed, free = model.memory(tokens), read_memory().free
    if needed <= free:
        return ""
    return (
        f"{model.name} takes about {needed / 1e9:.1f} GB of memory, and {free / 1e9:.1f} GB is free"
    )


def above(config: Config) -> str:
    """Return the name of the model one tier up, if there is memory for it; empty if not."""
    name = config.endpoint.model if config.is_embedded else ""
    models = (listed.model for listed in list_models())
    larger = next((each.name for each in models if each.tier and each.tier.below == name), "")
    endpoint = config.endpoint.model_copy(update={"model": larger})
    is_short = name and larger and find_shortage(config.model_copy(update={"endpoint": endpoint}))
    return "" if not name or is_short else larger


def below(config: Config) -> str:
    """Return the smaller model to try after the configured one; empty if there is none."""
    if not config.is_embedded:
        return ""
    tier = find_model(config.endpoint.model).tier
    return tier.below if tier else ""


def _billions(name: str) -> float:
    """Return how many billion parameters a model has by its name, `llama3.1:8b` say; 0: unknown."""
    sizes = _BILLIONS.findall(name)
    return float(sizes[-1]) if sizes else 0.0


class ModelServer(NamedTuple):
    """A program that serves models, and where. models: the names of those that generate text."""

    name: str
    base_url: str
    models: tuple[str, ...] = ()


# their documented defaults: docs.ollama.com/openai, lmstudio.ai/docs/developer
SERVERS = (
    ModelServer("Ollama", "http://127.0.0.1:11434/v1"),
    ModelServer("LM Studio", "http://127.0.0.1:1234/v1"),
)


def discover_servers() -> list[ModelServer]:
    """Return those of SERVERS that answer on this machine, even those without a model."""
    answers = ((server, list_served_models(server.base_url)) for server in SERVERS)
    return [server._replace(models=models) for server, models in answers if models is not None]


def list_served_models(base_url: str) -> tuple[str, ...] | None:
    """Return the names of the models that generate text; None if no such server answers.

    Only servers on this machine are asked, without a proxy and without a key; None for others.
    """
    endpoint = Endpoint.at(base_url)
    listed = ask_server(endpoint, f"{endpoint.parts.path.rstrip('/')}/models")
    try:
        names = [entry["id"] for entry in listed["data"] or ()]  # Ollama says null if it has none
    except (TypeError, KeyError):  # no list in OpenAI's format
        return None
    return tuple(
        name
        for name in names
        if isinstance(name, str) and name.isprintable() and name.strip()
        if "embed" not in name.lower()  # embedding models generate no text
    )


_QUESTION = ({"role": "user", "content": "Answer with the word ready."},)
_ANSWER_TOKENS = 16
_MORE_TOKENS = 1024  # some models say a lot before the word


class ProbeResult(NamedTuple):
    """The model's answer. seconds: for an embedded model, including its start.

    thinks: whether it thought before it answered.
    """

    answer: str
    seconds: float
    thinks: bool = False


def probe_client(client: Client) -> ProbeResult:
    """Ask the client's model one short question, and return its answer.

    Raises EndpointError or AnswerError if it does not answer.
    """
    begun = time.monotonic()
    try:
        answer = client.ask(Question(_QUESTION, _ANSWER_TOKENS))
    except ThoughtsOnly:
        raise
    except AnswerError:
        answer = client.ask(Question(_QUESTION, _MORE_TOKENS))
    return ProbeResult(answer.text, time.monotonic() - begun, client.thinks)


def advice_on_thinking(config: Config) -> str:
    """Return advice on a model that thinks; empty if the settings deal with it."""
    table = config.endpoint
    if table.reasoning_effort == "none":
        return "its server does not turn thinking off; choose a model that does not think"
    if table.reasoning_effort:
        return ""
    return (
        "it thinks before it answers, which takes time and tokens; under [endpoint],"
        ' reasoning_effort = "none" ends that where the server can'
    )
