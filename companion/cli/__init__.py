"""The command line: its commands, each in a module loaded when it is called, and exit statuses."""

from __future__ import annotations

import errno
import gc
import importlib
import os
import sys
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import Any, TextIO

import click

from companion import __version__
from companion.errors import CompanionError, UsageError

_SECTIONS = {
    "Everyday": {
        "scan": "companion.cli.scan:scan",
        "enrich": "companion.cli.enrich:enrich",
        "proposals": "companion.cli.proposals:proposals",
        "review": "companion.cli.review:review",
        "apply": "companion.cli.proposals:apply",
        "refuse": "companion.cli.proposals:refuse",
        "history": "companion.cli.history:history",
        "undo": "companion.cli.history:undo",
    },
    "Background": {
        "serve": "companion.cli.serve:serve",
        "service": "companion.cli.service:service",
        "status": "companion.cli.serve:status",
        "open": "companion.cli.serve:open_page",
    },
    "Set-up": {
        "demo": "companion.cli.demo:demo",
        "init": "companion.cli.init:init",
        "plugin": "companion.cli.plugin:plugin",
        "token": "companion.cli.plugin:token",
        "model": "companion.cli.model:model",
        "config": "companion.cli.config:config",
        "doctor": "companion.cli.doctor:doctor",
        "uninstall": "companion.cli.uninstall:uninstall",
    },
    "Programs and prompts": {
        "batch": "companion.cli.batch:batch",
        "mcp": "companion.cli.serve:mcp",
        "prompt": "companion.cli.prompt:prompt",
    },
}
_COMMANDS = {name: place for section in _SECTIONS.values() for name, place in section.items()}
_CANNOT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)
_CLOSED_ON_WINDOWS = (errno.EINVAL,) if os.name == "nt" else ()  # of a pipe that nobody reads
_WHOLE = 1000  # characters of a help line: none is cut
_NEW_OBJECTS = 10_000  # between two looks for cycles of garbage; Python's own figure is 700
_INTERRUPTED = 130  # the exit status that shells expect of a program that Ctrl-C ended

_EXAMPLES = """\b
Examples:
  companion init Vault                set up a vault
  companion enrich Note.md --dry-run  show what would be filled in a note
  companion undo                      take the last run back
"""


class _Commands(click.Group):
    """A group whose commands are imported on first use, and listed in sections."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections, their lines with the same margin and never cut."""
        margin = max(map(len, _COMMANDS))
        for title, section in _SECTIONS.items():
            rows = []
            for name in section:
                if command := self.get_command(ctx, name):
                    rows.append((name.ljust(margin), command.get_short_help_str(limit=_WHOLE)))
            with formatter.section(title):
                formatter.write_dl(rows)


@click.group(
    cls=_Commands,
    epilog=_EXAMPLES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="companion", message="%(prog)s %(version)s")
def companion() -> None:
    """Fill the AI callouts and empty properties of your Obsidian notes.

    Every other byte of a note stays as it was, and every change can be undone. The model runs on
    this machine unless you configure another one; nothing is sent anywhere else.
    """


def main() -> None:
    """Run the command line, and exit; an error is printed as one sentence."""
    # Imported modules stay, and a large vault means many objects without cycles: collecting as
    # often as Python does by default takes a twentieth of a scan, and a fifth of a daemon's start.
    gc.set_threshold(_NEW_OBJECTS)
    sys.stdout, sys.stderr = _open_pipe(sys.stdout), _open_pipe(sys.stderr)
    sys.exit(run(sys.argv[1:]))


def _open_pipe(stream: TextIO) -> TextIO:
    """Return the stream; for a pipe or a file, one that continues if nobody reads it."""
    if not isinstance(stream, TextIOWrapper) or stream.isatty():
        return stream
    pipe = BufferedWriter(_Pipe(stream.fileno(), "w", closefd=False))
    # Windows would encode pipes in its code page, and write CR LF in diffs;
    # names of files may not be valid UTF-8
    how = {"encoding": "utf-8", "errors": "backslashreplace", "newline": "\n"}
    return TextIOWrapper(
        pipe, **how, write_through=stream.write_through, line_buffering=stream.line_buffering
    )


class _Pipe(FileIO):
    """A pipe whose reader may leave, like head: that ends the printing, and not the work."""

    def write(self, data: Any, /) -> int:
        """Write, or pretend to once nobody reads it any more."""
        try:
            return super().write(data)
        except OSError as error:
            if error.errno not in (errno.EPIPE, *_CLOSED_ON_WINDOWS):
                raise
            _discard_output(self.fileno())
            return super().write(data)


def run(arguments: list[str]) -> int:
    """Run a command and return its exit status, as in the table in docs/commands.md."""
    if "--debug" in arguments:
        import logging  # takes as long to import as click

        logging.basicConfig()
        logging.getLogger("companion").setLevel(logging.DEBUG)
    try:
        status = companion.main(arguments, prog_name="companion", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _say("stopped")
        return _INTERRUPTED
    except Exception as error:
        if "--debug" in arguments:
            raise
        return _report(error)


def _report(error: Exception) -> int:
    """Print the error as a sentence, and return the exit status."""
    if not isinstance(error, CompanionError):
        _say(_explain(error))
        return 1
    _say(str(error))
    return 2 if isinstance(error, UsageError) else 1


def _explain(error: Exception) -> str:
    """Return a sentence for an error that is not ours; some the user can do something about."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename} cannot be used ({error.strerror}); check its permissions"
    if isinstance(error, OSError) and error.errno in _CANNOT_WRITE:
        _discard_output(sys.stdout.fileno())
        return f"the output cannot be written ({error.strerror}); make room, or send it elsewhere"
    if isinstance(error, FileNotFoundError):  # os.getcwd names no file
        return "the current folder was deleted; change to another one"
    return f"unexpected {type(error).__name__}: {error}; --debug shows where. Please report it."


def _discard_output(fd: int) -> None:
    """Redirect it to the null device, or Python's flush at exit raises the error again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), fd)


def _say(text: str) -> None:
    """Print the text on standard error; what was typed steers no terminal."""
    from companion.note.text import show_hidden

    click.echo(show_hidden(f"companion: {text}"), err=True)
