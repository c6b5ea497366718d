"""History: what was changed, by day and run, with its diff; and undo of one, of a run, of all."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from flask import Response

from companion.app.types.base import FolderPath, QueryId, RunId, Sent
from companion.app.types.changes import Change, ChangeQuery
from companion.app.vault import all_changes
from companion.daemon.api.routing import Resource, the_daemon
from companion.daemon.problem import Refusal
from companion.daemon.web import said, show

history_view = Resource("history")

_PAGE = 100  # changes that are shown at once
_NAMED = 5  # notes that could not be taken back and are named, with the reason


class HistoryQuery(Sent):
    """Which changes are shown. change: one that is shown with its diff."""

    path: FolderPath = ""
    run: RunId | None = None
    before: QueryId | None = None
    change: QueryId | None = None


class WhatToUndo(Sent):
    """Either one change, or all of a run, or all since the day before today began.

    path: only those of this note, or of this folder, as the history shows them.
    """

    change: QueryId | None = None
    run: RunId | None = None
    since_yesterday: bool = False
    path: FolderPath = ""


class DayOfRun(NamedTuple):
    """The changes of a run on one day, newest first."""

    day: str
    run: str
    changes: list[Change]

    @property
    def can_be_undone(self) -> bool:
        """Whether one of the changes can be taken back."""
        return any(each.is_made for each in self.changes)

    @classmethod
    def group(cls, changes: Iterable[Change]) -> list[DayOfRun]:
        """Return the changes by day and run, in the order that they have."""

        def day_and_run(change: Change) -> tuple[str, str]:
            return datetime.fromtimestamp(change.made_at).strftime("%A, %Y-%m-%d"), change.run

        return [cls(*key, list(made)) for key, made in groupby(changes, day_and_run)]


@history_view.reads("/history")
def show_history(query: HistoryQuery) -> Response:
    """Show a page of changes, newest first."""
    vault = the_daemon().vault
    page = vault.changes(
        ChangeQuery(path=query.path or None, run=query.run, before=query.before, limit=_PAGE)
    )
    diff = None if query.change is None else vault.change(query.change).diff
    return show(
        "history.html",
        query=query,
        runs=DayOfRun.group(page.changes),
        before=page.next,
        diff=diff and [line.rstrip("\r") for line in diff.removesuffix("\n").split("\n")],
    )


@history_view.does("/undo")
def undo(body: WhatToUndo) -> Response:
    """Take back a change, a run, or all since yesterday; say what stayed, and why."""
    if not (changes := _find_changes(body)):
        raise Refusal(404, "There is nothing to take back; it was taken back already.")
    undone = list(the_daemon().vault.undo(changes))
    number = sum(each.undone_by is not None for each in undone)
    stayed = [f"{each.path}: {each.reason}" for each in undone if each.reason]
    words = [f"{number:,} change{'' if number == 1 else 's'} taken back."]
    if stayed:
        words += ["Not, or not wholly:", "; ".join(stayed[:_NAMED])]
    if len(stayed) > _NAMED:
        words.append(f"and {len(stayed) - _NAMED:,} more.")
    return said(" ".join(words))


def _find_changes(body: WhatToUndo) -> list[int]:
    """Return the ids of the changes to take back, newest first."""
    if body.change is not None:
        return [body.change]
    if body.run is None and not body.since_yesterday:
        return []
    day = datetime.combine(date.today() - timedelta(days=1), datetime.min.time())
    since = day.timestamp() if body.since_yesterday else None
    path = body.path or None
    query = ChangeQuery(path=path, run=body.run, since=since, undoable="part")
    return [each.id for each in all_changes(the_daemon().vault, query)]
