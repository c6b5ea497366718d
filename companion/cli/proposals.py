"""companion proposals: what models gave for notes, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from itertools import groupby
from pathlib import Path
from typing import get_args

import click

from companion.cli.filter_options import filter_options, read_filter
from companion.cli.output import Output, count, one_line
from companion.cli.proposal_choice import find_paths, sort_by_note
from companion.cli.session import NotePathType, common_options, open_session, say_which_vault
from companion.daemon.api.schemas import iso_time
from companion.vault.proposal import Proposal, ProposalState
from companion.vault.proposals import Selection

_STATES = get_args(ProposalState)


@click.command()
@click.argument("paths", nargs=-1, type=NotePathType(), metavar="[PATH]...")
@filter_options
@click.option("--state", type=click.Choice(_STATES), default="open", show_default=True)
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
        selection = Selection(
            find_paths(workspace, paths), chosen.kind, states=(state,), flagged=flagged or None
        )
        found = [
            each
            for each in sort_by_note(workspace.journal.proposals.select(selection))
            if fits(each.path)
        ]
    if as_json:
        for each in found:
            output.print_json(proposal_object(each))
        return
    for path, group in groupby(found, key=lambda each: each.path):
        output.say(one_line(path), style="bold")
        for each in group:
            _print(each, output)
    _sum_up(found, state, output)


def proposal_object(proposal: Proposal) -> dict[str, object]:
    """Return the JSON object of a proposal."""
    return {
        "id": proposal.id,
        "path": proposal.path,
        "kind": proposal.kind,
        "heading": proposal.heading,
        "text": proposal.value,
        "state": proposal.state,
        "flags": list(proposal.flags),
        "why": proposal.why,
        "reason": proposal.reason or None,
        "model": proposal.model,
        "made_at": iso_time(proposal.made_at),
        "run": proposal.run,
        "change": proposal.change,
    }


def _print(proposal: Proposal, output: Output) -> None:
    text = " ".join(proposal.text.split()) or "(its text was deleted)"
    if proposal.state == "rejected":
        text = ""
    flags = f"  ({', '.join(proposal.flags)})" if proposal.flags else ""
    start = f"  {proposal.id:>5}  {proposal.kind:<12} "
    text = output.shorten(text, len(start) + len(flags))
    output.say(f"{start}{text}{flags}", style="yellow" if flags else "")
    if proposal.reason:
        output.say(f"         {'':<12} {proposal.reason}", style="dim")


def _sum_up(found: Sequence[Proposal], state: ProposalState, output: Output) -> None:
    waits = "wait" if state == "open" else f"are {state}"
    if not found:
        output.say(f"No proposals {waits}.")
        return
    notes = len({each.path for each in found})
    flagged = sum(bool(each.flags) for each in found)
    more = f", {flagged:,} of them flagged" if flagged else ""
    output.say(f"\n{count(len(found), 'proposal')}{more}, for {count(notes, 'note')}", style="bold")
    if state == "open":
        output.say(
            "Go through them: companion review. Write what is not flagged: companion apply --all"
        )
