"""companion forget: delete what is kept of the text of notes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from companion.cli.output import Output
from companion.cli.session import (
    NotePathType,
    common_options,
    find_running_daemon,
    open_session,
    resolve_history_path,
)
from companion.errors import UsageError


@click.command()
@click.argument("paths", nargs=-1, type=NotePathType(), metavar="[PATH]...")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@common_options
def forget(paths: Sequence[str], yes: bool, vault: Path | None) -> None:
    """Delete what Companion keeps of the text of notes; without PATH, of all.

    That is what was proposed for them, the notes that it was made from, and the notes as they were
    before each change. Open proposals count as refused, and nothing is asked for again. What was
    changed can still be undone: the edits stay, and go with the journal only.
    """
    output = Output(as_json=False)
    if not yes:
        if not output.can_ask:
            raise UsageError("nothing was deleted, for nobody is here to agree; say --yes")
        whose = ", ".join(paths) if paths else "the whole vault"
        if not click.confirm(f"Delete what is kept of the text of {whose}?", err=True):
            output.warn("nothing was deleted")
            return
    running = find_running_daemon(vault, paths)
    with open_session(vault, paths, output=output, read_only=bool(running)) as workspace:
        wanted = [resolve_history_path(workspace, path) for path in paths] or [""]
        number = running.forget(wanted) if running else workspace.journal.forget(wanted)
    output.say(f"the text of {number:,} proposal{'' if number == 1 else 's'} was deleted")
