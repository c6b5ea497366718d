"""The vault that this process has open: for a command, or in the daemon."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path

from companion.app.types.changes import Change, ChangePage, ChangeQuery, Undone
from companion.app.types.proposals import Proposal, ProposalPage, ProposalQuery
from companion.enrich.note_filter import find_kind
from companion.enrich.run import new_run
from companion.enrich.workspace import Workspace
from companion.errors import NoteError, NotThere, UsageError
from companion.llm.catalog import is_same_model
from companion.note.diff import diff_lines
from companion.vault import journal, undo
from companion.vault.files import is_in
from companion.vault.moves import follow_moves
from companion.vault.paths import relative_path
from companion.vault.proposals import Selection

TakeBack = Callable[[journal.Change, str], undo.Undone]
"""Undoes a change, for a run. Raises NoteError."""

_BATCH = 500  # changes that are read at once


class LocalVault:
    """A vault that this process has open.

    take_back: undoes a change; None: in the note's file. is_watched: whether somebody follows the
    notes that are moved, so that nobody has to look for them.
    """

    def __init__(
        self, space: Workspace, take_back: TakeBack | None = None, *, is_watched: bool = False
    ) -> None:
        self.root = space.root
        self._space = space
        self._journal = space.journal
        self._take_back = take_back or partial(undo.undo_change, space.root, space.journal)
        self._is_watched = is_watched

    def changes(self, query: ChangeQuery) -> ChangePage:
        """Return a page of changes, newest first."""
        found = list(islice(self._select_changes(query), query.limit + 1))
        page = [self._show(change, with_diff=query.diff) for change in found[: query.limit]]
        return ChangePage(changes=page, before=page[-1].id if len(found) > len(page) else None)

    def change(self, id: int) -> Change:
        """Return the change of that id, with its diff. Raises NotThere."""
        return self._show(self._require(id), with_diff=True)

    def undo(self, changes: Sequence[int], run: str | None = None) -> Iterator[Undone]:
        """Take changes back in this order, and yield what came of each; see Vault."""
        run = run or new_run()
        for number in changes:
            yield self._undo(number, run)

    def proposals(self, query: ProposalQuery) -> ProposalPage:
        """Return a page of proposals, newest first."""
        store = self._journal.proposals
        named = query.path if query.path is not None else query.folder
        selection = Selection(
            paths=[self._find_path(named)] if named else None,
            kind=query.kind,
            states=None if query.state == "all" else (query.state,),
            flagged=query.flagged,
            run=query.run,
        )
        if query.latest:
            latest = store.latest_of_all()
            all_found = [
                each
                for each in store.select(selection)
                if (last := latest.get(each.path, {}).get(each.need)) and last.id == each.id
            ]
            found = [each for each in all_found if query.before is None or each.id < query.before]
            total = len(all_found)
        else:
            found = store.select(selection._replace(before=query.before), query.limit + 1)
            total = store.count(selection)
        page = list(map(Proposal.of, found[: query.limit]))
        before = page[-1].id if len(found) > len(page) else None
        return ProposalPage(proposals=page, before=before, total=total)

    def forget(self, paths: Sequence[str]) -> int:
        """Delete what is kept of the text of notes; return for how many proposals; see Vault."""
        return self._journal.forget([self._find_path(path) for path in paths])

    def _find_path(self, path: str) -> str:
        """Return the path by which the journal has a note or folder, also of one that is gone.

        It may have been moved since, and its name be written in another Unicode form.
        """
        if not self._is_watched:
            follow_moves(self.root, self._journal)
        with suppress(UsageError):
            return relative_path(self.root, path, self.root) if path else ""
        moved = {old: new for new, old in self._journal.notes.moved_from.items()}
        spellings = [path, *(unicodedata.normalize(form, path) for form in ("NFC", "NFD"))]
        names = [moved.get(each, each) for each in spellings]
        return next(filter(self._remembers, names), path)

    def _remembers(self, path: str) -> bool:
        is_changed = bool(self._journal.changes(path, limit=1))
        return is_changed or bool(self._journal.proposals.count(Selection([path])))

    def _require(self, number: int) -> journal.Change:
        change = self._journal.change(number)
        if change is None:
            raise NotThere(f"there is no change {number}")
        return change

    def _select_changes(self, query: ChangeQuery) -> Iterator[journal.Change]:
        """Yield the changes that fit, newest first."""
        path = None if query.path is None else self._find_path(query.path)
        kind = find_kind(self._space.prompts, query.field)
        is_folder = path is not None and _is_folder(self.root / path)
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

    def _show(self, change: journal.Change, *, with_diff: bool) -> Change:
        images = self._journal.images(change.id) if with_diff else None
        if images is None:
            return Change.of(change)
        texts = (image.decode("utf-8") for image in images)
        return Change.of(change, "".join(diff_lines(change.path, *texts)))

    def _undo(self, number: int, run: str) -> Undone:
        try:
            change = self._require(number)
        except NotThere as error:
            return Undone.failed(number, error)
        try:
            undone = self._take_back(change, run)
        except NoteError as error:
            left = change.name_parts(change.remaining_parts)
            return Undone.failed(number, error, change.path, left)
        before = self._journal.notes.moved_from.get(undone.path)
        return Undone(
            change=number,
            path=undone.path,
            undone_by=undone.change,
            left=undone.left,
            reason=undone.reason or None,
            moved_from=change.path if change.path != undone.path else before,
        )


def _is_folder(file: Path) -> bool:
    try:
        return file.is_dir()
    except OSError:  # its name is too long
        return False


def _fits(change: journal.Change, query: ChangeQuery, kind: str | None) -> bool:
    return (
        (query.since is None or change.made_at >= query.since)
        and (query.until is None or change.made_at <= query.until)
        and (kind is None or kind in {need.partition(":")[0] for need in change.needs})
        and (query.model is None or _is_by(change, query.model))
    )


def _is_by(change: journal.Change, model: str) -> bool:
    return any(is_same_model(model, each) for each in change.model.split(", "))


def _is_undoable(change: journal.Change, query: ChangeQuery, own: Collection[int]) -> bool:
    """Return whether the change can be taken back. own: all changes of the run asked for."""
    if change.state != "done" or (query.undoable == "whole" and change.taken):
        return False
    return change.undoes is None or (query.run is not None and change.undoes not in own)
