"""companion apply and companion refuse: decide on proposals, by the daemon where one runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from threading import Event
from typing import Any

import click

from companion.cli.filters import join_options
from companion.cli.interrupts import stop_on_signals
from companion.cli.output import Output, count
from companion.cli.proposals import Choice, choose_proposals
from companion.cli.run_report import RunReport
from companion.cli.session import (
    NOTE_PATH,
    common_options,
    find_running_daemon,
    open_session,
    say_which_vault,
)
from companion.daemon.daemon_client import RemoteDecisions
from companion.enrich.decisions import Decisions
from companion.enrich.note_filter import find_kind
from companion.enrich.run import Decided, NoteDecision, Result, new_run, sum_up
from companion.errors import CompanionError
from companion.python_api import Vault
from companion.vault.proposal import TAKEABLE, Acceptance, Proposal

AnyDecisions = Decisions | RemoteDecisions
Decide = Callable[[AnyDecisions, Sequence[Proposal]], Iterator[NoteDecision]]

_BATCH = 50  # proposals that are decided on at once
_which_options = join_options(
    click.argument("whats", nargs=-1, type=NOTE_PATH, metavar="[ID | PATH]..."),
    click.option("--run", metavar="RUN", help="All open ones that this run of enrich made."),
    click.option("--all", "every", is_flag=True, help="All that are open, in the whole vault."),
    click.option("--field", metavar="NAME", help="Only for this field."),
    click.option("--flagged", is_flag=True, help="Not without those that wait for a look."),
    click.option("--json", "as_json", is_flag=True, help="Print one JSON object a note."),
    common_options,
)
"""Adds the arguments of a command that decides on proposals."""


@click.command()
@_which_options
def apply(**which: Any) -> int:
    """Write proposals into their notes; no model is asked.

    ID is a number from `companion proposals`, also of a refused or rejected one; PATH stands for
    all that are open for this note, or in this folder (`./2024`, where its name is a number). In a
    folder, with --run and with --all those with flags are left out, for you to look at first;
    --flagged takes them, too.

    Each is placed in its note as that is now. What a note needs no more is closed, and the reason
    is told.
    """
    run = new_run()

    def accept(decisions: AnyDecisions, chosen: Sequence[Proposal]) -> Iterator[NoteDecision]:
        states = {each.id: each.state if each.state in TAKEABLE else "open" for each in chosen}
        wishes = [Acceptance(id_, None, (state,)) for id_, state in states.items()]
        return decisions.accept(wishes, run=run)

    return _decide(accept, f"companion undo --run {run}", **which)


@click.command()
@_which_options
def refuse(**which: Any) -> int:
    """Refuse proposals; what they are for is not asked for again.

    ID is a number from `companion proposals`; PATH stands for all that are open for this note, or
    in this folder (`./2024`, where its name is a number). In a folder, with --run and with --all
    those with flags are left out, for you to look at first; --flagged takes them, too. `companion
    apply ID` still writes a refused one.
    """

    def refuse_all(decisions: AnyDecisions, chosen: Sequence[Proposal]) -> Iterator[NoteDecision]:
        return decisions.refuse([each.id for each in chosen])

    return _decide(refuse_all, **which)


def _decide(
    decide: Decide,
    back: str = "",
    *,
    vault: Path | None,
    whats: Sequence[str],
    field: str | None,
    as_json: bool,
    **which: Any,
) -> int:
    """Decide on the proposals that are meant, and return the exit status.

    back: the command that takes it back, if there is one.
    """
    output = Output(as_json=as_json)
    named = [what for what in whats if not what.isdecimal()]
    running = find_running_daemon(vault, named, asks=False)
    with open_session(vault, named, output=output, read_only=bool(running)) as workspace:
        say_which_vault(workspace.root, output)
        kind = find_kind(workspace.prompts, field)
        choice = choose_proposals(workspace, whats, kind=kind, **which)
        report = _DecisionReport(output, choice)
        cancelled = Event()
        with (
            Vault(workspace.root, workspace, running).decisions() as decisions,
            stop_on_signals(output, cancelled, bool) as interruption,
        ):
            made = decide_in_batches(decisions, choice.proposals, decide)
            fault = report.follow(made, cancelled)
    report.sum_up(back)
    if fault:
        raise fault
    return interruption.exit_status or int(report.has_failed)


class _DecisionReport:
    """Prints what became of the notes, and counts it."""

    def __init__(self, output: Output, choice: Choice) -> None:
        self.output = output
        self.choice = choice
        self.has_failed = False
        self._seen = set[int]()
        self._report = RunReport(output)
        for number, reason in choice.unknown.items():
            self._add(sum_up(Result("", "failed"), [Decided(number, None, reason)]))

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
            left = len({each.path for each in rest})
            words = [f"{number:,} {status}" for status, number in counts.items()]
            words += [f"{left:,} not done"] if left else []
            say(f"\n{count(counts.total(), 'note')}: {', '.join(words)}.", style="bold")
            if left:
                say("What was decided is done; the same command does the rest.")
        if back and counts["enriched"]:
            say(f"To take it all back: {back}")
        if passed := self.choice.passed_over:
            wait = "waits" if passed == 1 else "wait"
            say(
                f"{count(passed, 'flagged proposal')} {wait} for a look: companion review --flagged"
                "; or take them, too, with --flagged"
            )

    def _add(self, decision: NoteDecision) -> None:
        self._report.add(decision.result)
        self._seen.update(each.id for each in decision.proposals)
        self.has_failed |= any(each.reason for each in decision.proposals)


def decide_in_batches(
    decisions: AnyDecisions, proposals: Iterable[Proposal], decide: Decide
) -> Iterator[NoteDecision]:
    """Yield what is decided on proposals that are sorted by note; those of a note at once."""
    batch: list[Proposal] = []
    for _, group in groupby(proposals, key=lambda each: each.path):
        of_note = list(group)
        if batch and len(batch) + len(of_note) > _BATCH:
            yield from decide(decisions, batch)
            batch = []
        batch += of_note
    if batch:
        yield from decide(decisions, batch)
