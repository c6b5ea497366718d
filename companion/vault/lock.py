"""The vault's lock: one Companion process writes to a vault at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from companion.errors import VaultLocked
from companion.private_files import make_private_folder, open_private


@contextmanager
def vault_lock(state: Path) -> Iterator[None]:
    """Hold the lock of the vault whose state lies in the folder `state`, made if need be.

    The operating system drops it when the process dies, so it is never stale.

    Raises VaultLocked at once when another process (or another caller in this one) holds it.
    """
    lock = FileLock(state / "lock", mode=0o600, thread_local=False)
    holder = state / "lock.pid"  # apart: Windows lets nobody read a locked file
    try:
        make_private_folder(state)
        lock.acquire(timeout=0)
    except Timeout:
        raise VaultLocked(
            f"another Companion process{_named(holder)} works on this vault; "
            "wait until it is done, or stop it"
        ) from None
    except OSError as error:
        raise VaultLocked(
            f"the vault cannot be locked: {error.strerror} ({state}); make that folder writable"
        ) from error
    try:
        with suppress(OSError):  # it only names us; on a full disk we go unnamed
            _name_us(holder)
        yield
    finally:
        with suppress(OSError):
            holder.unlink()
        lock.release()


def _name_us(holder: Path) -> None:
    with open(holder, "w", encoding="ascii", opener=open_private) as file:
        file.write(f"{os.getpid()}\n")


def _named(holder: Path) -> str:
    """Return ` (pid 123)`; empty in the moment before the other one has written it."""
    try:
        pid = holder.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return ""
    return f" (pid {pid})" if pid else ""
