"""companion scan: what needs work and why, what is skipped and why. It changes nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import click

from companion.cli.output import Output, count, one_line
from companion.cli.session import (
    NotePathType,
    common_options,
    open_session,
    resolve_paths,
    say_which_vault,
)
from companion.cli.unused_settings import warn_of_unused_folders, warn_of_unused_marks
from companion.enrich.selection import ScanReport, scan_object
from companion.python_api import Vault
from companion.vault.paths import LinkOutOfVault, PathUnreadable

_NAMED = 3  # notes named for each reason to skip, without --skipped


@click.command()
@click.argument("paths", nargs=-1, type=NotePathType(), metavar="[PATH]...")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a note, for programs.")
@click.option("--skipped", "all_skipped", is_flag=True, help="Name every note that is left alone.")
@common_options
def scan(paths: Sequence[str], as_json: bool, all_skipped: bool, vault: Path | None) -> None:
    """Show which notes need work, and why; and which are left alone, and why.

    Without PATH it looks at the whole vault. Nothing is changed and no model is asked.
    """
    output = Output(as_json=as_json)
    with open_session(vault, paths, output=output, read_only=True) as workspace:
        wanted, refused = resolve_paths(workspace, paths)
        unreadable = [error for error in refused if isinstance(error, PathUnreadable)]
        links = [error.path for error in refused if isinstance(error, LinkOutOfVault)]
        say_which_vault(workspace.root, output)
        for error in unreadable:
            output.warn(str(error))
        warn_of_unused_folders(workspace, output)
        with output.progress("Reading notes", 0) as progress:
            task = progress.task_ids[0]
            report = Vault(workspace.root, workspace).scan(
                *wanted,
                *links,
                progress=lambda done, of: progress.update(task, completed=done, total=of),
            )
        warn_of_unused_marks(workspace, report.scan, output)
    if as_json:
        for path, facts in report.all():
            output.print_json(scan_object(path, facts))
    else:
        _print(report, output, all_skipped)


def _print(report: ScanReport, output: Output, all_skipped: bool) -> None:
    needing = {path: facts for path, facts in report.notes.items() if facts.needs}
    for path, facts in report.notes.items():
        output.say(one_line(path), style="bold")
        for need in facts.needs:
            output.say(f"  {need.kind:<12} {need.reason}")
        for reason in facts.left:
            output.say(f"  left         {reason}", style="dim")
        if not facts.needs and not facts.left:
            output.say("  nothing to fill", style="dim")
    if report.skipped:
        output.say(f"\nLeft alone: {count(len(report.skipped), 'note')}", style="bold")
        by_reason: defaultdict[str, list[str]] = defaultdict(list)
        for path, reason in report.skipped.items():
            by_reason[reason].append(path)
        for reason, paths in by_reason.items():
            named = paths if all_skipped else paths[:_NAMED]
            more = f" and {len(paths) - len(named)} more" if len(paths) > len(named) else ""
            output.say(f"  {', '.join(map(one_line, named))}{more}: {reason}")
    output.say(
        f"\n{count(report.looked_at, 'note')} read, {count(len(needing), 'note')} to work on"
    )
