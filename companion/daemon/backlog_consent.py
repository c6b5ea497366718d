"""The user's consent to fill a backlog: what it would cost, and their answer."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from companion.daemon.api.status_schemas import BacklogShape
from companion.daemon.backlog import Backlog
from companion.enrich.asker import Asker
from companion.enrich.context import VaultContext
from companion.enrich.cost import describe_cost
from companion.enrich.model import model_facts
from companion.enrich.task import Job
from companion.enrich.workspace import Workspace
from companion.errors import ConsentMissing, UsageError

_log = logging.getLogger(__name__)


class BacklogConsent:
    """The question to the user about the backlog of one vault: how many notes, and at what cost.

    known: returns the current names and vocabularies of the vault. waiting: returns the notes that
    are held until the user answers. Nothing is asked while background work is disabled.
    """

    def __init__(
        self,
        space: Workspace,
        backlog: Backlog,
        known: Callable[[], VaultContext],
        waiting: Callable[[], Sequence[str]],
    ) -> None:
        self._space = space
        self._backlog = backlog
        self._known = known
        is_off = space.config.background.enabled is False
        self._waiting = (lambda: ()) if is_off else waiting
        self._estimated_for: Sequence[str] = ()
        self._cost = ""

    def state(self) -> BacklogShape:
        """Return how many notes wait for an answer; the cost is empty until it is estimated."""
        waiting = self._waiting()
        cost = self._cost if waiting == self._estimated_for else ""
        return BacklogShape(notes=len(waiting), cost=cost)

    def update_cost(self) -> None:
        """Estimate the cost of the backlog if its notes have changed. May take a second.

        Raises JournalError.
        """
        waiting = self._waiting()
        if waiting == self._estimated_for:
            return
        cost = ""
        if waiting:
            asker = Asker(self._space, self._known(), model_facts(self._space.config))
            cost = describe_cost(self._space, asker, [Job(path) for path in waiting])
        if len(waiting) > len(self._estimated_for):
            _log.info(
                "%d notes lay here before, or came at once, and wait: companion backlog asks",
                len(waiting),
            )
        self._estimated_for, self._cost = waiting, cost

    def answer(self, *, fill: bool, notes: int | None = None) -> None:
        """Save the user's answer: fill the notes of the backlog, or leave them alone.

        notes: the number of notes that the user was shown; None: do not compare.

        Raises ConsentMissing if there are more notes by now, and UsageError if no notes wait for an
        answer or it cannot be saved.
        """
        waiting = len(self._waiting())
        if notes is not None and waiting > notes:
            raise ConsentMissing(
                f"the backlog has grown from {notes:,} notes to {waiting:,} meanwhile; look again"
            )
        if not waiting:
            raise UsageError("no notes wait for an answer; see companion status")
        self._backlog.answer(fill=fill)
