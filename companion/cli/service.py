"""companion service: start the daemon at login; and decide what it does about old notes."""

from __future__ import annotations

import os
from pathlib import Path

import click

from companion.app.open_vault import find_daemon, open_vault
from companion.app.types.status import BacklogAnswer
from companion.app.vault import Vault
from companion.cli.output import Output, describe_backlog
from companion.cli.session import (
    VAULT_PATH,
    common_options,
    debug_option,
    load_vault,
    open_session_vault,
)
from companion.config import config_file, state_folder
from companion.config.load import ENDPOINT_VARIABLES
from companion.daemon.service import install_service, service_file, uninstall_service
from companion.errors import NotThere, UsageError

_vault_argument = click.argument("vault", required=False, type=VAULT_PATH)


@click.group()
def service() -> None:
    """Start at login; pause or resume background work.

    install starts companion serve at login: on Linux through systemd's user manager, on macOS
    through a launchd agent. On Windows, Obsidian's plugin starts it. pause and resume work on any
    running daemon, however it was started.
    """


@service.command()
@_vault_argument
@debug_option
def install(vault: Path | None) -> None:
    """Start the daemon now, and at every login.

    VAULT is a vault's folder; else the configured one, else the nearest one with .obsidian. Run it
    again after an upgrade: it restarts the daemon.
    """
    output = Output()
    if names := [name for name in ENDPOINT_VARIABLES if os.environ.get(name)]:
        output.warn(
            f"A service does not see {', '.join(names)} of this terminal: put the endpoint, its"
            f" model and its key into {config_file()}, as companion init does"
        )
    root, _ = load_vault(vault)
    before = find_daemon(state_folder(root))
    if before and not service_file(root).exists():
        raise UsageError(
            f"a daemon of {root} runs already, by hand (pid {before.pid}); stop it, and try again"
        )
    output.say(f"The daemon of {root} starts at login, by {install_service(root)}", style="bold")
    output.say("companion status shows what it does; companion serve, why it does not start.")


@service.command()
@_vault_argument
@debug_option
def uninstall(vault: Path | None) -> None:
    """Stop the daemon, and do not start it at login.

    Notes, history, settings and the plugin stay as they are.
    """
    root, _ = load_vault(vault)
    file = service_file(root)
    if not file.exists():
        raise NotThere(f"{root} has no service; companion service install sets one up")
    uninstall_service(file)
    Output().say(f"The daemon of {root} is stopped, and no longer starts at login.")


@service.command()
@common_options
def pause(vault: Path | None) -> None:
    """Pause background work, until you resume it.

    It stays paused until `companion service resume`, even after a restart. What you ask for
    yourself is still done.
    """
    output = Output()
    with open_session_vault(vault, (), output=output) as opened:
        opened.pause()
    output.say("Background work is paused; companion service resume starts it again.")


@service.command()
@common_options
def resume(vault: Path | None) -> None:
    """Resume background work."""
    output = Output()
    with open_session_vault(vault, (), output=output) as opened:
        opened.resume()
        off = opened.status().background.off
    output.say(f"Background work does not run: {off}" if off else "Background work is resumed.")


@service.command()
@click.option("--fill/--leave", default=None, help="Answer without being asked.")
@common_options
def backlog(fill: bool | None, vault: Path | None) -> None:
    """Decide whether older notes are filled, too.

    These are the notes that needed something when the daemon first read the vault, and later any
    more than 50 that arrive at once, as with a sync or git pull. They wait until you decide: here,
    in Obsidian, or when companion serve asks. Notes that you edit are filled like any others. It
    tells you how many there are, where they would be sent, and what that would cost.
    """
    output = Output()
    with open_session_vault(vault, (), output=output) as opened:
        if not _ask(opened, fill, output):
            output.say("No notes wait for an answer.")


def ask_about_backlog(root: Path, output: Output) -> None:
    """Ask about the backlog of the vault at root, if it waits for an answer and somebody is there.

    Raises VaultLocked, JournalError, UsageError.
    """
    if output.can_ask:
        with open_vault(root, tell=output.warn) as opened:
            _ask(opened, None, output)


def _ask(vault: Vault, fill: bool | None, output: Output) -> bool:
    """Describe the backlog, if there is one, and save the answer: `fill`, or the user's.

    Returns whether there is one.

    Raises UsageError if nobody can be asked.
    """
    backlog = vault.backlog()
    if not backlog.notes:
        return False
    output.say(describe_backlog(backlog.notes, backlog.cost))
    if fill is None:
        if not output.can_ask:
            raise UsageError("nobody is here to answer; add --fill or --leave")
        most = vault.status().background.notes_a_day
        output.say(f"In the background, at most {most:,} are filled a day.")
        output.say("Notes that you write or edit from now on are filled either way.")
        fill = click.prompt(
            "Fill them, too? [y/n, or Enter to decide later]",
            default="",
            show_default=False,
            value_proc=lambda typed: click.BOOL.convert(typed, None, None) if typed else None,
            err=True,
        )
    if fill is None:
        output.say("They are left alone until you answer; companion service backlog asks again.")
        return True
    vault.answer_backlog(BacklogAnswer(fill=fill, notes=backlog.notes))
    output.say("They will be filled in the background." if fill else "They are left alone.")
    return True
