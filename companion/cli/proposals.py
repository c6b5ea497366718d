"""companion proposals, apply and refuse: what models proposed, and decisions on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import click

from companion.app.open_vault import name_path
from companion.app.types.proposals import (
    Acceptance,
    Decisions,
    Proposal,
    ProposalQuery,
    ProposalState,
)
from companion.app.vault import Vault, all_proposals
from companion.cli.enrich import RunReport
from companion.cli.output import Output, count, one_line
from companion.cli.session import (
    NOTE_PATH,
    StopSignals,
    common_options,
    field_option,
    filter_options,
    join_options,
    open_session_vault,
)
from companion.errors import UsageError

if TYPE_CHECKING:
    from companion.app.run import Run

_NOT_PRINTED = {"remark", "decided_by", "evidence"}  # of a proposal's JSON object


@click.command()
@click.argument("paths", nargs=-1, type=NOTE_PATH, metavar="[PATH]...")
@filter_options
@click.option(
    "--state",
    type=click.Choice([*get_args(ProposalState), "all"]),
    default="open",
    show_default=True,
    help="Those in this state; asked: their questions are out in a batch.",
)
@click.option("--flagged", is_flag=True, help="Only flagged ones, to look at closely.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a proposal.")
@common_options
def proposals(
    paths: Sequence[str],
    state: str,
    flagged: bool,
    as_json: bool,
    vault: Path | None,
    **only: str | None,
) -> None:
    """List the proposals that wait for you.

    PATH is a note or folder; without one, the whole vault is listed. `companion review` goes
    through them; `companion apply` and `companion refuse` take their numbers. --state lists the
    others.
    """
    output = Output(as_json=as_json)
    with open_session_vault(vault, paths, output=output) as opened:
        query = ProposalQuery.of(state=state, flagged=flagged or None, **only)
        proposals = find_proposals(opened, paths, query)
    for path, group in groupby(proposals, key=lambda each: each.path):
        output.say(one_line(path), style="bold")
        for each in group:
            _print(each, output)
    if not proposals:
        output.say("No proposals wait." if state == "open" else "There are none.")
        return
    notes = len({each.path for each in proposals})
    flags = sum(bool(each.flags) for each in proposals)
    more = f", {flags:,} of them flagged" if flags else ""
    summary = f"{count(len(proposals), 'proposal')}{more}, for {count(notes, 'note')}"
    output.say(f"\n{summary}", style="bold")
    if state == "open":
        output.say("Go through them: companion review")
        if flags < len(proposals):
            output.say("Write what is not flagged: companion apply --all")


def _print(proposal: Proposal, output: Output) -> None:
    if output.as_json:
        output.print_json(proposal.model_dump(mode="json", exclude=_NOT_PRINTED))
    between = " " if proposal.kind == "callout" else ", "
    text = between.join(filter(str.strip, proposal.lines.split("\n")))
    text = " ".join(text.split()) or "(its text was deleted)"
    if proposal.state == "rejected":
        text = ""
    flags = f"  ({', '.join(proposal.flags)})" if proposal.flags else ""
    start = f"  {proposal.id:>5}  {proposal.kind:<12} "
    if output.out.is_terminal:
        text = output.clip(text, len(start) + len(flags))
    output.say(f"{start}{text}{flags}", style="yellow" if flags else "")
    if proposal.reason:
        output.say(f"         {'':<12} {proposal.reason}", style="dim")


def find_proposals(vault: Vault, paths: Iterable[str], query: ProposalQuery) -> list[Proposal]:
    """Return the matching proposals of these notes and folders, or of all, by note and by age.

    paths: as typed; notes may be gone. Raises UsageError.
    """
    folders = [name_path(vault, path, Path.cwd()) for path in paths] or [""]
    queries = (query.model_copy(update={"path": folder}) for folder in folders)
    by_id = {each.id: each for of_one in queries for each in all_proposals(vault, of_one)}
    return sorted(by_id.values(), key=lambda each: (each.path.casefold(), each.path, each.id))


_which_options = join_options(
    click.argument("whats", nargs=-1, type=NOTE_PATH, metavar="[ID | PATH]..."),
    click.option("--run", metavar="RUN", help="The open proposals of this run."),
    click.option("--all", "every", is_flag=True, help="All open proposals of the vault."),
    field_option,
    click.option("--flagged", is_flag=True, help="Include flagged proposals."),
    click.option("--json", "as_json", is_flag=True, help="Print one JSON object a note."),
    common_options,
)
"""Adds the arguments of a command that decides on proposals."""


@click.command()
@_which_options
def apply(**which: Any) -> int:
    """Write proposals into their notes.

    No model is asked. ID is a number from `companion proposals`, even of a refused or rejected
    proposal; PATH means all open ones for this note or folder (`./2024` if its name is a number).
    With a folder, --run or --all, flagged proposals are left for you to look at; --flagged includes
    them.

    Each is written into its note as the note is now. A proposal that the note no longer needs is
    closed, with the reason.
    """
    return _decide("accept", **which)


@click.command()
@_which_options
def refuse(**which: Any) -> int:
    """Refuse proposals.

    They are not asked for again. ID is a number from `companion proposals`; PATH means all open
    ones for this note or folder (`./2024` if its name is a number). With a folder, --run or --all,
    flagged proposals are left for you to look at; --flagged includes them. `companion apply ID`
    still writes a refused one, and `companion undo --run RUN` reopens them all.
    """
    return _decide("refuse", **which)


def _decide(
    decision: Literal["accept", "refuse"],
    *,
    vault: Path | None,
    whats: Sequence[str],
    run: str | None,
    every: bool,
    field: str | None,
    flagged: bool,
    as_json: bool,
) -> int:
    """Decide on the chosen proposals, and return the exit status."""
    output = Output(as_json=as_json)
    if sum([bool(whats), run is not None, every]) != 1:
        raise UsageError("say which ones: numbers, notes or folders; or --run RUN; or --all")
    named = [what for what in whats if not what.isdecimal()]
    numbers = [int(what) for what in whats if what.isdecimal()]
    with open_session_vault(vault, named, output=output) as opened:
        query = ProposalQuery.of(field=field, run=run)
        found = find_proposals(opened, named, query) if named or not whats else []
        notes = {name_path(opened, path, Path.cwd()) for path in named}
        chosen = [each for each in found if flagged or not each.flags or each.path in notes]
        shown = {each.id: each for each in (*map(opened.proposal, numbers), *chosen)}
        decisions = Decisions(refuse=list(shown))
        if decision == "accept":
            decisions = Decisions(accept=list(map(Acceptance.of_shown, shown.values())))
        decided = opened.decide(decisions)
        report = _DecisionReport(output)
        with StopSignals(output, decided.cancel) as interruption:
            report.follow(decided, "Deciding")
        if passed_over := len(found) - len(chosen):
            output.say(
                f"{count(passed_over, 'flagged proposal')} left for a closer look: companion review"
                " --flagged, or --flagged here"
            )
    return interruption.exit_status or report.exit_status


class _DecisionReport(RunReport):
    """Prints the results for notes, and counts them."""

    def sum_up(self, run: Run) -> None:
        """Print how many notes had which result, and the command that takes it back."""
        counts, say = self.counts, self.output.say
        if not counts:
            say("Nothing waits here.")
            return
        words = [f"{number:,} {status}" for status, number in counts.items()]
        if undone := run.total - counts.total():
            words.append(f"{undone:,} not done")
        say(f"\n{count(counts.total(), 'note')}: {', '.join(words)}.", style="bold")
        if counts["enriched"] or counts["refused"]:
            say(f"To take it all back: companion undo --run {run.id}")
