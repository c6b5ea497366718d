"""companion proposals: what models gave for notes, what became of it, and how to name some."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache, partial
from itertools import groupby
from pathlib import Path
from typing import NamedTuple, get_args

import click

from companion.app.types import proposals as types
from companion.cli.filters import filter_options, read_filter
from companion.cli.output import Output, count, one_line
from companion.cli.session import (
    NOTE_PATH,
    common_options,
    open_session,
    resolve_history_path,
    say_which_vault,
)
from companion.enrich.workspace import Workspace
from companion.errors import NotThere, UsageError
from companion.note.needs import CALLOUT
from companion.vault.proposal import Proposal, ProposalState
from companion.vault.proposals import Selection

_MAX_DIGITS = 100  # that are read as a number; Python reads some thousands
_NOT_PRINTED = {"remark", "decided_by", "evidence"}  # of a proposal's JSON object


@click.command()
@click.argument("paths", nargs=-1, type=NOTE_PATH, metavar="[PATH]...")
@filter_options
@click.option(
    "--state",
    type=click.Choice(get_args(ProposalState)),
    default="open",
    show_default=True,
    help="What became of them; asked: their questions are out in a batch.",
)
@click.option("--flagged", is_flag=True, help="Only those that somebody should look at.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a proposal.")
@common_options
def proposals(
    paths: Sequence[str],
    state: ProposalState,
    flagged: bool,
    as_json: bool,
    vault: Path | None,
    **only: str | None,
) -> None:
    """List the proposals that wait for a decision, for notes and folders or the whole vault.

    `companion review` goes through them; `companion apply` and `companion refuse` decide on them
    by their numbers, which stand first. With --state it lists what became of others.
    """
    output = Output(as_json=as_json)
    with open_session(vault, paths, output=output, read_only=True) as workspace:
        say_which_vault(workspace.root, output)
        chosen = read_filter(workspace.prompts, only)
        fits = cache(partial(chosen.keeps, workspace.root))
        found = find_proposals(workspace, paths, chosen.kind, flagged, state)
        found = [each for each in found if fits(each.path)]
    for path, group in groupby(found, key=lambda each: each.path):
        output.say(one_line(path), style="bold")
        for each in group:
            _print(each, output)
    waits = {"open": "wait", "asked": "are out in a batch"}.get(state, f"are {state}")
    if not found:
        output.say(f"No proposals {waits}.")
        return
    notes = len({each.path for each in found})
    flags = sum(bool(each.flags) for each in found)
    more = f", {flags:,} of them flagged" if flags else ""
    output.say(f"\n{count(len(found), 'proposal')}{more}, for {count(notes, 'note')}", style="bold")
    if state == "open":
        output.say(
            "Go through them: companion review. Write what is not flagged: companion apply --all"
        )


def _print(proposal: Proposal, output: Output) -> None:
    if output.as_json:
        output.print_json(proposal_object(proposal))
    between = " " if proposal.kind == CALLOUT else ", "
    text = between.join(filter(str.strip, proposal.text.split("\n")))
    text = " ".join(text.split()) or "(its text was deleted)"
    if proposal.state == "rejected":
        text = ""
    flags = f"  ({', '.join(proposal.flags)})" if proposal.flags else ""
    start = f"  {proposal.id:>5}  {proposal.kind:<12} "
    text = output.shorten(text, len(start) + len(flags))
    output.say(f"{start}{text}{flags}", style="yellow" if flags else "")
    if proposal.reason:
        output.say(f"         {'':<12} {proposal.reason}", style="dim")


def proposal_object(proposal: Proposal) -> dict[str, object]:
    """Return the JSON object of a proposal."""
    return types.Proposal.of(proposal).model_dump(mode="json", exclude=_NOT_PRINTED)


def find_proposals(
    workspace: Workspace,
    paths: Iterable[str],
    kind: str | None,
    flagged: bool,
    state: ProposalState = "open",
) -> list[Proposal]:
    """Return the proposals for these notes and folders, else for all, by their note.

    paths: as the user typed them; a note that was deleted or moved can be named, too. kind: of
    the need; None for any. flagged: only those with flags.

    Raises UsageError.
    """
    named = [resolve_history_path(workspace, path) for path in paths] or None
    selection = Selection(named, kind, states=(state,), flagged=flagged or None)
    return sort_by_note(workspace.journal.proposals.select(selection))


def sort_by_note(proposals: Iterable[Proposal]) -> list[Proposal]:
    """Return the proposals by their note, and those of a note in the order of their making."""
    return sorted(proposals, key=lambda each: (each.path.casefold(), each.path, each.id))


class Choice(NamedTuple):
    """What was chosen. unknown: in words, that there is no such proposal, by the number named.

    passed_over: how many are left out, since somebody should look at them first.
    """

    proposals: list[Proposal]
    unknown: dict[int, str]
    passed_over: int


def choose_proposals(
    workspace: Workspace,
    whats: Sequence[str],
    *,
    kind: str | None,
    run: str | None,
    every: bool,
    flagged: bool,
) -> Choice:
    """Return the proposals that a script decides on.

    whats: numbers, notes and folders. run: all of that run. every: all that are open. Those with
    flags are left out unless flagged, or unless they are named by number or by their note.

    Raises UsageError if nothing is named, or a path is unknown; NotThere if a run is.
    """
    if sum([bool(whats), run is not None, every]) != 1:
        raise UsageError("say which ones: numbers, notes or folders; or --run RUN; or --all")
    store, numbers = workspace.journal.proposals, [what for what in whats if what.isdecimal()]
    if too_long := [number for number in numbers if len(number) > _MAX_DIGITS]:
        raise NotThere(f"there is no proposal {too_long[0][:20]}…")
    ids = {int(number): number for number in numbers}
    numbered = store.get_all(ids)
    paths = [resolve_history_path(workspace, what) for what in whats if not what.isdecimal()]
    found: list[Proposal] = []
    if paths or not whats:
        found = store.select(Selection(paths or None, kind, states=("open",), run=run))
    if run is not None and not store.count(Selection(run=run)):
        raise NotThere(f"no run {run} proposed anything; companion proposals lists what waits")
    notes = {path for path in paths if not (workspace.root / path).is_dir()}
    taken = [each for each in found if flagged or not each.flags or each.path in notes]
    known = {each.id for each in numbered}
    chosen = {each.id: each for each in [*numbered, *taken]}
    return Choice(
        sort_by_note(chosen.values()),
        {id_: _no_such(workspace.root, id_, ids[id_]) for id_ in ids if id_ not in known},
        sum(each.id not in chosen for each in found),
    )


def _no_such(root: Path, number: int, typed: str) -> str:
    """Return in words that there is no such proposal, and how a file of that name is named."""
    is_file = any((base / typed).exists() for base in (Path.cwd(), root))
    hint = f"; ./{typed} names the file or folder" if is_file else ""
    return f"there is no proposal {number}{hint}"
