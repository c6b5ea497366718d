"""companion plugin: install the Obsidian plugin and pair it, and the tokens of programs."""

from __future__ import annotations

from pathlib import Path

import click

from companion.app.open_vault import find_daemon
from companion.app.tokens import VaultTokens, ensure_token, rotate_token, token_file
from companion.app.types.status import SCOPES, NewToken, Scope, Token, TokenList
from companion.cli.output import Output, local_time
from companion.cli.session import (
    VaultPathType,
    choose_vault,
    common_options,
    debug_option,
    load_vault,
)
from companion.config import Config, load_config, state_folder
from companion.config.settings import DEFAULT_PORT
from companion.daemon.access import CARRIED_LENGTH, can_pair, new_code
from companion.errors import UsageError
from companion.vault.plugin_files import find_built, plan_install, write_install

NEXT_IN_OBSIDIAN = """
Then, in Obsidian:
  Open the vault. If it is open now, reload it: command palette, "Reload app without saving".
  Settings, Community plugins: turn community plugins on, if Restricted mode is still on.
The plugin pairs by itself as soon as companion serve runs."""

_CODE_HOURS = 24  # that the code of an install is valid
_PAIRING_SECONDS = 120.0  # that a code to type in is valid


@click.group()
def plugin() -> None:
    """Install the plugin for Obsidian, and pair it."""


@plugin.command()
@click.argument("vault", required=False, type=VaultPathType())
@debug_option
def install(vault: Path | None) -> None:
    """Install or update the plugin, and enable it.

    VAULT is a vault's folder; else the configured one, else the nearest one with .obsidian. The
    plugin's settings and other plugins stay as they are. You turn off Obsidian's Restricted mode
    yourself, and uninstall the plugin in Obsidian.
    """
    root, config = load_vault(vault)
    output = Output()
    install_plugin(root, config, output)
    output.say(NEXT_IN_OBSIDIAN)


def install_plugin(root: Path, config: Config, output: Output, *, again: bool = True) -> None:
    """Install the plugin in the vault at root, and print where.

    again: also where it is already, so that it gets a new code. The code to pair with is valid for
    a day, not two minutes, since the vault may be opened later; it works once, and the plugin
    removes it. A plugin that is paired gets a new token.

    Raises UsageError if the plugin is not built, or cannot be installed; nothing is written.
    """
    built = find_built()
    if built is None:
        raise UsageError(
            "this build of Companion has no Obsidian plugin in it; in a checkout, make dev builds"
            " the plugin"
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
        f"  it pairs with this vault's daemon ({address}) by itself, with a code that works once,"
        f" within {_CODE_HOURS} hours"
    )


@plugin.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@common_options
def pair(as_json: bool, vault: Path | None) -> None:
    """Print a code to pair the Obsidian plugin with.

    It lets the plugin talk to this vault's daemon. It works once, for this vault only. A new code
    cancels the one before.
    """
    output = Output(as_json=as_json)
    root = choose_vault(vault, load_config())
    state = state_folder(root)
    code = new_code(state, _PAIRING_SECONDS)
    if as_json:
        output.print_json({"code": code, "seconds": _PAIRING_SECONDS, "vault": str(root)})
    output.say(code, style="bold")
    minutes = f"{_PAIRING_SECONDS / 60:g}"
    output.say(f"For the vault {root}, within {minutes} minutes. It works once.")
    output.say("Type it in Obsidian: Settings, Callout Companion, Pair.")
    if find_daemon(state) is None:
        output.warn("No daemon runs for this vault yet; start it first: companion serve")


@plugin.group()
def token() -> None:
    """Make and revoke tokens for programs.

    A token lets a program use the API of one vault's daemon. Its scope says what it may do: read
    (look), propose (values), decide (accept, refuse, undo), all (start runs, and everything else).
    """


@token.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@common_options
def list_tokens(as_json: bool, vault: Path | None) -> None:
    """List the tokens that open this vault.

    The plugin and each tab of the page have their own. The command line's is not listed: it is in
    the file that `companion plugin token path` prints.
    """
    output = Output(as_json=as_json)
    tokens = _tokens(vault).all()
    if as_json:
        output.print_json(TokenList(tokens=tokens).model_dump(mode="json"))
    if not tokens:
        output.say("No program has a token for this vault.")
    for each in tokens:
        output.say(_describe(each))


def _describe(token: Token) -> str:
    used = f"used {local_time(token.used_at)}" if token.used_at else "never used"
    until = f", until {local_time(token.expires_at)}" if token.expires_at else ""
    return (
        f"{token.id:<16}  {token.name:<12}  {token.scope:<7}  made {local_time(token.made_at)}"
        f"{until}, {used}"
    )


@token.command()
@click.argument("name")
@click.option(
    "--scope", type=click.Choice(SCOPES), default="read", show_default=True, help="What it allows."
)
@click.option("--days", type=click.IntRange(1), metavar="N", help="How many days it is valid.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@common_options
def make(name: str, scope: Scope, days: int | None, as_json: bool, vault: Path | None) -> None:
    """Make a token for a program, and print it.

    NAME says whose it is. The token is shown only this once, and opens only this vault's API.
    """
    output = Output(as_json=as_json)
    made = _tokens(vault).make(NewToken.of(name=name, scope=scope, days=days))
    if as_json:
        output.print_json(made.model_dump(mode="json"))
    output.say(made.token, style="bold")
    output.say(f"{made.name} may {made.scope}. Revoke it: companion plugin token revoke {made.id}")


@token.command()
@click.argument("name")
@common_options
def revoke(name: str, vault: Path | None) -> None:
    """Revoke a token, at once.

    NAME is its name, or its id if several have that name.
    """
    revoked = _tokens(vault).revoke(name)
    Output().say(f"Revoked {revoked.id}, {revoked.name}.")


def _tokens(vault: Path | None) -> VaultTokens:
    ensure_token()
    return VaultTokens(choose_vault(vault, load_config()))


@token.command()
def rotate() -> None:
    """Make a new token, and end all sessions.

    Obsidian has to be paired again, in every vault.
    """
    output = Output()
    rotate_token()
    output.say(f"There is a new token in {token_file()}.")
    output.say(
        "All sessions of all vaults have ended. Commands use the new token by themselves; pair "
        "Obsidian again with companion plugin pair."
    )


@token.command()
def path() -> None:
    """Print where the daemon's token is stored.

    Anyone who can read that file can change your notes.
    """
    click.echo(str(token_file()))
