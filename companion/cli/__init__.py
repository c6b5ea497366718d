"""The command line: its commands, each in a module loaded when it is called, and exit statuses."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from io import TextIOWrapper

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
    },
    "Programs and prompts": {
        "batch": "companion.cli.batch:batch",
        "mcp": "companion.cli.serve:mcp",
        "prompt": "companion.cli.scan:prompt",
    },
}
_COMMANDS = {name: place for section in _SECTIONS.values() for name, place in section.items()}
_WHOLE = 1000  # characters of a help line: none is cut
_NEW_OBJECTS = 10_000  # between two looks for cycles of garbage; Python's own figure is 700
_INTERRUPTED = 130  # the exit status that shells expect of a program that Ctrl-C ended

_EXAMPLES = """\b
Examples:
  companion init Vault                set up a vault
  companion enrich Note.md --dry-run  show what would be filled in a note
  companion undo                      take the last run back

companion help COMMAND tells more of a command.
"""


class _Commands(click.Group):
    """A group whose commands are imported on first use, and listed in sections."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            if ctx.resilient_parsing:  # to complete what is typed
                return None
            raise click.NoSuchCommand(cmd_name, possibilities=_COMMANDS, ctx=ctx)
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
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and not stream.isatty():
            # Windows would encode pipes in its code page, and write CR LF in diffs;
            # names of files may not be valid UTF-8
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run a command and return its exit status, as in the table in docs/commands.md."""
    if arguments[:1] == ["help"]:
        arguments = [*arguments[1:], "--help"]
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
    except BrokenPipeError:  # nobody reads what is printed, as of head once it has its lines
        # or Python's flush at exit raises the error again
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except Exception as error:
        if "--debug" in arguments:
            raise
        return _report(error)


def _report(error: Exception) -> int:
    """Print the error as a sentence, and return the exit status."""
    if isinstance(error, CompanionError):
        _say(str(error))
        return 2 if isinstance(error, UsageError) else 1
    if isinstance(error, OSError) and error.filename is not None:
        _say(f"{error.filename} cannot be used ({error.strerror}); check its permissions")
    else:
        name = type(error).__name__
        _say(f"unexpected {name}: {error}; --debug shows where. Please report it.")
    return 1


def _say(text: str) -> None:
    """Print the text on standard error; what was typed steers no terminal."""
    from companion.note.text import show_hidden

    click.echo(show_hidden(f"companion: {text}"), err=True)
