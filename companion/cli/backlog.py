"""companion service backlog: whether notes that were in the vault before are filled, too."""

from __future__ import annotations

from pathlib import Path

import click

from companion.cli.output import Output, describe_backlog
from companion.cli.session import common_options, find_running_daemon, open_session
from companion.config import Config
from companion.daemon.api.status_schemas import BacklogShape
from companion.daemon.backlog import Backlog, BacklogConsent
from companion.enrich.cost import describe_cost_of
from companion.enrich.model import is_model_missing
from companion.enrich.selection import JobOptions, choose_jobs
from companion.enrich.workspace import Workspace, open_workspace
from companion.errors import UsageError


@click.command()
@click.option("--fill/--leave", default=None, help="The answer, for nobody is asked then.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; ask nothing.")
@common_options
def backlog(fill: bool | None, as_json: bool, vault: Path | None) -> None:
    """Decide whether notes of before are filled, too.

    Those are the notes that needed something when the vault was first looked over, and later any
    that arrive more than 50 at once, as by a sync or git pull. None of them is asked about until
    you say so here, in Obsidian, or when companion serve asks. Notes that you edit are filled
    like any others. It says how many there are, where they would be sent, and at what cost.
    """
    output = Output(as_json=as_json)
    running = find_running_daemon(vault)
    if running:
        background = running.status().background
        answer = _decide(background.backlog, background.notes_a_day, fill, output)
        if answer is not None:
            running.answer_backlog(fill=answer, notes=background.backlog.notes)
        return
    with open_session(vault, output=output) as workspace:
        _ask(workspace, fill, output)


def ask_about_backlog(config: Config, root: Path, output: Output) -> None:
    """Ask about the backlog of the vault at root, if it has one that the user did not decide on.

    Does nothing where nobody can answer, or nothing is filled in the background anyway.

    Raises VaultLocked, JournalError, UsageError.
    """
    table = config.background
    fills = table.enabled is not False and not is_model_missing(config)
    if table.backlog == "ask" and fills and output.can_ask:
        with open_workspace(config, root) as workspace:
            for recovered in workspace.recovered:
                output.warn(f"{recovered.path}: {recovered.reason}")
            _ask(workspace, None, output, is_short=True)


def say_cost_of_backlog(config: Config, root: Path, output: Output) -> None:
    """Print what filling all notes that are in the vault at root now would cost.

    Raises JournalError, UsageError.
    """
    with open_workspace(config, root, read_only=True) as workspace:
        scan = workspace.scan()
        if jobs := choose_jobs(workspace, scan, [""], JobOptions())[0]:
            output.say(describe_cost_of(workspace, scan, jobs))


def _ask(
    workspace: Workspace, fill: bool | None, output: Output, *, is_short: bool = False
) -> None:
    """Scan the vault, and ask. is_short: print nothing if there is nothing to ask."""
    scan = workspace.scan()
    paths = [job.path for job in choose_jobs(workspace, scan, [""], JobOptions())[0]]
    table = workspace.config.background
    kept = Backlog(workspace.root, workspace.state, table.backlog)
    kept.update(paths, whole=True)
    consent = BacklogConsent(workspace, kept, lambda: scan, lambda: kept.asked(paths))
    consent.update_cost()
    if is_short and not consent.state().notes:
        return
    answer = _decide(consent.state(), table.notes_a_day, fill, output)
    if answer is not None:
        consent.answer(fill=answer)


def _decide(
    state: BacklogShape, notes_a_day: int, fill: bool | None, output: Output
) -> bool | None:
    """Return whether the user wants the notes filled; None if that is left open.

    Raises UsageError if nobody can be asked.
    """
    if output.as_json:
        output.print_json(state.model_dump())
    if not state.notes:
        output.say("No notes wait for an answer.")
        return None
    output.say(describe_backlog(state.notes, state.cost))
    if fill is None and not output.as_json:
        if not output.can_ask:
            raise UsageError("nobody is here to answer; say --fill, or --leave")
        output.say(f"In the background at most {notes_a_day:,} are filled a day; notes of yours")
        output.say("that you write or edit from now on are filled either way.")
        fill = click.prompt(
            "Fill them, too? [y/n, or Enter to decide later]",
            default="",
            show_default=False,
            value_proc=lambda typed: click.BOOL.convert(typed, None, None) if typed else None,
            err=True,
        )
        if fill is None:
            output.say(
                "They are left alone until you answer; companion service backlog asks again."
            )
    if fill is not None:
        output.say("They will be filled in the background." if fill else "They are left alone.")
    return fill
