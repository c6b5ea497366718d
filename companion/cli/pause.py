"""companion pause, companion resume: background work, and nothing else."""

from __future__ import annotations

from pathlib import Path

import click

from companion.cli.session import common_options, require_running
from companion.cli.show import Show


@click.command()
@common_options
def pause(vault: Path | None) -> None:
    """Stop background work at once, until `companion resume`, also across restarts.

    What you ask for yourself is still done.
    """
    require_running(vault).pause()
    Show().say("Background work is paused; companion resume lets it go on.")


@click.command()
@common_options
def resume(vault: Path | None) -> None:
    """Let background work go on, and try an endpoint that failed again at once."""
    off = require_running(vault).resume().background.off
    Show().say(f"Background work is still off: {off}" if off else "Background work goes on.")
