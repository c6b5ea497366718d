"""companion demo: the main job on an example vault, with the commands that a user types."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from contextlib import chdir
from pathlib import Path

import click

import companion
from companion.app.open_vault import find_daemon
from companion.cli import run
from companion.cli.output import Output
from companion.cli.session import VAULT_PATH
from companion.config import common_state_folder
from companion.config.load import ENDPOINT_VARIABLES
from companion.errors import UsageError, VaultLocked
from companion.llm.catalog import find_model
from companion.vault.paths import find_vault

_COMMANDS = ("enrich .", "history --diff Cooking/Sourdough.md", "proposals", "enrich .")
_OURS = ".companion-demo"  # a folder in the vault: the demo made it, and keeps its settings there


@click.command(context_settings={"allow_interspersed_args": False})
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.option("--vault", type=VAULT_PATH, help="Where the example vault is, or should go.")
@click.option("--model", metavar="NAME", help="A model from companion model list.")
def demo(command: tuple[str, ...], vault: Path | None, model: str | None) -> int:
    """See it work on an example vault.

    A model on this machine fills its notes; then you see what was written in one of them, what
    waits for you, and that a second run changes nothing.

    The vault goes into Companion's state folder, or where --vault says: a new or an empty folder.
    It has its own settings and history; yours are not touched. Run it again to put the example
    notes back as they were; notes that you added stay.

    With COMMAND, as in companion demo undo, it runs that command on the example vault.
    """
    folder = (vault or common_state_folder() / "demo").expanduser().absolute()
    if command and not _is_ours(folder):
        raise UsageError(f"there is no example vault in {folder}; companion demo puts one there")
    if not command:
        _make_vault(folder, model)
    before = dict(os.environ)
    os.environ["COMPANION_HOME"] = str(_home(folder))
    for name in ENDPOINT_VARIABLES:
        os.environ.pop(name, None)
    try:
        with chdir(folder):
            return run(list(command)) if command else _show_demo(folder.resolve(), vault)
    finally:
        os.environ.clear()
        os.environ.update(before)


def _make_vault(folder: Path, model: str | None) -> None:
    """Restore the example notes in the folder, with new settings.

    Raises UsageError unless the folder is new, empty, or made by the demo, and outside any vault,
    and the model exists.
    """
    if model:
        find_model(model)
    if not _is_ours(folder):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(
                f"{folder} is not empty, and not the demo's; name a new folder by --vault"
            )
        if around := find_vault(folder.parent):
            raise UsageError(f"{folder} is in the vault {around}; name a folder outside by --vault")
    home = _home(folder)
    for state in (home / "vaults").glob("*"):
        if place := find_daemon(state):
            raise VaultLocked(f"a daemon (pid {place.pid}) works on {folder}; stop it first")
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(mode=0o700, parents=True)
    _copy_examples(folder)
    if model:
        (home / "config.toml").write_text(f"[endpoint]\nmodel = {json.dumps(model)}\n")


def _copy_examples(folder: Path) -> None:
    """Write the example notes into the folder."""
    package = Path(companion.__file__).parent
    packed = package / "_examples"  # in the wheel; else they are beside the package
    examples = packed if packed.is_dir() else package.parent / "examples" / "vault"
    shutil.copytree(examples, folder, copy_function=shutil.copyfile, dirs_exist_ok=True)


def _is_ours(folder: Path) -> bool:
    return (folder / _OURS).is_dir()


def _home(folder: Path) -> Path:
    return folder / _OURS / "home"


def _show_demo(folder: Path, vault: Path | None) -> int:
    """Run the commands of the main job in the current folder, and return the exit status.

    vault: the folder that was named for it.
    """
    output = Output()
    output.say(f"A copy of the example vault is in {folder}; your notes are not touched.")
    for command in _COMMANDS:
        output.say(f"\n$ companion {command}", style="bold cyan")
        if (status := run(command.split())) > 1:  # 1: some note failed
            return status
    program = Path(sys.argv[0])
    in_checkout = len(program.parts) > 1 and not program.is_absolute()  # no shell searches it
    typed = [sys.argv[0] if in_checkout else "companion", "demo"]
    demo = shlex.join([*typed, *(["--vault", str(vault)] if vault else [])])
    output.say(f"\nDecide on what waits: {demo} review. Take everything back: {demo} undo")
    first = "make dev, then " if in_checkout else ""  # which builds the page
    output.say(f"On a page in the browser: {first}{demo} serve, and beside it {demo} open")
    return 0
