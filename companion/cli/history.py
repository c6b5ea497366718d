"""companion history: what was changed, newest first."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import click

from companion.cli.change_filter import (
    ANY_CHANGE,
    ChangeFilter,
    change_options,
    read_change_filter,
)
from companion.cli.output import Output, one_line
from companion.cli.session import NotePathType, common_options, open_session, resolve_history_path
from companion.cli.times import local_time
from companion.daemon.api.change_schemas import ChangeShape
from companion.daemon.api.schemas import iso_time
from companion.enrich.workspace import Workspace
from companion.note.diff import diff_lines
from companion.python_api import Vault
from companion.vault.journal import Change
from companion.vault.proposal import Proposal
from companion.vault.proposals import Selection


@click.command()
@click.argument("path", required=False, type=NotePathType(), metavar="[PATH]")
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
            if as_json:
                output.print_json(ChangeShape.of(change).model_dump())
                continue
            _print(change, output)
            if with_diff and (images := workspace.journal.images(change.id)):
                texts = (image.decode("utf-8") for image in images)
                output.print_diff("".join(diff_lines(change.path, *texts)))
        proposals = _find_proposed(workspace, note)[:limit] if chosen == ANY_CHANGE else []
    for proposal in proposals:
        if as_json:
            output.print_json(proposal_object(proposal))
        else:
            output.say(
                f"       {local_time(proposal.made_at)}  {one_line(proposal.path)}", style="bold"
            )
            output.say(f"       {_words(proposal)}")
    if not changes and not proposals:
        output.say("no changes yet")


def proposal_object(proposal: Proposal) -> dict[str, object]:
    """Return the JSON object of a value that was only proposed, with the keys of a change."""
    return {
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


def describe(change: Change) -> str:
    """Return what the change did, in a few words."""
    if change.undoes is not None:
        return f"undid change {change.undoes}"
    names = ", ".join(map(_describe_need, change.needs))
    return f"filled {names}" if names else change.kind


def is_in(path: str, place: str) -> bool:
    """Return whether the note at path is the one at place, or in that folder; `""`: the vault."""
    return not place or f"{path}/".startswith(f"{place}/")


def _find_changes(
    workspace: Workspace, place: str | None, chosen: ChangeFilter
) -> Iterator[Change]:
    """Yield the changes that fit, newest first: of one note, those in a folder, or all."""
    is_folder = place is not None and (workspace.root / place).is_dir()
    for change in Vault(workspace.root, workspace).history(None if is_folder else place):
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


def _describe_need(need: str) -> str:
    """Return the key of a need, such as `callout:section:Title`, in words."""
    kind, _, rest = need.partition(":")
    where, _, title = rest.partition(":")
    if where == "section":
        return f"{kind} under “{title}”"
    return f"{kind} “{title}”" if title else kind


def _print(change: Change, output: Output) -> None:
    when = local_time(change.made_at)
    part = f" [undone, but for {', '.join(change.left)}]" if change.left else ""
    state = part if change.state == "done" else f" [{change.state}]"
    output.say(f"{change.id:>5}  {when}  {one_line(change.path)}{state}", style="bold")
    by = f" by {change.model}" if change.model else ""
    output.say(f"       {describe(change)}{by}  (run {change.run})")
    if change.note:
        output.say(f"       {change.note}", style="dim")
