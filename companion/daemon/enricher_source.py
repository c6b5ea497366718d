"""The enrichers of the daemon, which all ask one model."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack

from companion.daemon.presence import Presence
from companion.enrich.asker import Asker
from companion.enrich.context import VaultContext
from companion.enrich.enricher import Enricher
from companion.enrich.model import make_client, open_source
from companion.enrich.run import new_run
from companion.enrich.similar import SimilarNotes
from companion.enrich.workspace import Workspace
from companion.llm.budget import Budget
from companion.llm.client import Client
from companion.vault.write import SETTLE

_OPEN_SETTLE = 5.0  # seconds that a note must be unchanged while it is open: Obsidian saves every 2


class EnricherSource:
    """Opens enrichers on one model, which is loaded on first use. Safe to use from any thread.

    context: returns the current names and vocabularies of the vault. similar: chooses tags; None:
    the model does.
    """

    def __init__(
        self,
        space: Workspace,
        spending: Budget,
        context: Callable[[], VaultContext],
        presence: Presence,
        similar: SimilarNotes | None,
    ) -> None:
        self._space = space
        self._spending = spending
        self._context = context
        self._presence = presence
        self._similar = similar
        self._lock = threading.Lock()
        self._opened = ExitStack()
        self._asker: Asker | None = None
        self._first: Client | None = None

    def open_for_background(self, cancelled: threading.Event) -> Enricher:
        """Return an enricher for background work; setting the event cancels its calls.

        Raises UsageError if the model is not on this machine.
        """

        def settle(path: str) -> float:
            return self._space.config.background.settle_seconds

        return self._open(new_run(), cancelled, settle, waits=False, can_wait=True)

    def open_for_run(self, run: str, cancelled: threading.Event, can_wait: bool) -> Enricher:
        """Return an enricher for the run of that id; setting the event cancels its calls.

        can_wait: as in make_client.

        Raises UsageError if the model is not on this machine.
        """

        def settle(path: str) -> float:
            return _OPEN_SETTLE if self._presence.is_open(path) else SETTLE

        return self._open(run, cancelled, settle, waits=True, can_wait=can_wait)

    def update_context(self) -> None:
        """Use the current names and vocabularies of the vault from now on."""
        if self._asker:
            self._asker.vault_context = self._context()

    def close(self) -> None:
        """Close the model."""
        with self._lock:
            self._opened.close()

    def _open(
        self,
        run: str,
        cancelled: threading.Event,
        settle: Callable[[str], float],
        *,
        waits: bool,
        can_wait: bool,
    ) -> Enricher:
        with self._lock:
            if self._asker is None:
                space, context = self._space, self._context
                self._source = self._opened.enter_context(open_source(space.config, space))
                self._asker = Asker(space, context(), self._similar, renew=context)
            client = make_client(
                self._source, cancelled, self._spending, self._first, can_wait=can_wait
            )
            self._first = self._first or client
            return Enricher(self._asker, client, run, settle, waits, cancelled)
