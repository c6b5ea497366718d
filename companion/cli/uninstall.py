"""companion uninstall: what Companion keeps where on this machine, and its removal."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

import click
from rich.filesize import decimal

from companion.app.open_vault import find_daemon
from companion.cli.output import Output
from companion.cli.session import debug_option
from companion.config import common_state_folder, config_folder, load_config
from companion.config.load import vaults_with_settings
from companion.daemon.service import list_services, uninstall_service
from companion.doctor import find_interrupted
from companion.errors import CompanionError, UsageError, VaultLocked
from companion.llm.catalog import models_folder
from companion.vault.obsidian import find_registered_vaults
from companion.vault.plugin_files import find_plugin, remove_plugin

_STATE = ("vaults", "demo", "spending.sqlite3*", "token")
_SETTINGS = ("config.toml", "config.toml.lock", "vault-settings", "token*")
_MODELS = ("*.gguf*", "*.hub")


@click.command()
@click.option("--keep-models", is_flag=True, help="Keep the models, which take up most space.")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@debug_option
def uninstall(keep_models: bool, yes: bool) -> None:
    """List what it keeps, and remove it; notes stay.

    That is services, the plugin in your vaults, state (history, proposals, spending), settings and
    models. Everything is listed first, and you are asked. Your notes stay as they are, with what
    was written into them; run companion undo first to take that back. Your own prompts stay.
    """
    output = Output()
    services, vaults = list_services(), [*_find_vaults_with_plugin()]
    kept = [*_find(common_state_folder(), _STATE), *_find(config_folder(), _SETTINGS)]
    kept += [] if keep_models else [*_find(models_folder(), _MODELS)]
    kept = list(dict.fromkeys(kept))  # with COMPANION_HOME, state and settings are in one folder
    for path in (*services, *(find_plugin(vault) for vault in vaults)):
        output.say(str(path))
    for path in kept:
        inside = path.rglob("*") if path.is_dir() else [path]
        size = sum(file.stat().st_size for file in inside if file.is_file())
        output.say(f"{path}  ({decimal(size)})")
    if not (services or vaults or kept):
        output.say("Companion keeps nothing here.")
        return
    if not yes and not output.can_ask:
        raise UsageError("nothing was removed, since nobody is here to agree; add --yes")
    if not yes and not click.confirm("Remove all of this? Your notes stay.", err=True):
        output.warn("Nothing was removed.")
        return
    _remove(services, vaults, kept)
    output.say("Removed. To remove the program itself: uv tool uninstall callout-companion")
    output.say("(or, by what installed it, pipx uninstall or pip uninstall).")


def _remove(services: Iterable[Path], vaults: Iterable[Path], kept: Iterable[Path]) -> None:
    """Remove services, the plugins of vaults, and files and folders.

    Raises VaultLocked if a daemon runs that no service started, or a change is unfinished.
    """
    for service in services:
        uninstall_service(service)
    for state in (common_state_folder() / "vaults").glob("*"):
        if place := find_daemon(state):
            raise VaultLocked(f"a daemon runs (pid {place.pid}, {state.name}); end it first")
        if find_interrupted(state):
            raise VaultLocked(f"a change was interrupted ({state.name}); run companion scan first")
    for vault in vaults:
        remove_plugin(vault)
    for path in kept:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _find_vaults_with_plugin() -> Iterator[Path]:
    """Yield the vaults that have the plugin, among those known here or to Obsidian."""
    vaults = [root for root, _ in vaults_with_settings()]
    vaults += [vault.root for vault in find_registered_vaults()]
    with suppress(CompanionError):
        vaults += [path for path in [load_config().vault] if path]
    real = dict.fromkeys(path.expanduser().resolve() for path in vaults)
    yield from (vault for vault in real if find_plugin(vault))


def _find(folder: Path, patterns: tuple[str, ...]) -> Iterator[Path]:
    """Yield the files and folders in folder that have one of the names."""
    for each in patterns:
        yield from (path for path in sorted(folder.glob(each)) if not path.is_symlink())
