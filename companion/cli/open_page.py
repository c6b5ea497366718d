"""companion open: the page in the browser."""

from __future__ import annotations

import html
import webbrowser
from pathlib import Path

import click

from companion.cli.output import Output
from companion.cli.session import choose_vault, common_options
from companion.config import load_config, state_folder
from companion.daemon.pairing import new_code
from companion.daemon.runtime_file import find_daemon
from companion.errors import UsageError
from companion.private_files import write_private

_CODE_SECONDS = 60.0  # that the code is valid
_REDIRECT = """<!doctype html>
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0; url={address}">
<title>Companion</title>
<p><a href="{address}">Open the page</a></p>
"""


@click.command(name="open")
@click.option("--print", "only_print", is_flag=True, help="Print the address instead.")
@common_options
def open_page(only_print: bool, vault: Path | None) -> None:
    """Open the page of the running daemon in your browser.

    The address can be used once, within a minute; afterwards the browser stays signed in for
    twelve hours, or until `companion token rotate`.
    """
    root = choose_vault(vault, load_config(), ())
    state = state_folder(root)
    daemon = find_daemon(state)
    if daemon is None:
        raise UsageError(f"no daemon runs for the vault {root}; companion serve starts one")
    code = new_code(state, _CODE_SECONDS, purpose="page")
    address = f"http://127.0.0.1:{daemon.port}/#code={code}"
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
