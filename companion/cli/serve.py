"""companion serve, mcp, status and open: a daemon, what it does, and its page."""

from __future__ import annotations

import html
import webbrowser
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from companion.app.open_vault import find_daemon, open_vault
from companion.app.types.status import Status
from companion.cli.bars import print_days
from companion.cli.output import Output, count, describe_backlog, local_time
from companion.cli.session import (
    choose_vault,
    common_options,
    describe_missing_daemon,
    load_vault,
)
from companion.config import load_config, state_folder
from companion.daemon.access import new_page_address, read_token
from companion.errors import NotThere, UsageError
from companion.private_files import write_private

if TYPE_CHECKING:
    from companion.daemon.daemon import Daemon

_PATIENCE = 5.0  # seconds to wait for the daemon's answer


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="N",
    help="The port to listen on; 0: any free one.",
)
@common_options
def serve(port: int | None, vault: Path | None) -> None:
    """Watch the vault, and fill its stubs by itself.

    It also answers Obsidian's plugin. It runs until Ctrl-C, and answers this machine only. On a
    terminal it asks once, at first, whether the notes that were already in the vault should be
    filled, too; see companion service backlog.
    """
    from companion.app.overview import asks_about_backlog
    from companion.cli.service import ask_about_backlog
    from companion.daemon.process import require_no_daemon
    from companion.daemon.process import serve as serve_vault

    output = Output()

    def ready(daemon: Daemon, bound: int) -> None:
        background = daemon.status().background
        does = "proposes values for" if config.review.mode == "propose" else "fills"
        output.say(f"Companion serves {root} on http://127.0.0.1:{bound}", style="bold")
        output.say(f"Asks {config.describe_endpoint()}")
        output.say(
            f"In the background: {background.off}"
            if background.off
            else f"In the background: {does} stubs that nobody edited for "
            f"{config.background.settle_seconds:g} seconds, at most "
            f"{background.notes_a_day} a day"
        )
        output.say("Its page: companion open", style="dim")
        output.say("Ctrl-C stops it.", style="dim")

    root, config = load_vault(vault)
    require_no_daemon(root)
    if asks_about_backlog(config) and not config.is_model_missing:
        ask_about_backlog(root, output)
    serve_vault(root, config.server.port if port is None else port, ready)


@click.command()
@common_options
def mcp(vault: Path | None) -> None:
    """Serve the vault to an agent, over MCP.

    An agent's program starts it, and talks to it on standard input and output. The agent sees what
    notes need, reads them as prompts show them, and proposes values, which wait for you; it never
    sees private and ignored notes. It may accept proposals itself only if may_accept under [agents]
    in the configuration allows it. It needs callout-companion[mcp].
    """
    root, _ = load_vault(vault)
    try:
        from companion.mcp_server import serve_agent
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("mcp", "mcp_types"):
            raise
        raise UsageError(
            "companion mcp needs the package mcp; install it by"
            " uv tool install 'callout-companion[mcp]'"
        ) from None
    serve_agent(root)


_REDIRECT = """<!doctype html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={address}">
<title>Companion</title>
<p><a href="{address}">Open the page</a></p>
"""


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@common_options
def status(as_json: bool, vault: Path | None) -> None:
    """Show what runs, what stops it, and today's cost.

    If no daemon runs, the exit status is 1.
    """
    output = Output(as_json=as_json)
    root = choose_vault(vault, load_config())
    with open_vault(root, tell=output.warn) as opened:
        now = _ask_daemon(root) or opened.status()
        if as_json:
            output.print_json(now.model_dump())
        for name, text in _describe(now):
            if text:
                output.say(f"{name:<12} {text}")
        if output.is_looked_at:
            print_days(opened.days(), output)
    if not now.running:
        raise NotThere(describe_missing_daemon(root))


