"""The configured model: its facts, a client for it, and its budget."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from companion.config import Config, common_state_folder, state_folder
from companion.errors import UsageError
from companion.llm.budget import Budget, Caps
from companion.llm.catalog import require_model
from companion.llm.embedded import EmbeddedServer
from companion.llm.endpoint import Endpoint, find_cost
from companion.llm.local_server import find_context

if TYPE_CHECKING:
    from companion.enrich.workspace import Workspace

ASK_FROM = 50
"""Notes at a remote endpoint; more are only sent with somebody's consent."""

Settings: TypeAlias = "Config | Workspace"
"""Settings that stay as they are, or an open vault, whose settings each call follows."""

_FILE = "spending.sqlite3"
_CONTEXT = 4096  # tokens for each note worked on at once
_PROSE = 600  # tokens of a note for the embedded model: two cores read about 100 a second
# The same where context_tokens is not set. Here, Ollama and LM Studio have room for 4,096 tokens in
# all by default, and Ollama cuts off the rest silently; a server that says how much it has gets up
# to a half of that. Elsewhere, more only costs more.
_PROSE_NEARBY, _PROSE_ELSEWHERE = 2000, 8000
_RELATED = 200  # tokens of other notes for the embedded model
_RELATED_ELSEWHERE = 800


class ModelFacts(NamedTuple):
    """The facts about a model that decide how it is asked.

    context_tokens: what the model reads and writes in one call; None if unknown. prose_tokens: the
    most tokens of a note that it is shown; None: as much as fits. is_small: whether not to trust
    its own knowledge. related_tokens: the most tokens of other notes that it is shown.
    """

    name: str
    context_tokens: int | None
    prose_tokens: int | None = None
    is_small: bool = False
    related_tokens: int = 0


def model_facts(config: Config) -> ModelFacts:
    """Return the facts of the configured model. A server on this machine is asked once for them."""
    endpoint, is_small = config.endpoint, config.has_small_model
    limit = endpoint.context_tokens
    if config.is_embedded:
        return ModelFacts(endpoint.model, limit or _CONTEXT, _PROSE, is_small, _RELATED)
    prose = None
    if not limit:
        prose = _PROSE_NEARBY if endpoint.is_local else _PROSE_ELSEWHERE
        if limit := find_context(endpoint):  # half of it is for what is asked, and for the answer
            prose = max(_PROSE_NEARBY, min(_PROSE_ELSEWHERE, limit // 2))
    related = min(_RELATED_ELSEWHERE, limit // 8) if limit else _RELATED_ELSEWHERE
    return ModelFacts(endpoint.model, limit, prose, is_small, related)


def open_spending(settings: Settings, root: Path | None = None) -> Budget:
    """Return the spending of all vaults, under the configured caps; close() it at the end.

    root: the vault whose background notes are counted. The file is opened on first use.

    Raises UsageError when there is a cap on money, and the price of the model is not known.
    """
    caps = _find_caps(settings)
    if caps.dollars_a_day is not None and caps.price is None:
        endpoint = _read_config(settings).endpoint
        raise UsageError(
            f"dollars_a_day is set, but the price of {endpoint.model} at {endpoint.address} is not"
            " known; set tokens_a_day in its place, under [limits] in the configuration"
        )
    vault = state_folder(root).name if root else ""
    return Budget(common_state_folder() / _FILE, partial(_find_caps, settings), vault)


def _find_caps(settings: Settings) -> Caps:
    config = _read_config(settings)
    price = partial(find_cost, config.endpoint)
    return Caps(
        None if price(1, 1) is None else price,
        config.limits.tokens_a_day,
        config.limits.dollars_a_day,
        config.background.notes_a_day,
    )


def _read_config(settings: Settings) -> Config:
    """Return the configuration as last read."""
    return settings if isinstance(settings, Config) else settings.config


@contextmanager
def open_source(settings: Settings) -> Iterator[ConfiguredEndpoint]:
    """Open an endpoint that any number of clients can use; an embedded model is stopped at the end.

    Raises UsageError when the embedded model is not on this machine.
    """
    with ExitStack() as opened:
        if (config := _read_config(settings)).is_embedded:
            require_model(config.endpoint.model)
        yield ConfiguredEndpoint(settings, opened)


class ConfiguredEndpoint:
    """The endpoint that the settings name now, or the embedded model, started on the first call.

    Safe to use from any thread. opened: closes the embedded models that were started.
    """

    def __init__(self, settings: Settings, opened: ExitStack) -> None:
        self._settings, self._opened = settings, opened
        self._lock = Lock()
        self._made: tuple[Endpoint, Endpoint | EmbeddedServer] | None = None

    @property
    def settings(self) -> Endpoint:
        """As last read. Raises UsageError if the embedded model is missing."""
        return self._find().settings

    def lease(self) -> AbstractContextManager[Endpoint]:
        """Lend the endpoint for one call."""
        return self._find().lease()

    def _find(self) -> Endpoint | EmbeddedServer:
        config = _read_config(self._settings)
        endpoint = config.endpoint
        with self._lock:
            if self._made and self._made[0] == endpoint:
                return self._made[1]
            source: Endpoint | EmbeddedServer = endpoint
            if config.is_embedded:  # an earlier one ends when nobody asks it
                name, context = endpoint.model, endpoint.context_tokens or _CONTEXT
                server = EmbeddedServer(require_model(name), name, context, config.concurrency)
                source = self._opened.enter_context(server)
            self._made = endpoint, source
            return source
