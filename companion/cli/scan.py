"""companion scan: what needs work and why, what is skipped and why. It changes nothing."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from companion.app.types.notes import ScanReport, Selection
from companion.app.vault import Vault, all_changes, all_proposals
from companion.cli.filters import filter_options
from companion.cli.output import Output, count, local_time, one_line
from companion.cli.session import NOTE_PATH, common_options, open_session_vault, resolve_paths

if TYPE_CHECKING:
    from companion.app.types.proposals import Proposal

_NAMED = 3  # notes named for each reason to skip, without --skipped
_WORDS = """\
A note to work on has an empty `description:`, an empty callout, such as `> [!ai] A question?`, or
the mark of a postponed note (companion config get notes).
Any other note is filled when you name it: companion enrich "My note.md"."""


@click.command()
@click.argument("paths", nargs=-1, type=NOTE_PATH, metavar="[PATH]...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a note, for programs.")
@click.option("--skipped", "all_skipped", is_flag=True, help="Name every note that is left alone.")
@filter_options
@common_options
def scan(
    paths: Sequence[str], as_json: bool, all_skipped: bool, vault: Path | None, **only: str | None
) -> None:
    """Show which notes need work, and why.

    It also shows which are left alone, and why. Without PATH, it reads the whole vault. Nothing is
    changed and no model is asked.

    For a single note it shows everything: what it needs, what was asked, written, refused or
    undone, by whom, what waits, and what to do next.
    """
    output = Output(as_json=as_json)
    with open_session_vault(vault, paths, output=output) as opened:
        named = resolve_paths(opened.root, paths)
        with output.progress("Reading notes") as bar:
            report = opened.scan(Selection.of(paths=named, **only), bar.update)
        is_note = len(named) == 1 and (opened.root / named[0]).is_file()
        output.warn(*report.warnings)
        for note in report.all() if as_json else ():
            output.print_json(note.model_dump())
        _print(report, all_skipped, output)
        if is_note:
            _print_story(opened, named[0], report, output)
            return
    needing = sum(bool(note.needs) for note in report.notes.values())
    output.say(f"\n{count(report.looked_at, 'note')} read, {count(needing, 'note')} to work on")
    if not (paths or any(only.values()) or report.notes):
        output.say(_WORDS)


def _print(report: ScanReport, all_skipped: bool, output: Output) -> None:
    """Print what the notes need, and the skipped ones by reason. all_skipped: name them all."""
    for path, note in report.notes.items():
        output.say(one_line(path), style="bold")
        for need in note.needs:
            output.say(f"  {need.kind:<12} {need.reason}")
        for reason in note.left:
            output.say(f"  left         {reason}", style="dim")
        if not note.needs and not note.left:
            output.say("  nothing to fill", style="dim")
    if not report.skipped:
        return
    output.say(f"\nLeft alone: {count(len(report.skipped), 'note')}", style="bold")
    by_reason: defaultdict[str, list[str]] = defaultdict(list)
    for path, reason in report.skipped.items():
        by_reason[reason].append(path)
    for reason, paths in by_reason.items():
        named = paths if all_skipped else paths[:_NAMED]
        more = f" and {len(paths) - len(named)} more" if len(paths) > len(named) else ""
        output.say(f"  {', '.join(map(one_line, named))}{more}: {reason}")


def _print_story(vault: Vault, path: str, report: ScanReport, output: Output) -> None:
    """Print the history of a note, oldest first, and what to do next."""
    from companion.app.types.changes import ChangeQuery
    from companion.app.types.proposals import ProposalQuery

    changes = all_changes(vault, ChangeQuery(path=path))
    proposals = list(all_proposals(vault, ProposalQuery(path=path, state="all")))
    events: list[tuple[float, str]] = []
    for change in changes:
        by = f" by {change.model}" if change.model else ""
        undone = f", undone by change {change.undone_by}" if change.undone_by else ""
        events.append((change.made_at, f"change {change.id} {change.describe()}{by}{undone}"))
    for each in proposals:
        if told := _describe_proposal(each):
            events.append((each.decided_at or each.made_at, told))
    output.say("So far" if events else "So far nothing was asked or written.", style="bold")
    for when, told in sorted(events):
        output.say(f"  {local_time(when)}  {told}")
    output.say("Next", style="bold")
    has_open = any(each.state == "open" for each in proposals)
    for line in _list_next(path, report, has_open):
        output.say(f"  {line}")


def _list_next(path: str, report: ScanReport, has_open: bool) -> Iterator[str]:
    note, named = report.notes.get(path), shlex.quote(path)
    if path in report.skipped:
        yield f"to have it filled, change that, and look again: companion scan {named}"
        return
    if has_open:
        yield f"decide on what waits: companion review {named}"
    if note and note.needs:
        yield f"fill it: companion enrich {named}"
    else:
        yield f"ask about it all the same: companion enrich {named}"
    yield f"see what a model would be sent: companion prompt {named}"


def _describe_proposal(proposal: Proposal) -> str:
    """Return in words what happened to a proposal; empty for one that its change covers."""
    from companion.app.types.proposals import FLAG_WORDS

    who = {"user": "you", "": "the settings"}.get(proposal.decided_by, proposal.decided_by)
    reason = f": {proposal.reason}" if proposal.reason else ""
    flags = ", ".join(FLAG_WORDS[flag] for flag in proposal.flags)
    told = {
        "open": f"waits for you{f': {flags}' if flags else ''}",
        "asked": "is out in a batch",
        "refused": f"was refused by {who}{reason}",
        "rejected": f"was rejected by a check{reason}",
        "superseded": "made room for a later one",
        "closed": f"was closed{reason}",
    }.get(proposal.state)
    maker = f"by {proposal.model}" if proposal.model else "found without a model"
    return f"{proposal.kind} {maker} {told}" if told else ""
