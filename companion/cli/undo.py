"""companion undo: take changes back, byte for byte, and leave everything that came later."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from companion.cli.history import describe
from companion.cli.session import (
    common_options,
    find_running,
    open_session,
    resolve_history_path,
)
from companion.cli.show import Show, count
from companion.daemon.client import DaemonRefused
from companion.enrich.run import new_run
from companion.enrich.workspace import Workspace
from companion.errors import NoteError, UsageError
from companion.vault.journal import Change
from companion.vault.undo import undo_change


@click.command()
@click.argument("what", required=False, metavar="[CHANGE | PATH]")
@click.option("--run", "run_name", metavar="RUN", help="Take a whole run back.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a change.")
@common_options
def undo(what: str | None, run_name: str | None, as_json: bool, vault: Path | None) -> int:
    """Take changes back; what you wrote since stays, or the undo refuses.

    CHANGE is a number from `companion history`; PATH takes back the last change of that note.
    Without either, the newest run is taken back. Undoing an undo makes the change again.
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

        changes = _find_changes(workspace, what, run_name)
        failed = [change for change in changes if not _undo(change, take_back, show)]
    show.say(f"{count(len(changes) - len(failed), 'change')} taken back")
    return 1 if failed else 0


def _find_changes(workspace: Workspace, what: str | None, run_name: str | None) -> list[Change]:
    """Return the changes meant, newest first. Raises UsageError when there are none."""
    journal = workspace.journal
    if what and what.isdecimal():
        change = journal.change(int(what))
        if change is None:
            raise UsageError(f"there is no change {what}; see companion history")
        return [change]
    if what is not None:
        path = resolve_history_path(workspace, what)
        made = [change for change in journal.changes(path=path) if _can_be_undone(change)]
        return _some(made[:1], f"Companion changed nothing in {path} that is still there")
    if run_name is None:
        newest = next((c for c in journal.changes() if _can_be_undone(c)), None)
        run_name = newest.run if newest else ""
    made = [change for change in journal.changes(run=run_name) if change.state == "done"]
    which = f": the run {run_name} made no change that is still there" if run_name else ""
    return _some(made, f"there is nothing to take back{which}; see companion history")


def _can_be_undone(change: Change) -> bool:
    return change.state == "done" and change.undoes is None


def _some(changes: list[Change], otherwise: str) -> list[Change]:
    if not changes:
        raise UsageError(otherwise)
    return changes


def _undo(change: Change, take_back: Callable[[Change], int], show: Show) -> bool:
    try:
        made = take_back(change)
    except (NoteError, DaemonRefused) as error:
        show.warn(str(error))
        made = None
    if show.as_json:
        show.object({"change": change.id, "path": change.path, "undone_by": made})
    elif made is not None:
        show.say(f"{change.path}: {describe(change)} (change {change.id}), taken back")
    return made is not None
