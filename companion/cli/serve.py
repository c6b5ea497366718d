"""companion serve and companion mcp: serving a vault to the plugin, and to an agent."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from companion.cli.output import Output
from companion.cli.session import common_options, load_vault
from companion.config import config_file, state_folder
from companion.daemon.log import log_failed_start
from companion.errors import UsageError
from companion.private_files import write_private

if TYPE_CHECKING:
    from companion.daemon.daemon import Daemon

_CONFIGURATION = """\
# Settings of Callout Companion: companion init VAULT sets some, companion config get lists all.
"""


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), help="The port to listen on; 0: any free one."
)
@common_options
def serve(port: int | None, vault: Path | None) -> None:
    """Watch the vault, and fill its stubs by itself.

    It also answers Obsidian's plugin. It runs until Ctrl-C, and answers this machine only. On a
    terminal it asks once, at first, whether the notes that were already in the vault should be
    filled, too; see companion service backlog.
    """
    from companion.app.backlog import may_ask
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

    try:
        root, config = load_vault(vault)
        require_no_daemon(root)
        file = config_file()
        if not file.exists():  # one that sets nothing, and says what may be set
            with suppress(UsageError):  # a folder that is read-only serves as well
                write_private(file, _CONFIGURATION.encode())
        if may_ask(config):
            ask_about_backlog(root, output)
        serve_vault(root, config.server.port if port is None else port, ready)
    except Exception as error:
        if vault is not None:
            log_failed_start(state_folder(Path(os.path.realpath(vault.expanduser()))), error)
        raise


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
        from companion.mcp_server import make_server
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("mcp", "mcp_types"):
            raise
        raise UsageError(
            "companion mcp needs the package mcp; install callout-companion[mcp], as by"
            " uv tool install 'callout-companion[mcp]'"
        ) from None
    make_server(root).run()
