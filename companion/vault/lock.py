"""The lock of a vault among our processes; opening a note while no other program writes it."""

from __future__ import annotations

import errno
import os
import shlex
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from companion.errors import (
    DiskFull,
    NoteBusy,
    NoteChanged,
    NoteError,
    NoteRefused,
    NoteUnwritable,
    VaultLocked,
)
from companion.private_files import make_private_folder

if TYPE_CHECKING:  # what only reads takes no lock
    from filelock import FileLock

T = TypeVar("T")
_PATIENCE = 60.0  # seconds to wait for the writes of other processes
_DAEMON_FILE = "daemon.lock"
_POLL = 0.005  # seconds between two tries


class VaultLock:
    """The lock of the vault with that state folder, among threads and processes.

    It is held for one write, or for recovery. The operating system releases it when the process
    dies, so whoever holds it and finds a pending change has found a crash.
    """

    def __init__(self, state: Path) -> None:
        self._state = state
        self._threads = threading.RLock()
        self._file: FileLock | None = None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the lock during the block; a thread that holds it already may hold it again.

        Raises VaultLocked if others hold it for a minute, or the state folder cannot be written.
        """
        from filelock import FileLock

        with self._threads:
            is_first = self._file is None
            lock = self._file = self._file or FileLock(
                self._state / "lock", mode=0o600, thread_local=False
            )
            busy = f"writes for over {_PATIENCE:.0f} s; try again"
            with _held(lock, _PATIENCE, busy, tells=is_first):
                yield


@contextmanager
def daemon_lock(state: Path) -> Iterator[None]:
    """Hold the lock of the daemon of the vault with that state folder: there is at most one.

    Raises VaultLocked if another process, or another caller in this one, holds it.
    """
    with _held(_daemon_file(state), 0, "serves this vault; stop it first", tells=True):
        yield


@contextmanager
def _held(lock: FileLock, patience: float, busy: str, *, tells: bool) -> Iterator[None]:
    """Hold the lock during the block, after that many seconds at most; busy: what its holder does.

    tells: whether to name this command in a file beside the lock, for others that wait for it: each
    process does so once.
    """
    folder, holder = Path(lock.lock_file).parent, Path(f"{lock.lock_file}.holder")
    try:
        if tells:
            make_private_folder(folder)
        lock.acquire(timeout=patience, poll_interval=_POLL)
    except TimeoutError:
        command = "another process of Companion"
        with suppress(OSError):
            named = holder.read_text(encoding="utf-8", errors="replace")
            command = named if named and f"process {os.getpid()})" not in named else command
        raise VaultLocked(f"{command} {busy}") from None
    except OSError as error:
        raise VaultLocked(
            f"the vault cannot be locked: {error.strerror} ({folder}); make that folder writable"
        ) from error
    try:
        if tells:
            with suppress(OSError):
                _write_command(holder)
        yield
    finally:
        lock.release()


def _write_command(file: Path) -> None:
    program = Path(sys.argv[0]).name.replace("__main__.py", "companion")
    command = shlex.join([program, *sys.argv[1:]])
    text = f"{command} (process {os.getpid()})".encode("utf-8", "replace")
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as opened:
        opened.write(text)


def is_daemon_running(state: Path) -> bool:
    """Return whether a daemon of the vault holds its lock. The file is not created."""
    if not (state / _DAEMON_FILE).exists():
        return False
    lock = _daemon_file(state)
    try:
        lock.acquire(timeout=0)
    except TimeoutError:
        return True
    except OSError:
        return False
    lock.release()
    return False


def _daemon_file(state: Path) -> FileLock:
    from filelock import FileLock

    return FileLock(state / _DAEMON_FILE, mode=0o600, thread_local=False)


IN_USE_PATIENCE = 1.0  # seconds to wait for another program to close the note
_RETRY_PAUSE = 0.005  # seconds
_IN_USE_ERRNOS = {errno.EAGAIN, errno.EBUSY}


@contextmanager
def open_note(root: Path, path: str, *, write: bool) -> Iterator[int]:
    """Yield a descriptor of the note, which is closed after the block. No file is created.

    root: real. path: vault-relative, with `/`. Raises NoteRefused (outside, a link, not regular,
    not readable), NoteChanged (missing), NoteUnwritable (read-only), NoteBusy (open elsewhere).
    """
    _stat_note(root, path)  # first, since opening a pipe or a device can have effects
    try:
        fd = _retry_while_in_use(partial(_open, root / path, write), path)
    except OSError as error:
        raise to_note_error(error, path, "write" if write else "read") from error
    try:
        require_in_place(fd, root, path)
        yield fd
    finally:
        with suppress(OSError):  # what had to reach the disk was forced there before
            os.close(fd)  # releases the write lease, too


def require_in_place(fd: int, root: Path, path: str) -> None:
    """Check that path still names the open file, without a symbolic link on the way.

    Raises NoteChanged if the file was moved, deleted or replaced, NoteRefused if path no longer
    names a regular file in the vault.
    """
    named = _stat_note(root, path)
    try:
        opened = os.fstat(fd)
    except OSError as error:
        raise to_note_error(error, path, "read") from error
    if not os.path.samestat(named, opened):
        raise NoteChanged("another program replaced it just now; nothing was written", path)


def to_note_error(error: OSError, path: str, verb: str) -> NoteError:
    """Return the error as a NoteError. verb: what failed, `read` or `write`."""
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return NoteChanged("it is no longer there; it was moved or deleted", path)
    if error.errno == errno.ELOOP:
        return NoteRefused("it is a symbolic link", path)
    if error.errno in {errno.EISDIR, errno.ENXIO}:
        return NoteRefused("it is not a regular file", path)
    reason = error.strerror or str(error)
    if verb == "read":
        return NoteRefused(f"it cannot be read: {reason}", path)
    if error.errno in {errno.ENOSPC, getattr(errno, "EDQUOT", None)}:
        return DiskFull("it cannot be written: the disk is full; free some space", path)
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        reason = "it is read-only; allow writing to it and try again"
    return NoteUnwritable(f"it cannot be written: {reason}", path)


def exclude_writers(fd: int, path: str) -> bool:
    """Keep other programs from writing the note until fd is closed; return whether that works.

    Linux: a write lease, which the kernel grants if nobody else has the file open; a program that
    opens it then waits for as long as `/proc/sys/fs/lease-break-time` says. Windows: `open_note`
    does it.

    Raises NoteBusy if another program keeps the note open for a second.
    """
    if sys.platform == "linux":
        try:
            _retry_while_in_use(partial(_take_write_lease, fd), path)
        except OSError:  # a network drive, or a file of another owner
            return False
        return True
    return sys.platform == "win32"


def _stat_note(root: Path, path: str) -> os.stat_result:
    try:
        status = _stat_inside(str(root), path)
    except OSError as error:
        raise to_note_error(error, path, "read") from error
    if status is None:
        raise NoteRefused("its path leads out of the vault or through a symbolic link", path)
    if not stat.S_ISREG(status.st_mode):
        raise NoteRefused("it is not a regular file", path)
    return status


def _stat_inside(root: str, path: str) -> os.stat_result | None:
    """Return the stat of path; None if it leads out of root (a real path) or through a link.

    Each part is checked, with one system call: any folder on the way may have become a link.
    """
    parts = path.split("/")
    if "\0" in path or not {"", ".", ".."}.isdisjoint(parts):
        return None
    if sys.platform == "win32":  # where drives, junctions and short names lead out, too
        file = str(Path(root, *parts))
        return os.lstat(file) if os.path.realpath(file) == file else None
    here = root
    for part in parts:
        here = f"{here}/{part}"
        status = os.lstat(here)
        if stat.S_ISLNK(status.st_mode):
            return None
    return status


def _retry_while_in_use(call: Callable[[], T], path: str) -> T:
    """Return the result of call, which is retried for a second while the note is open elsewhere."""
    deadline = time.monotonic() + IN_USE_PATIENCE
    while True:
        try:
            return call()
        except OSError as error:
            if error.errno not in _IN_USE_ERRNOS:
                raise
            if time.monotonic() > deadline:
                raise NoteBusy("another program holds it open; try again later", path) from error
        time.sleep(_RETRY_PAUSE)


if sys.platform == "win32":
    import ctypes
    import msvcrt
    from ctypes import wintypes

    _kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    _kernel32.CreateFileW.restype = wintypes.HANDLE
    _GENERIC_READ, _GENERIC_WRITE = 0x80000000, 0x40000000
    _SHARE_READ, _SHARE_ALL = 1, 7
    _OPEN_EXISTING = 3
    _IN_USE = {32, 33}  # ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION

    def _open(file: Path, write: bool) -> int:
        access = _GENERIC_READ | (_GENERIC_WRITE if write else 0)
        share = _SHARE_READ if write else _SHARE_ALL  # others may read, never write
        handle = _kernel32.CreateFileW(str(file), access, share, None, _OPEN_EXISTING, 0, None)
        if handle == wintypes.HANDLE(-1).value:
            code = ctypes.get_last_error()
            if code in _IN_USE:
                raise BlockingIOError(errno.EAGAIN, "in use", str(file))
            raise ctypes.WinError(code)
        return msvcrt.open_osfhandle(handle, os.O_BINARY | (os.O_RDWR if write else os.O_RDONLY))

else:

    def _open(file: Path, write: bool) -> int:
        # O_NONBLOCK: fail at once where another program's lease, or a pipe, would block
        access = os.O_RDWR if write else os.O_RDONLY
        return os.open(file, access | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)


if sys.platform == "linux":
    import fcntl
    import signal

    def _take_write_lease(fd: int) -> None:
        # The kernel announces another opener by SIGIO, which kills the process unless it is
        # ignored. SIGURG in its place is ignored by default, in every thread.
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
