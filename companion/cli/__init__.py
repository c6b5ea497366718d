"""The command line: its commands, each in a module loaded when it is called, and exit statuses."""

from __future__ import annotations

import errno
import importlib
import os
import sys
from io import BufferedWriter, FileIO, TextIOWrapper
from typing import Any, TextIO

import click

from companion import __version__
from companion.errors import CompanionError, UsageError

_COMMANDS = {
    "demo": "companion.cli.demo:demo",
    "init": "companion.cli.init:init",
    "serve": "companion.cli.serve:serve",
    "service": "companion.cli.service:service",
    "plugin": "companion.cli.plugin:plugin",
    "open": "companion.cli.daemon_commands:open_page",
    "status": "companion.cli.daemon_commands:status",
    "pause": "companion.cli.daemon_commands:pause",
    "resume": "companion.cli.daemon_commands:resume",
    "backlog": "companion.cli.backlog:backlog",
    "scan": "companion.cli.scan:scan",
    "enrich": "companion.cli.enrich:enrich",
    "batch": "companion.cli.batch:batch",
    "proposals": "companion.cli.proposals:proposals",
    "review": "companion.cli.review:review",
    "apply": "companion.cli.decide:apply",
    "refuse": "companion.cli.decide:refuse",
    "prompt": "companion.cli.prompt:prompt",
    "similar": "companion.cli.similar:similar",
    "history": "companion.cli.history:history",
    "undo": "companion.cli.undo:undo",
    "mcp": "companion.cli.serve:mcp",
    "forget": "companion.cli.history:forget",
    "model": "companion.cli.model:model",
    "config": "companion.cli.config:config",
    "pair": "companion.cli.daemon_commands:pair",
    "token": "companion.cli.daemon_commands:token",
    "doctor": "companion.cli.doctor:doctor",
}
_CANNOT_WRITE = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EFBIG)
_CLOSED_ON_WINDOWS = (errno.EINVAL,) if os.name == "nt" else ()  # of a pipe that nobody reads
_INTERRUPTED = 130  # the exit status that shells expect of a program that Ctrl-C ended

_EXAMPLES = """\b
See it work, on notes of its own:
    companion demo                       fill an example vault with a model on this machine
\b
Set it up, once:
    companion init Vault                 choose a model, try it, write the configuration
    companion doctor                     what is set up, what is missing, how to mend it
\b
Then have a look, which changes nothing:
    companion scan                       what needs work in this vault, and why
    companion enrich Note.md --dry-run   what would change, as a diff
\b
And have them filled:
    companion enrich Note.md             fill one note
    companion enrich Folder              fill the stubs in a folder
    companion history                    what was changed
    companion undo                       take the last run back
"""


class _Commands(click.Group):
    """A group whose commands are imported on first use, and listed in the order of _COMMANDS."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command


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
    sys.stdout, sys.stderr = _open_pipe(sys.stdout), _open_pipe(sys.stderr)
    sys.exit(run(sys.argv[1:]))


def _open_pipe(stream: TextIO) -> TextIO:
    """Return the stream; where it is a pipe or a file, one that goes on if nobody reads it."""
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
    """A pipe whose reader may leave, as head does: that ends the printing, and not the work."""

    def write(self, data: Any, /) -> int:
        """Write, or once nobody reads any more, do as if."""
        try:
            return super().write(data)
        except OSError as error:
            if error.errno not in (errno.EPIPE, *_CLOSED_ON_WINDOWS):
                raise
            _discard_output(self.fileno())
            return super().write(data)


def run(arguments: list[str]) -> int:
    """Run a command and return its exit status, as the table in docs/commands.md has it."""
    if "--debug" in arguments:
        import logging  # takes as long to import as click

        logging.basicConfig()
        logging.getLogger("companion").setLevel(logging.DEBUG)
    try:
        status = companion.main(arguments, prog_name="companion", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except click.ClickException as error:
        error.show()
        if isinstance(error, click.NoSuchOption):  # it may be a note whose name begins with a dash
            for name in arguments:
                if name.startswith(error.option_name) and name.endswith(".md"):
                    click.echo(f"A note of that name: ./{name}", err=True)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        _say("stopped")
        return _INTERRUPTED
    except CompanionError as error:
        _raise_if_debug(arguments)
        _say(str(error))
        return 2 if isinstance(error, UsageError) else 1
    except Exception as error:
        _raise_if_debug(arguments)
        _say(_explain(error))
        return 1


def _explain(error: Exception) -> str:
    """Return a sentence for an error that is none of ours; the user can do something about some."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename} cannot be used ({error.strerror}); allow it"
    if isinstance(error, OSError) and error.errno in _CANNOT_WRITE:
        _discard_output(sys.stdout.fileno())
        return f"the output cannot be written ({error.strerror}); make room, or send it elsewhere"
    if isinstance(error, FileNotFoundError):  # os.getcwd names no file
        return "the current folder was deleted; change to another one"
    return f"unexpected {type(error).__name__}: {error}; --debug shows where. Please report it."


def _discard_output(fd: int) -> None:
    """Send it to the null device, or Python's flush at exit raises the error again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), fd)


def _raise_if_debug(arguments: list[str]) -> None:
    if "--debug" in arguments:
        raise


def _say(text: str) -> None:
    click.echo(f"companion: {text}", err=True)
