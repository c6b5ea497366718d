"""Edits of `config.toml`: the named settings change, all comments and the layout stay."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import tomlkit
from pydantic import ValidationError
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import InlineTable

from companion.config.load import Tables, describe_errors, merge_tables, parse_tables
from companion.config.reference import SECRET, without_secrets
from companion.config.settings import Config
from companion.errors import UsageError
from companion.private_files import read_if_there, write_private

_BOM = "\ufeff"

SettingValue = str | bool | int | float | list[Any] | dict[str, Any] | None
_NONE: Tables = {}


class PlannedSettings(NamedTuple):
    """An edit of a configuration file. before: its bytes now, None where there is no file.

    changed: a line for each changed setting, without secrets. config: what the file would set
    then, the environment left out.
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

    common: the settings that those of the file go over, where it is a vault's own.

    Raises UsageError: the file is broken, a value is wrong, or tomlkit cannot edit it exactly.
    """
    before = read_if_there(file)
    expected = parse_tables(before or b"", file)
    text = (before or b"").decode("utf-8")
    bom, text = text[: text.startswith(_BOM)], text.removeprefix(_BOM)
    old_values = {}
    for name, value in settings.items():
        if (old := _replace_value(expected, name, value)) != value:
            old_values[name] = old
    try:
        document = tomlkit.parse(text)
        for name in old_values:
            _replace_value(document, name, settings[name])
        text = tomlkit.dumps(document)
    except (TOMLKitError, ValueError, TypeError, AttributeError) as error:
        raise _not_exact(file) from error
    if _without_empty(parse_tables(text.encode(), file)) != _without_empty(expected):
        raise _not_exact(file)
    changed = tuple(_describe(name, old, settings[name]) for name, old in old_values.items())
    config = _validate(merge_tables(common, expected), file)
    return PlannedSettings(file, before, (bom + text).encode(), changed, config)


def plan_text(file: Path, text: str, common: Tables = _NONE) -> PlannedSettings:
    """Return the edit that gives the file this text, as somebody typed it in an editor.

    Raises UsageError: it is no TOML, or a setting in it is unknown or wrong.
    """
    before, after = read_if_there(file), text.encode()
    config = _validate(merge_tables(common, parse_tables(after, file)), file)
    changed = () if after == before else (f"{file} as it was edited",)
    return PlannedSettings(file, before, after, changed, config)


def write_planned(planned: PlannedSettings) -> None:
    """Write the file as planned, readable by its owner alone, since it may hold a key.

    Raises UsageError: the file changed since it was read, or cannot be written; it is unchanged
    then.
    """
    if not planned.changed:
        return
    if read_if_there(planned.file) != planned.before:
        raise UsageError(
            f"somebody changed {planned.file} meanwhile; nothing was written, go again"
        )
    write_private(planned.file, planned.after)


def _validate(tables: Tables, file: Path) -> Config:
    """Return the configuration. Raises UsageError, without a value, which may be a key."""
    try:
        return Config.model_validate(tables)
    except ValidationError as error:
        said = describe_errors(error, lambda _: file)
        raise UsageError(f"{said}; nothing was written") from None


def _replace_value(tables: dict[str, Any], name: str, value: SettingValue) -> object:
    """Set the setting in the tables, and return its old value, None where it was not set.

    tables: of tomllib or tomlkit, whose tables are dictionaries too. Raises UsageError when a
    part of the name is not a table there.
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
        tables[key] = _inline(value)  # tomlkit would begin a table of its own
    elif value is not None:
        tables[key] = value
    elif key in tables:
        del tables[key]
    return old


def _without_empty(tables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tables without those that set nothing, of which the header may be gone."""
    return {name: table for name, table in tables.items() if table != {}}


def _describe(name: str, old: object, new: SettingValue) -> str:
    """Return the line for a changed setting, without a key or the password of a URL."""
    if new is None:
        return f"{name}: taken out"
    if name == SECRET:
        return f"{name}: {'set' if old is None else 'changed'}"
    return f"{name} = {_format(new)}" + ("" if old is None else f" (was {_format(old)})")


def _format(value: object) -> str:
    if isinstance(value, Mapping):
        return str(_inline(value).as_string())
    shown = without_secrets(value) if isinstance(value, str) else value
    return str(tomlkit.item(shown).as_string())


def _inline(pairs: Mapping[str, Any]) -> InlineTable:
    table = tomlkit.inline_table()
    table.update(pairs)
    return table


def _not_exact(file: Path) -> UsageError:
    return UsageError(
        f"{file} is written in a way that cannot be changed without changing more; nothing was"
        " written. Edit it yourself, or give every table a line of its own, as [endpoint]"
    )
