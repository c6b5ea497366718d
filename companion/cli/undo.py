"""companion undo: take changes back, byte for byte, and leave everything that came later."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import click

from companion.cli.change_filter import (
    ANY_CHANGE,
    ChangeFilter,
    change_options,
    read_change_filter,
)
from companion.cli.history import describe, is_in
from companion.cli.output import Output, count, one_line
from companion.cli.session import (
    NotePathType,
    common_options,
    find_running_daemon,
    open_session,
    resolve_history_path,
)
from companion.cli.times import local_time
from companion.daemon.daemon_client import DaemonClient, DaemonRefused
from companion.enrich.run import new_run
from companion.enrich.workspace import Workspace
from companion.errors import (
    ChangeNotInNote,
    CompanionError,
    NoteChanged,
    NoteError,
    NoteRefused,
    NotThere,
    UsageError,
)
from companion.python_api import Vault
from companion.vault.journal import Change
from companion.vault.undo import Undone

_MAX_DIGITS = 18  # of a change's number; SQLite's integers have up to 19
UndoOutcome = Literal["done", "part", "lost", "failed"]  # lost: it can never be taken back


@click.command()
@click.argument("whats", nargs=-1, type=NotePathType(), metavar="[CHANGE | PATH]...")
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
    named = [what for what in whats if not what.isdecimal()]
    running = find_running_daemon(vault, named)
    with open_session(vault, named, output=output, read_only=bool(running)) as workspace:
        is_bare = not whats and run_name is None and not is_chosen
        chosen = read_change_filter(workspace.prompts, only)
        try:
            runs = _find_runs(workspace) if is_bare else []
            changes = runs[0] if is_bare else _find_all(workspace, whats, run_name, chosen)
        except _NothingToUndo as nothing:
            output.warn(str(nothing))
            return 0
        moved_from = workspace.journal.notes.moved_from
        take_back = _undo_function(workspace, running)
        outcomes = [_undo(change, take_back, output, moved_from) for change in changes]
    if is_bare and set(outcomes) == {"lost"}:
        output.warn(_say_lost(*(run[0].run for run in runs[:2])))
    in_part = f", {outcomes.count('part')} in part" if "part" in outcomes else ""
    output.say(f"{count(outcomes.count('done'), 'change')} taken back{in_part}")
    return 0 if set(outcomes) == {"done"} else 1


class _NothingToUndo(CompanionError):
    """There is no change to take back, or all are taken back already."""


def _find_runs(workspace: Workspace) -> list[list[Change]]:
    """Return the changes that were not taken back yet, grouped by run, newest first.

    Raises _NothingToUndo if there are none.
    """
    made = [change for change in workspace.journal.changes() if _can_be_undone(change)]
    _some(made, "there is nothing to take back; see companion history")
    runs: dict[str, list[Change]] = {}
    for change in made:
        runs.setdefault(change.run, []).append(change)
    return list(runs.values())


def _find_all(
    workspace: Workspace, whats: Sequence[str], run_name: str | None, chosen: ChangeFilter
) -> list[Change]:
    """Return the changes that the arguments name, newest first, so that each finds its text.

    Raises UsageError if an argument is unknown, or one of several has nothing to take back;
    _NothingToUndo if there is only one, or none of them has.
    """
    if chosen != ANY_CHANGE:
        return _find_chosen(workspace, whats, chosen)
    if not whats:
        return _find_named(workspace, None, run_name)
    found: dict[int, Change] = {}
    for what in whats:
        try:
            found |= {change.id: change for change in _find_what(workspace, what)}
        except _NothingToUndo as nothing:
            if len(whats) == 1:
                raise
            raise UsageError(str(nothing)) from None
    return [found[number] for number in sorted(found, reverse=True)]


def _find_what(workspace: Workspace, what: str) -> list[Change]:
    """Return the change of this number, the last one of this note, or all of this folder."""
    folder = "" if what.isdecimal() else resolve_history_path(workspace, what)
    if what.isdecimal() or not (workspace.root / folder).is_dir():
        return _find_named(workspace, what, None)
    none = f"Companion changed nothing in {folder or 'the vault'} that is still there"
    return _some(_made_in(workspace, [folder]), none)


def _find_chosen(workspace: Workspace, whats: Sequence[str], chosen: ChangeFilter) -> list[Change]:
    """Return the changes that fit, in these notes and folders, or in all."""
    if numbers := [what for what in whats if what.isdecimal()]:
        raise UsageError(
            f"--since, --until, --field and --model are about notes and folders; {numbers[0]} is a"
            " change"
        )
    places = [resolve_history_path(workspace, what) for what in whats]
    made = [change for change in _made_in(workspace, places) if chosen.keeps(change)]
    when = "" if chosen.since is None else f" since {local_time(chosen.since)}"
    which = "" if chosen._replace(since=None) == ANY_CHANGE else " of that kind"
    return _some(made, f"there is nothing{which} to take back{when}; see companion history")


def _made_in(workspace: Workspace, places: Sequence[str]) -> list[Change]:
    """Return the changes in these notes and folders, or in all, that were not taken back yet."""
    changes = filter(_can_be_undone, workspace.journal.changes())
    return [
        change
        for change in changes
        if not places or any(is_in(change.path, place) for place in places)
    ]


def _find_named(workspace: Workspace, what: str | None, run_name: str | None) -> list[Change]:
    journal = workspace.journal
    if what and what.isdecimal():
        change = journal.change(int(what)) if len(what) <= _MAX_DIGITS else None
        if change is None:
            raise UsageError(f"there is no change {what}; see companion history")
        return [change]
    if what is not None:
        path = resolve_history_path(workspace, what)
        done = [change for change in journal.changes(path=path) if _is_made(change)]
        made = [change for change in done if _can_be_undone(change)] or done
        return _some(made[:1], f"Companion changed nothing in {path} that is still there")
    changes = journal.changes(run=run_name)
    if not changes:
        raise UsageError(f"there is no run {run_name}; see companion history")
    made = [change for change in changes if change.state == "done"]
    which = f"the run {run_name} made no change that is still there"
    return _some(made, f"there is nothing to take back: {which}; see companion history")


def _is_made(change: Change) -> bool:
    return change.state == "done" and change.undoes is None


def _can_be_undone(change: Change) -> bool:
    """Return whether no part of it was taken back yet; the rest was refused then."""
    return _is_made(change) and not change.taken


def _some(changes: list[Change], otherwise: str) -> list[Change]:
    if not changes:
        raise _NothingToUndo(otherwise)
    return changes


def _say_lost(last: str, older: str | None = None) -> str:
    """Return a sentence that nothing of the last run can be taken back, and what to do instead."""
    instead = f"companion undo --run {older} takes back the one before it" if older else ""
    return f"Nothing of the last run, {last}, can be taken back; {instead or 'no other is left'}"


def _undo_function(
    workspace: Workspace, running: DaemonClient | None
) -> Callable[[Change], Undone]:
    """Return what undoes a change, all in one run: the daemon if it runs, else this process."""
    run, vault = new_run(), Vault(workspace.root, workspace, running)
    return lambda change: vault.undo(change.id, run)


def _undo(
    change: Change,
    take_back: Callable[[Change], Undone],
    output: Output,
    moved_from: Mapping[str, str],
) -> UndoOutcome:
    undone: Undone | None = None
    left, reason = change.name_parts(change.remaining_parts), ""
    outcome: UndoOutcome = "done"
    try:
        undone = take_back(change)
    except (NoteError, NotThere, DaemonRefused) as error:
        output.warn(str(error))
        reason = error.reason if isinstance(error, NoteError) else str(error)
        outcome = "lost" if _is_lost(error) else "failed"
    else:
        left, reason = undone.left, undone.reason
        if left:
            output.warn(f"{undone.path}: {reason}")
            outcome = "part"
    if output.as_json:
        output.print_json(_undo_object(change, undone, left, reason))
    elif undone:
        how = "taken back in part" if left else "taken back"
        was = change.path if change.path != undone.path else moved_from.get(undone.path)
        where = one_line(f"{undone.path} (moved from {was})" if was else undone.path)
        output.say(f"{where}: {describe(change)} (change {change.id}), {how}")
    return outcome


def _undo_object(
    change: Change, undone: Undone | None, left: list[str], reason: str
) -> dict[str, object]:
    """Return the JSON object of a change that was, or was not, taken back."""
    return {
        "change": change.id,
        "path": undone.path if undone else change.path,
        "undone_by": undone.change if undone else None,
        "left": left,
        "reason": reason or None,
    }


def _is_lost(error: NoteError | NotThere | DaemonRefused) -> bool:
    """Return whether the note itself no longer allows it, rather than a passing cause."""
    if isinstance(error, DaemonRefused):
        return error.is_about(ChangeNotInNote, NoteChanged, NoteRefused)
    return isinstance(error, NoteChanged | NoteRefused)
