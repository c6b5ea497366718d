"""Edits of `config.toml`: the named settings change; all comments and the layout stay.

Vaults after the first have a file of their own, which overrides the common one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import tomlkit
from pydantic import SecretStr, ValidationError

from companion.config.load import (
    Tables,
    config_file,
    describe_errors,
    first_vault,
    merge_tables,
    parse_tables,
    read_tables,
    vault_file,
    vaults_with_settings,
)
from companion.config.settings import Config, Setting, all_settings, value_of
from companion.errors import UsageError
from companion.private_files import locked, read_if_there, write_private

_LOCK_TIMEOUT = 10.0  # seconds
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")  # a key without quotes, as TOML 1.0 has it
_GUARDS = (
    "private.folders",
    "private.tags",
    "private.marks",
    "ignore.patterns",
    "ignore.folders",
    "ignore.tags",
    "ignore.places",
)
SECRET = "endpoint.api_key"  # noqa: S105 (a name)
"""The setting whose value is never shown."""


class SettingsEdit(NamedTuple):
    """An edit of a configuration file. before: its bytes now; None: no file. changed: a line for
    each changed setting, without secrets. config: what applies then, without the environment.
    """

    file: Path
    before: bytes | None
    after: bytes
    changed: tuple[str, ...]
    config: Config


def plan_edit(root: Path | None, settings: Mapping[str, Any]) -> SettingsEdit:
    """Return the edit that changes the settings, named as in `endpoint.model`; None removes one.

    root: the vault that they are for, in its own file; None: the common ones.

    Raises UsageError if the file is broken, a value is wrong, or it cannot be edited exactly.
    """
    file = config_file() if root is None else vault_file(root)
    common = {} if root is None else read_tables(config_file())
    fixed = {} if root is None else {"vault": str(root)}
    before = read_if_there(file)
    after, changed = _change(before or b"", {**settings, **fixed}, file)
    return SettingsEdit(file, before, after, changed, _validate(after, common, file))


def plan_for_vault(root: Path, settings: Mapping[str, Any]) -> SettingsEdit:
    """Return the edit that sets up the vault: in the common file for the first one, else its own.

    A vault's own file gets a port, too. Raises UsageError as plan_edit does.
    """
    common = read_tables(config_file())
    first = first_vault(common)
    is_gone = first is not None and not first.exists() and first.parent.is_dir()
    if first is None or is_gone or first == root:
        vault = {} if first == root else {"vault": str(root)}
        return plan_edit(None, {**vault, **settings})
    if "port" not in read_tables(vault_file(root)).get("server", {}):
        taken = {each.get("server", {}).get("port") for _, each in vaults_with_settings()}
        port = Config.model_validate(common).server.port
        free = next(each for each in range(port + 1, 65536) if each not in taken)
        settings = {"server.port": free, **settings} if port else settings
    return plan_edit(root, settings)


def write_edit(plan: Callable[[], SettingsEdit]) -> SettingsEdit:
    """Write the file as planned, and return the edit. Commands that do this take turns.

    plan: called when the turn comes. The file is readable by its owner alone: it may hold a key.

    Raises UsageError, and writes nothing, if the turn does not come in 10 seconds, or the file
    cannot be written.
    """
    with locked(config_file().parent, f"{config_file().name}.lock", _LOCK_TIMEOUT):
        edit = plan()
        if edit.changed:
            write_private(edit.file, edit.after)
    return edit


def find_setting(name: str) -> Setting:
    """Return the setting of that name. Raises UsageError if there is none."""
    for setting in all_settings():
        if setting.name == name:
            return setting
    raise UsageError(f"there is no setting {name}; companion config get lists them all")


def find_losses(edit: SettingsEdit, before: Config) -> list[str]:
    """Return what the edit would no longer keep private or leave alone, in words."""
    return [
        f"{name}: {each}"
        for name in _GUARDS
        for each in value_of(before, name)
        if each not in value_of(edit.config, name)
    ]


def as_toml(value: Any) -> str:
    """Return a value as TOML; empty for None, which TOML lacks.

    A URL is shown without user, password and query; a secret not at all.
    """
    match value:
        case None:
            return ""
        case SecretStr():
            return '""'
        case bool():
            return str(value).lower()
        case str() | Path():
            return json.dumps(without_secrets(str(value)), ensure_ascii=False)  # TOML's form, too
        case tuple() | list():
            return f"[{', '.join(map(as_toml, value))}]"
        case dict():
            names = {key: key if _BARE_KEY.fullmatch(key) else as_toml(key) for key in value}
            inner = ", ".join(f"{names[key]} = {as_toml(item)}" for key, item in value.items())
            return f"{{ {inner} }}" if inner else "{}"
    return str(value)


def without_secrets(value: str) -> str:
    """Return the value; a URL without user, password and query."""
    scheme, mark, rest = value.partition("://")
    if not mark:
        return value
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path.partition('?')[0]}"


def _change(data: bytes, settings: Mapping[str, Any], file: Path) -> tuple[bytes, tuple[str, ...]]:
    """Return the file with the settings changed, and a line for each."""
    parse_tables(data, file)
    document = tomlkit.parse(data.decode("utf-8-sig"))
    changed = []
    for name, value in settings.items():
        if (old := _replace_value(document, name, value)) != value:
            changed.append(_describe(name, old, value))
    return tomlkit.dumps(document).encode(), tuple(changed)


def _validate(data: bytes, common: Tables, file: Path) -> Config:
    """Return the configuration. Raises UsageError, which quotes no value, since it may be a key."""
    try:
        return Config.model_validate(merge_tables(common, parse_tables(data, file)))
    except ValidationError as error:
        raise UsageError(f"{describe_errors(error, file)}; nothing was written") from None


def _replace_value(tables: dict[str, Any], name: str, value: Any) -> object:
    """Set the setting in tomlkit's tables, and return its old value; None: it was not set.

    Raises UsageError if a part of the name is not a table.
    """
    *path, key = name.split(".")
    for part in path:
        if part not in tables:
            if value is None:
                return None
            tables[part] = tomlkit.table()
        if not isinstance(tables := tables[part], dict):
            raise UsageError(f"{part} in config.toml has to be a table, begun with [{part}]")
    old: object = tables.get(key)
    if value is None:
        tables.pop(key, None)
    elif isinstance(value, dict):
        tables[key] = tomlkit.inline_table()  # else tomlkit would begin a table of its own
        tables[key].update(value)
    elif old != value:
        tables[key] = value
    return old


def _describe(name: str, old: object, new: object) -> str:
    """Return the line for a changed setting, without a key or the password of a URL."""
    if new is None:
        return f"{name}: taken out"
    if name == SECRET:
        return f"{name}: {'set' if old is None else 'changed'}"
    return f"{name} = {as_toml(new)}" + ("" if old is None else f" (was {as_toml(old)})")
