"""companion service backlog: whether notes that were in the vault before are filled, too."""

from __future__ import annotations

from pathlib import Path

import click

from companion.app.open_vault import open_vault
from companion.app.types.status import BacklogAnswer, BacklogState
from companion.app.vault import Vault
from companion.cli.output import Output, describe_backlog
from companion.cli.session import common_options, open_session_vault
from companion.errors import UsageError


@click.command()
@click.option("--fill/--leave", default=None, help="Answer without being asked.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; ask nothing.")
@common_options
def backlog(fill: bool | None, as_json: bool, vault: Path | None) -> None:
    """Decide whether notes of before are filled, too.

    Those are the notes that needed something when the daemon first read the vault, and later any
    more than 50 that arrive at once, as by a sync or git pull. They wait until you decide: here, in
    Obsidian, or when companion serve asks. Notes that you edit are filled like any others. It says
    how many there are, where they would be sent, and at what cost.
    """
    output = Output(as_json=as_json)
    with open_session_vault(vault, (), output=output) as opened:
        _ask(opened, opened.backlog(), fill, output)


def ask_about_backlog(root: Path, output: Output) -> None:
    """Ask about the backlog of the vault at root, if it has one that the user did not decide on.

    Does nothing where nobody can answer.

    Raises VaultLocked, JournalError, UsageError.
    """
    if output.can_ask:
        with open_vault(root, tell=output.warn) as opened:
            if (backlog := opened.backlog()).notes:
                _ask(opened, backlog, None, output)


def _ask(vault: Vault, backlog: BacklogState, fill: bool | None, output: Output) -> None:
    """Describe the backlog, and save the answer: `fill`, or what the user says now.

    Raises UsageError if nobody can be asked.
    """
    if output.as_json:
        output.print_json(backlog.model_dump())
    if not backlog.notes:
        output.say("No notes wait for an answer.")
        return
    output.say(describe_backlog(backlog.notes, backlog.cost))
    if fill is None and not output.as_json:
        fill = _prompt(vault, output)
    if fill is not None:
        vault.answer_backlog(BacklogAnswer(fill=fill, notes=backlog.notes))
        output.say("They will be filled in the background." if fill else "They are left alone.")


def _prompt(vault: Vault, output: Output) -> bool | None:
    """Return whether the user wants the notes filled; None if they decide later."""
    if not output.can_ask:
        raise UsageError("nobody is here to answer; say --fill, or --leave")
    most = vault.status().background.notes_a_day
    output.say(f"In the background at most {most:,} are filled a day; notes of yours")
    output.say("that you write or edit from now on are filled either way.")
    fill: bool | None = click.prompt(
        "Fill them, too? [y/n, or Enter to decide later]",
        default="",
        show_default=False,
        value_proc=lambda typed: click.BOOL.convert(typed, None, None) if typed else None,
        err=True,
    )
    if fill is None:
        output.say("They are left alone until you answer; companion service backlog asks again.")
    return fill
