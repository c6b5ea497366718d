"""What all commands share: their vault, its daemon, and how signals end them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from companion.app.open_vault import find_daemon, open_vault
from companion.app.vault import Vault
from companion.cli.filters import join_options
from companion.cli.output import Output
from companion.config import Config, config_file, load_config, state_folder
from companion.config.load import vault_file
from companion.errors import UsageError
from companion.vault.paths import (
    LinkOutOfVault,
    PathUnreadable,
    find_vault,
    is_in_vault,
    relative_path,
    resolve_vault,
    vault_option_for,
)

if TYPE_CHECKING:
    from companion.app.types.runs import NoteResult

NOTE_PATH = click.Path(readable=False)
"""A parameter that is a note or a folder, which need not exist; shells complete it."""


class VaultPathType(click.Path):
    """A parameter that is a vault's folder.

    An empty one, usually an unset variable of the shell, is refused: pathlib would read it as `.`.
    """

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:
        """Return the path. Raises UsageError when it is empty."""
        if not os.fspath(value).strip():
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
    """Open the vault that a command works on, and warn of what an interrupted run left."""
    with open_vault(find_session_vault(vault, paths, output), tell=output.warn) as opened:
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


def list_marks(root: Path) -> list[str]:
    """Return the tags and properties that mark a stub in this vault, as one writes them."""
    notes = load_config(root).notes
    tags = [f"the tag #{tag}" for tag in notes.postponed_tags]
    return tags + [f"`{name}: {value}`" for name, value in notes.postponed_properties.items()]


def describe_missing_daemon(root: Path) -> str:
    """Return in words that no daemon runs for the vault, and what to do."""
    return f"no daemon runs for the vault {root}; companion serve starts one"


def choose_served_vault(vault: Path | None) -> Path:
    """Return the vault as choose_vault does, even if its drive is away while its daemon runs.

    The daemon itself reports broken settings. Raises UsageError.
    """
    broken, config = None, Config()
    try:
        config = load_config()
    except UsageError as error:
        broken = error
    try:
        root = choose_vault(vault, config)
    except UsageError as error:
        named = vault or config.vault
        if named is None:
            raise (broken or error) from None
        root = named.expanduser().resolve()
        if find_daemon(state_folder(root)) is None:
            raise
    return root


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


def name_paths(root: Path, typed: Iterable[str], output: Output) -> list[str]:
    """Return the paths as resolve_paths does, and links out of it; warn about unreadable ones."""
    paths, refused = resolve_paths(root, typed)
    output.warn(*(str(error) for error in refused if isinstance(error, PathUnreadable)))
    return [*paths, *(error.path for error in refused if isinstance(error, LinkOutOfVault))]


def resolve_paths(
    root: Path, typed: Iterable[str]
) -> tuple[list[str], list[LinkOutOfVault | PathUnreadable]]:
    """Return the paths that the user typed, relative to the vault, and errors of unusable ones.

    Links out of the vault and unreadable paths are unusable, but not refused, since `*.md` may
    match some. Raises UsageError if a path is missing or outside, or all are unusable.
    """
    resolved: list[str] = []
    refused: list[LinkOutOfVault | PathUnreadable] = []
    for path in typed:
        try:
            resolved.append(relative_path(root, path, Path.cwd()))
        except (LinkOutOfVault, PathUnreadable) as error:
            refused.append(error)
    if refused and not resolved:
        raise refused[0]
    return resolved, refused


def describe_unusable(errors: Iterable[LinkOutOfVault | PathUnreadable]) -> Iterator[NoteResult]:
    """Yield what happens to the paths that resolve_paths reports as unusable."""
    from companion.app.types.runs import NoteResult

    for error in errors:
        if isinstance(error, PathUnreadable):
            yield NoteResult(path=error.path, status="failed", reason=error.reason)
        else:
            why = "a symbolic link that leads out of the vault"
            yield NoteResult(path=error.path, status="skipped", reason=why)


# by name, since no system has all of them
_STOP_SIGNALS = ("SIGINT", "SIGTERM", "SIGBREAK")
_EXIT_SIGNALS = ("SIGTERM", "SIGHUP", "SIGBREAK")
_WRITES = "what is being written is finished first."
_SIGNAL_STATUS = 128  # shells add the signal's number to it for the exit status


class StopSignals:
    """Calls cancel at the first Ctrl-C, SIGTERM or SIGBREAK of its block, give_up at the second.

    cancel: begins no further note, and returns what is finished first; None: current writes.
    give_up: breaks off the calls that were to be finished, and returns their number, since the
    endpoint may charge for them. Afterwards the earlier handlers are back, so one more signal ends
    the program.

    exit_status: of a program that a signal ended, as shells expect it; 0 while there was none.
    """

    def __init__(
        self,
        output: Output,
        cancel: Callable[[], str | None],
        give_up: Callable[[], int] | None = None,
    ) -> None:
        self._output, self._cancel, self._give_up = output, cancel, give_up
        self.exit_status = 0
        self._pending: list[int] = []
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> StopSignals:
        numbers = [getattr(signal, name) for name in _STOP_SIGNALS if hasattr(signal, name)]
        self._previous = {number: signal.signal(number, self._take) for number in numbers}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _take(self, number: int, frame: FrameType | None) -> None:
        """Handle one signal after the other, since a stream cannot print inside a print."""
        self._pending.append(number)
        if len(self._pending) > 1:
            return
        while self._pending:
            self._handle(self._pending[0])
            self._pending.pop(0)

    def _handle(self, number: int) -> None:
        is_first, self.exit_status = not self.exit_status, _SIGNAL_STATUS + number
        if not is_first or self._give_up is None:
            self.__exit__()
        if is_first:
            again = " Ctrl-C again to quit at once." if number == signal.SIGINT else ""
            self._output.warn(f"Stopping: {self._cancel() or _WRITES}{again}")
        elif self._give_up and (calls := self._give_up()):
            named = "1 call" if calls == 1 else f"{calls} calls"
            self._output.warn(f"Gave up {named}, for which the endpoint may charge.")


@contextmanager
def exit_on_signals() -> Iterator[None]:
    """Raise SystemExit at signals that would end the program without running finally blocks.

    SIGHUP is one: it is sent when the terminal is closed.
    """

    def handle(number: int, frame: FrameType | None) -> None:
        raise SystemExit(_SIGNAL_STATUS + number)

    numbers = [getattr(signal, name) for name in _EXIT_SIGNALS if hasattr(signal, name)]
    numbers = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    for number in numbers:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)
