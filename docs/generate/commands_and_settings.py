"""The generated parts of docs/settings.md and docs/commands.md: settings, and help pages."""

from __future__ import annotations

from collections.abc import Iterator

import click

from companion.cli import companion
from companion.config.edit import as_toml
from companion.config.settings import all_settings

_WIDTH = 100


def help_pages() -> Iterator[tuple[str, str]]:
    """Yield each command as it is typed (`companion model pull`), and its help page."""
    yield from _pages(companion, "companion --help", None)


def settings() -> str:
    """Return all settings with their defaults, as a TOML file in a Markdown code block."""
    lines, table = [], ""
    for setting in all_settings():
        head, _, key = setting.name.rpartition(".")
        if head != table:
            lines += ["", f"[{head}]"]
            table = head
        value = as_toml(setting.default)
        line = f"{key} = {value}" if value else f"# {key} ="
        lines.append(f"{line}  # {setting.description}")
    return "\n".join(["```toml", *lines, "```"])


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
        help_option_names=companion.context_settings["help_option_names"],
    )
    yield title or context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            if subcommand := command.get_command(context, name):
                yield from _pages(subcommand, "", context)
