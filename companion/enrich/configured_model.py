"""The configured model: its facts, a client for it, and its budget."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from threading import Event, Lock
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from companion.config import Config, common_state_folder, state_folder
from companion.errors import UsageError
from companion.llm.budget import Budget, Caps
from companion.llm.catalog import require_model
from companion.llm.client import Client
from companion.llm.embedded import EmbeddedServer
from companion.llm.endpoint import Endpoint, find_cost

if TYPE_CHECKING:
    from companion.enrich.workspace import Workspace

ASK_FROM = 50
"""Notes at a remote endpoint; more are only sent with somebody's consent."""

Settings: TypeAlias = "Config | Workspace"
"""Settings that stay as they are, or an open vault, whose settings each call follows."""

_FILE = "spending.sqlite3"


def _read_config(settings: Settings) -> Config:
    """Return the configuration as last read."""
    return settings if isinstance(settings, Config) else settings.config


def open_spending(settings: Settings, root: Path | None = None) -> Budget:
    """Return the spending of all vaults, under the configured caps; close() it at the end.

    root: the vault whose background notes are counted. The file is opened on first use.

    Raises UsageError when there is a cap on money, and the price of the model is not known.
    """
    config = _read_config(settings)
    caps = _find_caps(config)
    if caps.dollars_a_day is not None and caps.price is None:
        endpoint = config.endpoint
        raise UsageError(
            f"dollars_a_day is set, but the price of {endpoint.model} at {endpoint.address} is not"
            " known; set tokens_a_day in its place, under [limits] in the configuration"
        )
    vault = state_folder(root).name if root else ""

    def follow() -> Caps:
        nonlocal config, caps
        if (now := _read_config(settings)) is not config:  # NoteGuard checks its limits
            config, caps = now, _find_caps(now)
        return caps

    return Budget(common_state_folder() / _FILE, follow, vault)


def _find_caps(config: Config) -> Caps:
    price = partial(find_cost, config.endpoint)
    return Caps(
        None if price(1, 1) is None else price,
        config.limits.tokens_a_day,
        config.limits.dollars_a_day,
        config.background.notes_a_day,
        config.endpoint.model,
    )


_CONTEXT = 4096  # tokens for each note worked on at once
_PROSE = 600  # tokens of a note for the embedded model: two cores read about 100 a second
# The same where context_tokens is not set. Here, Ollama and LM Studio have room for 4,096 tokens in
# all by default, and Ollama cuts off the rest silently; a server that says how much it has gets up
# to a half of that. Elsewhere, more only costs more.
_PROSE_NEARBY, _PROSE_ELSEWHERE = 2000, 8000
_RELATED = 200  # tokens of other notes for the embedded model
_RELATED_ELSEWHERE = 800
_LEAST_TOGETHER = 2048  # tokens of a context in which one call has room for all fields


AskMode = Literal["together", "apart", "plain"]
"""How needs are asked for: in one JSON answer; one a call, lists and choices as JSON; or one a call
in plain text, for endpoints that support no JSON format.
"""


class ModelFacts(NamedTuple):
    """The facts about a model that decide how it is asked.

    context_tokens: what the model reads and writes in one call; None if unknown. mode: how it is
    asked for values. prose_tokens: the most tokens of a note that it is shown; None: as much as
    fits. is_small: whether not to trust its own knowledge. related_tokens: the most tokens of other
    notes that it is shown.
    """

    name: str
    context_tokens: int | None
    mode: AskMode
    prose_tokens: int | None = None
    is_small: bool = False
    related_tokens: int = 0


def model_facts(config: Config, served: int | None = None) -> ModelFacts:
    """Return the facts of the configured model that need no call.

    served: the tokens of its context, where only its server says so.
    """
    table = config.endpoint
    plain = table.json_mode == "text"
    context = table.context_tokens or served
    if config.is_embedded:
        mode: AskMode = "plain" if plain else "apart"
        small = config.has_small_model
        return ModelFacts(table.model, context or _CONTEXT, mode, _PROSE, small, _RELATED)
    mode = "together" if context is None or context >= _LEAST_TOGETHER else "apart"
    most: int | None = _PROSE_NEARBY if table.is_local else _PROSE_ELSEWHERE
    if served:  # which leaves as much for what is asked, and for the answer
        most = max(_PROSE_NEARBY, min(_PROSE_ELSEWHERE, served // 2))
    elif context:
        most = None
    mode = "plain" if plain else mode
    related = min(_RELATED_ELSEWHERE, context // 8) if context else _RELATED_ELSEWHERE
    return ModelFacts(table.model, context, mode, most, config.has_small_model, related)


@contextmanager
def open_client(settings: Settings, cancelled: Event) -> Iterator[Client]:
    """Open the configured endpoint, or the embedded model, which starts on the first call.

    Raises UsageError when the embedded model is not on this machine yet (it is never fetched
    here), or when there is a cap on money and the model's price is not known.
    """
    with (
        open_spending(settings) as spending,
        open_source(settings) as source,
        Client(source, cancelled, budget=spending) as client,
    ):
        yield client


@contextmanager
def open_source(settings: Settings) -> Iterator[ConfiguredEndpoint]:
    """Open an endpoint that any number of clients can use; an embedded model is stopped at the end.

    Raises UsageError when the embedded model is not on this machine.
    """
    config = _read_config(settings)
    with closing(ConfiguredEndpoint(settings)) as source:
        if config.is_embedded:
            require_model(config.endpoint.model)
        yield source


class ConfiguredEndpoint:
    """The endpoint that the settings name now, or the embedded model, started on the first call.

    Safe to use from any thread. Each call uses the settings as last read, which happens for its
    budget.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = Lock()
        self._made: tuple[Endpoint, Endpoint | EmbeddedServer] | None = None
        self._opened = ExitStack()

    @property
    def settings(self) -> Endpoint:
        """As last read. Raises UsageError if the embedded model is missing."""
        return self._find().settings

    def lease(self) -> AbstractContextManager[Endpoint]:
        """Lend the endpoint for one call."""
        return self._find().lease()

    def close(self) -> None:
        """Stop the embedded models that were started."""
        with self._lock:
            self._opened.close()

    def _find(self) -> Endpoint | EmbeddedServer:
        config, made = _read_config(self._settings), self._made
        if made is None or made[0] is not config.endpoint:
            with self._lock:
                made = self._made
                if made is None or made[0] != config.endpoint:
                    made = config.endpoint, self._make(config)
                self._made = made = config.endpoint, made[1]
        return made[1]

    def _make(self, config: Config) -> Endpoint | EmbeddedServer:
        if not config.is_embedded:
            return config.endpoint
        name = config.endpoint.model
        path, context = require_model(name), model_facts(config).context_tokens or _CONTEXT
        server = EmbeddedServer(path, name, context_tokens=context, slots=config.concurrency)
        return self._opened.enter_context(server)  # an earlier one ends when nobody asks it
