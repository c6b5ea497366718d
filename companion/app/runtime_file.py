"""`daemon.json` in a vault's state folder: where its daemon answers. The daemon writes it."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from pydantic import TypeAdapter, ValidationError

from companion.private_files import write_private


class RuntimeFile(NamedTuple):
    """The content of daemon.json. The daemon answers on 127.0.0.1:port. started_at: Unix time."""

    port: int
    pid: int
    version: str
    started_at: float


def write_runtime_file(state: Path, content: RuntimeFile) -> None:
    """Write daemon.json. It is valid as long as the daemon holds the vault's lock.

    Raises UsageError if the state folder cannot be written.
    """
    write_private(_file(state), json.dumps(content._asdict()).encode())


def remove_runtime_file(state: Path) -> None:
    """Remove daemon.json, if it is there."""
    with suppress(OSError):
        _file(state).unlink()


def find_daemon(state: Path) -> RuntimeFile | None:
    """Return the content of daemon.json, None if no daemon of the vault is running.

    The file of one that was killed is ignored: it does not hold the vault's lock.
    """
    try:
        content = TypeAdapter(RuntimeFile).validate_json(_file(state).read_bytes(), strict=True)
    except (OSError, ValidationError):
        return None
    if not (0 < content.port < 65536 and content.pid > 0 and _is_alive(content.pid)):
        return None
    from companion.vault.lock import is_lock_held  # without a file, nobody waits for it

    return content if is_lock_held(state, content.pid) else None


def _is_alive(pid: int) -> bool:
    """Return whether such a process may exist; checked first, as trying the lock takes it."""
    if os.name == "nt":
        return True  # signal 0 would be Ctrl-C there
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _file(state: Path) -> Path:
    return state / "daemon.json"
