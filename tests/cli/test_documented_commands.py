"""Each command in README and docs can be typed as it stands there."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from companion.cli import _OLD_NAMES, companion
from tests.cli.user import REPOSITORY

PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
_LINE = re.compile(r"^ {0,8}(?:\$ )?(companion .*)$", re.MULTILINE)
_INLINE = re.compile(r"`(companion [^`\n]+)`")
_PLACEHOLDERS = re.compile(r"…|\.\.\.|[\[{<]|\.md:|^companion\.")


def find_commands(page: Path) -> Iterator[str]:
    """Yield the lines of code and the inline code that are commands, without their comments."""
    text = page.read_text(encoding="utf-8")
    if page.name == "commands.md":  # its help pages are generated
        text = text.partition("\n## ")[0]
    for command in [*_LINE.findall(text), *_INLINE.findall(text)]:
        words = re.split(r"\s+[#|&]|\s{3,}", command)[0].strip()
        if not _PLACEHOLDERS.search(words):
            yield words


COMMANDS = sorted({(page.name, command) for page in PAGES for command in find_commands(page)})


@pytest.mark.parametrize(("page", "command"), COMMANDS)
def test_it_can_be_typed(page: str, command: str) -> None:
    words = shlex.split(command)[1:]
    called: click.Command = companion
    while isinstance(called, click.Group) and words and not words[0].startswith("-"):
        found = called.get_command(click.Context(called), words.pop(0))
        assert found, f"{page}: {command}"
        called = found
    if words or not isinstance(called, click.Group):
        context = click.Context(called)
        names = {name for param in called.get_params(context) for name in param.opts}
        names |= {name for param in called.get_params(context) for name in param.secondary_opts}
        options = {word.partition("=")[0] for word in words if word.startswith("-") and word != "-"}
        assert options <= names | {"--help"}, f"{page}: {command}"


def test_the_plugin_and_the_page_name_no_command_by_an_old_name() -> None:
    for file in (REPOSITORY / "obsidian-plugin/ui/languages").glob("*.json"):
        named = set(re.findall(r"\bcompanion (\w+)", file.read_text(encoding="utf-8")))
        assert named and not named & set(_OLD_NAMES), file.name
