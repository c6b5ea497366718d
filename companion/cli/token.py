"""companion plugin token: list, make and revoke the tokens of a vault, and renew the user's own."""

from __future__ import annotations

from pathlib import Path

import click

from companion.app.tokens import ensure_token, rotate_token, token_file
from companion.app.types.tokens import SCOPES, NewToken, Scope, Token, TokenList
from companion.app.vault_tokens import VaultTokens
from companion.cli.output import Output, local_time
from companion.cli.session import choose_vault, common_options
from companion.config import load_config


@click.group()
def token() -> None:
    """Make and revoke tokens for programs.

    A token opens the API of one vault's daemon to a program. Its scope says how far: read (look),
    propose (values), decide (accept, refuse, undo), all (start runs, and everything else).
    """


@token.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@common_options
def list_tokens(as_json: bool, vault: Path | None) -> None:
    """List the tokens that open this vault.

    The plugin and each tab of the page have one of their own. The one of the command line is not
    among them: it is the file that `companion plugin token path` names.
    """
    output = Output(as_json=as_json)
    tokens = _tokens(vault).all()
    if as_json:
        output.print_json(TokenList(tokens=tokens).model_dump(mode="json"))
    if not tokens:
        output.say("No program has a token of this vault.")
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
@click.option("--days", type=click.IntRange(min=1), help="How long it is valid.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@common_options
def make(name: str, scope: Scope, days: int | None, as_json: bool, vault: Path | None) -> None:
    """Make a token for a program, and print it.

    NAME says whose it is. The token is shown this once; it opens the API of this vault alone.
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

    NAME is its name, or its id where several have that name.
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
        "All sessions have ended, of every vault. Commands go on by themselves; pair Obsidian"
        " again with companion plugin pair."
    )


@token.command()
def path() -> None:
    """Print where the daemon's token is stored.

    Whoever can read that file can change your notes.
    """
    click.echo(str(token_file()))
