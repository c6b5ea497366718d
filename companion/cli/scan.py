"""companion scan and prompt: what needs work and why, and what a model would be sent for a note."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import click

from companion.app.open_vault import name_path
from companion.app.types.notes import ScanReport, Selection
from companion.cli.bars import print_folders
from companion.cli.output import Output, count, one_line
from companion.cli.session import (
    NOTE_PATH,
    common_options,
    filter_options,
    open_session_vault,
    resolve_paths,
)
from companion.errors import UsageError

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

    companion history NOTE and companion proposals NOTE --state all tell what happened so far.
    """
    output = Output(as_json=as_json)
    with open_session_vault(vault, paths, output=output) as opened:
        named = resolve_paths(opened.root, paths)
        with output.progress("Reading notes") as bar:
            report = opened.scan(Selection.of(paths=named, **only), bar.update)
        is_whole = not (paths or any(only.values()))
        folders = opened.folders(report) if is_whole and output.is_looked_at else {}
    for note in report.all() if as_json else ():
        output.print_json(note.model_dump())
    _print(report, all_skipped, output)
    needing = sum(bool(note.needs) for note in report.notes.values())
    output.say(f"\n{count(report.looked_at, 'note')} read, {count(needing, 'note')} to work on")
    print_folders(folders, output)
    if is_whole and not report.notes:
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


@click.command()
@click.argument("note", type=NOTE_PATH, metavar="NOTE")
@click.option(
    "--section", metavar="HEADING", help="Show the prompt for a callout under this heading."
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a call.")
@common_options
def prompt(note: str, section: str | None, as_json: bool, vault: Path | None) -> None:
    """Show what a model would be sent for a note.

    It prints exactly what `companion enrich NOTE` would send, and where to. Nothing is sent.
    """
    output = Output(as_json=as_json)
    with open_session_vault(vault, [note], output=output) as opened:
        path = name_path(opened, note, Path.cwd())
        if not path or (opened.root / path).is_dir():
            raise UsageError(f"{path or '.'} is a folder; name a note")
        shown = opened.prompt(path, section)
    output.warn(*shown.remarks)
    for call in shown.calls:
        if as_json:
            output.print_json({"messages": call.messages, "schema": call.schema})
        output.say(f"To {shown.endpoint}", style="bold")
        for message in call.messages:
            output.say(f"\n{message['role']}:", style="bold cyan")
            output.say(message["content"])
        if call.schema:
            output.say("\nanswer must fit:", style="bold cyan")
            output.say(json.dumps(call.schema, ensure_ascii=False, indent=2))
