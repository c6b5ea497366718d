"""History: what was changed, by day and run, with its diff; and undo of one, of a run, of all."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from flask import Response

from companion.daemon.api.routing import Resource, the_daemon
from companion.daemon.api.schemas import LARGEST, FolderPath, QueryId, RunId, Sent
from companion.daemon.problem import Refusal
from companion.daemon.web import said, show
from companion.enrich.run import new_run
from companion.errors import NoteError
from companion.vault.journal import Change

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
    """Either one change, or all of a run, or all since the day before today began."""

    change: QueryId | None = None
    run: RunId | None = None
    since_yesterday: bool = False


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
    history = the_daemon().history
    found = history.page(query.path or None, query.run, query.before, _PAGE + 1)
    page = found[:_PAGE]
    change = None if query.change is None else history.find(query.change)
    lines = history.diff(change) if change else None
    return show(
        "history.html",
        query=query,
        runs=DayOfRun.group(page),
        before=page[-1].id if len(found) > _PAGE else None,
        diff=lines and [line.rstrip("\r\n") for line in lines],
    )


@history_view.does("/undo")
def undo(body: WhatToUndo) -> Response:
    """Take back a change, a run, or all since yesterday; say what stayed, and why."""
    run, undone, stayed = new_run(), 0, list[str]()
    for change in _find_changes(body):
        try:
            made = the_daemon().history.undo(change, run)
        except NoteError as error:
            stayed.append(f"{change.path}: {error.reason}")
            continue
        undone += 1
        if made.left:
            stayed.append(f"{change.path}: {made.reason}")
    words = [f"{undone:,} change{'' if undone == 1 else 's'} taken back."]
    if stayed:
        words += ["Not, or not wholly:", "; ".join(stayed[:_NAMED])]
    if len(stayed) > _NAMED:
        words.append(f"and {len(stayed) - _NAMED:,} more.")
    return said(" ".join(words))


def _find_changes(wanted: WhatToUndo) -> list[Change]:
    """Return the changes to take back, newest first. Raises Refusal: there are none."""
    history = the_daemon().history
    if wanted.change is not None:
        one = history.find(wanted.change)
        found = [one] if one else []
    else:
        found = history.page(None, wanted.run, None, LARGEST)
        if wanted.run is None:
            yesterday = date.today() - timedelta(days=1)
            begins = datetime.combine(yesterday, datetime.min.time()).timestamp()
            found = [each for each in found if each.made_at >= begins and wanted.since_yesterday]
        found = [each for each in found if each.is_made]
    if not found:
        raise Refusal(404, "There is nothing to take back; it was taken back already.")
    return found
