"""companion apply and companion refuse: decide on proposals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import click

from companion.app.run import DecisionRun, Run
from companion.app.types.decisions import Acceptance, DecisionOnAll, Decisions
from companion.app.types.proposals import Proposal, ProposalFilter, ProposalQuery
from companion.app.types.runs import Decided, NoteResult
from companion.app.vault import Vault
from companion.cli.filters import join_options
from companion.cli.interrupts import StopSignals
from companion.cli.output import Output, count
from companion.cli.proposals import Choice, choose_proposals
from companion.cli.run_report import RunReport
from companion.cli.session import NOTE_PATH, common_options, open_session_vault, say_which_vault
from companion.errors import NotThere, UsageError

Decision = Literal["accept", "refuse"]

_which_options = join_options(
    click.argument("whats", nargs=-1, type=NOTE_PATH, metavar="[ID | PATH]..."),
    click.option("--run", metavar="RUN", help="The open proposals of this run."),
    click.option("--all", "every", is_flag=True, help="All open proposals of the vault."),
    click.option("--field", metavar="NAME", help="Only those for this field."),
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
    decision: Decision,
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
    with open_session_vault(vault, named, output=output) as opened:
        say_which_vault(opened.root, output)
        if whats:
            choice = choose_proposals(opened, whats, field=field, flagged=flagged)
            decided: Run = _decide_on(opened, decision, choice.proposals)
        else:
            only = ProposalFilter.of(field=field, run=run, flagged=None if flagged else False)
            choice = _count_flagged(opened, only)
            decided = opened.decide_all(only, DecisionOnAll(decision=decision))
        report = _DecisionReport(output, choice)
        with StopSignals(output, decided.cancel) as interruption:
            report.follow(decided, "Deciding")
    return interruption.exit_status or report.exit_status


def _decide_on(vault: Vault, decision: Decision, proposals: Sequence[Proposal]) -> DecisionRun:
    """Return a run that decides on these proposals."""

    def decide(run: str) -> Iterator[NoteResult]:
        decisions = Decisions(refuse=[each.id for each in proposals], run=run)
        if decision == "accept":
            decisions = Decisions(accept=list(map(Acceptance.of_shown, proposals)), run=run)
        for note in vault.decide(decisions) if proposals else ():
            yield note.result

    return DecisionRun(decision, len({each.path for each in proposals}), decide)


def _count_flagged(vault: Vault, only: ProposalFilter) -> Choice:
    """Return how many flagged proposals a filter leaves out. Raises NotThere if there is no run."""
    run = only.run
    if run is not None and not vault.proposals(ProposalQuery(run=run, state="all", limit=1)).total:
        raise NotThere(f"no run {run} proposed anything; companion proposals lists what waits")
    passed_over = 0
    if only.flagged is False:
        flagged = only.model_copy(update={"flagged": True})
        passed_over = vault.count_proposals(flagged).total
    return Choice([], {}, passed_over)


class _DecisionReport(RunReport):
    """Prints the results for notes, and counts them."""

    def __init__(self, output: Output, choice: Choice) -> None:
        super().__init__(output)
        self.choice = choice
        self._has_failed = False
        for number, reason in choice.unknown.items():
            decided = Decided(id=number, state=None, reason=reason)
            failed = NoteResult(path="", status="failed", reason=reason, proposals=[number])
            self.add(failed.model_copy(update={"decided": [decided]}))

    def add(self, result: NoteResult) -> None:
        """Print a result and count it."""
        super().add(result)
        self._has_failed |= any(each.reason for each in result.decided)

    def sum_up(self, run: Run) -> None:
        """Print how many notes had which result, and the command that takes it back."""
        counts, say = self.counts, self.output.say
        undone = run.total - counts.total() + len(self.choice.unknown)
        if not counts and not run.total:
            say("Nothing waits here.")
        elif counts:
            words = [f"{number:,} {status}" for status, number in counts.items()]
            words += [f"{undone:,} not done"] if undone else []
            say(f"\n{count(counts.total(), 'note')}: {', '.join(words)}.", style="bold")
            if undone:
                say("Your decisions so far took effect; run the command again for the rest.")
        if counts["enriched"] or counts["refused"]:
            say(f"To take it all back: companion undo --run {run.id}")
        if passed := self.choice.passed_over:
            wait = "waits" if passed == 1 else "wait"
            say(
                f"{count(passed, 'flagged proposal')} {wait} for a closer look: companion review"
                " --flagged; --flagged here includes them"
            )

    @property
    def exit_status(self) -> int:
        """The exit status if nobody interrupted it."""
        return int(self._has_failed)
