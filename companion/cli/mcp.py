"""companion mcp: the MCP server, by which agents read notes and propose what they need."""

from __future__ import annotations

from pathlib import Path

import click

from companion.cli.session import common_options, load_vault
from companion.errors import UsageError


@click.command()
@common_options
def mcp(vault: Path | None) -> None:
    """Serve the vault to an agent over MCP, on standard input and output.

    An agent's program starts it. The agent sees what notes need, reads them as prompts show them,
    and proposes values, which wait for you; private and ignored notes it never sees. It accepts
    proposals itself only where may_accept under [agents] in the configuration lets it. It needs
    callout-companion[mcp].
    """
    root, _ = load_vault(vault)
    try:
        from companion.mcp_server.server import make_server
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("mcp", "mcp_types"):
            raise
        raise UsageError(
            "companion mcp needs the package mcp; install callout-companion[mcp], as by"
            " pipx install 'callout-companion[mcp]'"
        ) from None
    make_server(root).run()
