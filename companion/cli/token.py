"""companion token: what opens the daemon, where it lies, and a new one in its place."""

from __future__ import annotations

import click

from companion.cli.show import Show
from companion.daemon.token import rotate_token, token_file


@click.group()
def token() -> None:
    """Say where the daemon's token lies, or put a new one in its place."""


@token.command()
def rotate() -> None:
    """Make a new token: every session and every paired plugin ends at once."""
    show = Show()
    rotate_token()
    show.say(f"There is a new token in {token_file()}.")
    show.say(
        "All sessions have ended, of every vault. Commands go on by themselves; pair Obsidian"
        " again with companion pair."
    )


@token.command()
def path() -> None:
    """Print where the token lies. Whoever can read that file can change your notes."""
    click.echo(str(token_file()))
