"""companion pair: a one-time code for a program that shall talk to the daemon."""

from __future__ import annotations

from pathlib import Path

import click

from companion.cli.session import choose_vault, common_options
from companion.cli.show import Show
from companion.config import load_config, state_folder
from companion.daemon.pairing import new_code
from companion.daemon.place import find_daemon

_SECONDS = 120.0
_TRIES = 5


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@common_options
def pair(as_json: bool, vault: Path | None) -> None:
    """Print a code that lets the Obsidian plugin talk to this vault's daemon.

    It can be used once, and opens this vault only. Making a new one ends the one before.
    """
    show = Show(as_json=as_json)
    root = choose_vault(vault, load_config(), ())
    state = state_folder(root)
    code = new_code(state, _SECONDS, _TRIES)
    if as_json:
        show.object({"code": code, "seconds": _SECONDS, "tries": _TRIES, "vault": str(root)})
    show.say(code, style="bold")
    show.say(f"For the vault {root}, within {_SECONDS / 60:g} minutes, at most {_TRIES} tries.")
    show.say("Type it in Obsidian: Settings, Callout Companion, Pair.")
    if find_daemon(state) is None:
        show.warn("No daemon of this vault runs yet; start it first: companion serve")
