"""companion history and companion forget: what was changed, and what is kept of notes' text."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import click

from companion.cli.filters import ANY_CHANGE, ChangeFilter, change_options, read_change_filter
from companion.cli.output import Output, count, local_time, one_line
from companion.cli.session import (
    NOTE_PATH,
    common_options,
    find_running_daemon,
    open_session,
    resolve_history_path,
)
from companion.daemon.api.change_schemas import ChangeShape
from companion.daemon.api.schemas import iso_time
from companion.enrich.workspace import Workspace
from companion.errors import UsageError
from companion.note.diff import diff_lines
from companion.vault.files import is_in
from companion.vault.journal import Change
from companion.vault.proposal import Proposal
from companion.vault.proposals import Selection


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
    """Show what Companion changed, newest first; PATH: in this note or folder only.

    What was only proposed, such as a tag that the vault does not use yet, stands with the change,
    or below where nothing else was filled.
    """
    output = Output(as_json=as_json)
    with open_session(
        vault, [] if path is None else [path], output=output, read_only=True
    ) as workspace:
        note = None if path is None else resolve_history_path(workspace, path)
        chosen = read_change_filter(workspace.prompts, only)
        found = _find_changes(workspace, note, chosen)
        changes = list(islice(found, limit and min(limit, sys.maxsize)))
        for change in changes:
            _print(change, output)
            images = workspace.journal.images(change.id) if with_diff and not as_json else None
            if images:
                texts = (image.decode("utf-8") for image in images)
                output.print_diff("".join(diff_lines(change.path, *texts)))
        proposals = _find_proposed(workspace, note)[:limit] if chosen == ANY_CHANGE else []
    for proposal in proposals:
        _print_proposal(proposal, output)
    if not changes and not proposals:
        output.say("no changes yet")


@click.command()
@click.argument("paths", nargs=-1, type=NOTE_PATH, metavar="[PATH]...")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@common_options
def forget(paths: Sequence[str], yes: bool, vault: Path | None) -> None:
    """Delete what Companion keeps of the text of notes; without PATH, of all.

    That is what was proposed for them, the notes that it was made from, and the notes as they were
    before each change. Open proposals count as refused, and nothing is asked for again. What was
    changed can still be undone: the edits stay, and go with the journal only.
    """
    output = Output()
    if not yes:
        if not output.can_ask:
            raise UsageError("nothing was deleted, for nobody is here to agree; say --yes")
        whose = ", ".join(paths) if paths else "the whole vault"
        if not click.confirm(f"Delete what is kept of the text of {whose}?", err=True):
            output.warn("nothing was deleted")
            return
    running = find_running_daemon(vault, paths)
    with open_session(vault, paths, output=output, read_only=bool(running)) as workspace:
        wanted = [resolve_history_path(workspace, path) for path in paths] or [""]
        number = running.forget(wanted) if running else workspace.journal.forget(wanted)
    output.say(f"the text of {count(number, 'proposal')} was deleted")


def describe(change: Change) -> str:
    """Return what the change did, in a few words."""
    if change.undoes is not None:
        return f"undid change {change.undoes}"
    names = []
    for need in change.needs:  # such as `callout:section:Title`
        kind, where, title = [*need.split(":", 2), "", ""][:3]
        under = "under " if where == "section" else ""
        names.append(f"{kind} {under}“{title}”" if under or title else kind)
    return f"filled {', '.join(names)}" if names else change.kind


def _find_changes(
    workspace: Workspace, place: str | None, chosen: ChangeFilter
) -> Iterator[Change]:
    """Yield the changes that fit, newest first: of one note, those in a folder, or all."""
    is_folder = place is not None and (workspace.root / place).is_dir()
    for change in workspace.journal.changes(path=None if is_folder else place):
        if chosen.keeps(change) and (not is_folder or is_in(change.path, place or "")):
            yield change


def _find_proposed(workspace: Workspace, path: str | None) -> list[Proposal]:
    """Return values that the vault does not use yet, of one note or of all, newest first.

    Left out are those that a change's remark mentions, and what was asked for again since.
    """
    store = workspace.journal.proposals
    latest = store.latest_of_all()
    paths = None if path is None else [path]
    remarks = Counter((each.path, each.note) for each in _find_changes(workspace, path, ANY_CHANGE))
    return [
        each
        for each in store.select(Selection(paths, states=("open", "rejected"), flagged=True))
        if "new-value" in each.flags
        and latest[each.path][each.need].id == each.id
        and not any(each.path == where and _words(each) in note for where, note in remarks)
    ]


def _words(proposal: Proposal) -> str:
    return proposal.reason or proposal.remark


def _print(change: Change, output: Output) -> None:
    if output.as_json:
        output.print_json(ChangeShape.model_validate(change).model_dump())
    when = local_time(change.made_at)
    part = f" [undone, but for {', '.join(change.left)}]" if change.left else ""
    state = part if change.state == "done" else f" [{change.state}]"
    output.say(f"{change.id:>5}  {when}  {one_line(change.path)}{state}", style="bold")
    by = f" by {change.model}" if change.model else ""
    output.say(f"       {describe(change)}{by}  (run {change.run})")
    if change.note:
        output.say(f"       {change.note}", style="dim")


def _print_proposal(proposal: Proposal, output: Output) -> None:
    """Print a value that was only proposed; its JSON object has the keys of a change."""
    where = f"{local_time(proposal.made_at)}  {one_line(proposal.path)}"
    output.say(f"       {where}", style="bold")
    output.say(f"       {_words(proposal)}")
    if output.as_json:
        output.print_json(
            {
                "id": None,
                "run": "",
                "path": proposal.path,
                "kind": "proposal",
                "state": "proposed",
                "made_at": iso_time(proposal.made_at),
                "needs": [proposal.need],
                "model": "",
                "note": _words(proposal),
                "undoes": None,
                "undone_by": None,
                "left": [],
            }
        )
