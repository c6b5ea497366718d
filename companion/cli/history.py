"""companion history, undo and doctor forget: changes, taken back, and texts that are forgotten."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

import click

from companion.app.open_vault import name_path
from companion.app.types.base import iso_time
from companion.app.types.changes import Change, ChangeQuery, Undone
from companion.app.types.proposals import Proposal, ProposalQuery
from companion.app.vault import Vault, all_changes, all_proposals
from companion.cli.filters import change_options, read_change_query
from companion.cli.output import Output, count, local_time, one_line
from companion.cli.session import NOTE_PATH, common_options, open_session_vault
from companion.errors import NotThere, UsageError


@click.command()
@click.argument("path", required=False, type=NOTE_PATH, metavar="[PATH]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a change.")
@click.option("--diff", "with_diff", is_flag=True, help="Show what each change did.")
@click.option("--limit", type=click.IntRange(min=1), help="At most so many changes.")
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

    With PATH, in this note or folder only. A value that was only proposed, such as a new tag, is
    shown with the change, or by itself where nothing else was filled.
    """
    output = Output(as_json=as_json)
    named = [] if path is None else [path]
    with open_session_vault(vault, named, output=output, read_only=True) as opened:
        note = None if path is None else name_path(opened, path, Path.cwd())
        query = read_change_query(only, path=note, diff=with_diff)
        has_changes = False
        for change in islice(all_changes(opened, query), limit and min(limit, sys.maxsize)):
            has_changes = True
            _print(change, output)
        is_filtered = any(typed is not None for typed in only.values())
        values = [] if is_filtered else _find_unused_values(opened, note)[:limit]
    for proposal in values:
        _print_proposal(proposal, output)
    if not has_changes and not values:
        output.say("no changes yet")


@click.command()
@click.argument("paths", nargs=-1, type=NOTE_PATH, metavar="[PATH]...")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@common_options
def forget(paths: Sequence[str], yes: bool, vault: Path | None) -> None:
    """Delete what Companion keeps of notes' text.

    Without PATH, of all notes. It deletes proposed texts, the note texts that they were made from,
    and the notes as they were before each change. Open proposals count as refused, and nothing is
    asked for again. Changes can still be undone: their edits are kept in the journal.
    """
    output = Output()
    if not yes:
        if not output.can_ask:
            raise UsageError("nothing was deleted, for nobody is here to agree; say --yes")
        whose = ", ".join(paths) if paths else "the whole vault"
        if not click.confirm(f"Delete what is kept of the text of {whose}?", err=True):
            output.warn("nothing was deleted")
            return
    with open_session_vault(vault, paths, output=output) as opened:
        names = [name_path(opened, path, Path.cwd()) for path in paths] or [""]
        number = opened.forget(names)
    output.say(f"the text of {count(number, 'proposal')} was deleted")


def _find_unused_values(vault: Vault, path: str | None) -> list[Proposal]:
    """Return values that the vault does not use yet, of one note or of all, newest first.

    Values that a change's remark mentions are left out, and those that were asked for again.
    """
    query = ProposalQuery(folder=path or "", state="all", flagged=True, latest=True)
    flagged = [
        each
        for each in all_proposals(vault, query)
        if each.state in ("open", "rejected") and "new-value" in each.flags
    ]
    remarks = {
        note: {change.note for change in all_changes(vault, ChangeQuery(path=note))}
        for note in {each.path for each in flagged}
    }
    return [
        each for each in flagged if not any(_words(each) in note for note in remarks[each.path])
    ]


def _words(proposal: Proposal) -> str:
    return proposal.reason or proposal.remark


