"""Where the daemon of a vault is: `daemon.json` in the vault's state folder."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout
from pydantic import TypeAdapter, ValidationError

from companion.config.private import write_private


class Place(NamedTuple):
    """Where a daemon answers: 127.0.0.1:port. started_at: seconds since the epoch."""

    port: int
    pid: int
    version: str
    started_at: float


_PLACE = TypeAdapter(Place)


def write_place(state: Path, place: Place) -> None:
    """Tell others where this daemon is. It holds the vault's lock as long as that is true.

    Raises UsageError when the state folder cannot be written.
    """
    write_private(_file(state), json.dumps(place._asdict()).encode())


def remove_place(state: Path) -> None:
    """Tell others that the daemon is gone; nothing happens where that was said already."""
    with suppress(OSError):
        _file(state).unlink()


def find_daemon(state: Path) -> Place | None:
    """Return where the daemon of the vault is; None when none runs.

    What a daemon that was killed left behind is recognised: its process is gone, or nobody, or
    somebody else, holds the vault's lock.
    """
    place = _read(_file(state))
    if place is None or not _is_alive(place.pid):
        return None
    if _holder(state) not in (None, place.pid):
        return None
    return place if _is_locked(state) else None


def _read(file: Path) -> Place | None:
    try:
        place = _PLACE.validate_python(Place(**json.loads(file.read_bytes())), strict=True)
    except (OSError, ValueError, TypeError, RecursionError, ValidationError):
        return None
    return place if 0 < place.port < 65536 and place.pid > 0 else None


def _is_alive(pid: int) -> bool:
    """Whether there may be such a process; asked first, since trying the lock takes it briefly."""
    if os.name == "nt":
        return True  # signal 0 would be Ctrl-C there
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _holder(state: Path) -> int | None:
    """Return the process that holds the vault's lock, as it says itself; None when it does not."""
    try:
        return int((state / "lock.pid").read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _is_locked(state: Path) -> bool:
    lock = FileLock(state / "lock", mode=0o600, thread_local=False)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    except OSError:
        return False
    lock.release()
    return False


def _file(state: Path) -> Path:
    return state / "daemon.json"
