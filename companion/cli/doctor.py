"""companion doctor: what is set up, what is wrong, how to fix it; and what is kept of notes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import click

from companion.app.open_vault import name_path
from companion.cli.output import Output, count
from companion.cli.session import NOTE_PATH, choose_vault, common_options, open_session_vault
from companion.doctor import Finding, list_checks
from companion.errors import CompanionError, UsageError

_MARKS = {"ok": "✓", "hint": "!", "problem": "✗"}
_STYLES = {"ok": "green", "hint": "yellow", "problem": "red"}


@click.group(invoke_without_command=True)
@click.pass_context
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a check.")
@click.option("--no-call", is_flag=True, help="Do not ask the model anything.")
@common_options
def doctor(context: click.Context, as_json: bool, no_call: bool, vault: Path | None) -> int:
    """Check the set-up.

    Nothing is changed. The model is asked for one word. The exit status is 1 if there is a problem.
    """
    if context.invoked_subcommand:
        return 0
    output = Output(as_json=as_json)
    problems = 0
    for name, check in list_checks(partial(choose_vault, vault), not no_call):
        try:
            finding = check()
        except CompanionError as error:
            finding = Finding("problem", str(error))
        problems += finding.state == "problem"
        if as_json:
            output.print_json({"name": name, **finding._asdict()})
        line = f"{_MARKS[finding.state]} {name:<14} {finding.said}"
        output.say(line, style=_STYLES[finding.state])
        if finding.mend:
            output.say(f"  {'':<14} {finding.mend}")
    output.say(f"{count(problems, 'problem')}." if problems else "All is well.", style="bold")
    return 1 if problems else 0


@doctor.command()
@click.argument("paths", nargs=-1, type=NOTE_PATH, metavar="[PATH]...")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@common_options
def forget(paths: Sequence[str], yes: bool, vault: Path | None) -> None:
    """Delete what Companion keeps of notes' text.

    Without PATH, this means all notes. It deletes proposed texts, the note texts they were made
    from, and the notes as they were before each change. Open proposals count as refused, and
    nothing is asked for again. Changes can still be undone: their edits are kept in the journal.
    """
    output = Output()
    if not yes:
        if not output.can_ask:
            raise UsageError("nothing was deleted, since nobody is here to agree; add --yes")
        whose = ", ".join(paths) if paths else "the whole vault"
        if not click.confirm(f"Delete what is kept of the text of {whose}?", err=True):
            output.warn("nothing was deleted")
            return
    with open_session_vault(vault, paths, output=output) as opened:
        names = [name_path(opened, path, Path.cwd()) for path in paths] or [""]
        number = opened.forget(names)
    output.say(f"the text of {count(number, 'proposal')} was deleted")
