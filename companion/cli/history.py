"""companion history and undo: what was changed, and taking it back, byte for byte."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from companion.app.open_vault import name_path
from companion.app.types.base import iso_time
from companion.app.types.changes import Change, ChangeFilter, ChangeQuery
from companion.app.types.proposals import Proposal, ProposalQuery
from companion.app.vault import Vault, all_changes, all_proposals
from companion.cli.filters import change_options, read_change_query
from companion.cli.output import Output, count, local_time, one_line
from companion.cli.session import NOTE_PATH, StopSignals, common_options, open_session_vault
from companion.errors import NotThere, UsageError

if TYPE_CHECKING:  # which history does not load
    from companion.app.run import Run
    from companion.app.types.runs import NoteResult


@click.command()
@click.argument("path", required=False, type=NOTE_PATH, metavar="[PATH]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a change.")
@click.option("--diff", "with_diff", is_flag=True, help="Show what each change did.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Show at most N changes.")
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

    With PATH, only in this note or folder. A value that was only proposed, such as a new tag, is
    shown with the change, or on its own if nothing else was filled.
    """
    output = Output(as_json=as_json)
    named = [] if path is None else [path]
    with open_session_vault(vault, named, output=output) as opened:
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
        output.say("No changes yet.")


def _find_unused_values(vault: Vault, path: str | None) -> list[Proposal]:
    """Return values that the vault does not use yet, of one note or of all, newest first.

    Those that a change's remark mentions, or that were asked for again, are left out.
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
@click.option("--today", is_flag=True, help="All of today's changes.")
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

    If you have since edited, moved or deleted a property or callout, the rest of the change is
    taken back, and what stays is named.

    CHANGE is a number from `companion history`; PATH means the last change of that note, or all
    changes in that folder (`./2024` if its name is a number). --since, --today, --until, --field
    and --model take back all changes that match, in these notes and folders, or in the vault, each
    as a whole. Without any of these, the last run is taken back, unless it was already. --run also
    reopens the proposals that the run refused. Undoing an undo makes the change again. What cannot
    be taken back is named with its reason.
    """
    output = Output(as_json=as_json)
    if today and only["since"] is not None:
        raise UsageError("give --since or --today, not both")
    only = only | {"since": "today"} if today else only
    is_chosen = any(typed is not None for typed in only.values())
    if run_name and (whats or is_chosen):
        raise UsageError("give changes, paths, a time or --run, and only one of them")
    named = [what for what in whats if not what.isdecimal()]
    with open_session_vault(vault, named, output=output) as opened:
        if is_chosen:
            choice = _find_chosen(opened, whats, only)
        else:
            choice = _find_named(opened, whats, run_name)
        run = choice.take_back(opened)
        if not run.total:
            output.warn(choice.otherwise or _describe_nothing(opened, run_name or ""))
            return 0
        with StopSignals(output, run.cancel) as interruption:
            results = _follow(run, choice.changes, output)
        is_last = not (whats or run_name or is_chosen)
        if is_last and results and all(e.undone and e.undone.code in _LOST for e in results):
            output.warn(_describe_lost(opened, choice.changes[0].run))
    status = _sum_up(run, results, output)
    return interruption.exit_status or status


class _Choice(NamedTuple):
    """The changes to take back, newest first. otherwise: what to say if there are none.

    only: a filter that matches them all; None: they were named one by one.
    """

    changes: Sequence[Change]
    otherwise: str = ""
    only: ChangeFilter | None = None

    @classmethod
    def of(cls, vault: Vault, only: ChangeFilter, otherwise: str = "") -> _Choice:
        """Return all changes that match a filter."""
        query = ChangeQuery.model_validate(vars(only))
        return cls(list(all_changes(vault, query)), otherwise, only)

    def take_back(self, vault: Vault) -> Run:
        """Return a run that takes them back."""
        if self.only is not None:
            return vault.undo_all(self.only)
        from companion.app.run import Run
        from companion.app.types.runs import NoteResult

        ids = [change.id for change in self.changes]

        def undo(run: Run) -> Iterator[NoteResult]:
            return map(NoteResult.of_undone, vault.undo(ids, run.id))

        return Run("undo", len(ids), undo)


def _sum_up(run: Run, results: Sequence[NoteResult], output: Output) -> int:
    """Print how much was taken back; return the exit status."""
    undone = [each for each in results if each.status == "undone"]
    part = sum(bool(each.left) for each in undone)
    reopened = sum(not each.reason for result in results for each in result.decided)
    has_changes = any(each.undone for each in results)
    words = [f"{count(len(undone) - part, 'change')} taken back"] if has_changes else []
    words += [f"{part} in part"] if part else []
    words += [f"{count(reopened, 'refusal')} taken back"] if reopened else []
    words += [f"{run.total - len(results)} not done"] if len(results) < run.total else []
    output.say(", ".join(words))
    stays = any(each.left or each.status in ("failed", "proposed") for each in results)
    return int(stays or len(results) < run.total)


