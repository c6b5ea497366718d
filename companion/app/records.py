"""The changes and proposals of a vault, found by a query."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from functools import cache, partial
from itertools import islice

from companion.app.selection import find_kind, has_tag, read_tag
from companion.app.types.changes import Change, ChangePage, ChangeQuery
from companion.app.types.proposals import (
    Proposal,
    ProposalIds,
    ProposalPage,
    ProposalQuery,
)
from companion.enrich.workspace import Workspace
from companion.errors import NotThere, UsageError
from companion.note.diff import diff_lines
from companion.store import journal
from companion.store.moves import follow_moves
from companion.store.proposals import Proposal as StoredProposal
from companion.store.proposals import Selection
from companion.vault.files import is_in
from companion.vault.paths import relative_path

_BATCH = 500  # changes that are read at once


class Records:
    """Finds changes and proposals of one vault.

    is_watched: whether moved notes are already followed, so nobody has to look for them.
    """

    def __init__(self, space: Workspace, *, is_watched: bool) -> None:
        self._root = space.root
        self._space = space
        self._journal = space.journal
        self._is_watched = is_watched

    def changes(self, query: ChangeQuery) -> ChangePage:
        """Return a page of changes, newest first."""
        changes = list(islice(self.select_changes(query), query.limit + 1))
        page = [self.show(change, with_diff=query.diff) for change in changes[: query.limit]]
        return ChangePage(changes=page, next=page[-1].id if len(changes) > len(page) else None)

    def proposals(self, query: ProposalQuery) -> ProposalPage:
        """Return a page of proposals, newest first."""
        store, selection = self._journal.proposals, self._selection(query)
        if query.tag is None:
            total = store.count(selection)
            proposals = store.select(selection._replace(before=query.before), query.limit + 1)
        else:
            fits = self._fit(query)
            matches = [each for each in store.select(selection) if fits(each.path)]
            total = len(matches)
            proposals = [each for each in matches if query.before is None or each.id < query.before]
        page = list(map(Proposal.of, proposals[: query.limit]))
        last = page[-1].id if len(proposals) > len(page) else None
        return ProposalPage(proposals=page, next=last, total=total)

    def proposal_ids(self, query: ProposalQuery) -> ProposalIds:
        """Return the ids of the proposals that match, newest first, on all pages."""
        fits = self._fit(query)
        proposals = self._journal.proposals.select(self._selection(query))
        return ProposalIds(ids=[each.id for each in proposals if fits(each.path)])

    def _fit(self, query: ProposalQuery) -> Callable[[str], bool]:
        return cache(partial(has_tag, self._root, tag=read_tag(query.tag)))

    def find_path(self, path: str) -> str:
        """Return the path under which the journal has a note or folder, even if it is gone.

        It may have been moved since, and its name may be in another Unicode form. `forget`
        needs both: what it does not find, it does not delete.
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
            raise NotThere(f"there is no change {number}")
        return self.show(change, with_diff=True)

    def proposal(self, number: int) -> StoredProposal:
        """Return the proposal of that id. Raises NotThere."""
        proposal = self._journal.proposals.get(number)
        if proposal is None:
            raise NotThere(f"there is no proposal {number}")
        return proposal

    def _selection(self, query: ProposalQuery) -> Selection:
        """Return the part of the query that the store answers."""
        return Selection(
            paths=[self.find_path(query.path)] if query.path else None,
            kind=find_kind(self._space.prompts, query.field),
            states=query.states(),
            flagged=query.flagged,
            run=query.run,
        )

    def select_changes(self, query: ChangeQuery) -> Iterator[journal.Change]:
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

    def select_undoable(self, only: ChangeQuery) -> tuple[list[int], dict[int, str]]:
        """Return the changes to take back, and, for a whole run, the proposals that it refused.

        These are by id, each with its note.
        """
        query = only.model_copy(update={"undoable": only.undoable or "part"})
        changes = [change.id for change in self.select_changes(query)]
        is_run = only.run and only.model_fields_set <= {"run", "undoable", "client"}
        refused = self._journal.proposals.refused_in(only.run or "") if is_run else {}
        return changes, refused

    def show(self, change: journal.Change, *, with_diff: bool) -> Change:
        """Return the change as every interface shows it."""
        images = self._journal.images(change.id) if with_diff else None
        if images is None:
            return Change.of(change)
        texts = (image.decode("utf-8") for image in images)
        return Change.of(change, "".join(diff_lines(change.path, *texts)))


def _fits(change: journal.Change, query: ChangeQuery, kind: str | None) -> bool:
    return (
        (query.since is None or change.made_at >= query.since)
        and (query.until is None or change.made_at <= query.until)
        and (kind is None or kind in {need.partition(":")[0] for need in change.needs})
        and (query.model is None or query.model in change.model.split(", "))
    )


def _is_undoable(change: journal.Change, query: ChangeQuery, own: Collection[int]) -> bool:
    """Return whether the change can be taken back. own: all changes of the requested run."""
    if change.state != "done" or (query.undoable == "whole" and change.taken):
        return False
    return change.undoes is None or (query.run is not None and change.undoes not in own)
