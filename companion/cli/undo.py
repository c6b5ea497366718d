"""companion undo: take changes back, byte for byte, and leave everything that came later."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import click

from companion.cli.filters import ANY_CHANGE, ChangeFilter, change_options, read_change_filter
from companion.cli.history import describe
from companion.cli.output import Output, count, local_time, one_line
from companion.cli.session import (
    NOTE_PATH,
    common_options,
    find_running_daemon,
    open_session,
    resolve_history_path,
)
from companion.daemon.api.change_schemas import UndoReport
from companion.daemon.daemon_client import DaemonRefused
from companion.enrich.run import new_run
from companion.enrich.workspace import Workspace
from companion.errors import NoteChanged, NoteError, NoteRefused, NotThere, UsageError
from companion.python_api import Vault
from companion.vault.files import is_in_any
from companion.vault.journal import Change
from companion.vault.undo import Undone

_MAX_DIGITS = 18  # of a change's number; SQLite's integers have up to 19
UndoOutcome = Literal["done", "part", "lost", "failed"]  # lost: it can never be taken back


@click.command()
@click.argument("whats", nargs=-1, type=NOTE_PATH, metavar="[CHANGE | PATH]...")
@click.option("--run", "run_name", metavar="RUN", help="Take a whole run back.")
@change_options
@click.option("--today", is_flag=True, help="All changes of today.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a change.")
@common_options
def undo(
    whats: Sequence[str],
    run_name: str | None,
    today: bool,
    as_json: bool,
    vault: Path | None,
    **only: str | None,
) -> int:
    """Take changes back; what you wrote since stays.

    Of a change whose property or callout you edited, moved or deleted, the rest is taken back, and
    what stays is named.

    CHANGE is a number from `companion history`; PATH takes back the last change of that note, or
    all changes in that folder (`./2024`, where its name is a number). With --since, --today,
    --until, --field or --model all changes that fit are taken back, in the notes and folders named,
    else in the vault: so a day of background work is one thing to undo; each goes as a whole,
    whatever else it filled. Without any of these, the last run is taken back that was not taken
    back already, and no older one. Undoing an undo makes the change again. What cannot be taken
    back is named with its reason, and the rest is.
    """
    output = Output(as_json=as_json)
    if today and only["since"] is not None:
        raise UsageError("give --since or --today, not both")
    only = only | {"since": "today"} if today else only
    is_chosen = any(typed is not None for typed in only.values())
    if run_name and (whats or is_chosen):
        raise UsageError("give changes, paths, a time or --run, not both")
    is_bare = not whats and run_name is None and not is_chosen
    named = [what for what in whats if not what.isdecimal()]
    running = find_running_daemon(vault, named)
    with open_session(vault, named, output=output, read_only=bool(running)) as workspace:
        chosen = read_change_filter(workspace.prompts, only)
        changes, otherwise = _find_changes(workspace, whats, run_name, chosen)
        if not changes:
            output.warn(otherwise)
            return 0
        outcomes = _undo_all(changes, Vault(workspace.root, workspace, running), workspace, output)
        if is_bare and set(outcomes) == {"lost"}:
            output.warn(_describe_lost(changes[0].run, workspace))
    in_part = f", {outcomes.count('part')} in part" if "part" in outcomes else ""
    output.say(f"{count(outcomes.count('done'), 'change')} taken back{in_part}")
    return 0 if set(outcomes) == {"done"} else 1


def _describe_lost(last: str, workspace: Workspace) -> str:
    """Return a sentence that nothing of the last run can be taken back, and what to do instead."""
    before = [change.run for change in _made_in(workspace, []) if change.run != last]
    instead = "no other is left"
    if before:
        instead = f"companion undo --run {before[0]} takes back the one before it"
    return f"Nothing of the last run, {last}, can be taken back; {instead}"


def _find_changes(
    workspace: Workspace, whats: Sequence[str], run: str | None, chosen: ChangeFilter
) -> tuple[list[Change], str]:
    """Return the changes that are meant, newest first, so that each finds its text.

    Those of the last run, if nothing is said. Beside them: what to say if there are none.

    Raises NotThere if a run or change is unknown, or one of several has nothing to take back;
    UsageError.
    """
    if chosen != ANY_CHANGE:
        return _find_chosen(workspace, whats, chosen)
    if run is not None:
        changes = workspace.journal.changes(run=run)
        if not changes:
            raise NotThere(f"there is no run {run}; see companion history")
        which = f"the run {run} made no change that is still there"
        own = {change.id for change in changes}  # a review's u takes back what it has written
        made = [each for each in changes if each.state == "done" and each.undoes not in own]
        return made, f"there is nothing to take back: {which}; see companion history"
    otherwise = "there is nothing to take back; see companion history"
    if not whats:
        made = _made_in(workspace, [])
        return [change for change in made if change.run == made[0].run], otherwise
    found: dict[int, Change] = {}
    for what in whats:
        named, otherwise = _find_named(workspace, what)
        if not named and len(whats) > 1:
            raise NotThere(otherwise)
        found |= {change.id: change for change in named}
    return [found[number] for number in sorted(found, reverse=True)], otherwise


def _find_chosen(
    workspace: Workspace, whats: Sequence[str], chosen: ChangeFilter
) -> tuple[list[Change], str]:
    """Return the changes that fit, in these notes and folders, or in all; and as _find_changes."""
    if numbers := [what for what in whats if what.isdecimal()]:
        raise UsageError(
            f"--since, --until, --field and --model are about notes and folders; {numbers[0]} is a"
            " change"
        )
    places = [resolve_history_path(workspace, what) for what in whats]
    when = "" if chosen.since is None else f" since {local_time(chosen.since)}"
    which = "" if chosen._replace(since=None) == ANY_CHANGE else " of that kind"
    made = [change for change in _made_in(workspace, places) if chosen.keeps(change)]
    return made, f"there is nothing{which} to take back{when}; see companion history"


def _find_named(workspace: Workspace, what: str) -> tuple[list[Change], str]:
    """Return the change of this number, the last one of this note, or all of this folder.

    Beside them as _find_changes.
    """
    journal = workspace.journal
    if what.isdecimal():
        change = journal.change(int(what)) if len(what) <= _MAX_DIGITS else None
        if change is None:
            raise NotThere(f"there is no change {what}; see companion history")
        return [change], ""
    path = resolve_history_path(workspace, what)
    made = _made_in(workspace, [path])
    if not (workspace.root / path).is_dir():
        done = (change for change in journal.changes(path=path) if change.is_made)
        made = (made or list(done))[:1]
    return made, f"Companion changed nothing in {path or 'the vault'} that is still there"


def _made_in(workspace: Workspace, places: Sequence[str]) -> list[Change]:
    """Return the changes in these notes and folders, or in all, of which no part was taken back.

    Where a part was, the rest was refused then.
    """
    return [
        change
        for change in workspace.journal.changes()
        if change.is_made and not change.taken and is_in_any(change.path, places or [""])
    ]


def _undo_all(
    changes: Sequence[Change], vault: Vault, workspace: Workspace, output: Output
) -> list[UndoOutcome]:
    """Take the changes back in one run, print what came of each, and return that."""
    run, moved_from = new_run(), workspace.journal.notes.moved_from
    outcomes: list[UndoOutcome] = []
    for change in changes:
        undone: Undone | None = None
        left, reason = change.name_parts(change.remaining_parts), ""
        try:
            undone = vault.undo(change.id, run)
        except (NoteError, NotThere, DaemonRefused) as error:
            output.warn(str(error))
            reason = error.reason if isinstance(error, NoteError) else str(error)
            is_lost = isinstance(error, NoteChanged | NoteRefused)  # no passing cause
            outcomes.append("lost" if is_lost else "failed")
        else:
            left, reason = undone.left, undone.reason
            if left:
                output.warn(f"{undone.path}: {reason}")
            outcomes.append("part" if left else "done")
        if output.as_json:
            report = UndoReport(
                change=change.id,
                path=undone.path if undone else change.path,
                undone_by=undone.change if undone else None,
                left=left,
                reason=reason or None,
            )
            output.print_json(report.model_dump())
        elif undone:
            how = "taken back in part" if left else "taken back"
            was = change.path if change.path != undone.path else moved_from.get(undone.path)
            where = one_line(f"{undone.path} (moved from {was})" if was else undone.path)
            output.say(f"{where}: {describe(change)} (change {change.id}), {how}")
    return outcomes
