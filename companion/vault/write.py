"""Read a note, and write it in place without overwriting what another program wrote.

A note is never replaced by renaming a temporary file over it: that makes a new file, without the
creation time, extended attributes, mode and hard links of the old one.
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
from itertools import pairwise
from pathlib import Path

from companion.errors import NoteBusy, NoteChanged, NoteRefused, NoteUnwritable
from companion.note.text import NoteText
from companion.vault.lock import exclude_writers, open_note, require_in_place, to_note_error

SETTLE = 0.02  # seconds that a note must be unchanged before it is read, when the user asks
SECTOR = 512  # bytes; the smallest unit that a disk writes as a whole
_ATTEMPTS = 3
_BLOCK = 64 * 1024  # bytes read at once; few notes have more
_SYNCING = "it may still be syncing; try again later"


@dataclass(frozen=True)
class Snapshot:
    """The bytes of a note as they were read.

    root: the real path of the vault. path: vault-relative, with `/`. mtime_ns: when the file was
    last changed, Unix time in nanoseconds.
    """

    root: Path
    path: str
    data: bytes
    mtime_ns: int


class NoteNotSettled(NoteBusy):
    """The note was edited less than the settle time ago. ready_in: seconds until it is settled."""

    def __init__(self, path: str, ready_in: float) -> None:
        super().__init__("it was edited moments ago; it is read again once nobody edits it", path)
        self.ready_in = ready_in


class NotePartlyWritten(NoteUnwritable):
    """A write failed half-way and the old text could not be restored; recovery restores it."""


class ConcurrentWrite(NoteChanged):
    """Another program wrote the note at the same time; it may hold parts of both texts."""


def read_note(
    root: Path,
    path: str,
    *,
    settle: float = SETTLE,
    waits: bool = True,
    max_bytes: int | None = None,
) -> Snapshot:
    """Return a snapshot of the note, taken once it has been unchanged for `settle` seconds.

    path: vault-relative, with `/`. waits: False: NoteNotSettled is raised in place of sleeping, and
    a modification time in the future counts as settled. max_bytes: None: no limit.

    Raises NoteRefused if it is no regular file, is outside the vault or behind a symbolic link, is
    too large, empty, not UTF-8 or not readable. NoteBusy if it keeps changing. NoteChanged if it is
    not there.
    """
    root, last_mtime = _resolve(root), None
    for _ in range(_ATTEMPTS):
        with open_note(root, path, write=False) as fd, _read_errors(path):
            facts = os.fstat(fd)
            age = time.time() - facts.st_mtime
            # a time in the future never gets old enough; unchanged since the last attempt is enough
            if age >= settle or facts.st_mtime_ns == last_mtime or (age < 0 and not waits):
                data = _read_settled(fd, facts, path, max_bytes)
                return Snapshot(root, path, data, facts.st_mtime_ns)
        if not waits:
            raise NoteNotSettled(path, settle - age)
        last_mtime = facts.st_mtime_ns
        time.sleep(min(settle, settle - age))
    raise NoteBusy(f"another program keeps writing it; {_SYNCING}", path)


def require_writable(root: Path, path: str) -> None:
    """Raise NoteUnwritable if the note exists and may not be written; it is not opened."""
    file = root / path
    if not os.access(file, os.W_OK) and file.is_file():
        raise to_note_error(PermissionError(errno.EACCES, ""), path, "write")


def replace_bytes(root: Path, path: str, old: bytes, new: bytes) -> None:
    """Replace the note's bytes with new, if they are still old, and force them to the disk.

    Everything else about the file stays (inode, mode, creation time, extended attributes).

    Raises NoteChanged, NoteBusy, NoteRefused or NoteUnwritable. The note is unchanged then, unless
    it is NotePartlyWritten or ConcurrentWrite.
    """
    with open_note(root, path, write=True) as fd:
        excluded = exclude_writers(fd, path)
        with _read_errors(path):
            current = read_all(fd)
        if current != old:
            raise NoteChanged("it was edited in the meantime; nothing was written", path)
        try:
            _overwrite(fd, len(old), new)
            if read_all(fd) != new:
                if excluded:  # no other program can have written it
                    raise OSError(errno.EIO, "the disk returned other bytes than were written")
                words = "another program wrote it at the same moment; check it"
                raise ConcurrentWrite(words, path)
            require_in_place(fd, root, path)
        except ConcurrentWrite:
            raise
        except BaseException as error:
            _restore(fd, old, new, path, excluded)
            if isinstance(error, OSError):
                raise to_note_error(error, path, "write") from error
            raise


def read_all(fd: int) -> bytes:
    """Return the whole content of the open file."""
    os.lseek(fd, 0, os.SEEK_SET)
    parts = []
    while part := os.read(fd, _BLOCK):
        parts.append(part)
    return b"".join(parts)


def force_to_disk(fd: int) -> None:
    """Block until what was written to the open file would survive a power failure."""
    if sys.platform == "darwin":
        import fcntl

        fcntl.fcntl(fd, fcntl.F_FULLFSYNC)  # on macOS fsync leaves it in the disk's own cache
    else:
        os.fsync(fd)


@lru_cache(maxsize=16)
def _resolve(root: Path) -> Path:
    """Return the real path of the vault; cached, as it does not change while the program runs."""
    return Path(os.path.realpath(root))


def _read_settled(fd: int, before: os.stat_result, path: str, max_bytes: int | None) -> bytes:
    """Return the note's bytes. Raises NoteBusy if it changes, NoteRefused if it is unfit."""
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
def _read_errors(path: str) -> Iterator[None]:
    """Raise an OSError of the block as the corresponding NoteError."""
    try:
        yield
    except OSError as error:
        raise to_note_error(error, path, "read") from error


