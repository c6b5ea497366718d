"""Changing settings in `config.toml`: only those named, with every comment where it was."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import tomlkit
from pydantic import ValidationError
from tomlkit.exceptions import TOMLKitError

from companion.config.settings import Config
from companion.errors import UsageError
from companion.private_files import read_if_there, write_private

_BOM = "\ufeff"
_KEY = "endpoint.api_key"

Setting = str | bool | None


class PlannedSettings(NamedTuple):
    """A configuration file as it would be. before: its bytes now, None while there is none.

    changed: a line for each setting that changes, without secrets. config: what the file would
    say then, without the environment.
    """

    file: Path
    before: bytes | None
    after: bytes
    changed: tuple[str, ...]
    config: Config


def plan_settings(file: Path, settings: Mapping[str, Setting]) -> PlannedSettings:
    """Return how the file would be with the settings, named as `endpoint.model`; None: without it.

    Raises UsageError: the file is broken, a value is wrong, or tomlkit cannot edit it exactly.
    """
    before = read_if_there(file)
    text = _decode(before or b"", file)
    bom, text = text[: text.startswith(_BOM)], text.removeprefix(_BOM)
    wanted = _parse(text, file)
    changed = {}
    for name, value in settings.items():
        if (was := _set(wanted, name, value)) != value:
            changed[name] = was
    text = _edit(text, {name: settings[name] for name in changed}, file)
    if _parse(text, file) != wanted:
        raise _not_exact(file)
    lines = tuple(_in_words(name, was, settings[name]) for name, was in changed.items())
    return PlannedSettings(file, before, (bom + text).encode(), lines, _validate(wanted, file))


def write_planned(planned: PlannedSettings) -> None:
    """Write the file as planned, for its owner alone, since it may hold a key.

    Raises UsageError: somebody changed it since, or it cannot be written; it is as it was then.
    """
    if not planned.changed:
        return
    if read_if_there(planned.file) != planned.before:
        raise UsageError(
            f"somebody changed {planned.file} meanwhile; nothing was written, go again"
        )
    write_private(planned.file, planned.after)


def _decode(data: bytes, file: Path) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not valid UTF-8 ({error.reason}); save it as UTF-8") from None


def _parse(text: str, file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{file} is no valid TOML: {error}; mend that line") from None


def _set(tables: dict[str, Any], name: str, value: Setting) -> object:
    """Return what the setting was, None when it was not there, and set it.

    tables are tomllib's or tomlkit's, which are dictionaries, too. Raises UsageError when a part
    of the name is no table there.
    """
    *path, key = name.split(".")
    for part in path:
        if part not in tables:
            if value is None:
                return None
            tables[part] = tomlkit.table() if isinstance(tables, tomlkit.TOMLDocument) else {}
        if not isinstance(tables := tables[part], dict):
            raise UsageError(f"{part} in config.toml has to be a table, begun with [{part}]")
    was: object = tables.get(key)
    if value is not None:
        tables[key] = value
    elif key in tables:
        del tables[key]
    return was


def _edit(text: str, settings: Mapping[str, Setting], file: Path) -> str:
    try:
        document = tomlkit.parse(text)
        for name, value in settings.items():
            _set(document, name, value)
        return tomlkit.dumps(document)
    except (TOMLKitError, ValueError, TypeError, AttributeError) as error:
        raise _not_exact(file) from error


def _validate(tables: dict[str, Any], file: Path) -> Config:
    try:
        return Config.model_validate(tables)
    except ValidationError as error:  # not its values, one of which may be a key
        first = error.errors(include_input=False, include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        raise UsageError(f"{file}: {name}: {said}; nothing was written") from None


def _in_words(name: str, old: object, new: Setting) -> str:
    if new is None:
        return f"{name}: taken out"
    if name == _KEY:
        return f"{name}: {'set' if old is None else 'changed'}"
    return f"{name} = {_shown(new)}" + ("" if old is None else f" (was {_shown(old)})")


def _shown(value: object) -> str:
    if isinstance(value, str) and "://" in value:  # a base URL may hold a password
        scheme, _, rest = value.partition("://")
        host, slash, path = rest.partition("/")
        value = f"{scheme}://{host.rpartition('@')[2]}{slash}{path.partition('?')[0]}"
    return tomlkit.item(value).as_string()


def _not_exact(file: Path) -> UsageError:
    return UsageError(
        f"{file} is written in a way that cannot be changed without changing more; nothing was"
        " written. Edit it yourself, or give every table a line of its own, as [endpoint]"
    )
