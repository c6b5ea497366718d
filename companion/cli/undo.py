"""companion undo: take changes back, byte for byte, and leave everything that came later."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal

import click

from companion.cli.history import describe
from companion.cli.session import (
    NotePath,
    common_options,
    find_running,
    open_session,
    resolve_history_path,
)
from companion.cli.show import Show, count, one_line
from companion.daemon.client import DaemonRefused
from companion.enrich.run import new_run
from companion.enrich.workspace import Workspace
from companion.errors import CompanionError, NoteChanged, NoteError, NoteRefused, UsageError
from companion.vault.journal import Change
from companion.vault.undo import undo_change

_DIGITS = 18  # more than any change has; SQLite takes no more than 19
Outcome = Literal["done", "lost", "failed"]  # lost: it cannot be taken back any more


@click.command()
@click.argument("what", required=False, type=NotePath(), metavar="[CHANGE | PATH]")
@click.option("--run", "run_name", metavar="RUN", help="Take a whole run back.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a change.")
@common_options
def undo(what: str | None, run_name: str | None, as_json: bool, vault: Path | None) -> int:
    """Take changes back; what you wrote since stays, or the undo refuses.

    CHANGE is a number from `companion history`; PATH takes back the last change of that note.
    Without either, the last run is taken back that was not taken back already, and no older one.
    Undoing an undo makes the change again.
    """
    show = Show(as_json=as_json)
    if what and run_name:
        raise UsageError("give a change, a path or --run, not both")
    named = [what] if what is not None and not what.isdecimal() else []
    running, run = find_running(vault, named), new_run()
    with open_session(vault, named, show=show, read_only=bool(running)) as workspace:

        def take_back(change: Change) -> int:
            if running:
                return running.undo(change.id, run)
            return undo_change(workspace.root, workspace.journal, change, run)

        is_bare = what is None and run_name is None
        try:
            runs = _find_runs(workspace) if is_bare else []
            changes = runs[0] if is_bare else _find_named(workspace, what, run_name)
        except _NothingToUndo as nothing:
            show.warn(str(nothing))
            return 0
        outcomes = [_undo(change, take_back, show) for change in changes]
    if is_bare and set(outcomes) == {"lost"}:
        show.warn(_say_lost(*(run[0].run for run in runs[:2])))
    show.say(f"{count(outcomes.count('done'), 'change')} taken back")
    return 0 if set(outcomes) == {"done"} else 1


class _NothingToUndo(CompanionError):
    """All that was to be taken back is taken back already."""


def _find_runs(workspace: Workspace) -> list[list[Change]]:
    """Return the changes that are still there, run by run, all newest first.

    Raises _NothingToUndo when there are none.
    """
    made = [change for change in workspace.journal.changes() if _can_be_undone(change)]
    _some(made, "there is nothing to take back; see companion history")
    runs: dict[str, list[Change]] = {}
    for change in made:
        runs.setdefault(change.run, []).append(change)
    return list(runs.values())


def _find_named(workspace: Workspace, what: str | None, run_name: str | None) -> list[Change]:
    journal = workspace.journal
    if what and what.isdecimal():
        change = journal.change(int(what)) if len(what) <= _DIGITS else None
        if change is None:
            raise UsageError(f"there is no change {what}; see companion history")
        return [change]
    if what is not None:
        path = resolve_history_path(workspace, what)
        made = [change for change in journal.changes(path=path) if _can_be_undone(change)]
        return _some(made[:1], f"Companion changed nothing in {path} that is still there")
    changes = journal.changes(run=run_name)
    if not changes:
        raise UsageError(f"there is no run {run_name}; see companion history")
    made = [change for change in changes if change.state == "done"]
    which = f"the run {run_name} made no change that is still there"
    return _some(made, f"there is nothing to take back: {which}; see companion history")


def _can_be_undone(change: Change) -> bool:
    return change.state == "done" and change.undoes is None


def _some(changes: list[Change], otherwise: str) -> list[Change]:
    if not changes:
        raise _NothingToUndo(otherwise)
    return changes


def _say_lost(last: str, older: str | None = None) -> str:
    """Return that nothing of the last run can be taken back, and what can be done instead."""
    instead = f"companion undo --run {older} takes back the one before it" if older else ""
    return f"Nothing of the last run, {last}, can be taken back; {instead or 'no other is left'}"


def _undo(change: Change, take_back: Callable[[Change], int], show: Show) -> Outcome:
    made: int | None = None
    outcome: Outcome = "done"
    try:
        made = take_back(change)
    except (NoteError, DaemonRefused) as error:
        show.warn(str(error))
        outcome = "lost" if _is_lost(error) else "failed"
    if show.as_json:
        show.object({"change": change.id, "path": change.path, "undone_by": made})
    elif made is not None:
        show.say(f"{one_line(change.path)}: {describe(change)} (change {change.id}), taken back")
    return outcome


def _is_lost(error: NoteError | DaemonRefused) -> bool:
    """Whether it is the note that no longer allows it, and no other program just now."""
    if isinstance(error, DaemonRefused):
        return error.is_about(NoteChanged, NoteRefused)
    return isinstance(error, NoteChanged | NoteRefused)
