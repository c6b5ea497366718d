"""The lock of a vault, so that only one Companion process at a time writes to it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from companion.errors import VaultLocked
from companion.private_files import make_private_folder, open_private

if TYPE_CHECKING:  # what only reads takes no lock
    from filelock import FileLock

_PID_FILE = "lock.pid"  # names who holds the lock: on Windows a locked file cannot be read


@contextmanager
def vault_lock(state: Path, patience: float = 0.0) -> Iterator[None]:
    """Hold the lock of the vault with that state folder, which is created if it is missing.

    patience: seconds to wait for it. The operating system releases the lock when the process dies,
    so that it is never stale.

    Raises VaultLocked if another process, or another caller in this one, holds it.
    """
    lock, pid_file = _lock_of(state), state / _PID_FILE
    try:
        make_private_folder(state)
        lock.acquire(timeout=patience)
    except TimeoutError:
        holder = ""  # until the other process has written its file
        with suppress(OSError, UnicodeDecodeError):
            pid = pid_file.read_text(encoding="ascii").strip()
            holder = f" (pid {pid})" if pid else ""
        raise VaultLocked(
            f"another Companion process{holder} works on this vault; "
            "wait until it is done, or stop it"
        ) from None
    except OSError as error:
        raise VaultLocked(
            f"the vault cannot be locked: {error.strerror} ({state}); make that folder writable"
        ) from error
    try:
        with (
            suppress(OSError),  # it only serves a message, so it may fail, as on a full disk
            open(pid_file, "w", encoding="ascii", opener=open_private) as file,
        ):
            file.write(f"{os.getpid()}\n")
        yield
    finally:
        with suppress(OSError):
            pid_file.unlink()
        lock.release()


def is_lock_held(state: Path, pid: int) -> bool:
    """Return whether the lock of the vault is held, by the process with that id as far as known."""
    with suppress(OSError, ValueError):
        if int((state / _PID_FILE).read_text(encoding="ascii")) != pid:
            return False
    lock = _lock_of(state)
    try:
        lock.acquire(timeout=0)
    except TimeoutError:
        return True
    except OSError:
        return False
    lock.release()
    return False


def _lock_of(state: Path) -> FileLock:
    from filelock import FileLock

    return FileLock(state / "lock", mode=0o600, thread_local=False)
