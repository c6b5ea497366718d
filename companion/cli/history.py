"""companion history and undo: what was changed, and taking it back, byte for byte."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from companion.app.open_vault import name_path
from companion.app.types.changes import Change, ChangeQuery
from companion.app.vault import Vault, all_changes
from companion.cli.bars import print_days
from companion.cli.output import Output, count, local_time, one_line
from companion.cli.session import (
    NOTE_PATH,
    StopSignals,
    change_options,
    common_options,
    open_session_vault,
    read_change_query,
)
from companion.errors import NotThere, UsageError

if TYPE_CHECKING:  # which history does not load
    from companion.app.run import Run
    from companion.app.types.runs import NoteResult


@click.command()
@click.argument("path", required=False, type=NOTE_PATH, metavar="[PATH]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a change.")
@click.option("--diff", "with_diff", is_flag=True, help="Show what each change did.")
@click.option("--limit", type=click.IntRange(1, 10**9), metavar="N", help="Show at most N changes.")
@change_options
@common_options
def history(
    path: str | None,
    as_json: bool,
    with_diff: bool,
    limit: int | None,
    vault: Path | None,
    **only: str | None,
) -> None:
    """Show what Companion changed, newest first.

    With PATH, only in this note or folder.
    """
    output = Output(as_json=as_json)
    with open_session_vault(vault, [path] if path else [], output=output) as opened:
        note = None if path is None else name_path(opened, path, Path.cwd())
        query = read_change_query(**only, path=note, diff=with_diff)
        changes = all_changes(opened, query, limit)
        for change in changes:
            _print(change, output)
        if output.is_looked_at:
            print_days(opened.days(), output)
    if not changes:
        output.say("No changes yet.")


def _print(change: Change, output: Output) -> None:
    if output.as_json:
        output.print_json(change.model_dump(mode="json"))
        return
    when = local_time(change.made_at)
    part = f" [undone, except {', '.join(change.left)}]" if change.left else ""
    state = part if change.state == "done" else f" [{change.state}]"
    output.say(f"{change.id:>5}  {when}  {one_line(change.path)}{state}", style="bold")
    by = f" by {change.model}" if change.model else ""
    output.say(f"       {change.describe()}{by}  (run {change.run})")
    if change.note:
        output.say(f"       {change.note}", style="dim")
    if change.diff:
        output.print_diff(change.diff)


@click.command()
@click.argument("whats", nargs=-1, type=NOTE_PATH, metavar="[CHANGE | PATH]...")
@click.option("--run", "run_name", metavar="RUN", help="Take a whole run back.")
@change_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a change.")
@common_options
def undo(
    whats: Sequence[str],
    run_name: str | None,
    as_json: bool,
    vault: Path | None,
    **only: str | None,
) -> int:
    """Take changes back; what you wrote since stays.

    If you have since edited, moved or deleted a property or callout, the rest of the change is
    taken back, and what stays is named.

    CHANGE is a number from `companion history`; PATH means the last change of that note, or all
    changes in that folder (`./2024` if its name is a number). --since, --until, --field and --model
    take back all changes that match, in these notes and folders, or in the vault. Without any of
    these, the last run is taken back. --run also reopens the proposals that the run refused.
    Undoing an undo makes the change again. What cannot be taken back is named with its reason.
    """
    output = Output(as_json=as_json)
    has_filter = any(only.values())
    if run_name and (whats or has_filter):
        raise UsageError("give changes, paths, a time or --run, and only one of them")
    named = [what for what in whats if not what.isdecimal()]
    if has_filter and len(named) < len(whats):
        raise UsageError("--since, --until, --field and --model go with notes and folders only")
    with open_session_vault(vault, named, output=output) as opened:
        find = _find_matching if has_filter else _find_named
        chosen = [change for what in whats for change in find(opened, what, only)]
        if has_filter and not whats:
            chosen = _find_matching(opened, None, only)
        last = opened.changes(ChangeQuery(undoable="whole", limit=1)).changes
        if run_name or (last and not whats and not has_filter):
            query = ChangeQuery.of(
                run=run_name or last[0].run, undoable="part" if run_name else "whole"
            )
            chosen, run = all_changes(opened, query), opened.undo_all(query)
        else:
            run = opened.undo(sorted({change.id for change in chosen}, reverse=True))
        if not run.total:
            output.warn("there is nothing to take back; see companion history")
            return 0
        words = {change.id: change.describe() for change in chosen}
        with StopSignals(output, run.cancel) as interruption:
            results = list(_print_undone(run, words, output))
    return interruption.exit_status or _sum_up(run, results, output)


def _find_matching(vault: Vault, what: str | None, only: Mapping[str, str | None]) -> list[Change]:
    """Return the changes in this note or folder that match the options; None: in the vault."""
    path = None if what is None else name_path(vault, what, Path.cwd())
    return all_changes(vault, read_change_query(**only, path=path, undoable="whole"))


def _find_named(vault: Vault, what: str, only: Mapping[str, str | None]) -> list[Change]:
    """Return the change with this number, the last one of this note, or all of this folder.

    Raises NotThere if there is none.
    """
    if what.isdecimal():
        try:
            return [vault.change(int(what))]
        except NotThere:
            raise NotThere(f"there is no change {what}; see companion history") from None
    path = name_path(vault, what, Path.cwd())
    if (vault.root / path).is_dir():
        changes = all_changes(vault, ChangeQuery(path=path, undoable="whole"))
    else:
        queries = (ChangeQuery(path=path, undoable=each, limit=1) for each in ("whole", "part"))
        changes = next(filter(None, (vault.changes(query).changes for query in queries)), [])
    if not changes:
        raise NotThere(f"no change by Companion is left in {path or 'the vault'}")
    return changes


def _print_undone(run: Run, words: Mapping[int, str], output: Output) -> Iterator[NoteResult]:
    """Take changes back, print the result of each, and yield it. words: what each change did."""
    for each in run:
        undone = each.undone
        if each.reason:
            output.warn(": ".join(filter(None, (one_line(each.path), each.reason))))
        if output.as_json and undone is None:
            output.print_json({"path": each.path, "reopened": each.proposals})
        elif undone is None:
            output.say(f"{one_line(each.path)}: {count(len(each.decided), 'proposal')} open again")
        elif output.as_json:
            output.print_json(undone.model_dump(mode="json"))
        elif undone.undone_by is not None:
            how = "taken back in part" if each.left else "taken back"
            moved = f" (moved from {undone.moved_from})" if undone.moved_from else ""
            where, what = one_line(f"{each.path}{moved}"), words.get(undone.change, "changed since")
            output.say(f"{where}: {what} (change {undone.change}), {how}")
        yield each


def _sum_up(run: Run, results: Sequence[NoteResult], output: Output) -> int:
    """Print how much was taken back; return the exit status."""
    undone = [each for each in results if each.status == "undone"]
    part = sum(bool(each.left) for each in undone)
    words = [f"{part} in part"] if part else []
    words += [f"{run.total - len(results)} not done"] if run.is_cancelled else []
    if any(each.undone for each in results):
        output.say(", ".join([f"{count(len(undone) - part, 'change')} taken back", *words]))
    stays = any(each.left or each.status in ("failed", "proposed") for each in results)
    return int(stays or run.is_cancelled)
