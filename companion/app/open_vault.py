"""Opens a vault: through its daemon if one runs, else in this process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from operator import methodcaller
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from companion.app.local_vault import LocalVault
from companion.app.runtime_file import find_daemon
from companion.app.types.base import check_path
from companion.app.vault import Vault
from companion.config import state_folder
from companion.enrich.vault_settings import Reader
from companion.enrich.workspace import Workspace, open_workspace
from companion.errors import CompanionError
from companion.vault.paths import PathNotFound, relative_path

if TYPE_CHECKING:
    from companion.app.remote_vault import RemoteVault
    from companion.app.run import Tell

_STANDS_ASIDE = 30.0  # seconds that a daemon has to stop
_NAMESAKES = 3


@contextmanager
def open_vault(root: Path, *, read_only: bool = False, tell: Tell = bool) -> Iterator[Vault]:
    """Open the vault at root, a real path, with its settings. read_only, tell: as in open_space.

    Raises UsageError (settings, prompts), VaultLocked, JournalError.
    """
    if served := find_served(root):
        yield served
        return
    with open_space(root, read_only=read_only, tell=tell) as space:
        yield LocalVault(space)


@contextmanager
def open_space(
    root: Path,
    *,
    read_only: bool = False,
    reader: Reader | None = None,
    patience: float = 0.0,
    tell: Tell = bool,
) -> Iterator[Workspace]:
    """Open the vault at root in this process, with its settings.

    read_only: the vault is locked only while something is changed. tell: called for each note that
    an interrupted run left unfinished. reader: where the model that reads the notes runs; None:
    where the configured one does. patience: as in open_workspace.

    Raises UsageError (settings, prompts), VaultLocked, JournalError.
    """
    adapt = methodcaller("for_reader", reader) if reader else None
    with open_workspace(None, root, read_only=read_only, adapt=adapt, patience=patience) as space:
        for recovered in space.recovered:
            tell(f"{recovered.path}: {recovered.reason}")
        pending = len(space.journal.pending()) if read_only else 0
        if pending and find_daemon(space.state) is None:  # else the daemon may be writing them
            tell(
                f"{pending} interrupted change{'s' * (pending > 1)} will be checked by the next "
                "command that writes"
            )
        yield space


def stand_aside(root: Path) -> float:
    """Ask the vault's daemon to stand aside; return how many seconds that may take, 0 without one.

    Raises VaultLocked while it works on a run.
    """
    if not (served := find_served(root)):
        return 0.0
    served.release()
    return _STANDS_ASIDE


def find_served(root: Path) -> RemoteVault | None:
    """Return the vault at root as its daemon has it open; None if none runs."""
    place = find_daemon(state_folder(root))
    if place is None:
        return None
    from companion.app.connection import Connection
    from companion.app.remote_vault import RemoteVault
    from companion.app.tokens import read_token

    return RemoteVault(root, Connection(place.port, read_token()))


def name_path(vault: Vault, typed: str, folder: Path) -> str:
    """Return the vault-relative path of a note or folder that somebody typed in the folder.

    It may be gone, if there are changes or proposals for it. Raises UsageError.
    """
    from companion.app.types.changes import ChangeQuery
    from companion.app.types.proposals import ProposalQuery

    try:
        return relative_path(vault.root, typed, folder)
    except PathNotFound:
        with suppress(ValueError):
            path = check_path(typed)
            if vault.changes(ChangeQuery(path=path, limit=1)).changes:
                return path
            if vault.proposals(ProposalQuery(folder=path, state="all", limit=1)).total:
                return path
        raise


def find_namesakes(error: CompanionError) -> list[str]:
    """Return a few notes, in other folders, with the name in a path that does not exist.

    In Obsidian a note is known by its name. Only for the user to see: they may be private.
    """
    if not isinstance(error, PathNotFound):
        return []
    name = PurePath(error.typed).name.casefold()
    paths = (
        Path(folder, file).relative_to(error.root).as_posix()
        for folder, folders, files in os.walk(error.root)
        if not folders.sort()  # the same ones each time
        for file in sorted(files)
        if file.casefold() in (name, f"{name}.md")
    )
    return list(islice((path for path in paths if not path.startswith(".")), _NAMESAKES))
