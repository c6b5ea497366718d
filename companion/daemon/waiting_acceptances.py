"""Waiting acceptances: of proposals for notes that are open in an editor, kept across restarts."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection
from dataclasses import replace
from typing import NamedTuple

from companion.daemon.client_runs import Run
from companion.daemon.fingerprints import put_latest
from companion.daemon.open_notes import IN_EDITOR, OpenNotes
from companion.daemon.run_handler import RunHandler
from companion.enrich.decisions import Decisions
from companion.enrich.note_writer import Answered, NoteWriter
from companion.enrich.run import Result
from companion.errors import CompanionError
from companion.store.proposal import Acceptance
from companion.store.proposals import ProposalStore

_MOST = 1_000  # acceptances that can be withdrawn
_log = logging.getLogger(__name__)


class _Placed(NamedTuple):
    """An acceptance, and the run by which the editor gets its edits."""

    run: Run
    writer: NoteWriter
    answered: Answered


class WaitingAcceptances:
    """Accepted proposals whose note is open: its editor makes the edits, or they are made later.

    Until then the proposals are open, and the store has who accepted them. Safe to use from any
    thread.
    """

    def __init__(self, store: ProposalStore, handler: RunHandler, open_notes: OpenNotes) -> None:
        self._store = store
        self._handler = handler
        self._open_notes = open_notes
        self._lock = threading.Lock()
        self._placed: dict[int, _Placed] = {}  # by a proposal's id, the latest last

    def add(self, writer: NoteWriter, answered: Answered) -> Result:
        """Have the editor of the note make the edits, which takes its time; return that.

        Proposals that were refused or rejected are open from now on. An acceptance of the same
        proposals that waits already gives way.
        """
        ids = answered.ids_of(answered.fillings)
        self.withdraw(ids)
        self._store.mark_waiting(ids, answered.decided_by, answered.states)
        answered = replace(answered, states=("open",))
        placed = _Placed(self._handler.place(writer, answered), writer, answered)
        with self._lock:
            for id_ in ids:
                put_latest(self._placed, id_, placed, _MOST)
        return Result(answered.job.path, "proposed", IN_EDITOR)

    def withdraw(self, ids: Collection[int]) -> None:
        """Withdraw the acceptance of these proposals; what was accepted with them waits on."""
        self._store.mark_waiting(ids, "")
        with self._lock:
            placed_by_id = {id_: placed for id_ in ids if (placed := self._placed.pop(id_, None))}
        waiting = {each.id for each in self._store.waiting()}
        for placed in {each.run.id: each for each in placed_by_id.values()}.values():
            self._handler.cancel(placed.run)
            self._open_notes.drop(placed.run.id)
            all_ids = placed.answered.ids_of(placed.answered.fillings)
            if rest := [number for number, id_ in enumerate(all_ids) if id_ in waiting]:
                self.add(placed.writer, placed.answered.only(rest))

    def resume(self, decisions: Decisions) -> None:
        """Accept again what waited for an editor when the daemon ended.

        What cannot be accepted now is open again, for its user to decide on.
        """
        waiting = self._store.waiting()
        try:
            for by in dict.fromkeys(each.decided_by for each in waiting):
                wishes = [Acceptance(each.id) for each in waiting if each.decided_by == by]
                for decision in decisions.accept(wishes, by):
                    ids = {each.id for each in decision.proposals} - {*decision.waiting}
                    self._store.mark_waiting(ids, "")
        except CompanionError as error:  # the next start tries again
            _log.warning("what was accepted for open notes waits: %s", error)
