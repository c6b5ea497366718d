"""Every setting by name: what it expects, its default, how it is shown; and those that are gone."""

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


GONE = {
    "endpoint.tokens_a_minute": "the limit of tokens a minute is the one that the endpoint reports",
    "background.rescan_seconds": "the whole vault is scanned every 5 minutes",
    "similar.choose": "similar notes choose if they can; similar.enabled = false ends that",
    "similar.model": "the built-in encoder compares notes",
    "callout.from_title": "a title is enough, unless endpoint.small says that the model is small",
    "callout.fold": "callouts fold as most in the vault do; to change that, fold three by hand",
    "ignore.max_kilobytes": "notes over 1,024 kB are left alone",
    "callout.section_fold": "under a heading they fold as most in the vault do, else +",
    "review.outdated_share": "a text is outdated once a third of its sentences have changed",
    "agents.folders": "agents accept nothing while it is there, and in any folder without it",
    "notes.quote_others": "other notes are not quoted",
    "notes.own_sentence": "a sentence of the note may be its description",
    "endpoint.temperature": "it is 0.2, and left out where the model takes none",
    "endpoint.retries": "a failed call is repeated up to 3 times",
    "endpoint.max_output_tokens": "8,192 more than needed, if the model thinks",
    "endpoint.input_price": "it counts until endpoint.price gives both, such as [2, 10]",
    "endpoint.output_price": "it counts until endpoint.price gives both, such as [2, 10]",
    "similar.base_url": "the built-in encoder compares notes",
    "similar.api_key": "the built-in encoder compares notes",
}
"""By name, what happens instead of the setting."""

_PRICES = ("endpoint.input_price", "endpoint.output_price")
_EFFECTIVE = _PRICES  # what they say still counts
# What a setting that is gone kept from being done stays undone while it is in a file.
_HELD_BACK = {
    "agents.folders": ("agents", "may_accept"),
}


def find_gone(tables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the obsolete settings in the tables, with their values, in the order of GONE."""
    gone = {}
    for name in GONE:
        table, _, key = name.partition(".")
        if isinstance(tables.get(table), Mapping) and key in tables[table]:
            gone[name] = tables[table][key]
    return gone


def without_gone(tables: Mapping[str, Any]) -> dict[str, Any]:
    """Return the tables without obsolete settings."""
    kept = dict(tables)
    for name in find_gone(tables):
        table, _, gone = name.partition(".")
        kept[table] = {key: value for key, value in kept[table].items() if key != gone}
    return kept


def find_removable(tables: Mapping[str, Any]) -> list[str]:
    """Return the obsolete settings whose removal allows nothing that they prevented."""
    return [name for name in find_gone(tables) if name not in (*_HELD_BACK, *_EFFECTIVE)]


def with_gone_effects(merged: Mapping[str, Any], *files: Mapping[str, Any]) -> dict[str, Any]:
    """Return the merged tables with what obsolete settings in the files said, where that still
    counts, and without anything that they prevented.
    """
    kept, said = dict(merged), dict[str, Any]()
    for tables in files:
        said |= find_gone(tables)
    for name, (table, key) in _HELD_BACK.items():
        if name in said and isinstance(kept.get(table), Mapping):
            kept[table] = {each: value for each, value in kept[table].items() if each != key}
    endpoint = kept.get("endpoint")
    if isinstance(endpoint, dict) and not said.keys().isdisjoint(_PRICES):
        kept["endpoint"] = {"price": [said.get(name, 0) for name in _PRICES]} | endpoint
    return kept


def describe_gone(name: str) -> str:
    """Return in words that the setting no longer exists, and what happens instead."""
    return f"the setting {name} is gone: {GONE[name]}"


def describe_obsolete(tables: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each obsolete setting in the tables, and whether to take it out."""
    ends = dict.fromkeys(find_removable(tables), "; take it out")
    return [describe_gone(name) + ends.get(name, "") for name in find_gone(tables)]
