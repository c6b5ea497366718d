"""companion uninstall: what Companion keeps where on this machine, and its removal."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import click
from rich.filesize import decimal

from companion.app.open_vault import find_daemon
from companion.cli.output import Output
from companion.cli.session import debug_option
from companion.config import common_state_folder, config_folder, load_config, state_folder
from companion.config.load import vault_files, vaults_with_settings
from companion.daemon.installed_service import InstalledService, list_services, uninstall_service
from companion.daemon.service_manager import find_manager
from companion.doctor.setup import find_interrupted
from companion.errors import CompanionError, UsageError, VaultLocked
from companion.llm.catalog import CATALOG, models_folder
from companion.vault.obsidian import find_registered_vaults
from companion.vault.plugin_files import find_plugin, remove_plugin

_STATE = re.compile(r".+-[0-9a-f]{12}")  # the name of a vault's state folder
_SHARED = ("spending.sqlite3*", "tasks/callout-companion-*.xml")  # state that vaults share
_SETTINGS = ("config.toml", "token", "*.lock", "vault-settings/*.lock")
_FETCHED = re.compile(r"[\w.-]+--[\w.-]+\.gguf")  # a model that is not in the catalogue


@click.command()
@click.option(
    "--keep-models", is_flag=True, help="Keep the models, which take up most of the space."
)
@click.option("--yes", is_flag=True, help="Do not ask first.")
@debug_option
def uninstall(keep_models: bool, yes: bool) -> None:
    """List what it keeps, and remove it; notes stay.

    That is services, the plugin in your vaults, state (history, proposals, spending), settings and
    models. Everything is listed first, and you are asked. Your notes stay as they are, with what
    was written into them; run companion undo first to take that back. Your own prompts stay, and so
    does every file that is not Companion's.

    It refuses while a daemon runs that no service started, and if a change was interrupted.
    """
    output = Output()
    services, states = list_services(), [*_find_states()]
    _refuse_if_in_use(services, states)
    vaults = [*_find_vaults_with_plugin(services)]
    files = [*_find_files()]
    models = [] if keep_models else [*_find_models()]
    for service in services:
        output.say(f"service    of {service.root}")
    for vault in vaults:
        output.say(f"plugin     {find_plugin(vault)}")
    for path in [*states, *files, *models]:
        kind = "state" if path in states else "model" if path in models else "settings"
        inside = path.rglob("*") if path.is_dir() else [path]
        size = sum(file.stat().st_size for file in inside if file.is_file())
        output.say(f"{kind:<10} {path}  ({decimal(size)})")
    if not (services or vaults or states or files or models):
        output.say("Companion keeps nothing here.")
    elif _agrees(yes, output):
        for service in services:
            uninstall_service(find_manager(), service)
        for vault in vaults:
            remove_plugin(vault)
        for path in [*states, *files, *models]:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        _remove_empty_folders()
        reload = " In vaults that are open in Obsidian, reload the app." if vaults else ""
        output.say(f"Removed.{reload}", style="bold")
    else:
        output.warn("Nothing was removed.")
        return
    output.say(f"To remove the program itself: {_name_own_removal()}")


def _agrees(yes: bool, output: Output) -> bool:
    if not yes and not output.can_ask:
        raise UsageError("nothing was removed, since nobody is here to agree; add --yes")
    return yes or click.confirm("Remove all of this? What was written in notes stays.", err=True)


def _refuse_if_in_use(services: Iterable[InstalledService], states: Iterable[Path]) -> None:
    """Raise VaultLocked if a daemon runs that no service started, or a change was interrupted."""
    of_services = {state_folder(service.root) for service in services}
    for state in states:
        place = find_daemon(state)
        if place and state not in of_services:
            raise VaultLocked(
                f"nothing was removed: a daemon runs (pid {place.pid}, {state.name}); end it with"
                " Ctrl-C in its terminal, and try again"
            )
        if find_interrupted(state):
            raise VaultLocked(
                f"nothing was removed: a change was interrupted ({state.name}), and its journal is"
                " needed; the next command that writes in that vault puts the note right"
            )


def _find_states() -> Iterator[Path]:
    """Yield the state folders of vaults, and the example vault; similar folders are left."""
    for folder in sorted((common_state_folder() / "vaults").glob("*")):
        if _STATE.fullmatch(folder.name) and _is_real(folder) and not any(folder.rglob("*.md")):
            yield folder
    demo = common_state_folder() / "demo"
    if _is_real(demo / ".companion-demo"):
        yield demo


def _find_vaults_with_plugin(services: Iterable[InstalledService]) -> Iterator[Path]:
    """Yield the vaults that have the plugin, among those known here or to Obsidian."""
    vaults = [service.root for service in services]
    vaults += [root for root, _ in vaults_with_settings()]
    vaults += [vault.root for vault in find_registered_vaults()]
    with suppress(CompanionError):
        vaults += [path for path in [load_config().vault] if path]
    real = dict.fromkeys(path.expanduser().resolve() for path in vaults)
    yield from (vault for vault in real if find_plugin(vault))


def _find_files() -> Iterator[Path]:
    yield from vault_files()
    for folder, patterns in ((config_folder(), _SETTINGS), (common_state_folder(), _SHARED)):
        for pattern in patterns:
            yield from sorted(folder.glob(pattern))


def _find_models() -> Iterator[Path]:
    """Yield the files of downloaded models, complete or not; others in that folder are left."""
    names = {model.file for model in CATALOG}
    for path in sorted(models_folder().glob("*.gguf*")):
        name = path.name.partition(".gguf")[0] + ".gguf"
        if name in names or _FETCHED.fullmatch(name):
            yield path


def _is_real(folder: Path) -> bool:
    return folder.is_dir() and not folder.is_symlink()


def _remove_empty_folders() -> None:
    """Remove the folders that are now empty; the others hold something that is not ours."""
    config, state, models = config_folder(), common_state_folder(), models_folder()
    inner = [config / "vault-settings", state / "vaults", state / "tasks", models]
    for folder in [*inner, config, state, models.parent]:
        with suppress(OSError):
            folder.rmdir()


def _name_own_removal() -> str:
    """Return the command that removes the program, depending on how it was installed."""
    parts = {part.lower() for part in Path(sys.prefix).parts}
    if "uv" in parts:
        return "uv tool uninstall callout-companion"
    if "pipx" in parts:
        return "pipx uninstall callout-companion"
    return f"{sys.executable} -m pip uninstall callout-companion"
