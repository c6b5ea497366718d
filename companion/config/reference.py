"""Every setting: its name, what it expects, its default; and how values are shown."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from companion.config.gone_settings import GONE, describe_gone
from companion.config.settings import Config
from companion.errors import UsageError

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")  # a key without quotes, as TOML 1.0 has it


class Setting(NamedTuple):
    """A setting. name: such as `endpoint.model`. default: None if it has none."""

    name: str
    description: str
    default: Any
    is_list: bool


def all_settings() -> Iterator[Setting]:
    """Yield all settings, in the order of the file."""
    for name, table, field in _fields():
        kinds = [field.annotation, *get_args(field.annotation)]
        is_list = any(get_origin(kind) is tuple for kind in kinds)
        words = _read_docstrings(table)[name.rpartition(".")[2]]
        yield Setting(name, words, field.default, is_list)


def _fields() -> Iterator[tuple[str, type[BaseModel], FieldInfo]]:
    """Yield the name of each setting, the table that it is in, and its field."""
    tables = {
        name: field.default
        for name, field in Config.model_fields.items()
        if isinstance(field.default, BaseModel)
    }
    for name, field in Config.model_fields.items():
        if name not in tables:
            yield name, Config, field
    for table, default in tables.items():
        for name, field in type(default).model_fields.items():
            yield f"{table}.{name}", type(default), field


def find_setting(name: str) -> Setting:
    """Return the setting of that name. Raises UsageError if there is none, or it is obsolete."""
    settings = {setting.name: setting for setting in all_settings()}
    if name in settings:
        return settings[name]
    if name in GONE:
        raise UsageError(describe_gone(name))
    inside = [each for each in settings if each.startswith(f"{name}.")]
    ending = [each for each in settings if each.endswith(f".{name.rpartition('.')[2]}")]
    near = inside or get_close_matches(name, settings, 1) or ending
    hint = f"; there is {', '.join(near)}" if near else ""
    raise UsageError(f"there is no setting {name}{hint}; companion config get lists them all")


def value_of(config: Config, name: str) -> Any:
    """Return the value of a setting; for the key, only whether it is set."""
    value: Any = config
    for part in name.split("."):
        value = getattr(value, part)
    return bool(value.get_secret_value()) if isinstance(value, SecretStr) else value


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
        case tuple():
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


def reference(*, commented: bool = False) -> str:
    """Return all settings with their defaults, as a TOML file. commented: it sets none of them."""
    lines, table = [], ""
    for setting in all_settings():
        head, _, key = setting.name.rpartition(".")
        if head != table:
            lines += ["", f"[{head}]"]
            table = head
        value = as_toml(setting.default)
        line = f"{key} = {value}" if value else f"{key} ="
        mark = "# " if commented or not value else ""
        lines.append(f"{mark}{line}  # {setting.description}")
    return "\n".join(lines)


@cache
def _read_docstrings(table: type[BaseModel]) -> Mapping[str, str]:
    """Return the docstring below each field of a table.

    Pydantic can read them, too (use_attribute_docstrings), but does so at every start.
    """
    words = {}
    [source] = ast.parse(inspect.getsource(table)).body
    assert isinstance(source, ast.ClassDef)
    for pair in pairwise(source.body):
        match pair:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=text)):
                words[name] = str(text)
    return words


SECRETS = frozenset(name for name, _, field in _fields() if isinstance(field.default, SecretStr))
"""The names of the settings that are keys: their values are never shown."""
