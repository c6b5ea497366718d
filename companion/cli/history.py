"""companion history and doctor forget: changes, and deleting stored texts."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import click

from companion.app.open_vault import name_path
from companion.app.types.base import iso_time
from companion.app.types.changes import Change, ChangeQuery
from companion.app.types.proposals import NotesToForget, Proposal, ProposalQuery
from companion.app.vault import Vault, all_changes, all_proposals
from companion.cli.filters import change_options, read_change_query
from companion.cli.output import Output, count, local_time, one_line
from companion.cli.session import NOTE_PATH, common_options, open_session_vault
from companion.errors import UsageError


@click.command()
@click.argument("path", required=False, type=NOTE_PATH, metavar="[PATH]")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a change.")
@click.option("--diff", "with_diff", is_flag=True, help="Show what each change did.")
@click.option("--limit", type=click.IntRange(min=1), help="Show at most this many changes.")
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

    Without PATH, this means all notes. It deletes proposed texts, the note texts they were made
    from, and the notes as they were before each change. Open proposals count as refused, and
    nothing is asked for again. Changes can still be undone: their edits are kept in the journal.
    """
    output = Output()
    if not yes:
        if not output.can_ask:
            raise UsageError("nothing was deleted, since nobody is here to agree; add --yes")
        whose = ", ".join(paths) if paths else "the whole vault"
        if not click.confirm(f"Delete what is kept of the text of {whose}?", err=True):
            output.warn("nothing was deleted")
            return
    with open_session_vault(vault, paths, output=output) as opened:
        names = [name_path(opened, path, Path.cwd()) for path in paths] or [""]
        number = opened.forget(NotesToForget.of(paths=names)).proposals
    output.say(f"the text of {count(number, 'proposal')} was deleted")


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
