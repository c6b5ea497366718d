"""companion plugin: install the Obsidian plugin; companion token: print the user's token."""

from __future__ import annotations

from pathlib import Path

import click

from companion.cli.output import Output
from companion.cli.session import VAULT_PATH, debug_option, load_vault
from companion.daemon.access import ensure_token, replace_token
from companion.errors import UsageError
from companion.vault.plugin_files import find_built, find_plugin, read_version
from companion.vault.plugin_files import install as install_files

NEXT_IN_OBSIDIAN = """
Then, in Obsidian:
  Open the vault. If it is open now, reload it: command palette, "Reload app without saving".
  Settings, Community plugins: turn community plugins on, if Restricted mode is still on.
The plugin finds companion serve by itself."""


@click.group()
def plugin() -> None:
    """Install the plugin for Obsidian."""


@plugin.command()
@click.argument("vault", required=False, type=VAULT_PATH)
@debug_option
def install(vault: Path | None) -> None:
    """Install or update the plugin, and enable it.

    VAULT is a vault's folder; else the configured one, else the nearest one with .obsidian. The
    plugin's settings and other plugins stay as they are. You turn off Obsidian's Restricted mode
    yourself, and uninstall the plugin in Obsidian.
    """
    root, _ = load_vault(vault)
    output = Output()
    install_plugin(root, output)
    output.say(NEXT_IN_OBSIDIAN)


def install_plugin(root: Path, output: Output) -> bool:
    """Install the plugin in the vault at root, print where, and return True.

    Raises UsageError if the plugin is not built, or cannot be installed; nothing is written.
    """
    built = find_built()
    if built is None:
        raise UsageError(
            "this build of Companion has no Obsidian plugin in it; in a checkout, make dev builds"
            " the plugin"
        )
    version, written = read_version(built), install_files(root, built)
    if written:
        output.say(f"The Obsidian plugin {version} is in {find_plugin(root)}", style="bold")
    else:
        output.say(f"The Obsidian plugin {version} is in the vault already.")
    return True


@click.command()
@click.option("--new", is_flag=True, help="Make a new one; the old one and all sessions end.")
@debug_option
def token(new: bool) -> None:
    """Print your token for the HTTP API.

    Whoever has it can read and change your notes. The Obsidian plugin reads it by itself.
    """
    click.echo(replace_token() if new else ensure_token())
