"""The notes, changes and proposals of a vault, found by a query."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from functools import cache, partial
from itertools import islice
from pathlib import Path

from companion.app.types.changes import Change, ChangePage, ChangeQuery
from companion.app.types.proposals import (
    Proposal,
    ProposalIds,
    ProposalPage,
    ProposalQuery,
)
from companion.app.types.runs import Note, ScanReport, Selection
from companion.enrich.due_needs import find_to_do
from companion.enrich.workspace import Workspace
from companion.errors import NoteError, NotThere, UsageError
from companion.note.diff import diff_lines
from companion.note.facts import Facts
from companion.note.needs import Need
from companion.note.note import ParsedNote
from companion.note.tags import is_tag
from companion.prompts import Prompts, find_field
from companion.store import journal
from companion.store.moves import follow_moves
from companion.store.proposals import Proposal as StoredProposal
from companion.store.proposals import Selection as StoredSelection
from companion.vault.files import is_in, is_in_any, skip_reason
from companion.vault.notes import Scan
from companion.vault.paths import relative_path, spelled_path
from companion.vault.write import read_note


def find_notes(space: Workspace, scan: Scan, selection: Selection) -> ScanReport:
    """Return what the selected notes need, and what is left alone.

    Raises UsageError if a path does not exist, or an option names nothing.
    """
    kind, tag = find_kind(space.prompts, selection.field), read_tag(selection.tag)
    paths = [spelled_path(space.root, path) for path in selection.paths]
    return report_notes(space, scan, paths, kind, tag)


def report_notes(
    space: Workspace,
    scan: Scan,
    paths: Sequence[str],
    kind: str | None = None,
    tag: str | None = None,
) -> ScanReport:
    """Return what the notes at or below the paths need, and what is left alone.

    Without paths: all. kind: of the needs, tag: of the notes; None: any.
    """
    selected, skipped, looked_at = dict[str, Note](), dict[str, str](), 0
    latest, folders = space.journal.proposals.latest_of_all(), paths or [""]
    for path, reported in scan.notes.with_reports():
        if not is_in_any(path, folders):
            continue
        looked_at += 1
        facts = reported or (scan.notes[path] if path in paths else Facts())
        needs = needs_of_kind(facts.needs, kind)
        if not (facts.skipped is not None or needs or facts.unfilled or path in paths):
            continue
        if not has_tag(space.root, path, tag):
            continue
        if facts.skipped is not None:
            skipped[path] = facts.skipped
        else:
            to_do = find_to_do(space, path, needs, latest.get(path, {}))
            unfilled = (*facts.unfilled, *to_do.all_unfilled)
            selected[path] = Note.of(path, facts._replace(needs=to_do.needs, unfilled=unfilled))
    if tag is None:  # else nobody knows whether they have it
        skipped |= {path: why for path, why in scan.skipped.items() if is_in_any(path, folders)}
    for path in set(paths) - set(scan.notes) - set(scan.skipped):
        if os.path.isfile(space.root / path):  # noqa: PTH113 (False of a name too long)
            why = skip_reason(space.root, path, space.ignore)
            skipped[path] = why or "it is not part of the vault"
    return ScanReport(notes=selected, skipped=skipped, looked_at=looked_at)


def needs_of_kind(needs: tuple[Need, ...], kind: str | None) -> tuple[Need, ...]:
    """Return the needs of this kind; None: all."""
    return needs if kind is None else tuple(need for need in needs if need.kind == kind)


def has_tag(root: Path, path: str, tag: str | None) -> bool:
    """Return whether the note has the tag, or one nested in it; None: any note has.

    A note that cannot be read now has none.
    """
    if tag is None:
        return True
    try:
        return ParsedNote.decode(read_note(root, path, settle=0).data).has_tag(tag)
    except (NoteError, OSError):
        return False


def read_tag(typed: str | None) -> str | None:
    """Return the tag that somebody typed, without `#`. Raises UsageError if it is none."""
    if typed is None:
        return None
    tag = typed.removeprefix("#").strip("/")
    if not is_tag(tag):
        named = typed or "an empty text"
        raise UsageError(f"{named} is not a tag; write it like status/postponed")
    return tag


def find_kind(prompts: Prompts, field: str | None) -> str | None:
    """Return the kind of the needs that the field fills: its property, or `callout`.

    field: the name of a field, or of its property; None for all of them.

    Raises UsageError if there is no such field.
    """
    if field is None:
        return None
    if match := find_field(prompts.fields.values(), field):
        return match.fills
    names = sorted({each.name for each in prompts.fields.values()})
    raise UsageError(f"there is no field {field}; the fields are {', '.join(names)}")


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
        return is_changed or bool(self._journal.proposals.count(StoredSelection([path])))

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

    def _selection(self, query: ProposalQuery) -> StoredSelection:
        """Return the part of the query that the store answers."""
        return StoredSelection(
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
        is_run = only == ChangeQuery(run=only.run, undoable=only.undoable)
        refused = self._journal.proposals.refused_in(only.run) if only.run and is_run else {}
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
