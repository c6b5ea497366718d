"""Edits of `config.toml`: the named settings change; all comments and the layout stay.

Vaults after the first have a file of their own; find_place says where.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import tomlkit
from pydantic import ValidationError
from tomlkit.exceptions import TOMLKitError

from companion.config.load import (
    Tables,
    config_file,
    config_folder,
    describe_errors,
    merge_tables,
    parse_tables,
    read_tables,
    vault_file,
    vaults_with_settings,
)
from companion.config.reference import SECRETS, as_toml, find_removable, value_of
from companion.config.settings import Config
from companion.errors import UsageError
from companion.private_files import locked, read_if_there, write_private

_LOCK_TIMEOUT = 10.0  # seconds
_BOM = "\ufeff"
_LF = re.compile(r"(?<!\r)\n")

SettingValue = str | bool | int | float | list[Any] | dict[str, Any] | None
_NONE: Tables = {}


class PlannedSettings(NamedTuple):
    """An edit of a configuration file. before: its bytes now; None: no file. changed: a line for
    each changed setting, without secrets. config: what the file sets then, without the
    environment.
    """

    file: Path
    before: bytes | None
    after: bytes
    changed: tuple[str, ...]
    config: Config


def plan_settings(
    file: Path, settings: Mapping[str, SettingValue], common: Tables = _NONE
) -> PlannedSettings:
    """Return the edit that changes the settings, named as in `endpoint.model`; None removes one.

    Obsolete settings are removed, too. common: the settings that a vault's own override.

    Raises UsageError if the file is broken, a value is wrong, or tomlkit cannot edit it exactly.
    """
    before = read_if_there(file)
    after, changed = _change(before or b"", settings, file)
    config = _validate(merge_tables(common, parse_tables(after, file)), file)
    return PlannedSettings(file, before, after, changed, config)


def _change(
    data: bytes, settings: Mapping[str, SettingValue], file: Path
) -> tuple[bytes, tuple[str, ...]]:
    """Return the file with the settings changed and obsolete ones removed, and a line for each."""
    expected = parse_tables(data, file)
    settings = {**dict.fromkeys(find_removable(expected)), **settings}
    text = data.decode("utf-8")
    bom, text = text[: text.startswith(_BOM)], text.removeprefix(_BOM)
    old_text, old_values = text, {}
    for name, value in settings.items():
        if (old := _replace_value(expected, name, value)) != value:
            old_values[name] = old
    try:
        document = tomlkit.parse(text)
        for name in old_values:
            _replace_value(document, name, settings[name])
        text = tomlkit.dumps(document)
        if text.count("\r\n") and not _LF.search(old_text):
            text = _LF.sub("\r\n", text)  # tomlkit ends what it adds with LF
    except (TOMLKitError, ValueError, TypeError, AttributeError) as error:
        raise _not_exact(file) from error
    if _without_empty(parse_tables(text.encode(), file)) != _without_empty(expected):
        raise _not_exact(file)
    changed = tuple(_describe(name, old, settings[name]) for name, old in old_values.items())
    return (bom + text).encode(), changed


def plan_text(file: Path, text: str, common: Tables = _NONE) -> PlannedSettings:
    """Return the edit that gives the file this text, without obsolete settings.

    Raises UsageError if it is not TOML, or a setting in it is unknown or wrong.
    """
    before, after = read_if_there(file), text.encode()
    dropped: tuple[str, ...] = ()
    tables = parse_tables(after, file)
    if find_removable(tables):
        after, dropped = _change(after, {}, file)
    config = _validate(merge_tables(common, tables), file)
    changed = () if after == before else (f"{file} as it was edited", *dropped)
    return PlannedSettings(file, before, after, changed, config)


def change_settings(plan: Callable[[], PlannedSettings]) -> PlannedSettings:
    """Write the file as planned, and return the edit. Commands that do this take turns.

    plan: called again when the turn comes, to read what others wrote by then. The file is readable
    by its owner alone, since it may hold a key.

    Raises UsageError, and writes nothing, if the turn does not come in 10 seconds, or the file has
    changed since it was planned, or cannot be written.
    """
    planned = plan()
    if not planned.changed:
        return planned  # perhaps in a folder that cannot be written
    # One turn for the files of all vaults, since each vault takes a port that no other has. If
    # config.toml is a link, the lock is beside that: where it leads need not be writable.
    is_of_vault = planned.file.parent == config_folder() / "vault-settings"
    first = config_file() if is_of_vault else planned.file
    with locked(first.parent, f"{first.name}.lock", _LOCK_TIMEOUT):
        planned = plan()
        if planned.changed and read_if_there(planned.file) != planned.before:
            raise UsageError(
                f"somebody changed {planned.file} in the meantime; nothing was written; try again"
            )
        if planned.changed:
            write_private(planned.file, planned.after)
    return planned


def write_planned(planned: PlannedSettings) -> None:
    """Write the file as planned before. Raises UsageError as change_settings does."""
    change_settings(lambda: planned)


def _validate(tables: Tables, file: Path) -> Config:
    """Return the configuration. Raises UsageError, which quotes no value, since it may be a key."""
    try:
        return Config.model_validate(tables)
    except ValidationError as error:
        said = describe_errors(error, lambda _: file)
        raise UsageError(f"{said}; nothing was written") from None


def _replace_value(tables: dict[str, Any], name: str, value: SettingValue) -> object:
    """Set the setting in the tables, and return its old value; None: it was not set.

    tables: of tomllib or tomlkit. Raises UsageError if a part of the name is not a table.
    """
    *path, key = name.split(".")
    for part in path:
        if part not in tables:
            if value is None:
                return None
            tables[part] = tomlkit.table() if isinstance(tables, tomlkit.TOMLDocument) else {}
        if not isinstance(tables := tables[part], dict):
            raise UsageError(f"{part} in config.toml has to be a table, begun with [{part}]")
    old: object = tables.get(key)
    if isinstance(value, dict):
        tables[key] = tomlkit.inline_table()  # else tomlkit would begin a table of its own
        tables[key].update(value)
    elif value is not None:
        tables[key] = value
    elif key in tables:
        del tables[key]
    return old


def _without_empty(tables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tables without empty ones, whose headers need not be there."""
    return {name: table for name, table in tables.items() if table != {}}


