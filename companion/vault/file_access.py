"""Open a note where it lies, and keep other programs from writing it meanwhile."""

from __future__ import annotations

import errno
import os
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from companion.errors import DiskFull, NoteBusy, NoteChanged, NoteError, NoteRefused, NoteUnwritable

T = TypeVar("T")
PATIENCE = 1.0  # seconds to wait for another program to close the note
_PAUSE = 0.005  # seconds
_TAKEN = {errno.EAGAIN, errno.EBUSY}


@contextmanager
def open_note(root: Path, path: str, *, write: bool) -> Iterator[int]:
    """Return a descriptor of the note, for as long as the block runs; it is never created.

    root: the vault, resolved. path: vault-relative, with `/`.

    Raises NoteRefused: outside the vault, by way of a symbolic link, no regular file, not
    readable. NoteChanged: gone. NoteUnwritable: read-only. NoteBusy: held by another program.
    """
    _find_note(root, path)  # before: opening a pipe or a device can have effects
    try:
        fd = _patiently(partial(_open, root / path, write), path)
    except OSError as error:
        raise to_note_error(error, path, "write" if write else "read") from error
    try:
        require_in_place(fd, root, path)
        yield fd
    finally:
        with suppress(OSError):  # what had to reach the disk was forced there before
            os.close(fd)  # which gives a lease up, too


def require_in_place(fd: int, root: Path, path: str) -> None:
    """Check that path still names the open file, without a symbolic link on the way.

    Raises NoteChanged: moved, deleted or replaced. NoteRefused: no regular file in the vault.
    """
    named = _find_note(root, path)
    try:
        opened = os.fstat(fd)
    except OSError as error:
        raise to_note_error(error, path, "read") from error
    if not os.path.samestat(named, opened):
        raise NoteChanged("another program replaced it just now; nothing was written", path)


def to_note_error(error: OSError, path: str, verb: str) -> NoteError:
    """Return what the error means for the note at path. verb: `read` or `write`."""
    if error.errno in {errno.ENOENT, errno.ENOTDIR}:
        return NoteChanged("it is no longer there; it was moved or deleted", path)
    if error.errno == errno.ELOOP:
        return NoteRefused("it is a symbolic link", path)
    if error.errno in {errno.EISDIR, errno.ENXIO}:
        return NoteRefused("it is no regular file", path)
    reason = error.strerror or str(error)
    if verb == "read":
        return NoteRefused(f"it cannot be read: {reason}", path)
    if error.errno in {errno.ENOSPC, getattr(errno, "EDQUOT", None)}:
        return DiskFull("it cannot be written: the disk is full; free some space", path)
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        reason = "it is read-only; allow writing to it and try again"
    return NoteUnwritable(f"it cannot be written: {reason}", path)


def exclude_writers(fd: int, path: str) -> bool:
    """Keep other programs from opening the note until fd is closed; return whether that holds.

    Linux: a write lease, which the kernel grants only to the one who has the file open. Whoever
    opens the note then waits until fd is closed, or `/proc/sys/fs/lease-break-time` seconds.
    Windows: `open_note` did it. Elsewhere, and where the file system or the owner of the file
    does not allow it: nothing.

    Raises NoteBusy when another program holds the note open for a second.
    """
    if sys.platform == "linux":
        try:
            _patiently(partial(_take_lease, fd), path)
        except OSError:  # network drives, somebody else's file
            return False
        return True
    return sys.platform == "win32"


def _find_note(root: Path, path: str) -> os.stat_result:
    try:
        found = _stat_inside(str(root), path)
    except OSError as error:
        raise to_note_error(error, path, "read") from error
    if found is None:
        raise NoteRefused("its path leads out of the vault or through a symbolic link", path)
    if not stat.S_ISREG(found.st_mode):
        raise NoteRefused("it is no regular file", path)
    return found


def _stat_inside(root: str, path: str) -> os.stat_result | None:
    """Return what lies at path; None if that leads out of root, which is resolved, or by a link.

    Each part is looked at, with one system call: any folder on the way may have become a link.
    """
    parts = path.split("/")
    if "\0" in path or not {"", ".", ".."}.isdisjoint(parts):
        return None
    if sys.platform == "win32":  # which has more ways to leave: drives, junctions, short names
        file = str(Path(root, *parts))
        return os.lstat(file) if os.path.realpath(file) == file else None
    here = root
    for part in parts:
        here = f"{here}/{part}"
        found = os.lstat(here)
        if stat.S_ISLNK(found.st_mode):
            return None
    return found


def _patiently(take: Callable[[], T], path: str) -> T:
    """Return what take returns, tried again for a second while another program is in the way."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return take()
        except OSError as error:
            if error.errno not in _TAKEN:
                raise
            if time.monotonic() > deadline:
                raise NoteBusy("another program holds it open; try again later", path) from error
        time.sleep(_PAUSE)


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
        # O_NONBLOCK: fail where somebody's lease, or a pipe, would make us wait
        access = os.O_RDWR if write else os.O_RDONLY
        return os.open(file, access | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)


if sys.platform == "linux":
    import fcntl
    import signal

    def _take_lease(fd: int) -> None:
        # The kernel tells of another opener by SIGIO, which kills the process unless somebody
        # ignores it. SIGURG instead is ignored by default, in every thread.
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_WRLCK)


SECTOR = 512  # bytes; the least that a disk writes whole


def is_partial_write(data: bytes, before: bytes, after: bytes, step: int = SECTOR) -> bool:
    """Return whether data is what a write of after over before can leave when it is cut short.

    The write puts down what after has more than before, then the rest from offset 0, then
    truncates. It can stop at any byte when the process dies, and when the power goes, each
    sector, and the length, may be old or new. So, of data:

    - its length is that of before, that of after, or lies between;
    - cut at every sector and at both those lengths, each piece is that of before or that of
      after; beyond the shorter one it may be zeros (length written, content not);
    - one piece may be cut itself: it begins as the one and ends as the other.

    One such text is also natural to write: someone shortens the longer one at its end. It counts
    as a mix only where it ends at a multiple of `step` bytes, as files that grow do.
    """
    if not _length_fits(data, before, after, step):
        return False
    shorter = min(len(before), len(after))
    cut_already = False
    for start, end in _pieces(len(data), len(before), len(after)):
        piece, old, new = data[start:end], before[start:end], after[start:end]
        if piece in (old, new) or (start >= shorter and not any(piece)):
            continue
        if cut_already or not (_joins(piece, new, old) or _joins(piece, old, new)):
            return False
        cut_already = True
    return True


def _length_fits(data: bytes, before: bytes, after: bytes, step: int) -> bool:
    shorter, longer = sorted((before, after), key=len)
    if len(data) in (len(shorter), len(longer)):
        return True
    if not len(shorter) < len(data) < len(longer):
        return False
    return len(data) % step == 0 or not longer.startswith(data)


def _pieces(length: int, *lengths: int) -> list[tuple[int, int]]:
    cuts = sorted({*range(0, length, SECTOR), *(n for n in lengths if n < length), length})
    return list(pairwise(cuts))


def _joins(piece: bytes, first: bytes, last: bytes) -> bool:
    """Whether piece begins as first and goes on, at the same place, as last."""
    pairs = zip(piece, first, strict=False)
    differ = (at for at, (a, b) in enumerate(pairs) if a != b)
    cut = next(differ, min(len(piece), len(first)))
    return piece[cut:] == last[cut:]
