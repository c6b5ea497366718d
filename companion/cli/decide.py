"""companion apply and companion refuse: decide on proposals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from threading import Event
from typing import Any

import click

from companion.app.types.decisions import Acceptance, Decided, Decisions, NoteDecision
from companion.app.types.proposals import Proposal
from companion.app.vault import new_run
from companion.cli.filters import join_options
from companion.cli.interrupts import stop_on_signals
from companion.cli.output import Output, count
from companion.cli.proposals import Choice, choose_proposals
from companion.cli.run_report import RunReport
from companion.cli.session import NOTE_PATH, common_options, open_session_vault, say_which_vault
from companion.errors import CompanionError

Decide = Callable[[Sequence[Proposal]], Decisions]

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

    No model is asked. ID is a number from `companion proposals`, also of a refused or rejected one;
    PATH means all open ones of this note or folder (`./2024`, where its name is a number). For a
    folder, --run and --all, flagged proposals are left for you to look at; --flagged includes them.

    Each goes into its note as the note is now. A proposal that the note no longer needs is closed,
    with the reason.
    """
    run = new_run()

    def accept(proposals: Sequence[Proposal]) -> Decisions:
        return Decisions(accept=list(map(Acceptance.of_shown, proposals)), run=run)

    return _decide(accept, f"companion undo --run {run}", **which)


@click.command()
@_which_options
def refuse(**which: Any) -> int:
    """Refuse proposals.

    They are not asked for again. ID is a number from `companion proposals`; PATH means all open
    ones of this note or folder (`./2024`, where its name is a number). For a folder, --run and
    --all, flagged proposals are left for you to look at; --flagged includes them. `companion apply
    ID` still writes a refused one.
    """

    return _decide(lambda proposals: Decisions(refuse=[each.id for each in proposals]), **which)


def _decide(
    decide: Decide,
    back: str = "",
    *,
    vault: Path | None,
    whats: Sequence[str],
    as_json: bool,
    **which: Any,
) -> int:
    """Decide on the chosen proposals, and return the exit status.

    back: the command that takes it back, if there is one.
    """
    output = Output(as_json=as_json)
    named = [what for what in whats if not what.isdecimal()]
    with open_session_vault(vault, named, output=output) as opened:
        say_which_vault(opened.root, output)
        choice = choose_proposals(opened, whats, **which)
        report = _DecisionReport(output, choice)
        cancelled = Event()
        with stop_on_signals(output, cancelled.set) as interruption:
            made = opened.decide(decide(choice.proposals)) if choice.proposals else ()
            fault = report.follow(made, cancelled)
    report.sum_up(back)
    if fault:
        raise fault
    return interruption.exit_status or int(report.has_failed)


class _DecisionReport:
    """Prints the results for notes, and counts them."""

    def __init__(self, output: Output, choice: Choice) -> None:
        self.output = output
        self.choice = choice
        self.has_failed = False
        self._seen = set[int]()
        self._report = RunReport(output)
        for number, reason in choice.unknown.items():
            decided = Decided(id=number, state=None, reason=reason)
            self._add(NoteDecision.unknown(decided))

    def follow(self, made: Iterable[NoteDecision], cancelled: Event) -> CompanionError | None:
        """Print what is decided, until it is cancelled; return what stopped it early."""
        notes = len({each.path for each in self.choice.proposals})
        with self.output.progress("Deciding", notes) as bar:
            try:
                for decision in made:
                    self._add(decision)
                    bar.advance()
                    if cancelled.is_set():
                        break
            except CompanionError as error:
                return error
        return None

    def sum_up(self, back: str) -> None:
        """Print how many notes had which result. back: the command that takes it back, if any."""
        counts, say = self._report.counts, self.output.say
        if not counts and not self.choice.proposals:
            say("Nothing waits here.")
        elif counts:
            rest = (each for each in self.choice.proposals if each.id not in self._seen)
            undone = len({each.path for each in rest})
            words = [f"{number:,} {status}" for status, number in counts.items()]
            words += [f"{undone:,} not done"] if undone else []
            say(f"\n{count(counts.total(), 'note')}: {', '.join(words)}.", style="bold")
            if undone:
                say("What was decided is done; the same command does the rest.")
        if back and counts["enriched"]:
            say(f"To take it all back: {back}")
        if passed := self.choice.passed_over:
            wait = "waits" if passed == 1 else "wait"
            say(
                f"{count(passed, 'flagged proposal')} {wait} for a closer look: companion review"
                " --flagged; --flagged here includes them"
            )

    def _add(self, decision: NoteDecision) -> None:
        self._report.add(decision.result)
        self._seen.update(each.id for each in decision.proposals)
        self.has_failed |= any(each.reason for each in decision.proposals)
