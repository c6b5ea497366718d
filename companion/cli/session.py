"""What all commands share: the vault they work on, and how it is opened."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from companion.cli.show import Show
from companion.config import Config, load_config
from companion.enrich.workspace import Workspace, open_workspace
from companion.errors import UsageError
from companion.vault.locate import find_vault, open_vault, relative_path

F = TypeVar("F", bound=Callable[..., Any])


def common_options(command: F) -> F:
    """Add the options that every command on a vault has."""
    command = click.option(
        "--debug", is_flag=True, expose_value=False, help="Show tracebacks of errors."
    )(command)
    return click.option(
        "--vault",
        type=click.Path(path_type=Path),
        help="The vault's folder; else the configured one, else the nearest one with .obsidian.",
    )(command)


@contextmanager
def open_session(
    vault: Path | None, paths: Iterable[str] = (), *, show: Show, read_only: bool = False
) -> Iterator[Workspace]:
    """Open the vault that a command works on, and say what an interrupted run left behind."""
    config = load_config()
    root = choose_vault(vault, config, paths)
    with open_workspace(config, root, read_only=read_only) as workspace:
        for recovered in workspace.recovered:
            show.warn(f"{recovered.path}: {recovered.reason}")
        if read_only and (pending := workspace.journal.pending()):
            show.warn(
                f"{len(pending)} interrupted change{'s' * (len(pending) > 1)} will be checked by "
                "the next command that writes"
            )
        yield workspace


def choose_vault(vault: Path | None, config: Config, paths: Iterable[str]) -> Path:
    """Return the vault: the one named, the configured one, or the nearest one with `.obsidian`.

    Raises UsageError.
    """
    if chosen := vault or config.vault:
        return open_vault(chosen.expanduser())
    starts = [Path.cwd() / path for path in paths] or [Path.cwd()]
    found = find_vault(starts[0]) or find_vault(Path.cwd())
    if found is None:
        raise UsageError(
            "no vault here: no folder above this one has .obsidian in it; name one with --vault"
        )
    return open_vault(found)


def resolve_path(workspace: Workspace, given: str) -> str:
    """Return what the user typed as a vault-relative path; empty for the vault itself.

    Raises UsageError: it is not there, or outside the vault.
    """
    return relative_path(workspace.root, given, Path.cwd())


def resolve_history_path(workspace: Workspace, given: str) -> str:
    """Return what the user typed as a path in the journal, where a note may be gone by now."""
    try:
        return resolve_path(workspace, given)
    except UsageError:
        if workspace.journal.changes(path=given, limit=1):
            return given
        raise
