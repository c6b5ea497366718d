"""What all commands share: which vault they are about, paths as typed, and how signals end them."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import click
from click.shell_completion import CompletionItem

from companion.app.open_vault import open_vault
from companion.app.vault import Vault
from companion.cli.filters import join_options
from companion.cli.output import Output
from companion.config import Config, config_file, load_config
from companion.config.load import vault_file
from companion.errors import UsageError
from companion.vault.paths import (
    find_vault,
    is_in_vault,
    relative_path,
    resolve_vault,
    vault_option_for,
)

NOTE_PATH = click.Path(readable=False)
"""A parameter that is a note or a folder, which need not exist; shells complete it."""


class VaultPathType(click.Path):
    """A parameter that is a vault's folder. An empty one, as of an unset variable, is refused."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path. Raises UsageError when it is empty, which pathlib would read as `.`."""
        if not str(value).strip():
            raise UsageError(
                "the vault's path is empty; name its folder, such as . for the current one"
            )
        return super().convert(value, param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return an item that has the shell complete folder names."""
        return [CompletionItem(incomplete, type="dir")]


debug_option = click.option(
    "--debug", is_flag=True, expose_value=False, help="Show tracebacks of errors."
)
common_options = join_options(
    click.option(
        "--vault",
        type=VaultPathType(),
        help="The vault's folder; else the configured one, else the nearest one with .obsidian.",
    ),
    debug_option,
)
"""Adds the options that every command on a vault has."""


@contextmanager
def open_session_vault(
    vault: Path | None, paths: Iterable[str], *, output: Output
) -> Iterator[Vault]:
    """Open the vault that a command works on; print which one, unless the current folder is in it.

    Warns of what an interrupted run left.
    """
    with open_vault(find_session_vault(vault, paths, output), tell=output.warn) as opened:
        say_which_vault(opened.root, output)
        yield opened


def find_session_vault(vault: Path | None, paths: Iterable[str], output: Output) -> Path:
    """Return the vault that a command works on; warn if it is not the one of this folder."""
    root, config = load_vault(vault, paths)
    here = find_vault(Path.cwd())
    if vault is None and config.vault is not None and here not in (None, root):
        output.warn(
            f"the current folder is in the vault {here}, but this is about the configured one,"
            f" {root}; --vault {vault_option_for(Path.cwd())} names the one here"
        )
    return root


def say_which_vault(root: Path, output: Output) -> None:
    """Print which vault it is, unless the current folder is in it."""
    if not is_in_vault(root, Path.cwd()):
        output.say(f"In the vault {root}", style="bold")


def describe_missing_daemon(root: Path) -> str:
    """Return in words that no daemon runs for the vault, and what to do."""
    return f"no daemon runs for the vault {root}; companion serve starts one"


def load_vault(vault: Path | None, paths: Iterable[str] = ()) -> tuple[Path, Config]:
    """Return the vault that choose_vault does, and its settings: its own over the common ones.

    Raises UsageError.
    """
    root = choose_vault(vault, load_config(), paths)
    config = load_config(root)
    return root, config


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


_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # by name: no system has all of them
_WRITES = "what is being written is finished first."
_SIGNAL_STATUS = 128  # shells add the signal's number to it for the exit status


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
        self.exit_status = 0

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
        is_first, self.exit_status = not self.exit_status, _SIGNAL_STATUS + number
        if is_first:
            again = " Ctrl-C again to quit at once." if number == signal.SIGINT else ""
            self._output.warn(f"Stopping: {self._cancel() or _WRITES}{again}")
            return
        self.__exit__()
        if calls := self._give_up():
            named = "1 call" if calls == 1 else f"{calls} calls"
            self._output.warn(f"Gave up {named}, for which the endpoint may charge.")
