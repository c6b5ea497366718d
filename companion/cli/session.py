"""What all commands share: the vault they work on, and how it is opened."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

from companion.cli.output import Output
from companion.config import Config, config_folder, load_config, state_folder
from companion.daemon.daemon_client import DaemonClient
from companion.daemon.runtime_file import find_daemon
from companion.daemon.tokens import read_token
from companion.enrich.model import where_it_goes
from companion.enrich.workspace import Workspace, open_workspace
from companion.errors import UsageError
from companion.vault.files import is_utf8
from companion.vault.moves import follow_moves
from companion.vault.paths import (
    LeadsOut,
    OutsideVault,
    Unreadable,
    find_vault,
    is_in_vault,
    name_vault_here,
    open_vault,
    relative_path,
)

F = TypeVar("F", bound=Callable[..., Any])


class NotePath(click.types.StringParamType):
    """A note or a folder on the command line, which shells complete as any file."""

    name = "path"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Leave it to the shell, which knows the files."""
        return [CompletionItem(incomplete, type="file")]


class VaultPath(click.Path):
    """A vault's folder on the command line; an empty one is refused, for pathlib takes it for `.`.

    It usually is a variable of the shell that is not set.
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
            raise UsageError("the vault named is empty; name its folder, as . for the current one")
        return super().convert(value, param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Leave it to the shell, which knows the folders."""
        return [CompletionItem(incomplete, type="dir")]


def common_options(command: F) -> F:
    """Add the options that every command on a vault has."""
    command = click.option(
        "--debug", is_flag=True, expose_value=False, help="Show tracebacks of errors."
    )(command)
    return click.option(
        "--vault",
        type=VaultPath(),
        help="The vault's folder; else the configured one, else the nearest one with .obsidian.",
    )(command)


@contextmanager
def open_session(
    vault: Path | None, paths: Iterable[str] = (), *, output: Output, read_only: bool = False
) -> Iterator[Workspace]:
    """Open the vault that a command works on, and say what an interrupted run left behind."""
    config = load_config()
    root = choose_vault(vault, config, paths)
    if vault is None and config.vault is not None:
        _warn_of_vault_here(root, output)
    with open_workspace(config, root, read_only=read_only) as workspace:
        for recovered in workspace.recovered:
            output.warn(f"{recovered.path}: {recovered.reason}")
        pending = workspace.journal.pending() if read_only else []
        if pending and find_daemon(workspace.state) is None:  # else it is writing them just now
            output.warn(
                f"{len(pending)} interrupted change{'s' * (len(pending) > 1)} will be checked by "
                "the next command that writes"
            )
        yield workspace


def say_which_vault(root: Path, output: Output) -> None:
    """Say which vault it is, unless it is the one that the user stands in."""
    if not is_in_vault(root, Path.cwd()):
        output.say(f"In the vault {root}", style="bold")


def _warn_of_vault_here(root: Path, output: Output) -> None:
    """Say that the vault is the configured one, where the user stands in another."""
    here = find_vault(Path.cwd())
    if here not in (None, root):
        output.warn(
            f"the current folder is in the vault {here}, but this is about the configured one,"
            f" {root}; --vault {name_vault_here(Path.cwd())} names the one here"
        )


def find_running_daemon(vault: Path | None, paths: Iterable[str] = ()) -> DaemonClient | None:
    """Return the daemon of the vault that a command works on; None when none runs.

    Raises UsageError when it asks another model than this command would.
    """
    config = load_config()
    root = choose_vault(vault, config, paths)
    place = find_daemon(state_folder(root))
    if place is None:
        return None
    daemon = DaemonClient(place.port, read_token())
    status = daemon.status()
    theirs = (status.endpoint, status.model)
    address = "" if config.is_embedded else config.remote_endpoint().address
    if theirs != (address, config.endpoint.model):
        raise UsageError(
            f"this command would ask {where_it_goes(config)}; but the daemon that runs for this "
            f"vault (pid {place.pid}) asks {status.model} "
            f"{f'at {status.endpoint}' if status.endpoint else '(the embedded model)'}. Give both "
            "the same settings, or stop the daemon"
        )
    return daemon


def require_running_daemon(vault: Path | None) -> DaemonClient:
    """Return the daemon of the vault, whatever model it asks. Raises UsageError: none runs.

    It may run while the vault's drive is away.
    """
    config = load_config()
    try:
        root = choose_vault(vault, config, [])
    except UsageError:
        named = vault or config.vault
        if named is None:
            raise
        root = named.expanduser().resolve()
        if find_daemon(state_folder(root)) is None:
            raise
    place = find_daemon(state_folder(root))
    if place is None:
        raise UsageError(f"no daemon runs for the vault {root}; companion serve starts one")
    return DaemonClient(place.port, read_token())


def choose_vault(vault: Path | None, config: Config, paths: Iterable[str]) -> Path:
    """Return the vault: the one named, the configured one, or the nearest one with `.obsidian`.

    Raises UsageError.
    """
    if vault is not None:
        return open_vault(vault)
    if config.vault is not None:
        return _open_configured(config.vault)
    starts = [Path.cwd() / path for path in paths] or [Path.cwd()]
    found = find_vault(starts[0]) or find_vault(Path.cwd())
    if found is None:
        raise UsageError(
            "no vault here: no folder above this one has .obsidian in it; name one with --vault"
        )
    return open_vault(found)


def _open_configured(vault: Path) -> Path:
    try:
        return open_vault(vault)
    except UsageError as error:
        raise UsageError(f"{config_folder() / 'config.toml'}: vault: {error}") from None


def resolve_paths(
    workspace: Workspace, given: Iterable[str]
) -> tuple[list[str], list[LeadsOut | Unreadable]]:
    """Return what the user typed as vault-relative paths, and apart from those what to leave.

    That are symbolic links which lead out of the vault, and what cannot be read; `*.md` may name
    some.

    Raises UsageError: one is not there, or outside the vault; or all are to be left.
    """
    found: list[str] = []
    refused: list[LeadsOut | Unreadable] = []
    for path in given:
        try:
            found.append(resolve_path(workspace, path))
        except (LeadsOut, Unreadable) as error:
            refused.append(error)
    if refused and not found:
        raise refused[0]
    return found, refused


def resolve_path(workspace: Workspace, given: str) -> str:
    """Return what the user typed as a vault-relative path; empty for the vault itself.

    Raises UsageError: it is not there, or outside the vault.
    """
    return relative_path(workspace.root, given, Path.cwd())


def resolve_history_path(workspace: Workspace, given: str) -> str:
    """Return what the user typed as a path in the journal, where a note may be gone by now.

    Of a note that was just found to be moved, its old path stands for it, too.
    """
    journal = workspace.journal
    follow_moves(workspace.root, journal)
    try:
        return resolve_path(workspace, given)
    except OutsideVault:
        raise
    except UsageError:
        now = [new for new, old in journal.notes.moved_from.items() if old == given]
        if is_utf8(given) and (now or journal.changes(path=given, limit=1)):
            return now[0] if now else given
        raise
