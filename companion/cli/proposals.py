"""companion proposals, apply and refuse: what models proposed, and decisions on it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import click

from companion.app.open_vault import name_path
from companion.app.types.decisions import Acceptance, DecisionOnAll, Decisions
from companion.app.types.proposals import Proposal, ProposalFilter, ProposalQuery, ProposalState
from companion.app.types.runs import NoteResult
from companion.app.vault import Vault, all_proposals
from companion.cli.enrich import RunReport
from companion.cli.filters import filter_option, filter_options, join_options, parse_time
from companion.cli.output import Output, count, one_line
from companion.cli.session import (
    NOTE_PATH,
    StopSignals,
    common_options,
    open_session_vault,
    say_which_vault,
)
from companion.errors import NotThere, UsageError

if TYPE_CHECKING:
    from companion.app.run import Run

_MAX_DIGITS = 15  # of a proposal's number
_NOT_PRINTED = {"remark", "decided_by", "evidence"}  # of a proposal's JSON object


@click.command()
@click.argument("paths", nargs=-1, type=NOTE_PATH, metavar="[PATH]...")
@filter_options
@click.option(
    "--state",
    type=click.Choice(get_args(ProposalState)),
    default="open",
    show_default=True,
    help="Those in this state; asked: their questions are out in a batch.",
)
@click.option("--flagged", is_flag=True, help="Only flagged ones, to look at closely.")
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
    """List the proposals that wait for you.

    PATH is a note or folder; without one, the whole vault is listed. `companion review` goes
    through them; `companion apply` and `companion refuse` take their numbers. --state lists the
    others.
    """
    output = Output(as_json=as_json)
    with open_session_vault(vault, paths, output=output) as opened:
        say_which_vault(opened.root, output)
        since = parse_time(only.pop("modified_since"))
        query = ProposalQuery.of(state=state, flagged=flagged or None, modified_since=since, **only)
        proposals = find_proposals(opened, paths, query)
    for path, group in groupby(proposals, key=lambda each: each.path):
        output.say(one_line(path), style="bold")
        for each in group:
            _print(each, output)
    waits = {"open": "wait", "asked": "are out in a batch"}.get(state, f"are {state}")
    if not proposals:
        output.say(f"No proposals {waits}.")
        return
    notes = len({each.path for each in proposals})
    flags = sum(bool(each.flags) for each in proposals)
    more = f", {flags:,} of them flagged" if flags else ""
    output.say(
        f"\n{count(len(proposals), 'proposal')}{more}, for {count(notes, 'note')}", style="bold"
    )
    if state == "open":
        output.say("Go through them: companion review")
        if flags < len(proposals):
            output.say("Write what is not flagged: companion apply --all")


def _print(proposal: Proposal, output: Output) -> None:
    if output.as_json:
        output.print_json(proposal_object(proposal))
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


def proposal_object(proposal: Proposal) -> dict[str, object]:
    """Return the JSON object of a proposal."""
    return proposal.model_dump(mode="json", exclude=_NOT_PRINTED)


def find_proposals(vault: Vault, paths: Iterable[str], query: ProposalQuery) -> list[Proposal]:
    """Return the matching proposals of these notes and folders, or of all, sorted by note.

    paths: as typed; notes may be gone. Raises UsageError.
    """
    folders = [name_path(vault, path, Path.cwd()) for path in paths] or [""]
    queries = (query.model_copy(update={"folder": folder}) for folder in folders)
    by_id = {each.id: each for of_one in queries for each in all_proposals(vault, of_one)}
    return _sort_by_note(by_id.values())


def _sort_by_note(proposals: Iterable[Proposal]) -> list[Proposal]:
    """Return the proposals sorted by note, and those of a note by age."""
    return sorted(proposals, key=lambda each: (each.path.casefold(), each.path, each.id))


class _Choice(NamedTuple):
    """The proposals that were chosen. unknown: errors, by the number that names no proposal.

    passed_over: how many were left out because they are flagged.
    """

    proposals: list[Proposal]
    unknown: dict[int, str]
    passed_over: int


def _choose_proposals(
    vault: Vault, whats: Sequence[str], field: str | None, flagged: bool
) -> _Choice:
    """Return the proposals that a script decides on.

    whats: numbers, notes and folders. Flagged proposals are left out, unless `flagged`, or selected
    by number or by their note. Raises UsageError.
    """
    numbers, chosen, unknown = dict[int, str](), dict[int, Proposal](), dict[int, str]()
    for what in filter(str.isdecimal, whats):
        if len(what) > _MAX_DIGITS:
            raise NotThere(f"there is no proposal {what[:20]}…")
        numbers[int(what)] = what
        with suppress(NotThere):
            chosen[int(what)] = vault.proposal(int(what))
    paths = [what for what in whats if not what.isdecimal()]
    of_paths = find_proposals(vault, paths, ProposalQuery.of(field=field)) if paths else []
    names = (name_path(vault, path, Path.cwd()) for path in paths)
    notes = {path for path in names if not (vault.root / path).is_dir()}
    for each in of_paths:
        if flagged or not each.flags or each.path in notes:
            chosen[each.id] = each
    for number, typed in numbers.items():
        if number not in chosen:
            is_file = any((base / typed).exists() for base in (Path.cwd(), vault.root))
            hint = f"./{typed} names the file or folder" if is_file else "see companion proposals"
            unknown[number] = f"there is no proposal {number}; {hint}"
    passed_over = sum(each.id not in chosen for each in of_paths)
    return _Choice(_sort_by_note(chosen.values()), unknown, passed_over)


Decision = Literal["accept", "refuse"]

_which_options = join_options(
    click.argument("whats", nargs=-1, type=NOTE_PATH, metavar="[ID | PATH]..."),
    click.option("--run", metavar="RUN", help="The open proposals of this run."),
    click.option("--all", "every", is_flag=True, help="All open proposals of the vault."),
    filter_option("--field", "NAME", "Only those for this field."),
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
            choice = _choose_proposals(opened, whats, field, flagged)
            decided: Run = _decide_on(opened, decision, choice.proposals)
        else:
            only = ProposalFilter.of(field=field, run=run, flagged=None if flagged else False)
            choice = _count_flagged(opened, only)
            decided = opened.decide_all(only, DecisionOnAll(decision=decision))
        report = _DecisionReport(output, choice)
        with StopSignals(output, decided.cancel) as interruption:
            report.follow(decided, "Deciding")
    return interruption.exit_status or report.exit_status


def _decide_on(vault: Vault, decision: Decision, proposals: Sequence[Proposal]) -> Run:
    """Return a run that decides on these proposals."""
    from companion.app.run import Run  # which listing them does not need

    def decide(run: Run) -> Iterator[NoteResult]:
        decisions = Decisions(refuse=[each.id for each in proposals], run=run.id)
        if decision == "accept":
            decisions = Decisions(accept=list(map(Acceptance.of_shown, proposals)), run=run.id)
        for note in vault.decide(decisions) if proposals else ():
            yield note.result

    return Run(decision, len({each.path for each in proposals}), decide)


def _count_flagged(vault: Vault, only: ProposalFilter) -> _Choice:
    """Return how many flagged proposals a filter leaves out. Raises NotThere if there is no run."""
    run = only.run
    if run is not None and not vault.proposals(ProposalQuery(run=run, state="all", limit=1)).total:
        raise NotThere(f"no run {run} proposed anything; companion proposals lists what waits")
    passed_over = 0
    if only.flagged is False:
        flagged = only.model_copy(update={"flagged": True})
        passed_over = len(vault.proposal_ids(flagged).ids)
    return _Choice([], {}, passed_over)


class _DecisionReport(RunReport):
    """Prints the results for notes, and counts them."""

    def __init__(self, output: Output, choice: _Choice) -> None:
        super().__init__(output)
        self.choice = choice
        self._has_failed = bool(choice.unknown)
        for number, reason in choice.unknown.items():
            failed = NoteResult(path="", status="failed", reason=reason, proposals=[number])
            self.print_result(failed)

    def add(self, result: NoteResult) -> None:
        """Print a result and count it."""
        super().add(result)
        self._has_failed |= any(each.reason for each in result.decided)

    def sum_up(self, run: Run) -> None:
        """Print how many notes had which result, and the command that takes it back."""
        counts, say = self.counts, self.output.say
        undone = run.total - counts.total()
        if not (counts or run.total or self.choice.unknown):
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
