"""companion demo: the main job on an example vault, by the commands that a user types."""

from __future__ import annotations

import os
import shlex
import shutil
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

import click

import companion
from companion.app.runtime_file import find_daemon
from companion.cli import run
from companion.cli.demo_report import show_demo
from companion.cli.output import Output
from companion.cli.session import VaultPathType
from companion.config import common_state_folder
from companion.config.edit_settings import plan_settings, write_planned
from companion.config.load import ENDPOINT_VARIABLES
from companion.errors import UsageError, VaultLocked
from companion.llm.catalog import find_model
from companion.vault.paths import find_vault

_OURS = ".companion-demo"  # a folder in the vault: the demo made it, and keeps its settings there


@click.command(context_settings={"allow_interspersed_args": False})
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@click.option("--vault", type=VaultPathType(), help="Where the example vault is, or goes.")
@click.option("--model", metavar="NAME", help="A model of companion model list, not the default.")
def demo(command: tuple[str, ...], vault: Path | None, model: str | None) -> int:
    """See it work, on the notes of an example vault.

    A model on this machine fills them; then you see what was written, what waits for you and what
    was not touched, and on a terminal the same as a page.

    The vault goes into Companion's state folder, or where
    --vault says: a new or an empty folder. It has settings and a history of its own; yours are not
    touched. Run again, it puts the example notes back as they were; notes that you added stay.

    With COMMAND, as in companion demo undo, that runs on the example vault as it is now.
    """
    folder = (vault or common_state_folder() / "demo").expanduser().absolute()
    if command and not _is_ours(folder):
        raise UsageError(f"there is no example vault in {folder}; companion demo puts one there")
    if not command:
        _make_vault(folder, model)
    with _working_in(folder):
        if command:
            return run(list(command))
        output = Output()
        output.say(f"A copy of the example vault is in {folder}; your notes are not touched.")
        named = f"companion demo --vault {shlex.quote(str(vault))}" if vault else "companion demo"
        return show_demo(folder.resolve(), named, output)


def _make_vault(folder: Path, model: str | None) -> None:
    """Put the example notes into the folder as they were at first, with new settings.

    Raises UsageError unless the folder is new, empty, or made by the demo, and in no vault, and
    there is such a model.
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
    home.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(mode=0o700)
    _copy_examples(folder.resolve())
    if model:
        write_planned(plan_settings(home / "config.toml", {"endpoint.model": model}))


def _copy_examples(folder: Path) -> None:
    """Write the example notes into the folder, a real path. Raises UsageError at a link in it."""
    package = Path(companion.__file__).parent
    packed = package / "_examples"  # in the wheel; else they are beside the package
    examples = packed if packed.is_dir() else package.parent / "examples" / "vault"
    for source in sorted(examples.rglob("*")):
        target = folder / source.relative_to(examples)
        if target.resolve() != target:
            raise UsageError(f"{target} is a symbolic link, or behind one; remove that link")
        if source.is_dir():
            target.mkdir(exist_ok=True)
        else:
            target.write_bytes(source.read_bytes())


def _is_ours(folder: Path) -> bool:
    ours = folder / _OURS
    return ours.is_dir() and not ours.is_symlink()


def _home(folder: Path) -> Path:
    """Return the COMPANION_HOME of the example vault in folder."""
    return folder / _OURS / "home"


@contextmanager
def _working_in(folder: Path) -> Iterator[None]:
    """Make folder the current one, with the settings of the example vault, not the user's."""
    before = dict(os.environ)
    os.environ["COMPANION_HOME"] = str(_home(folder))
    for name in ENDPOINT_VARIABLES:
        os.environ.pop(name, None)
    try:
        with chdir(folder):
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)
