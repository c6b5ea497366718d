"""companion proposals: what models proposed for notes, its state, and how to select proposals."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from pathlib import Path
from typing import NamedTuple, get_args

import click

from companion.app.open_vault import name_path
from companion.app.types.proposals import Proposal, ProposalQuery, ProposalState
from companion.app.vault import Vault, all_proposals
from companion.cli.filters import filter_options, parse_time
from companion.cli.output import Output, count, one_line
from companion.cli.session import NOTE_PATH, common_options, open_session_vault, say_which_vault
from companion.errors import NotThere

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
    with open_session_vault(vault, paths, output=output, read_only=True) as opened:
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
    text = output.shorten(text, len(start) + len(flags))
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
    return sort_by_note(by_id.values())


def sort_by_note(proposals: Iterable[Proposal]) -> list[Proposal]:
    """Return the proposals sorted by note, and those of a note by age."""
    return sorted(proposals, key=lambda each: (each.path.casefold(), each.path, each.id))


class Choice(NamedTuple):
    """The proposals that were chosen. unknown: errors, by the number that names no proposal.

    passed_over: how many were left out because they are flagged.
    """

    proposals: list[Proposal]
    unknown: dict[int, str]
    passed_over: int


def choose_proposals(
    vault: Vault,
    whats: Sequence[str],
    *,
    field: str | None,
    flagged: bool,
) -> Choice:
    """Return the proposals that a script decides on.

    whats: numbers, notes and folders. Flagged proposals are left out, unless `flagged`, or selected
    by number or by their note. Raises UsageError.
    """
    numbers = {int(what): what for what in whats if _is_number(what)}
    paths = [what for what in whats if not what.isdecimal()]
    of_paths = find_proposals(vault, paths, ProposalQuery.of(field=field)) if paths else []
    names = (name_path(vault, path, Path.cwd()) for path in paths)
    notes = {path for path in names if not (vault.root / path).is_dir()}
    taken = [each for each in of_paths if flagged or not each.flags or each.path in notes]
    numbered = list(_find_numbered(vault, numbers))
    chosen = {each.id: each for each in [*numbered, *taken]}
    return Choice(
        sort_by_note(chosen.values()),
        {each: _no_such(vault.root, each, numbers[each]) for each in numbers if each not in chosen},
        sum(each.id not in chosen for each in of_paths),
    )


def _is_number(what: str) -> bool:
    if what.isdecimal() and len(what) > _MAX_DIGITS:
        raise NotThere(f"there is no proposal {what[:20]}…")
    return what.isdecimal()


def _find_numbered(vault: Vault, numbers: Iterable[int]) -> Iterator[Proposal]:
    for number in numbers:
        with suppress(NotThere):
            yield vault.proposal(number)


def _no_such(root: Path, number: int, typed: str) -> str:
    """Return the error for an unknown number, and how to name a file with that name."""
    is_file = any((base / typed).exists() for base in (Path.cwd(), root))
    hint = f"; ./{typed} names the file or folder" if is_file else ""
    return f"there is no proposal {number}{hint}"
