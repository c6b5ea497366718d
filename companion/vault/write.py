"""Read a note, and write it in place: the protocol of a change that nobody else's edit is lost to.

Never a temporary file renamed over the note: that makes a new file, without the creation time,
extended attributes, mode and hard links of the old one.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from companion.errors import NoteBusy, NoteChanged, NoteError, NoteRefused, NoteUnwritable
from companion.note.text import NoteText
from companion.vault.file_access import (
    exclude_writers,
    explain,
    is_mix,
    open_note,
    require_in_place,
)
from companion.vault.journal import Journal, NewChange

SETTLE = 0.02  # seconds that a note must be unchanged before it is read, when the user asks
_LOOKS = 3
_SYNCING = "it may still be syncing; try again later"


@dataclass(frozen=True)
class Snapshot:
    """A note as it was read. root: the vault, resolved. mtime_ns: Unix time, nanoseconds."""

    root: Path
    path: str
    data: bytes
    mtime_ns: int


class NoteYoung(NoteBusy):
    """The note was edited moments ago. `ready_in`: seconds until it counts as settled."""

    def __init__(self, path: str, ready_in: float) -> None:
        super().__init__("it was edited moments ago; it is looked at again once it rests", path)
        self.ready_in = ready_in


class NoteTorn(NoteUnwritable):
    """A write failed half-way, and so did putting the old text back; recovery will."""


class NoteMixed(NoteChanged):
    """Another program wrote the note in the same moment; both texts may be in it."""


def read_note(
    root: Path,
    path: str,
    *,
    settle: float = SETTLE,
    waits: bool = True,
    max_bytes: int | None = None,
) -> Snapshot:
    """Return the note, once it has been unchanged for `settle` seconds; waits for the rest.

    path: vault-relative, with `/`. max_bytes: refuse larger notes; None: take any. waits: False
    to raise NoteYoung instead; a time in the future says nothing then, so it counts as settled.

    Raises NoteRefused: no regular file, outside the vault or by way of a symbolic link, too
    large, empty, not UTF-8, not readable. NoteBusy: it keeps changing. NoteChanged: gone.
    """
    root, seen = _resolve(root), None
    for _ in range(_LOOKS):
        with open_note(root, path, write=False) as fd, _explained(path):
            facts = os.fstat(fd)
            age = time.time() - facts.st_mtime
            # a time in the future says nothing; that it stood still while we waited does
            if age >= settle or facts.st_mtime_ns == seen or (age < 0 and not waits):
                data = _read_settled(fd, facts, path, max_bytes)
                return Snapshot(root, path, data, facts.st_mtime_ns)
        if not waits:
            raise NoteYoung(path, settle - age)
        seen = facts.st_mtime_ns
        time.sleep(min(settle, settle - age))
    raise NoteBusy(f"another program keeps writing it; {_SYNCING}", path)


def write_note(snapshot: Snapshot, new: bytes, journal: Journal, change: NewChange) -> int:
    """Write new over the note in place, provided it still holds what the snapshot saw.

    Returns the id of the change in the journal, which has it on the disk before the note does.

    Raises NoteChanged, NoteBusy, NoteRefused or NoteUnwritable when nothing was written, and
    two of their kinds when something was: NoteTorn when recovery must put the old text back,
    NoteMixed when another program wrote too. ValueError when the edits in change do not turn
    the snapshot into new. JournalError.
    """
    require_writable(snapshot.root, snapshot.path)
    number = journal.begin(change, snapshot.data, new)
    try:
        replace_bytes(snapshot.root, snapshot.path, snapshot.data, new)
    except NoteTorn:
        raise
    except NoteMixed:
        journal.done(number)
        raise
    except NoteError as error:
        journal.abandon(number, error.reason)
        raise
    journal.done(number)
    return number


def require_writable(root: Path, path: str) -> None:
    """Check that a note that is there may be written, without opening it. Raises NoteUnwritable."""
    file = root / path
    if file.is_file() and not os.access(file, os.W_OK):
        raise explain(PermissionError(errno.EACCES, ""), path, "write")


def replace_bytes(root: Path, path: str, old: bytes, new: bytes) -> None:
    """Make new of a note that is old, on the disk, and leave all else about the file as it is.

    Raises as write_note; after anything but NoteTorn and NoteMixed, the note is as it was.
    """
    with open_note(root, path, write=True) as fd:
        excluded = exclude_writers(fd, path)
        with _explained(path):
            found = read_all(fd)
        if found != old:
            raise NoteChanged("it was edited meanwhile; nothing was written", path)
        try:
            _overwrite(fd, len(old), new)
            _require_written(fd, new, path, excluded)
            require_in_place(fd, root, path)
        except NoteMixed:
            raise
        except BaseException as error:
            _put_back(fd, old, new, path, excluded)
            if isinstance(error, OSError):
                raise explain(error, path, "write") from error
            raise


def read_all(fd: int) -> bytes:
    """Return the whole of the open file."""
    os.lseek(fd, 0, os.SEEK_SET)
    parts, size = [], max(1, os.fstat(fd).st_size)
    while part := os.read(fd, size):
        parts.append(part)
    return b"".join(parts)


def force_to_disk(fd: int) -> None:
    """Return when what was written to the open file would survive a power cut."""
    if sys.platform == "darwin":
        import fcntl

        fcntl.fcntl(fd, fcntl.F_FULLFSYNC)  # fsync leaves it in the disk's own cache there
    else:
        os.fsync(fd)


@lru_cache(maxsize=16)
def _resolve(root: Path) -> Path:
    """Return the real path of the vault, which stays the same for as long as the program runs."""
    return Path(os.path.realpath(root))


def _read_settled(fd: int, before: os.stat_result, path: str, max_bytes: int | None) -> bytes:
    if max_bytes is not None and before.st_size > max_bytes:
        size = f"{before.st_size:,} bytes, the limit is {max_bytes:,}"
        raise NoteRefused(f"it is too large ({size})", path)
    data = read_all(fd)
    after = os.fstat(fd)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise NoteBusy(f"it changed while it was read; {_SYNCING}", path)
    if len(data) != after.st_size:
        raise NoteBusy(f"only part of it could be read; {_SYNCING}", path)
    if not data:
        raise NoteRefused(f"it is empty; {_SYNCING}", path)
    try:
        NoteText.decode(data)
    except NoteRefused as error:
        raise NoteRefused(error.reason, path, error.line) from None
    return data


@contextmanager
def _explained(path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise explain(error, path, "read") from error


def _overwrite(fd: int, old_size: int, new: bytes) -> None:
    """Put new down: first what it has more than old, so that a full disk shows before a loss."""
    _write_at(fd, old_size, new[old_size:])
    _write_at(fd, 0, new[:old_size])
    if len(new) < old_size:
        os.ftruncate(fd, len(new))
    force_to_disk(fd)


def _write_at(fd: int, offset: int, data: bytes) -> None:
    rest = memoryview(data)
    os.lseek(fd, offset, os.SEEK_SET)
    while rest:
        rest = rest[os.write(fd, rest) :]


def _require_written(fd: int, new: bytes, path: str, excluded: bool) -> None:
    if read_all(fd) == new:
        return
    if excluded:  # then nobody else can have been it
        raise OSError(errno.EIO, "the disk returned other bytes than were written")
    raise NoteMixed("another program wrote it in the same moment; look it over", path)


def _put_back(fd: int, old: bytes, new: bytes, path: str, excluded: bool) -> None:
    """Put the old bytes back after a failed write, unless somebody else wrote, too.

    Raises NoteTorn when that fails.
    """
    cause = None
    try:
        if excluded or is_mix(read_all(fd), old, new):
            _write_at(fd, 0, old)
            os.ftruncate(fd, len(old))
            force_to_disk(fd)
            if read_all(fd) == old:
                return
    except OSError as error:
        cause = error
    reason = "writing it failed half-way; the next start of Companion puts its old text back"
    raise NoteTorn(reason, path) from cause
