"""The model behind all work of the daemon, and the enrichers that ask it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack

from companion.enrich.asker import Asker
from companion.enrich.enricher import Enricher, open_planner
from companion.enrich.known import Known
from companion.enrich.model import make_client, model_facts, open_source
from companion.enrich.workspace import Workspace
from companion.llm.client import Client
from companion.llm.spending import Spending
from companion.vault.write import SETTLE


class EnricherSource:
    """Opens enrichers on one model, which itself is opened on first use. From any thread.

    known: the names and vocabularies of the vault as they are now.
    """

    def __init__(self, space: Workspace, spending: Spending, known: Callable[[], Known]) -> None:
        self._space = space
        self._spending = spending
        self._known = known
        self._lock = threading.Lock()
        self._opened = ExitStack()
        self._asker: Asker | None = None
        self._first: Client | None = None

    def open(
        self,
        run: str,
        cancelled: threading.Event,
        settle: float | Callable[[str], float] = SETTLE,
        *,
        waits: bool = True,
    ) -> Enricher:
        """Return an enricher whose work is broken off by setting the event.

        Raises UsageError when the model is not on this machine.
        """
        with self._lock:
            if self._asker is None:
                self._source = self._opened.enter_context(open_source(self._space.config))
                self._planner = open_planner(self._space)
                self._asker = Asker(self._space, self._known(), model_facts(self._space.config))
            client = make_client(self._source, cancelled, self._spending, learned_from=self._first)
            self._first = self._first or client
            return Enricher(
                self._space, self._asker, client, run, self._planner, settle, waits, cancelled
            )

    def renew(self) -> None:
        """Ask from now on with the names and vocabularies of the vault as they are now."""
        if self._asker:
            self._asker.known = self._known()

    def close(self) -> None:
        """Close the model."""
        with self._lock:
            self._opened.close()
