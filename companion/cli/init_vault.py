"""Which vault companion init sets up, and the file for its settings."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import click

from companion.cli.init_choices import Choices
from companion.cli.output import Output
from companion.config import Config, config_file
from companion.config.edit_settings import PlannedSettings, SettingValue, plan_settings
from companion.config.load import Tables, read_tables, vault_file, vaults_with_settings
from companion.config.reference import value_of
from companion.errors import UsageError
from companion.vault.obsidian import find_registered_vaults


def choose_registered_vault(output: Output, *, asks: bool) -> Path:
    """Return one of the vaults that Obsidian lists: the only one, or the one that the user names.

    Raises UsageError if it lists none, or several and nobody can be asked.
    """
    vaults = find_registered_vaults()
    if not vaults:
        raise UsageError("Obsidian lists no vault on this machine; name its folder: init FOLDER")
    if len(vaults) == 1:
        output.say(f"The vault that Obsidian lists: {vaults[0].root}")
        return vaults[0].root
    if not asks:
        names = ", ".join(str(vault.root) for vault in vaults)
        raise UsageError(f"Obsidian lists {len(vaults)} vaults; name one: {names}")
    output.say("Vaults that Obsidian lists:", style="bold")
    for number, vault in enumerate(vaults, 1):
        output.say(f"  {number}  {vault.root}{', open now' if vault.is_open else ''}")
    chosen = click.prompt("Number", type=click.IntRange(1, len(vaults)), default=1, err=True)
    return vaults[chosen - 1].root


class SettingsPlace(NamedTuple):
    """Where the settings of a vault stand.

    file: the common one for the first vault, else one of its own. config: what is in force in it
    now, without the environment. common: the tables that those of the file go over.
    """

    root: Path
    file: Path
    config: Config
    common: Tables

    def plan(self, choices: Choices) -> PlannedSettings:
        """Return the edit of the file that makes the choices. Raises UsageError.

        A vault's own file gets what it needs beside the common settings; a port in any case.
        """
        settings: dict[str, SettingValue] = {"vault": str(self.root)}
        if self.file == config_file():
            if _is_same(self.config.vault, self.root):
                settings = {}
            return plan_settings(self.file, settings | choices.settings(self.config), self.common)
        current, chosen = self.config.endpoint, choices.endpoint
        if chosen and chosen.base_url == current.base_url:
            key = chosen.api_key or current.api_key.get_secret_value()
            chosen = chosen._replace(api_key=key)
            if chosen == (current.base_url, current.model, current.api_key.get_secret_value()):
                chosen = None
        for name, value in choices._replace(endpoint=chosen).settings(self.config).items():
            if name.startswith("endpoint.") or value != value_of(self.config, name):
                settings[name] = value
        if port := self._free_port():
            settings["server.port"] = port
        return plan_settings(self.file, settings, self.common)

    def _free_port(self) -> int | None:
        """Return a port that no other vault is given; None if it has one, or takes any."""
        own = read_tables(self.file).get("server", {})
        first = Config.model_validate(self.common).server.port
        if "port" in own or first == 0:
            return None
        others = [tables.get("server", {}).get("port") for _, tables in vaults_with_settings()]
        taken = {first, *others}
        return next(port for port in range(first + 1, 65536) if port not in taken)


def find_place(root: Path) -> SettingsPlace:
    """Return where the settings of the vault at root stand, or will.

    Raises UsageError if the path cannot be written down, or a file of settings is not valid.
    """
    try:
        str(root).encode()
    except UnicodeEncodeError:
        raise UsageError("the vault's path is not valid UTF-8; rename its folder") from None
    file = config_file()
    config = plan_settings(file, {}).config
    first = config.vault
    if first is None or _is_same(first, root) or not first.expanduser().is_dir():
        return SettingsPlace(root, file, config, {})
    own, common = vault_file(root), read_tables(file)
    return SettingsPlace(root, own, plan_settings(own, {}, common).config, common)


def _is_same(vault: Path | None, root: Path) -> bool:
    return vault is not None and vault.expanduser().resolve() == root
