"""Open a note for writing in place, and keep other programs from writing meanwhile."""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from companion.errors import NoteBusy, NoteChanged, NoteRefused, NoteUnwritable

PATIENCE = 1.0  # seconds to wait for another program to close the note
_PAUSE = 0.005
_TAKEN = {errno.EAGAIN, errno.EBUSY}
_REASON = "another program holds it open"


@contextmanager
def open_note(root: Path, path: str, *, write: bool) -> Iterator[int]:
    """Return a descriptor of the note, for as long as the block runs; it is never created.

    root: the vault, resolved. path: vault-relative, with `/`.

    Raises NoteRefused: outside the vault, by way of a symbolic link, no regular file, not
    readable. NoteChanged: gone. NoteUnwritable: read-only. NoteBusy: held by another program.
    """
    fd = _patiently(lambda: _open(root / path, write), path)
    try:
        require_in_place(fd, root, path)
        yield fd
    finally:
        os.close(fd)  # which gives a lease up, too


def require_in_place(fd: int, root: Path, path: str) -> None:
    """Check that path, without a symbolic link on the way, still names the open file.

    The real path, since a file may be opened under a name of other case than its own.
    """
    file = root / path
    if os.path.realpath(file) != str(file) or not file.is_relative_to(root) or file == root:
        raise NoteRefused("its path leads out of the vault or through a symbolic link", path)
    try:
        named = os.stat(file)  # noqa: PTH116 - one module to inject faults into
    except OSError as error:
        raise explain(error, path) from error
    if not os.path.samestat(named, os.fstat(fd)):
        raise NoteChanged("another program replaced it just now", path)


def explain(error: OSError, path: str) -> NoteUnwritable | NoteChanged | NoteRefused | NoteBusy:
    """Return what the error means for the note at path."""
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return NoteChanged("it is no longer there", path)
    if error.errno == errno.ELOOP:
        return NoteRefused("it is a symbolic link", path)
    if error.errno == errno.EISDIR:
        return NoteRefused("it is a folder", path)
    if error.errno in _TAKEN:
        return NoteBusy(_REASON, path)
    return NoteUnwritable(f"it cannot be opened or written: {error.strerror}", path)


def exclude_writers(fd: int, path: str) -> bool:
    """Keep other programs from opening the note until fd is closed; return whether that holds.

    Linux: a write lease, which the kernel grants only to the one who has the file open. Whoever
    opens the note then waits until fd is closed, or `/proc/sys/fs/lease-break-time` seconds.
    Windows: `open_note` did it. Elsewhere, and where the file system or the owner of the file
    does not allow it: nothing.

    Raises NoteBusy when another program holds the note open for a second.
    """
    if sys.platform == "win32":
        return True
    if sys.platform != "linux":
        return False
    return _patiently(lambda: _take_lease(fd), path)


if sys.platform == "win32":
    import ctypes
    import msvcrt
    from ctypes import wintypes

    _kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
    _kernel32.CreateFileW.restype = wintypes.HANDLE
    _GENERIC_READ, _GENERIC_WRITE = 0x80000000, 0x40000000
    _SHARE_READ, _SHARE_ALL = 1, 7
    _OPEN_EXISTING, _OPEN_REPARSE_POINT = 3, 0x00200000
    _IN_USE = {32, 33}  # ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION

    def _open(file: Path, write: bool) -> int:
        access = _GENERIC_READ | (_GENERIC_WRITE if write else 0)
        share = _SHARE_READ if write else _SHARE_ALL  # others may read, never write
        handle = _kernel32.CreateFileW(
            str(file), access, share, None, _OPEN_EXISTING, _OPEN_REPARSE_POINT, None
        )
        if handle == wintypes.HANDLE(-1).value:
            code = ctypes.get_last_error()
            if code in _IN_USE:
                raise BlockingIOError(errno.EAGAIN, "in use", str(file))
            raise ctypes.WinError(code)
        return msvcrt.open_osfhandle(handle, os.O_BINARY | (os.O_RDWR if write else os.O_RDONLY))

else:

    def _open(file: Path, write: bool) -> int:
        # O_NONBLOCK: fail where somebody's lease, or a pipe, would make us wait
        access = os.O_RDWR if write else os.O_RDONLY
        return os.open(file, access | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)


if sys.platform == "linux":
    import fcntl
    import signal

    def _take_lease(fd: int) -> bool:
        with suppress_unsupported():
            # The kernel tells of another opener by SIGIO, which kills the process. SIGURG is
            # ignored unless somebody asked for it, in every thread, and needs no handler.
            fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
            fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)
            return True
        return False
