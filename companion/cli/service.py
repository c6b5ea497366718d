"""companion service: start the daemon at login; and decide what it does about old notes."""

from __future__ import annotations

import os
import shlex
import time
from collections import deque
from pathlib import Path

import click

from companion import __version__
from companion.app.open_vault import RuntimeFile, find_daemon, open_vault
from companion.app.types.status import BacklogAnswer, BacklogState
from companion.app.vault import Vault
from companion.cli.output import Output, describe_backlog
from companion.cli.session import (
    VaultPathType,
    choose_served_vault,
    common_options,
    debug_option,
    load_vault,
    open_session_vault,
)
from companion.config import config_file, load_config, state_folder
from companion.config.load import ENDPOINT_VARIABLES
from companion.daemon.installed_service import (
    InstalledService,
    find_service,
    install_service,
    list_services,
    plan_service,
    uninstall_service,
)
from companion.daemon.log import log_file
from companion.daemon.service_manager import find_manager
from companion.errors import NotThere, UsageError, VaultLocked

_STARTS = 30.0  # seconds that a daemon has to answer


@click.group()
def service() -> None:
    """Start at login; pause or resume background work.

    install starts companion serve at login, for one vault or several: on Linux through systemd's
    user manager, on macOS through a launchd agent, on Windows through a scheduled task. None of
    them holds a key: the daemon reads config.toml, which only you can read. pause and resume work
    on any running daemon, however it was started.
    """


@service.command()
@click.argument("vaults", metavar="[VAULT]...", nargs=-1, type=VaultPathType())
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="N",
    help="The port to listen on; 0: any free one.",
)
@debug_option
def install(vaults: tuple[Path, ...], port: int | None) -> int:
    """Start the daemon now, and at every login.

    VAULT is a vault's folder; else the configured one, else the nearest one with .obsidian. Run it
    again to update the service; it then restarts the daemon after an upgrade, or if a changed
    setting needs that. If another vault's daemon already has the configured port, it takes any free
    one, unless --port names one; Obsidian's plugin finds it there.
    """
    if port and len(vaults) > 1:
        raise UsageError("two daemons cannot have one port; install their services one by one")
    output = Output()
    roots = [load_vault(vault)[0] for vault in vaults or (None,)]
    names = [name for name in ENDPOINT_VARIABLES if os.environ.get(name)]
    if os.name == "nt" and os.environ.get("COMPANION_HOME"):
        names.append("COMPANION_HOME")  # a task has no environment of its own
    if names:
        output.warn(
            f"A service does not see {', '.join(names)} of this terminal: put the endpoint, its"
            f" model and its key into {config_file()}, readable by you alone, as"
            " companion init does"
        )
    started = [start_with_session(root, output, port) for root in roots]
    return 0 if all(started) else 1


@service.command()
@click.argument("vaults", metavar="[VAULT]...", nargs=-1, type=VaultPathType())
@click.option("--all", "every", is_flag=True, help="The services of all vaults.")
@debug_option
def uninstall(vaults: tuple[Path, ...], every: bool) -> None:
    """Stop the daemon, and do not start it at login.

    VAULT can be left out if only one vault has a service. Notes, history, settings and the plugin
    stay as they are.
    """
    output, manager = Output(), find_manager()
    for each in list_services() if every else _choose_services(vaults):
        uninstall_service(manager, each)
        output.say(f"The daemon of {each.root} is stopped, and no longer starts at login.")


@service.command()
@click.argument("vaults", metavar="[VAULT]...", nargs=-1, type=VaultPathType())
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a service.")
@debug_option
def status(vaults: tuple[Path, ...], as_json: bool) -> int:
    """Show which services there are, and if they run.

    With VAULT, only the services of those vaults. The exit status is 1 if one does not run, or is
    not installed correctly.
    """
    output, manager = Output(as_json=as_json), find_manager()
    services = _choose_services(vaults) if vaults else list_services()
    if not services:
        output.say("No daemon starts at login; companion service install VAULT sets one up.")
    is_well = True
    for each in services:
        place = find_daemon(state_folder(each.root))
        file, starts = manager.file(each.name), manager.knows(each.name)
        is_well = is_well and starts and place is not None
        if as_json:
            names = ("pid", "port", "version")  # of its daemon; null where none runs
            running = {name: getattr(place, name, None) for name in names}
            shape = {"vault": str(each.root), "file": str(file), "starts": starts}
            output.print_json(shape | running)
        output.say(str(each.root), style="bold")
        again = f"companion service install {shlex.quote(str(each.root))}"
        output.say(f"  starts   {'at login' if starts else f'no more: {again} fixes it'}")
        output.say(f"  by       {file}")
        if place is None:
            output.say("  runs     no: companion service logs says why")
            continue
        old = "" if place.version == __version__ else f", and this is {__version__}: {again}"
        where = f"on http://127.0.0.1:{place.port}, pid {place.pid}, version {place.version}"
        output.say(f"  runs     {where}{old}")
    return 0 if is_well else 1


