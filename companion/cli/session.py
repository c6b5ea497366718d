"""What commands share: which vault, notes and changes they are about, and how signals end them."""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

import click

from companion.app.open_vault import open_vault
from companion.app.vault import Vault
from companion.cli.output import Output, count
from companion.config import Config, config_file, load_config
from companion.config.load import vault_file
from companion.errors import UsageError
from companion.vault.paths import find_vault, is_in_vault, relative_path, resolve_vault

if TYPE_CHECKING:
    from companion.app.types.changes import ChangeQuery

F = TypeVar("F", bound=Callable[..., Any])

NOTE_PATH = click.Path(readable=False)
"""A parameter that is a note or a folder, which need not exist; shells complete it."""
VAULT_PATH = click.Path(file_okay=False, readable=False, path_type=Path)
"""A parameter that is a vault's folder."""

_AGO = re.compile(r"(\d{1,4})([hd])", re.ASCII)
_TIMES = "2026-11-25, 2026-11-25 14:30, 36h or 7d"
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # by name: no system has all of them
_WRITES = "what is being written is finished first."
_SIGNAL_STATUS = 128  # shells add the signal's number to it for the exit status


def join_options(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Return a decorator that adds these options and arguments to a command, in this order."""

    def add(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return add


debug_option = click.option(
    "--debug", is_flag=True, expose_value=False, help="Show tracebacks of errors."
)
common_options = join_options(
    click.option(
        "--vault",
        type=VAULT_PATH,
        help="The vault's folder; else the configured one, else the nearest one with .obsidian.",
    ),
    debug_option,
)
"""Adds the options that every command on a vault has."""

field_option = click.option(
    "--field", metavar="NAME", help="Only this field, such as description or callout."
)
filter_options = join_options(
    field_option,
    click.option("--tag", metavar="TAG", help="Only notes with this tag, or one nested in it."),
)
"""Adds the options that choose notes; the command gets them as keyword arguments."""

work_options = join_options(
    click.option("--all", "all", is_flag=True, help="In a folder: every note, not only stubs."),
    click.option("--force", is_flag=True, help="Rewrite what Companion wrote and nobody edited."),
    click.option("--retry", is_flag=True, help="Ask again what was undone, deleted or rejected."),
    click.option(
        "--limit",
        type=click.IntRange(min=1),
        metavar="N",
        help="At most N notes that need something.",
    ),
)
"""Adds the options about what to do with notes; they are fields of RunOptions, except force."""

change_options = join_options(
    click.option("--since", metavar="WHEN", help=f"All changes since then: {_TIMES}."),
    click.option("--until", metavar="WHEN", help="Only changes until then."),
    click.option("--field", metavar="NAME", help="Only changes that filled this field."),
    click.option("--model", metavar="NAME", help="Only what this model wrote."),
)
"""Adds the options that read_change_query takes; the command gets them as keyword arguments."""


def read_change_query(since: str | None, until: str | None, **more: Any) -> ChangeQuery:
    """Return the changes that the options stand for. Raises UsageError if one names nothing."""
    from companion.app.types.changes import ChangeQuery

    return ChangeQuery.of(since=parse_time(since), until=parse_time(until), **more)


def parse_time(typed: str | None) -> float | None:
    """Return the Unix time of what the user typed, in local time if it names no zone.

    Raises UsageError if it is not a day, a time or a time ago.
    """
    if typed is None:
        return None
    try:
        if ago := _AGO.fullmatch(typed.strip()):
            hours = int(ago[1]) * (24 if ago[2] == "d" else 1)
            return (datetime.now() - timedelta(hours=hours)).timestamp()
        return datetime.fromisoformat(typed.strip()).timestamp()
    except (ValueError, OverflowError, OSError):
        raise UsageError(f"{typed} is not a time; write one like {_TIMES}") from None


@contextmanager
def open_session_vault(
    vault: Path | None, paths: Iterable[str], *, output: Output
) -> Iterator[Vault]:
    """Open the vault that a command works on; print which one, unless the current folder is in it.

    Warns of what an interrupted run left.
    """
    with open_vault(find_session_vault(vault, paths, output), tell=output.warn) as opened:
        yield opened


def find_session_vault(vault: Path | None, paths: Iterable[str], output: Output) -> Path:
    """Return the vault that a command works on; print it, unless the current folder is in it."""
    root, _ = load_vault(vault, paths)
    if not is_in_vault(root, Path.cwd()):
        output.say(f"In the vault {root}", style="bold")
    return root


def describe_missing_daemon(root: Path) -> str:
    """Return in words that no daemon runs for the vault, and what to do."""
    return f"no daemon runs for the vault {root}; companion serve starts one"


def load_vault(vault: Path | None, paths: Iterable[str] = ()) -> tuple[Path, Config]:
    """Return the vault that choose_vault does, and its settings: its own over the common ones.

    Raises UsageError.
    """
    root = choose_vault(vault, load_config(), paths)
    return root, load_config(root)


def choose_vault(vault: Path | None, config: Config, paths: Iterable[str] = ()) -> Path:
    """Return the vault: the one named, the configured one, or the nearest one with `.obsidian`.

    The nearest one is looked for above the first path, then above the current folder; with settings
    of its own, it goes before the configured one. Raises UsageError.
    """
    if vault is not None:
        return resolve_vault(vault)
    starts = [Path.cwd() / path for path in paths] or [Path.cwd()]
    root = find_vault(starts[0]) or find_vault(Path.cwd())
    if config.vault is not None and not (root and vault_file(root).is_file()):
        try:
            return resolve_vault(config.vault)
        except UsageError as error:
            raise UsageError(f"{config_file()}: vault: {error}") from None
    if root is None:
        raise UsageError(
            "this folder is not in a vault, since no folder above it has .obsidian in it; go to"
            " your vault's folder, or name it with --vault"
        )
    return resolve_vault(root)


def resolve_paths(root: Path, typed: Iterable[str]) -> list[str]:
    """Return the paths that the user typed, relative to the vault.

    Raises UsageError if a path is missing, cannot be read or leads out of the vault.
    """
    return [relative_path(root, path, Path.cwd()) for path in typed]


class StopSignals:
    """Calls cancel at the first Ctrl-C, SIGTERM or SIGHUP of its block, give_up at the second.

    cancel: begins no further note, and returns what is finished first; None: current writes.
    give_up: breaks off the calls that were to be finished, and returns their number, since the
    endpoint may charge for them. Afterwards the earlier handlers are back.

    exit_status: of a program that a signal ended, as shells expect it; 0 while there was none.
    """

    def __init__(
        self, output: Output, cancel: Callable[[], str | None], give_up: Callable[[], int] = int
    ) -> None:
        self._output, self._cancel, self._give_up = output, cancel, give_up
        self._previous: dict[int, Any] = {}
        self.exit_status = self._came = self._handled = 0
        self._is_handling = False

    def __enter__(self) -> StopSignals:
        numbers = [getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)]
        self._previous = {
            number: signal.signal(number, self._handle)
            for number in numbers
            if signal.getsignal(number) is not signal.SIG_IGN  # as nohup sets it
        }
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.exit_status = _SIGNAL_STATUS + number
        self._came += 1
        if self._is_handling:  # while a line is printed, no other can be: the loop below does it
            return
        self._is_handling = True
        try:
            while self._handled < min(self._came, 2):
                self._handled += 1
                self._tell_first(number) if self._handled == 1 else self._tell_second()
        finally:
            self._is_handling = False

    def _tell_first(self, number: int) -> None:
        again = " Ctrl-C again to quit at once." if number == signal.SIGINT else ""
        self._output.warn(f"Stopping: {self._cancel() or _WRITES}{again}")

    def _tell_second(self) -> None:
        self.__exit__()
        if calls := self._give_up():
            self._output.warn(f"Gave up {count(calls, 'call')}, for which the endpoint may charge.")
