"""Opens a vault, and finds its daemon.

The daemon writes `daemon.json` in the vault's state folder, which says where it answers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from companion.app.types.base import check_path
from companion.app.vault import Vault
from companion.config import state_folder
from companion.enrich.settings import Reader
from companion.enrich.workspace import Workspace, open_workspace
from companion.private_files import write_private
from companion.store.database import set_older_aside
from companion.vault.paths import PathNotFound, relative_path

Tell = Callable[[str], object]
"""Called with a sentence for the user."""


@contextmanager
def open_vault(root: Path, *, tell: Tell = bool) -> Iterator[Vault]:
    """Open the vault at root, a real path, with its settings; other processes may work beside.

    tell: called for each note that an interrupted run left unfinished.

    Raises UsageError (settings, prompts), VaultLocked, JournalError.
    """
    with open_space(root, tell=tell) as space:
        yield Vault(space)


@contextmanager
def open_space(
    root: Path, *, reader: Reader | None = None, tell: Tell = bool
) -> Iterator[Workspace]:
    """Open what open_vault opens, without the vault's methods.

    reader: where the model that reads the notes runs; None: where the configured one does.
    """
    if said := set_older_aside(state_folder(root)):
        tell(said)
    with open_workspace(None, root, reader=reader) as space:
        for recovered in space.recovered:
            tell(f"{recovered.path}: {recovered.reason}")
        yield space


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
            if vault.proposals(ProposalQuery(path=path, state="all", limit=1)).total:
                return path
        raise


class RuntimeFile(NamedTuple):
    """The content of daemon.json. The daemon answers on 127.0.0.1:port. started_at: Unix time."""

    port: int
    pid: int
    version: str
    started_at: float


def write_runtime_file(state: Path, content: RuntimeFile) -> None:
    """Write daemon.json. It is valid as long as the daemon holds its lock.

    Raises UsageError if the state folder cannot be written.
    """
    write_private(_file(state), json.dumps(content._asdict()).encode())


def remove_runtime_file(state: Path) -> None:
    """Remove daemon.json, if it is there."""
    with suppress(OSError):
        _file(state).unlink()


def find_daemon(state: Path) -> RuntimeFile | None:
    """Return the content of daemon.json, None if no daemon of the vault is running.

    The file of one that was killed is ignored: it does not hold the daemon's lock.
    """
    try:
        content = TypeAdapter(RuntimeFile).validate_json(_file(state).read_bytes(), strict=True)
    except (OSError, ValidationError):
        return None
    from companion.vault.lock import is_daemon_running  # without a file, nobody waits for it

    is_place = 0 < content.port < 65536 and content.pid > 0
    return content if is_place and is_daemon_running(state) else None


def _file(state: Path) -> Path:
    return state / "daemon.json"