@service.command()
@click.argument("vault", required=False, type=VaultPathType())
@click.option(
    "-n",
    "--lines",
    type=click.IntRange(1),
    metavar="N",
    default=20,
    help="Show at most N lines.",
)
@debug_option
def logs(vault: Path | None, lines: int) -> None:
    """Show the last lines of the daemon's log.

    It contains no text from notes, and companion serve writes it, too. VAULT can be left out if at
    most one vault has a service; without any, it is the vault that other commands work on.
    """
    output = Output()
    try:
        root = _choose_services(() if vault is None else (vault,))[0].root
    except NotThere:
        root = choose_served_vault(vault)
    file = log_file(state_folder(root))
    try:
        with file.open(encoding="utf-8", errors="replace") as log:
            for line in deque(log, maxlen=lines):
                output.say(line.rstrip("\n"))
    except FileNotFoundError:
        raise NotThere(
            f"there is no log yet ({file}), since no daemon has run for {root}; companion serve"
            " starts one"
        ) from None
    output.warn(f"All of it is in {file}")


def start_with_session(root: Path, output: Output, port: int | None = None) -> bool:
    """Start the daemon of the vault at root now and with the session, and print the result.

    port: None: as before, else the configured one, or any if that is taken. Return whether it
    answers. Raises CompanionError if it cannot be installed; nothing is changed then.
    """
    manager, state = find_manager(), state_folder(root)
    before, service = find_daemon(state), find_service(root)
    if before and not service:
        raise VaultLocked(
            f"a daemon of {root} runs already, by hand (pid {before.pid}); stop it, and try again"
        )
    port = _choose_port(root, service) if port is None else port
    outdated = before is None or before.version != __version__
    if not install_service(manager, root, port, restart=outdated):
        output.say(f"Nothing to change: the daemon of {root} starts at login, and is running.")
        return True
    file = manager.file(plan_service(root, port).name)
    output.say(f"The daemon of {root} starts at login, by {file}", style="bold")
    place = _wait_for_daemon(state, before)
    if place is None:
        output.warn(f"It has not answered within {_STARTS:g} seconds; companion service logs")
        return False
    output.say(f"It runs on http://127.0.0.1:{place.port} (pid {place.pid}).")
    return True


def _choose_port(root: Path, service: InstalledService | None) -> int | None:
    """Return the port: as before, else the configured one (None), or any (0) if that is taken."""
    if service:
        return service.port
    taken = [
        load_config(each.root).server.port
        for each in list_services()
        if each.port is None and each.root != root
    ]
    return 0 if load_config(root).server.port in taken else None


def _wait_for_daemon(state: Path, before: RuntimeFile | None) -> RuntimeFile | None:
    """Return where the vault's daemon answers, other than the earlier one; None if none does."""
    deadline = time.monotonic() + _STARTS
    while time.monotonic() < deadline:
        place = find_daemon(state)
        if place and (before is None or place.pid != before.pid):
            return place
        time.sleep(0.1)
    return None


def _choose_services(vaults: tuple[Path, ...]) -> list[InstalledService]:
    """Return the services of the vaults, which may be gone; if none is named, the only one.

    Raises NotThere if a vault has no service, UsageError if it is not clear which one is meant.
    """
    services = {each.root: each for each in list_services()}
    has = "; ".join(map(str, services)) or "no vault"
    if not vaults:
        if not services:
            raise NotThere("no service is installed; companion service install VAULT sets one up")
        if len(services) > 1:
            raise UsageError(f"name the vault whose service is meant: {has}")
        return list(services.values())
    roots = [Path(os.path.realpath(vault.expanduser())) for vault in vaults]
    if missing := [root for root in roots if root not in services]:
        raise NotThere(f"no service is installed for {missing[0]}. Installed for: {has}")
    return [services[root] for root in roots]


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
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object; ask nothing.")
@common_options
def backlog(fill: bool | None, as_json: bool, vault: Path | None) -> None:
    """Decide whether older notes are filled, too.

    These are the notes that needed something when the daemon first read the vault, and later any
    more than 50 that arrive at once, as with a sync or git pull. They wait until you decide: here,
    in Obsidian, or when companion serve asks. Notes that you edit are filled like any others. It
    tells you how many there are, where they would be sent, and what that would cost.
    """
    output = Output(as_json=as_json)
    with open_session_vault(vault, (), output=output) as opened:
        _ask_about(opened, opened.backlog(), fill, output)


def ask_about_backlog(root: Path, output: Output) -> None:
    """Ask about the backlog of the vault at root, if it waits for an answer and somebody is there.

    Raises VaultLocked, JournalError, UsageError.
    """
    if output.can_ask:
        with open_vault(root, tell=output.warn) as opened:
            if (backlog := opened.backlog()).notes:
                _ask_about(opened, backlog, None, output)


def _ask_about(vault: Vault, backlog: BacklogState, fill: bool | None, output: Output) -> None:
    """Describe the backlog, and save the answer: `fill`, or the user's.

    Raises UsageError if nobody can be asked.
    """
    if output.as_json:
        output.print_json(backlog.model_dump())
    if not backlog.notes:
        output.say("No notes wait for an answer.")
        return
    output.say(describe_backlog(backlog.notes, backlog.cost))
    if fill is None and not output.as_json:
        fill = _prompt_for_answer(vault, output)
    if fill is not None:
        vault.answer_backlog(BacklogAnswer(fill=fill, notes=backlog.notes))
        output.say("They will be filled in the background." if fill else "They are left alone.")


def _prompt_for_answer(vault: Vault, output: Output) -> bool | None:
    """Return whether the user wants the notes filled; None if they decide later."""
    if not output.can_ask:
        raise UsageError("nobody is here to answer; add --fill or --leave")
    most = vault.status().background.notes_a_day
    output.say(f"In the background, at most {most:,} are filled a day.")
    output.say("Notes that you write or edit from now on are filled either way.")
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
