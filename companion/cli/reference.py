"""The parts of README and docs that are made from the code: help pages and settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
from pydantic import BaseModel, SecretStr

from companion.cli import companion
from companion.config import Config

_WIDTH = 100


def help_pages() -> Iterator[tuple[str, str]]:
    """Yield each command as it is typed, and its help page."""
    root = click.Context(
        companion, info_name="companion", max_content_width=100, terminal_width=100
    )
    yield "companion --help", companion.get_help(root)
    yield from _pages_below(companion, root)


def settings() -> str:
    """Return all settings with their defaults, as a TOML file in a Markdown code block."""
    lines = ["```toml", *_lines(Config, "")]
    for name, field in Config.model_fields.items():
        if isinstance(field.default, BaseModel):
            table = type(field.default)
            lines += ["", f"[{name}]", *_lines(table, f"{name}.")]
    return "\n".join([*lines, "```"])


def _pages_below(group: click.Group, context: click.Context) -> Iterator[tuple[str, str]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None:
            continue
        below = click.Context(
            command, parent=context, info_name=name, max_content_width=_WIDTH, terminal_width=_WIDTH
        )
        yield below.command_path, command.get_help(below)
        if isinstance(command, click.Group):
            yield from _pages_below(command, below)


def _lines(table: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, field in table.model_fields.items():
        if isinstance(field.default, BaseModel):
            continue
        value = _as_toml(field.default)
        line = f"{name} = {value}" if value else f"# {name} ="
        yield f"{line}  # {field.description}"


def _as_toml(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return '""'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple):
        return f"[{', '.join(map(_as_toml, value))}]"
    if isinstance(value, dict):
        inner = ", ".join(f"{key} = {_as_toml(item)}" for key, item in value.items())
        return f"{{ {inner} }}"
    return str(value)
