"""companion plugin: install the Obsidian plugin in the vault, and pair it."""

from __future__ import annotations

from pathlib import Path

import click

from companion.app.runtime_file import find_daemon
from companion.cli.daemon_commands import pair
from companion.cli.output import Output
from companion.cli.session import VaultPathType, debug_option, load_vault
from companion.cli.token import token
from companion.config import Config, state_folder
from companion.config.settings import DEFAULT_PORT
from companion.daemon.access import CARRIED_LENGTH, can_pair, new_code
from companion.errors import UsageError
from companion.vault.plugin_files import find_built, plan_install, write_install

NEXT_IN_OBSIDIAN = """
Then, in Obsidian:
  Open the vault. If it is open now, reload it: command palette, "Reload app without saving".
  Settings, Community plugins: turn community plugins on, if Restricted mode is still on.
The plugin pairs by itself as soon as companion serve runs."""

_CODE_HOURS = 24


@click.group()
def plugin() -> None:
    """Install the plugin for Obsidian, and pair it."""


for _command in (pair, token):
    plugin.add_command(_command)


@plugin.command()
@click.argument("vault", required=False, type=VaultPathType())
@debug_option
def install(vault: Path | None) -> None:
    """Install or update the plugin, and enable it.

    VAULT is a vault's folder; else the configured one, else the nearest one with .obsidian. The
    plugin's other settings stay, and so do the other plugins. Obsidian's Restricted mode is yours
    to lift; uninstalling is done in Obsidian.
    """
    root, config = load_vault(vault)
    output = Output()
    install_plugin(root, config, output)
    output.say(NEXT_IN_OBSIDIAN)


def install_plugin(root: Path, config: Config, output: Output, *, again: bool = True) -> None:
    """Install the plugin in the vault at root, and print where.

    again: also where it is there already, so that it gets a new code.

    A code to pair with is written with it. It is valid for a day, not for two minutes as one that
    is typed, since the vault may be opened in Obsidian much later. It works once, and the plugin
    removes it. A plugin that is paired already gets a new token.

    Raises UsageError if the plugin is not built, or cannot be installed; then nothing is written.
    """
    built = find_built()
    if built is None:
        raise UsageError(
            "this build of Companion has no Obsidian plugin in it: that was not built, which takes"
            " Node; make dev builds it in a checkout"
        )
    planned = plan_install(root, built)
    state = state_folder(root)
    is_new = planned.files or planned.enabling or "address" not in planned.settings
    code = planned.settings.get("code")
    is_paired = code is None or can_pair(state, str(code))
    if not again and not is_new and is_paired:
        output.say(f"The Obsidian plugin {planned.version} is in the vault already.")
        return
    place = find_daemon(state)
    port = place.port if place else config.server.port or DEFAULT_PORT
    address = f"http://127.0.0.1:{port}"
    code = new_code(state, _CODE_HOURS * 3600.0, length=CARRIED_LENGTH)
    written = write_install(planned, {"address": address, "code": code})
    output.say(f"The Obsidian plugin {planned.version} is in {planned.folder}", style="bold")
    output.say(f"  written: {', '.join(written)}")
    output.say(
        f"  it will ask this vault's daemon, at {address} or wherever that answers, with a code"
        f" that works once, within {_CODE_HOURS} hours"
    )