def _describe(name: str, old: object, new: SettingValue) -> str:
    """Return the line for a changed setting, without a key or the password of a URL."""
    if new is None:
        return f"{name}: taken out"
    if name in SECRETS:
        return f"{name}: {'set' if old is None else 'changed'}"
    return f"{name} = {as_toml(new)}" + ("" if old is None else f" (was {as_toml(old)})")


def _not_exact(file: Path) -> UsageError:
    return UsageError(
        f"{file} is written in a way that cannot be changed without changing more; nothing was"
        " written. Edit it yourself, or give every table a line of its own, such as [endpoint]"
    )


class EndpointChoice(NamedTuple):
    """Which model to ask, and where. base_url None: the embedded model."""

    base_url: str | None
    model: str
    api_key: str = ""


class Choices(NamedTuple):
    """What the user chose; None leaves the setting as it is in the file."""

    endpoint: EndpointChoice | None = None
    background: bool | None = None
    backlog: str | None = None
    review: bool | None = None

    def settings(self, config: Config) -> dict[str, SettingValue]:
        """Return the settings to change in the file, whose content is config.

        An API key is kept only if the address stays the same.
        """
        changed: dict[str, SettingValue] = {}
        if self.endpoint is not None:
            base_url, model, key = self.endpoint
            changed |= {"endpoint.base_url": base_url, "endpoint.model": model}
            if key or base_url is None or base_url != config.endpoint.base_url:
                changed["endpoint.api_key"] = key or None
        if self.background is not None:
            changed["background.enabled"] = self.background
        if self.backlog is not None:
            changed["background.backlog"] = self.backlog
        if self.review is not None:
            changed["review.mode"] = "propose" if self.review else "write"
        return changed


class SettingsPlace(NamedTuple):
    """Where the settings of a vault are stored.

    file: the common one for the first vault, else its own. config: as it applies now, without the
    environment. common: the tables that those of the file override.
    """

    root: Path
    file: Path
    config: Config
    common: Tables

    def plan(self, choices: Choices) -> PlannedSettings:
        """Return the edit of the file that makes the choices. Raises UsageError.

        A vault's own file gets only what differs from the common settings, and always a port.
        """
        settings: dict[str, SettingValue] = {"vault": str(self.root)}
        if self.file == config_file():
            if _is_same(self.config.vault, self.root):
                settings = {}
            return plan_settings(self.file, settings | choices.settings(self.config), self.common)
        current, chosen = self.config.endpoint, choices.endpoint
        if chosen and chosen.base_url == current.base_url:
            key = current.api_key.get_secret_value()
            chosen = chosen._replace(api_key=chosen.api_key or key)
            if chosen == (current.base_url, current.model, key):
                chosen = None
        for name, value in choices._replace(endpoint=chosen).settings(self.config).items():
            if name.startswith("endpoint.") or value != value_of(self.config, name):
                settings[name] = value
        if port := self._free_port():
            settings["server.port"] = port
        return plan_settings(self.file, settings, self.common)

    def _free_port(self) -> int | None:
        """Return a port that no other vault has; None if it already has one, or takes any."""
        own = read_tables(self.file).get("server", {})
        first = Config.model_validate(self.common).server.port
        if "port" in own or first == 0:
            return None
        others = [tables.get("server", {}).get("port") for _, tables in vaults_with_settings()]
        taken = {first, *others}
        return next(port for port in range(first + 1, 65536) if port not in taken)


def find_place(root: Path) -> SettingsPlace:
    """Return where the settings of the vault at root are stored, or will be.

    Raises UsageError if the path cannot be written down, or a settings file is not valid.
    """
    try:
        str(root).encode()
    except UnicodeEncodeError:
        raise UsageError("the vault's path is not valid UTF-8; rename its folder") from None
    file = config_file()
    config = plan_settings(file, {}).config
    first = config.vault
    old = first and first.expanduser()
    # not one on a drive that is away for now
    is_gone = old and not old.is_dir() and old.parent.is_dir()
    if is_gone or first is None or _is_same(first, root):
        return SettingsPlace(root, file, config, {})
    own, common = vault_file(root), read_tables(file)
    return SettingsPlace(root, own, plan_settings(own, {}, common).config, common)


def _is_same(vault: Path | None, root: Path) -> bool:
    return vault is not None and vault.expanduser().resolve() == root
