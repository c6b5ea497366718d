"""companion scan: what needs work and why, what is skipped and why. It changes nothing."""

from __future__ import annotations

import shlex
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from companion.app.types.notes import ScanOptions, ScanReport
from companion.app.vault import Vault, all_changes, all_proposals
from companion.cli.filters import filter_options, parse_time
from companion.cli.output import Output, count, local_time, one_line
from companion.cli.session import (
    NOTE_PATH,
    common_options,
    list_marks,
    name_paths,
    open_session_vault,
    say_which_vault,
)

if TYPE_CHECKING:
    from companion.app.types.proposals import Proposal

_NAMED = 3  # notes named for each reason to skip, without --skipped
_RANKED = 8  # folders, and reasons, in the summary
_PROMPT_LINES = 3  # of the screen: the last line, and the shell's prompt


class _Line(NamedTuple):
    text: str = ""
    style: str = ""


@click.command()
@click.argument("paths", nargs=-1, type=NOTE_PATH, metavar="[PATH]...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a note, for programs.")
@click.option("--list", "lists_all", is_flag=True, help="Name every note, even if there are many.")
@click.option("--skipped", "all_skipped", is_flag=True, help="Name every note that is left alone.")
@filter_options
@common_options
def scan(
    paths: Sequence[str],
    as_json: bool,
    lists_all: bool,
    all_skipped: bool,
    vault: Path | None,
    **only: str | None,
) -> None:
    """Show which notes need work, and why.

    It also shows which are left alone, and why. Without PATH, it reads the whole vault. Nothing is
    changed and no model is asked.

    For a single note it shows everything: what it needs, what was asked, written, refused or
    undone, by whom, what waits, and what to do next. Otherwise a terminal shows a summary first, by
    folder and reason; the notes are named if they fit on the screen, or with --list.
    """
    output = Output(as_json=as_json)
    with open_session_vault(vault, paths, output=output) as opened:
        named = name_paths(opened.root, paths, output)
        say_which_vault(opened.root, output)
        since = parse_time(only.pop("modified_since"))
        is_whole = not paths and since is None and not any(only.values())
        options = ScanOptions.of(paths=named, modified_since=since, **only)
        with output.progress("Reading notes") as bar:
            report = opened.scan(options, bar.update)
        is_note = len(named) == 1 and not as_json and (opened.root / named[0]).is_file()
        story = list(_tell_story(opened, named[0], report)) if is_note else []
    output.warn(*report.warnings)
    if as_json:
        for note in report.all():
            output.print_json(note.model_dump())
    else:
        _print(report, output, lists_all or all_skipped, all_skipped, story)
        if is_whole and not report.notes:
            output.say(_describe_stubs(list_marks(opened.root)))


def _describe_stubs(marks: Sequence[str]) -> str:
    """Return which notes need work, and how any other note is filled."""
    marked = f", or {' or '.join(marks)}" if marks else ""
    return (
        "A note to work on has an empty `description:`, or an empty callout, such as\n"
        f"`> [!ai] A question?`{marked}.\n"
        'Any other note is filled when you name it: companion enrich "My note.md".'
    )


def _print(
    report: ScanReport,
    output: Output,
    lists_all: bool,
    all_skipped: bool,
    story: Sequence[_Line] = (),
) -> None:
    """Print a summary on a terminal, and the notes if they fit or were requested.

    story: the history of a single note so far, instead of a summary.
    """
    lines = [*_list_notes(report, all_skipped), *story]
    summary = list(_summarize(report)) if output.out.is_terminal and not story else []
    room = output.out.height - len(summary) - _PROMPT_LINES
    is_short = bool(summary) and len(lines) > room and not lists_all
    if is_short:
        lines = list(_count_lines(Counter(report.skipped.values()), "reasons"))
        if lines:
            lines.insert(0, _Line(f"Left alone: {count(len(report.skipped), 'note')}", "bold"))
    for line in [*summary, *lines]:
        output.say(*line)
    needing = sum(bool(note.needs) for note in report.notes.values())
    if not story:
        output.say(f"\n{count(report.looked_at, 'note')} read, {count(needing, 'note')} to work on")
    if is_short:
        output.say("With --list each is named.", style="dim")


def _tell_story(vault: Vault, path: str, report: ScanReport) -> Iterator[_Line]:
    """Yield the history of a note, oldest first, and what to do next."""
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
    yield _Line("So far" if events else "So far nothing was asked or written.", "bold")
    for when, told in sorted(events):
        yield _Line(f"  {local_time(when)}  {told}")
    yield _Line("Next", "bold")
    note, named = report.notes.get(path), shlex.quote(path)
    if path in report.skipped:
        yield _Line(f"  to have it filled, change that, and look again: companion scan {named}")
    elif any(each.state == "open" for each in proposals):
        yield _Line(f"  decide on what waits: companion review {named}")
    if note and note.needs:
        off = vault.status().background.off or "companion serve does it by itself"
        yield _Line(f"  fill it: companion enrich {named} ({off})")
    elif path not in report.skipped:
        yield _Line(f"  ask about it all the same: companion enrich {named}")
    if path not in report.skipped:
        yield _Line(f"  see what a model would be sent: companion prompt {named}")


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
    by_nobody = "by a program" if "program" in proposal.flags else "found without a model"
    maker = f"by {proposal.model}" if proposal.model else by_nobody
    return f"{proposal.kind} {maker} {told}" if told else ""


def _summarize(report: ScanReport) -> Iterator[_Line]:
    """Yield how many notes need work in each folder, and for what reason."""
    needing = {path: note.needs for path, note in report.notes.items() if note.needs}
    if not needing:
        return
    folders = Counter(f"{one_line(path.rpartition('/')[0])}/" for path in needing)
    yield _Line(f"{count(len(needing), 'note')} to work on", "bold")
    yield from _count_lines(folders, "folders")
    reasons: Counter[str] = Counter()
    for needs in needing.values():  # without the words of a question
        whys = {(n.kind, "you ask" if n.question or n.heading else n.reason) for n in needs}
        reasons.update(f"{kind}: {why}" for kind, why in whys)
    yield _Line("Because of", "bold")
    yield from _count_lines(reasons, "reasons")
    yield _Line()


def _count_lines(counts: Mapping[str, int], what: str) -> Iterator[_Line]:
    ranked = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    for name, number in ranked[:_RANKED]:
        yield _Line(f"  {number:>6,}  {name}")
    if rest := ranked[_RANKED:]:
        yield _Line(f"  {sum(n for _, n in rest):>6,}  in {len(rest):,} more {what}", "dim")


def _list_notes(report: ScanReport, all_skipped: bool) -> Iterator[_Line]:
    """Yield what the notes need, and the skipped ones by reason. all_skipped: name them all."""
    for path, note in report.notes.items():
        yield _Line(one_line(path), "bold")
        for need in note.needs:
            yield _Line(f"  {need.kind:<12} {need.reason}")
        for reason in note.left:
            yield _Line(f"  left         {reason}", "dim")
        if not note.needs and not note.left:
            yield _Line("  nothing to fill", "dim")
    if not report.skipped:
        return
    yield _Line(f"\nLeft alone: {count(len(report.skipped), 'note')}", "bold")
    by_reason: defaultdict[str, list[str]] = defaultdict(list)
    for path, reason in report.skipped.items():
        by_reason[reason].append(path)
    for reason, paths in by_reason.items():
        named = paths if all_skipped else paths[:_NAMED]
        more = f" and {len(paths) - len(named)} more" if len(paths) > len(named) else ""
        yield _Line(f"  {', '.join(map(one_line, named))}{more}: {reason}")