def _overwrite(fd: int, old_size: int, new: bytes) -> None:
    """Write new, beginning with what goes beyond the old size: a full disk shows before a loss."""
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


def _restore(fd: int, old: bytes, new: bytes, path: str, excluded: bool) -> None:
    """Write the old bytes back after a failed write, unless another program wrote too.

    Raises NotePartlyWritten if they are not written back.
    """
    cause = None
    try:
        if excluded or is_partial_write(read_all(fd), old, new):
            _write_at(fd, 0, old)
            os.ftruncate(fd, len(old))
            force_to_disk(fd)
            if read_all(fd) == old:
                return
    except OSError as error:
        cause = error
    reason = "writing it failed half-way; the next start of Companion puts its old text back"
    raise NotePartlyWritten(reason, path) from cause


def is_partial_write(data: bytes, before: bytes, after: bytes) -> bool:
    """Return whether data is what an interrupted write of after over before can leave.

    The write puts down what goes beyond the length of before, then the rest from offset 0, and
    then truncates the file. If the process dies, it stops at any byte; if the power fails, each
    sector, and the length, may be old or new. So data passes if:

    - its length is that of before or of after, or between them;
    - cut at every sector and at both those lengths, each piece is that of before or that of
      after; beyond the shorter text it may be zeros (length written, content not);
    - at most one piece is mixed: it begins as the one and ends as the other.

    One such text also comes about when a user shortens the longer text at its end. It counts as
    a partial write only if its length is a multiple of 512 bytes, as that of growing files is.
    """
    short, long = sorted((before, after), key=len)
    is_between = len(short) < len(data) < len(long)
    was_shortened = len(data) % SECTOR and long.startswith(data)
    if len(data) not in (len(short), len(long)) and (not is_between or was_shortened):
        return False
    shorter = len(short)
    mixed = False
    cuts = {*range(0, len(data), SECTOR), min(len(before), len(data)), min(len(after), len(data))}
    for start, end in pairwise(sorted(cuts | {len(data)})):
        piece, old, new = data[start:end], before[start:end], after[start:end]
        if piece in (old, new) or (start >= shorter and not any(piece)):
            continue
        if mixed or not (_is_joined(piece, new, old) or _is_joined(piece, old, new)):
            return False
        mixed = True
    return True


def _is_joined(piece: bytes, first: bytes, last: bytes) -> bool:
    """Whether piece begins as first does and, from some offset on, continues as last does."""
    pairs = zip(piece, first, strict=False)
    differ = (at for at, (a, b) in enumerate(pairs) if a != b)
    cut = next(differ, min(len(piece), len(first)))
    return piece[cut:] == last[cut:]