def _describe_lost(vault: Vault, last: str) -> str:
    """Return a sentence that nothing of the last run can be undone, and what to do instead."""
    changes = all_changes(vault, ChangeQuery(undoable="whole"))
    before = next((change.run for change in changes if change.run != last), None)
    instead = f"companion undo --run {before} takes back the one before it"
    instead = instead if before else "no other is left"
    return f"Nothing of the last run, {last}, can be taken back; {instead}"


def _describe_nothing(vault: Vault, run: str) -> str:
    """Return that nothing of a run can be taken back. Raises NotThere if there is no such run."""
    if not vault.changes(ChangeQuery.of(run=run, limit=1)).changes:
        raise NotThere(f"there is no run {run}, or nothing of it is left; see companion history")
    which = f"the run {run} made no change that is still there"
    return f"there is nothing to take back: {which}; see companion history"


def _find_chosen(vault: Vault, whats: Sequence[str], only: Mapping[str, str | None]) -> _Choice:
    """Return the changes that match, in these notes and folders, or in all."""
    if numbers := [what for what in whats if what.isdecimal()]:
        raise UsageError(
            f"--since, --until, --field and --model are about notes and folders; {numbers[0]} is a"
            " change"
        )
    query = read_change_query(only, undoable="whole")
    places: list[str | None] = [name_path(vault, what, Path.cwd()) for what in whats]
    when = "" if query.since is None else f" since {local_time(query.since)}"
    is_all = query.model_copy(update={"since": None}) == ChangeQuery(undoable="whole")
    which = "" if is_all else " of that kind"
    otherwise = f"there is nothing{which} to take back{when}; see companion history"
    queries = [query.model_copy(update={"path": place}) for place in places or [None]]
    choices = [_Choice.of(vault, each, otherwise) for each in queries]
    if len(choices) == 1:
        return choices[0]
    changes = {change.id: change for choice in choices for change in choice.changes}
    return _Choice([changes[number] for number in sorted(changes, reverse=True)], otherwise)


def _find_named(vault: Vault, whats: Sequence[str], run: str | None) -> _Choice:
    """Return the changes that are named, newest first; or those of the run, or of the last one.

    Raises NotThere if one is unknown, or one of several has nothing to take back; UsageError.
    """
    otherwise = "there is nothing to take back; see companion history"
    if run is not None:
        return _Choice.of(vault, ChangeFilter.of(run=run, undoable="part"))
    if not whats:
        last = vault.changes(ChangeQuery(undoable="whole", limit=1)).changes
        if not last:
            return _Choice([], otherwise)
        return _Choice.of(vault, ChangeFilter(run=last[0].run, undoable="whole"), otherwise)
    changes: dict[int, Change] = {}
    for what in whats:
        named, otherwise = _find_one(vault, what)
        if not named and len(whats) > 1:
            raise NotThere(otherwise)
        changes |= {change.id: change for change in named}
    return _Choice([changes[number] for number in sorted(changes, reverse=True)], otherwise)


def _find_one(vault: Vault, what: str) -> tuple[list[Change], str]:
    """Return the change with this number, the last one of this note, or all of this folder.

    Also what to say if there are none.
    """
    if what.isdecimal():
        try:
            if len(what) > _MAX_DIGITS:
                raise NotThere
            return [vault.change(int(what))], ""
        except NotThere:
            raise NotThere(f"there is no change {what}; see companion history") from None
    path = name_path(vault, what, Path.cwd())
    otherwise = f"no change by Companion is left in {path or 'the vault'}"
    if (vault.root / path).is_dir():
        return list(all_changes(vault, ChangeQuery(path=path, undoable="whole"))), otherwise
    for undoable in ("whole", "part"):
        query = ChangeQuery.of(path=path, undoable=undoable, limit=1)
        if last := vault.changes(query).changes:
            return last, ""
    return [], otherwise


def _follow(run: Run, changes: Sequence[Change], output: Output) -> list[NoteResult]:
    """Take changes back; print the result of each, and return them."""
    from companion.cli.enrich import RunReport

    results: list[NoteResult] = []
    words = {change.id: change.describe() for change in changes}
    for each in run:
        results.append(each)
        undone = each.undone
        if each.reason:
            output.warn(": ".join(filter(None, (one_line(each.path), each.reason))))
        if output.as_json:
            if undone:
                output.print_json(undone.model_dump(mode="json"))
            else:
                RunReport(output).print_result(each)
        elif undone is None:
            output.say(f"{one_line(each.path)}: {count(len(each.decided), 'proposal')} open again")
        elif undone.undone_by is not None:
            how = "taken back in part" if each.left else "taken back"
            moved = f" (moved from {undone.moved_from})" if undone.moved_from else ""
            where, what = one_line(f"{each.path}{moved}"), words.get(undone.change, "changed since")
            output.say(f"{where}: {what} (change {undone.change}), {how}")
    return results