def _print(change: Change, output: Output) -> None:
    if output.as_json:
        output.print_json(change.model_dump(mode="json"))
    when = local_time(change.made_at)
    part = f" [undone, except {', '.join(change.left)}]" if change.left else ""
    state = part if change.state == "done" else f" [{change.state}]"
    output.say(f"{change.id:>5}  {when}  {one_line(change.path)}{state}", style="bold")
    by = f" by {change.model}" if change.model else ""
    output.say(f"       {change.describe()}{by}  (run {change.run})")
    if change.note:
        output.say(f"       {change.note}", style="dim")
    if change.diff and not output.as_json:
        output.print_diff(change.diff)


def _print_proposal(proposal: Proposal, output: Output) -> None:
    """Print a value that was only proposed; its JSON object has the keys of a change."""
    where = f"{local_time(proposal.made_at)}  {one_line(proposal.path)}"
    output.say(f"       {where}", style="bold")
    output.say(f"       {_words(proposal)}")
    if output.as_json:
        shown = dict.fromkeys(Change.model_fields) | {
            "run": "",
            "path": proposal.path,
            "kind": "proposal",
            "state": "proposed",
            "made_at": iso_time(proposal.made_at),
            "needs": [proposal.kind],
            "model": "",
            "note": _words(proposal),
            "left": [],
            "decided_by": "",
        }
        output.print_json(shown)


