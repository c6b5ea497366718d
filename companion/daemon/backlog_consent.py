"""What the user has to know before a backlog is filled, and what they say to it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from companion.daemon.backlog import Backlog
from companion.daemon.queries import BacklogState
from companion.enrich.asker import Asker
from companion.enrich.context import VaultContext
from companion.enrich.cost import tell_cost
from companion.enrich.model import model_facts
from companion.enrich.task import Job
from companion.enrich.workspace import Workspace
from companion.errors import NotAgreed, UsageError

_log = logging.getLogger(__name__)


class BacklogConsent:
    """Asks for a backlog of one vault: how many notes, sent where, at what cost.

    known: the names and vocabularies of the vault as they are now. waiting: the notes that need
    something and are kept back until there is an answer. Where background work is switched off,
    there is nothing to ask.
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
        self._told_for: Sequence[str] = ()
        self._words = ""

    def state(self) -> BacklogState:
        """Return what the user is to be asked."""
        waiting = self._waiting()
        return BacklogState(len(waiting), self._words if waiting == self._told_for else "")

    def look(self) -> None:
        """Reckon what the backlog costs, where it is another one than last time. Takes a second.

        Raises JournalError.
        """
        waiting = self._waiting()
        if waiting == self._told_for:
            return
        words = ""
        if waiting:
            asker = Asker(self._space, self._known(), model_facts(self._space.config))
            words = tell_cost(self._space, asker, [Job(path) for path in waiting])
        if len(waiting) > len(self._told_for):
            _log.info(
                "%d notes lay here before, or came at once, and wait: companion backlog asks",
                len(waiting),
            )
        self._told_for, self._words = waiting, words

    def answer(self, *, fill: bool, notes: int | None = None) -> None:
        """Take down what the user said. notes: how many they were told of.

        Raises NotAgreed: there are more by now. UsageError: there is nothing to answer, or the
        answer cannot be kept.
        """
        waiting = len(self._waiting())
        if notes is not None and waiting > notes:
            raise NotAgreed(
                f"the backlog has grown from {notes:,} notes to {waiting:,} meanwhile; look again"
            )
        if not waiting:
            raise UsageError("no notes wait for an answer; see companion status")
        self._backlog.answer(fill=fill)
