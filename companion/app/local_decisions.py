"""Decisions on proposals, and changes taken back, in a vault that this process has open."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from itertools import chain
from typing import get_args

from companion.app.decider import Decider
from companion.app.records import Records, find_change
from companion.app.run import DecisionRun
from companion.app.types.changes import ChangeFilter, Undone
from companion.app.types.decisions import (
    Acceptance,
    DecisionOnAll,
    Decisions,
    NoteDecision,
    Takeable,
)
from companion.app.types.proposals import ProposalFilter
from companion.app.types.runs import NoteResult
from companion.enrich.result import new_run
from companion.enrich.workspace import Workspace
from companion.errors import NoteError, NotThere, UsageError
from companion.store.journal import Change, Journal
from companion.store.outbox_store import UNDO_IN_EDITOR, OutboxRow


class LocalDecisions:
    """Decides on the proposals of one vault, and takes its changes back.

    records: finds them. writing: opens the vault for writing, with its decider.
    """

    def __init__(
        self,
        space: Workspace,
        records: Records,
        writing: Callable[[], AbstractContextManager[tuple[Workspace, Decider]]],
    ) -> None:
        self._space = space
        self._records = records
        self._writing = writing

    def undo(self, changes: Sequence[int], run: str | None = None) -> Iterator[Undone]:
        """Take changes back in this order; see Vault."""
        name = run or new_run()
        with self._writing() as (space, decider):
            for number in changes:
                yield _take_back(space.journal, decider, number, name)

    def undo_all(self, only: ChangeFilter) -> DecisionRun:
        """Return a run that takes back all changes that match a filter; see Vault."""
        undoable = only.undoable or "part"
        chosen = self._records.select_changes(only.model_copy(update={"undoable": undoable}))
        changes = [change.id for change in chosen]
        named = only.model_dump(exclude_none=True).keys() - {"undoable", "before"}
        store = self._space.journal.proposals
        refused = store.refused_in(only.run) if only.run and named == {"run"} else {}

        def undo(run: str) -> Iterator[NoteResult]:
            yield from map(NoteResult.of_undone, self.undo(changes, run))
            for note in self.decide(Decisions(undo=list(refused), run=run)) if refused else ():
                yield note.result

        return DecisionRun("undo", len(changes) + len(set(refused.values())), undo)

    def decide(self, decisions: Decisions) -> Iterator[NoteDecision]:
        """Accept, refuse and reopen proposals; see Vault."""
        with self._writing() as (_, decider):
            run = decisions.run or new_run()
            accepted = decider.accept(decisions.accept, run=run)
            refused = decider.refuse(decisions.refuse, reason=decisions.reason, run=run)
            made = chain(accepted, refused, decider.undo(decisions.undo, run))
            yield from map(NoteDecision.of, made)

    def decide_all(self, only: ProposalFilter, decision: DecisionOnAll) -> DecisionRun:
        """Return a run that accepts or refuses all proposals that match a filter; see Vault."""
        if only.state not in (states := get_args(Takeable)):
            raise UsageError(f"state: {' or '.join(states)}; {only.state} cannot be decided on")
        before, without = decision.before, set(decision.without)
        chosen = [
            each
            for each in self._records.select_proposals(only)
            if (before is None or each.id < before) and each.id not in without
        ]
        ids = [each.id for each in reversed(chosen)]
        decisions = Decisions(refuse=ids, reason=decision.reason)
        if decision.decision == "accept":
            accept = [Acceptance.of(id=each, state=only.state) for each in ids]
            decisions = Decisions(accept=accept)

        def decide(run: str) -> Iterator[NoteResult]:
            for note in self.decide(decisions.model_copy(update={"run": run})):
                yield note.result

        return DecisionRun(decision.decision, len({each.path for each in chosen}), decide)


def _take_back(journal: Journal, decider: Decider, number: int, run: str) -> Undone:
    try:
        change = find_change(journal, number)
    except NotThere as error:
        return Undone.failed(number, error)
    try:
        undone = decider.take_back(change, run)
    except NoteError as error:
        return Undone.failed(number, error, change.path, _name_rest(change))
    if isinstance(undone, OutboxRow):
        return Undone(
            change=number,
            path=undone.path,
            undone_by=None,
            left=_name_rest(change),
            reason=UNDO_IN_EDITOR,
            waits=undone.id,
        )
    before = journal.notes.moved_from.get(undone.path)
    return Undone(
        change=number,
        path=undone.path,
        undone_by=undone.change,
        left=undone.remaining,
        reason=undone.reason or None,
        moved_from=change.path if change.path != undone.path else before,
    )


def _name_rest(change: Change) -> list[str]:
    return change.name_parts(change.remaining_parts)
