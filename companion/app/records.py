"""The changes and proposals of a vault that this process has open: found, decided on, undone."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from functools import cache, partial
from itertools import chain, islice
from typing import TYPE_CHECKING, get_args

from companion.app.local_notes import find_kind, make_filter
from companion.app.types.changes import Change, ChangeFilter, ChangePage, ChangeQuery, Undone
from companion.app.types.proposals import (
    Proposal,
    ProposalFilter,
    ProposalIds,
    ProposalPage,
    ProposalQuery,
)
from companion.enrich.workspace import Workspace
from companion.errors import NoteError, NotThere, UsageError
from companion.note.diff import diff_lines
from companion.store import journal
from companion.store.journal import Journal
from companion.store.moves import follow_moves
from companion.store.outbox_store import UNDO_IN_EDITOR, OutboxRow
from companion.store.proposals import Proposal as StoredProposal
from companion.store.proposals import Selection
from companion.vault.files import is_in
from companion.vault.paths import relative_path

if TYPE_CHECKING:  # which a command that only reads does not load
    from companion.app.decider import Decider
    from companion.app.run import Run
    from companion.app.types.decisions import DecisionOnAll, Decisions, NoteDecision
    from companion.app.types.runs import NoteResult

_BATCH = 500  # changes that are read at once
_NO_CHANGE = "there is no change {}"


class Records:
    """Finds changes and proposals of one vault, takes changes back, and decides on proposals.

    decider: returns who decides. is_watched: whether moved notes are already followed, so nobody
    has to look for them.
    """

    def __init__(
        self,
        space: Workspace,
        decider: Callable[[], Decider],
        *,
        is_watched: bool,
    ) -> None:
        self._root = space.root
        self._space = space
        self._journal = space.journal
        self._decider = decider
        self._is_watched = is_watched

    def changes(self, query: ChangeQuery) -> ChangePage:
        """Return a page of changes, newest first."""
        changes = list(islice(self.select_changes(query), query.limit + 1))
        page = [self.show(change, with_diff=query.diff) for change in changes[: query.limit]]
        return ChangePage(changes=page, next=page[-1].id if len(changes) > len(page) else None)

    def proposals(self, query: ProposalQuery) -> ProposalPage:
        """Return a page of proposals, newest first."""
        store, selection = self._journal.proposals, self._selection(query)
        filters = query.tag, query.property, query.modified_since
        if query.latest or filters != (None, None, None):
            fitting = self.select_proposals(query)
            total = len(fitting)
            proposals = [each for each in fitting if query.before is None or each.id < query.before]
        else:
            proposals = store.select(selection._replace(before=query.before), query.limit + 1)
            total = store.count(selection)
        page = list(map(Proposal.of, proposals[: query.limit]))
        last = page[-1].id if len(proposals) > len(page) else None
        return ProposalPage(proposals=page, next=last, total=total)

    def proposal_ids(self, only: ProposalFilter) -> ProposalIds:
        """Return the ids of the proposals that match a filter, newest first."""
        return ProposalIds(ids=[each.id for each in self.select_proposals(only)])

    def find_path(self, path: str) -> str:
        """Return the path under which the journal has a note or folder, even if it is gone.

        It may have been moved since, and its name may be in another Unicode form.
        """
        if not self._is_watched:
            follow_moves(self._root, self._journal)
        with suppress(UsageError):
            return relative_path(self._root, path, self._root) if path else ""
        moved = {old: new for new, old in self._journal.notes.moved_from.items()}
        spellings = [path, *(unicodedata.normalize(form, path) for form in ("NFC", "NFD"))]
        names = [moved.get(each, each) for each in spellings]
        return next(filter(self._remembers, names), path)

    def _remembers(self, path: str) -> bool:
        is_changed = bool(self._journal.changes(path, limit=1))
        return is_changed or bool(self._journal.proposals.count(Selection([path])))

    def change(self, number: int) -> Change:
        """Return the change of that id, with its diff. Raises NotThere."""
        change = self._journal.change(number)
        if change is None:
            raise NotThere(_NO_CHANGE.format(number))
        return self.show(change, with_diff=True)

    def proposal(self, number: int) -> StoredProposal:
        """Return the proposal of that id. Raises NotThere."""
        proposal = self._journal.proposals.get(number)
        if proposal is None:
            raise NotThere(f"there is no proposal {number}")
        return proposal

    def _selection(self, query: ProposalFilter) -> Selection:
        """Return the part of the query that the store answers."""
        named = query.path if query.path is not None else query.folder
        kind = find_kind(self._space.prompts, query.field)
        return Selection(
            paths=[self.find_path(named)] if named else None,
            kind=query.kind if kind is None else kind,
            states=query.states(),
            flagged=query.flagged,
            run=query.run,
            flag=query.flag,
            text=query.text,
        )

    def select_proposals(self, only: ProposalFilter) -> list[StoredProposal]:
        """Return the proposals that fit, newest first."""
        fits = self._fit(only)
        proposals = self._journal.proposals.select(self._selection(only))
        return [each for each in proposals if fits(each.id, each.path)]

    def _fit(self, only: ProposalFilter) -> Callable[[int, str], bool]:
        """Return whether a proposal matches what the store cannot check, by its id and note."""
        latest = self._journal.proposals.latest_of_all().values() if only.latest else ()
        ids = {each.id for of_note in latest for each in of_note.values()}
        notes = make_filter(self._space, only)
        keeps = cache(partial(notes.keeps, self._root))
        return lambda id_, path: (not only.latest or id_ in ids) and keeps(path)

    def select_changes(self, query: ChangeFilter) -> Iterator[journal.Change]:
        """Yield the changes that fit, newest first."""
        path = None if query.path is None else self.find_path(query.path)
        kind = find_kind(self._space.prompts, query.field)
        # False of a name too long, for which pathlib raises an error
        is_folder = path is not None and os.path.isdir(self._root / path)  # noqa: PTH112
        of_run = self._journal.changes(run=query.run) if query.run and query.undoable else []
        own = {change.id for change in of_run}
        for change in self._read_changes(None if is_folder else path, query.run, query.before):
            if (
                (not is_folder or is_in(change.path, path or ""))
                and _fits(change, query, kind)
                and (query.undoable is None or _is_undoable(change, query, own))
            ):
                yield change

    def _read_changes(
        self, path: str | None, run: str | None, before: int | None
    ) -> Iterator[journal.Change]:
        while batch := self._journal.changes(path, run, _BATCH, before):
            yield from batch
            before = batch[-1].id

    def undo(self, changes: Sequence[int], run: str | None = None) -> Iterator[Undone]:
        """Take changes back in this order; see Vault."""
        from companion.enrich.job import new_run

        name, decider = run or new_run(), self._decider()
        for number in changes:
            yield _take_back(self._journal, decider, number, name)

    def undo_all(self, only: ChangeFilter) -> Run:
        """Return a run that takes back all changes that match a filter; see Vault."""
        from companion.app.run import Run
        from companion.app.types.decisions import Decisions
        from companion.app.types.runs import NoteResult

        undoable = only.undoable or "part"
        undoable_changes = self.select_changes(only.model_copy(update={"undoable": undoable}))
        changes = [change.id for change in undoable_changes]
        criteria = only.model_dump(exclude_none=True).keys() - {"undoable", "before"}
        store = self._journal.proposals
        refused = store.refused_in(only.run) if only.run and criteria == {"run"} else {}

        def undo(run: Run) -> Iterator[NoteResult]:
            yield from map(NoteResult.of_undone, self.undo(changes, run.id))
            for note in self.decide(Decisions(undo=list(refused), run=run.id)) if refused else ():
                yield note.result

        return Run("undo", len(changes) + len(set(refused.values())), undo)

    def decide(self, decisions: Decisions) -> Iterator[NoteDecision]:
        """Accept, refuse and reopen proposals; see Vault."""
        from companion.app.types.decisions import NoteDecision
        from companion.enrich.job import new_run

        decider, run = self._decider(), decisions.run or new_run()
        accepted = decider.accept(decisions.accept, run=run)
        refused = decider.refuse(decisions.refuse, reason=decisions.reason, run=run)
        results = chain(accepted, refused, decider.undo(decisions.undo, run))
        yield from map(NoteDecision.of, results)

    def decide_all(self, only: ProposalFilter, decision: DecisionOnAll) -> Run:
        """Return a run that decides on all proposals that match a filter; see Vault."""
        from companion.app.run import Run
        from companion.app.types.decisions import Acceptance, Decisions, Takeable

        is_undo = decision.decision == "undo"
        if not is_undo and only.state not in (states := get_args(Takeable)):
            raise UsageError(f"state: {' or '.join(states)}; {only.state} cannot be decided on")
        before, without = decision.before, set(decision.without)
        only_ids = None if decision.ids is None else set(decision.ids)
        matches = [
            each
            for each in self.select_proposals(only)
            if (before is None or each.id < before)
            and each.id not in without
            and (only_ids is None or each.id in only_ids)
        ]
        ids = [each.id for each in reversed(matches)]
        decisions = (
            Decisions(undo=ids) if is_undo else Decisions(refuse=ids, reason=decision.reason)
        )
        if decision.decision == "accept":
            accept = [Acceptance.of(id=each, state=only.state) for each in ids]
            decisions = Decisions(accept=accept)

        def decide(run: Run) -> Iterator[NoteResult]:
            for note in self.decide(decisions.model_copy(update={"run": run.id})):
                yield note.result

        return Run(decision.decision, len({each.path for each in matches}), decide)

    def show(self, change: journal.Change, *, with_diff: bool) -> Change:
        """Return the change as every interface shows it."""
        images = self._journal.images(change.id) if with_diff else None
        if images is None:
            return Change.of(change)
        texts = (image.decode("utf-8") for image in images)
        return Change.of(change, "".join(diff_lines(change.path, *texts)))


def _fits(change: journal.Change, query: ChangeFilter, kind: str | None) -> bool:
    return (
        (query.since is None or change.made_at >= query.since)
        and (query.until is None or change.made_at <= query.until)
        and (kind is None or kind in {need.partition(":")[0] for need in change.needs})
        and (query.model is None or query.model in change.model.split(", "))
    )


def _is_undoable(change: journal.Change, query: ChangeFilter, own: Collection[int]) -> bool:
    """Return whether the change can be taken back. own: all changes of the requested run."""
    if change.state != "done" or (query.undoable == "whole" and change.taken):
        return False
    return change.undoes is None or (query.run is not None and change.undoes not in own)


def _take_back(store: Journal, decider: Decider, number: int, run: str) -> Undone:
    change = store.change(number)
    if change is None:
        return Undone.failed(number, NotThere(_NO_CHANGE.format(number)))
    remaining = change.name_parts(change.remaining_parts)
    try:
        undone = decider.take_back(change, run)
    except NoteError as error:
        return Undone.failed(number, error, change.path, remaining)
    if isinstance(undone, OutboxRow):
        return Undone(
            change=number,
            path=undone.path,
            undone_by=None,
            left=remaining,
            reason=UNDO_IN_EDITOR,
            waits=undone.id,
        )
    before = store.notes.moved_from.get(undone.path)
    return Undone(
        change=number,
        path=undone.path,
        undone_by=undone.change,
        left=undone.remaining,
        reason=undone.reason or None,
        moved_from=change.path if change.path != undone.path else before,
    )