def _ask_daemon(root: Path) -> Status | None:
    """Return what the vault's daemon says of itself; None if none runs, or it does not answer."""
    if (place := find_daemon(state_folder(root))) is None:
        return None
    from urllib.request import ProxyHandler, Request, build_opener

    with suppress(OSError, ValueError, UsageError):
        headers = {"Authorization": f"Bearer {read_token()}"}
        request = Request(f"http://127.0.0.1:{place.port}/api/v1/status", headers=headers)
        with build_opener(ProxyHandler({})).open(request, timeout=_PATIENCE) as reply:
            return Status.model_validate_json(reply.read())
    return None


def _describe(now: Status) -> Iterator[tuple[str, str]]:
    """Yield the lines about the status, each with its name; an empty one is not printed."""
    work = now.background
    if now.started_at:
        since = f"since {local_time(now.started_at)}"
        yield "daemon", f"pid {now.pid}, version {now.version}, {since}"
        yield "vault", f"{now.vault}: {_describe_vault(now)}"
    yield "model", now.model + (f" at {now.endpoint}" if now.endpoint else ", on this machine")
    so_far = f"{work.notes_today:,} of {work.notes_a_day:,} notes asked about today"
    switch = f"off: {work.off}" if work.off else "on"
    yield "background", f"{switch} ({so_far}, {work.waiting:,} waiting)"
    yield "today", _describe_today(now)
    waits = f"{now.proposals:,} to review; companion review shows them"
    yield "proposals", waits if now.proposals else ""
    if now.settings_fault:
        yield "settings", f"nothing is asked or written: {now.settings_fault}"
    if names := ", ".join(now.settings_to_restart_for):
        yield "settings", f"{names}: changed; takes effect when the daemon restarts"
    if (backlog := work.backlog).notes:
        waiting = describe_backlog(backlog.notes, backlog.cost)
        yield "backlog", f"{waiting} Answer with companion service backlog"
    if now.fault:
        since = f"since {local_time(now.fault.since)}, tried again in {now.retry_in} s"
        yield "waits", f"{now.fault.reason} ({since})"
    yield "polls", now.polls
    yield "works on", ", ".join(now.in_hand)


def _describe_vault(now: Status) -> str:
    if now.vault_missing:
        return "it is not available right now; the daemon continues when it is back"
    if not now.ready:
        return "it is being scanned"
    opened = f", {count(now.open_notes, 'note')} open in Obsidian" if now.open_notes else ""
    return f"{count(now.notes, 'note')}, {now.to_do:,} to work on{opened}"


def _describe_today(now: Status) -> str:
    spent = now.today
    tokens = f"{count(spent.input_tokens, 'token')} in, {spent.output_tokens:,} out"
    if spent.tokens_a_day is not None:
        tokens += f" (limit {spent.tokens_a_day:,})"
    price = "price not known" if spent.dollars is None else f"${spent.dollars:,.4f}"
    if spent.is_free and not spent.dollars:
        price = "which cost nothing on this machine"
    elif spent.dollars_a_day is not None:
        price += f" (limit ${spent.dollars_a_day:,.2f})"
    return f"{count(spent.notes, 'note')} enriched, {tokens}, {price}"


@click.command(name="open")
@click.option("--print", "only_print", is_flag=True, help="Print the address instead.")
@common_options
def open_page(only_print: bool, vault: Path | None) -> None:
    """Open the daemon's page in your browser.

    The address can be used once, within ten minutes; afterwards the tab stays signed in until it is
    closed, for twelve hours at most, or until `companion token --new`.
    """
    root = choose_vault(vault, load_config())
    state = state_folder(root)
    daemon = find_daemon(state)
    if daemon is None:
        raise NotThere(describe_missing_daemon(root))
    address = new_page_address(daemon.port)
    if only_print:
        click.echo(address)
        return
    # in a file, since the arguments of a program are shown to every user of the machine
    file = state / "open.html"
    write_private(file, _REDIRECT.format(address=html.escape(address)).encode())
    output = Output()
    if webbrowser.open(file.as_uri()):
        output.say(f"The page of {root} is open in your browser.")
    else:
        output.warn("No browser could be started; companion open --print prints the address.")