_LOST = ("note-changed", "note-refused", "change-gone")  # no passing causes
_MAX_DIGITS = 15  # of a change's number


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

    Where you edited, moved or deleted a property or callout since, the rest of the change is taken
    back, and what stays is named.

    CHANGE is a number from `companion history`; PATH means the last change of that note, or all
    changes in that folder (`./2024`, where its name is a number). --since, --today, --until,
    --field and --model take back all changes that match, in these notes and folders, or in the
    vault, each as a whole. Without any of these, the last run is taken back, if it was not already,
    and no older one. Undoing an undo makes the change again. What cannot be taken back is named
    with its reason.
    """
    output = Output(as_json=as_json)
    if today and only["since"] is not None:
        raise UsageError("give --since or --today, not both")
    only = only | {"since": "today"} if today else only
    is_chosen = any(typed is not None for typed in only.values())
    if run_name and (whats or is_chosen):
        raise UsageError("give changes, paths, a time or --run, not both")
    named = [what for what in whats if not what.isdecimal()]
    with open_session_vault(vault, named, output=output) as opened:
        if is_chosen:
            changes, otherwise = _find_chosen(opened, whats, only)
        elif run_name is not None:
            changes, otherwise = _find_run(opened, run_name)
        else:
            changes, otherwise = _find_named(opened, whats)
        if not changes:
            output.warn(otherwise)
            return 0
        undone = _undo_all(opened, changes, output)
        is_lost = all(each.code in _LOST for each in undone)
        if is_lost and not (whats or run_name or is_chosen):
            output.warn(_describe_lost(opened, changes[0].run))
    return _sum_up(undone, output)


def _sum_up(undone: Sequence[Undone], output: Output) -> int:
    """Print how much was taken back; return the exit status."""
    whole = sum(each.undone_by is not None and not each.left for each in undone)
    part = sum(each.undone_by is not None and bool(each.left) for each in undone)
    in_part = f", {part} in part" if part else ""
    output.say(f"{count(whole, 'change')} taken back{in_part}")
    return int(whole < len(undone))


def _describe_lost(vault: Vault, last: str) -> str:
    """Return a sentence that nothing of the last run can be taken back, and what to do instead."""
    changes = all_changes(vault, ChangeQuery(undoable="whole"))
    before = next((change.run for change in changes if change.run != last), None)
    instead = "no other is left"
    if before:
        instead = f"companion undo --run {before} takes back the one before it"
    return f"Nothing of the last run, {last}, can be taken back; {instead}"


def _find_run(vault: Vault, run: str) -> tuple[list[Change], str]:
    """Return the changes of the run, newest first; and as _find_named."""
    if not vault.changes(ChangeQuery.of(run=run, limit=1)).changes:
        raise NotThere(f"there is no run {run}; see companion history")
    which = f"the run {run} made no change that is still there"
    changes = all_changes(vault, ChangeQuery(run=run, undoable="part"))
    return list(changes), f"there is nothing to take back: {which}; see companion history"


def _find_chosen(
    vault: Vault, whats: Sequence[str], only: Mapping[str, str | None]
) -> tuple[list[Change], str]:
    """Return the changes that fit, in these notes and folders, or in all; and as _find_named."""
    if numbers := [what for what in whats if what.isdecimal()]:
        raise UsageError(
            f"--since, --until, --field and --model are about notes and folders; {numbers[0]} is a"
            " change"
        )
    query = read_change_query(only, undoable="whole")
    places: list[str | None] = [name_path(vault, what, Path.cwd()) for what in whats]
    changes: dict[int, Change] = {}
    for place in places or [None]:
        of_place = all_changes(vault, query.model_copy(update={"path": place}))
        changes |= {change.id: change for change in of_place}
    when = "" if query.since is None else f" since {local_time(query.since)}"
    is_all = query.model_copy(update={"since": None}) == ChangeQuery(undoable="whole")
    which = "" if is_all else " of that kind"
    return _newest_first(
        changes
    ), f"there is nothing{which} to take back{when}; see companion history"


def _find_named(vault: Vault, whats: Sequence[str]) -> tuple[list[Change], str]:
    """Return the changes that are named, newest first, so that each finds its text.

    Those of the last run, if none is. Beside them: what to say if there are none.

    Raises NotThere if a change is unknown, or one of several has nothing to take back; UsageError.
    """
    otherwise = "there is nothing to take back; see companion history"
    if not whats:
        last = vault.changes(ChangeQuery(undoable="whole", limit=1)).changes
        of_run = ChangeQuery(run=last[0].run, undoable="whole") if last else None
        return list(all_changes(vault, of_run)) if of_run else [], otherwise
    changes: dict[int, Change] = {}
    for what in whats:
        named, otherwise = _find_one(vault, what)
        if not named and len(whats) > 1:
            raise NotThere(otherwise)
        changes |= {change.id: change for change in named}
    return _newest_first(changes), otherwise


def _find_one(vault: Vault, what: str) -> tuple[list[Change], str]:
    """Return the change of this number, the last one of this note, or all of this folder.

    Beside them as _find_named.
    """
    if what.isdecimal():
        try:
            if len(what) > _MAX_DIGITS:
                raise NotThere
            return [vault.change(int(what))], ""
        except NotThere:
            raise NotThere(f"there is no change {what}; see companion history") from None
    path = name_path(vault, what, Path.cwd())
    otherwise = f"Companion changed nothing in {path or 'the vault'} that is still there"
    if (vault.root / path).is_dir():
        return list(all_changes(vault, ChangeQuery(path=path, undoable="whole"))), otherwise
    for undoable in ("whole", "part"):
        query = ChangeQuery.of(path=path, undoable=undoable, limit=1)
        if last := vault.changes(query).changes:
            return last, ""
    return [], otherwise


def _newest_first(changes: Mapping[int, Change]) -> list[Change]:
    return [changes[number] for number in sorted(changes, reverse=True)]


def _undo_all(vault: Vault, changes: Sequence[Change], output: Output) -> list[Undone]:
    undone: list[Undone] = []
    results = vault.undo([change.id for change in changes])
    for change, each in zip(changes, results, strict=True):
        undone.append(each)
        if each.reason:
            output.warn(": ".join(filter(None, (one_line(each.path), each.reason))))
        if output.as_json:
            output.print_json(each.model_dump(mode="json"))
        elif each.undone_by is not None:
            how = "taken back in part" if each.left else "taken back"
            moved = f" (moved from {each.moved_from})" if each.moved_from else ""
            where = one_line(f"{each.path}{moved}")
            output.say(f"{where}: {change.describe()} (change {change.id}), {how}")
    return undone
