"""The generated parts of README.md and docs/commands.md: all settings, and all help pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
from pydantic import BaseModel, SecretStr

from companion.cli import companion
from companion.config import Config

_WIDTH = 100


def help_pages() -> Iterator[tuple[str, str]]:
    """Yield each command as it is typed (`companion model pull`), and its help page."""
    yield from _pages(companion, "companion --help", None)


def settings() -> str:
    """Return all settings with their defaults, as a TOML file in a Markdown code block."""
    lines = ["```toml", *_setting_lines(Config)]
    for name, field in Config.model_fields.items():
        if isinstance(field.default, BaseModel):
            lines += ["", f"[{name}]", *_setting_lines(type(field.default))]
    return "\n".join([*lines, "```"])


def _pages(
    command: click.Command, title: str, parent: click.Context | None
) -> Iterator[tuple[str, str]]:
    """Yield the help page of a command, then those of its subcommands."""
    context = click.Context(
        command,
        parent=parent,
        info_name=command.name,
        max_content_width=_WIDTH,
        terminal_width=_WIDTH,
    )
    yield title or context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            if subcommand := command.get_command(context, name):
                yield from _pages(subcommand, "", context)


def _setting_lines(table: type[BaseModel]) -> Iterator[str]:
    for name, field in table.model_fields.items():
        if not isinstance(field.default, BaseModel):
            value = _as_toml(field.default)
            yield f"{f'{name} = {value}' if value else f'# {name} ='}  # {field.description}"


def _as_toml(value: Any) -> str:
    """Return a default as TOML has it; empty for None, which TOML has not."""
    match value:
        case None:
            return ""
        case SecretStr():
            return '""'
        case bool():
            return str(value).lower()
        case str():
            return f'"{value}"'
        case tuple():
            return f"[{', '.join(map(_as_toml, value))}]"
        case dict():
            inner = ", ".join(f"{key} = {_as_toml(item)}" for key, item in value.items())
            return f"{{ {inner} }}"
    return str(value)
