"""Write files whole; create, read and write files that only their owner may read."""

from __future__ import annotations

import os
import secrets
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO

from companion.errors import UsageError

_OWNER = 0o600  # the permissions of a file that its owner alone may read
_OTHERS = 0o077  # the permissions of the group and of all others


def make_private_folder(folder: Path) -> None:
    """Create the folder and its missing parents, for their owner alone. Raises OSError.

    The mode is that of the XDG Base Directory Specification.
    """
    for missing in [each for each in (*reversed(folder.parents), folder) if not each.exists()]:
        missing.mkdir(mode=0o700, exist_ok=True)


def open_private(file: str | os.PathLike[str], flags: int) -> int:
    """Return a descriptor as os.open does; a new file is readable by its owner alone."""
    return os.open(file, flags, _OWNER)


def write_private(file: Path, data: bytes) -> None:
    """Write data to file atomically; at no time may anybody else read it.

    A symbolic link stays one: the file it leads to is written. Missing folders are created.

    Raises UsageError if the file cannot be written; it is unchanged then.
    """
    write_whole(file, data, _OWNER)


def write_whole(file: Path, data: bytes, mode: int) -> None:
    """Write data to file as write_private does, but with that mode, less the umask.

    The folders that are created are private only where the file is.
    """
    target = Path(os.path.realpath(file))
    temporary = target.with_name(f".{target.name}-{secrets.token_hex(4)}")
    try:
        if mode == _OWNER:
            make_private_folder(target.parent)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with open(temporary, "xb", opener=partial(os.open, mode=mode)) as opened:
                opened.write(data)
                opened.flush()
                os.fsync(opened.fileno())
            temporary.replace(target)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
    except OSError as error:
        raise UsageError(
            f"{file} cannot be written ({error.strerror}); make its folder writable, with room on"
            " its disk"
        ) from None


@contextmanager
def locked(folder: Path, name: str, timeout: float) -> Iterator[None]:
    """Hold the lock file of that name in a private folder, which is created if it is missing.

    timeout: seconds to wait for it.

    Raises UsageError if it cannot be had in that time, or the folder cannot be written.
    """
    from filelock import FileLock  # what only reads takes no lock

    lock = FileLock(folder / name, timeout=timeout, mode=_OWNER, thread_local=False)
    try:
        make_private_folder(folder)
        lock.acquire()
    except TimeoutError:
        raise UsageError(
            f"another command has held {folder / name} for {timeout:g} seconds; let it finish, and"
            " try again"
        ) from None
    except OSError as error:
        why = error.strerror or error
        raise UsageError(
            f"the folder {folder} cannot be written ({why}); check its permissions"
        ) from None
    try:
        yield
    finally:
        lock.release()


@contextmanager
def new_private(file: Path) -> Iterator[IO[bytes]]:
    """Open a new file for writing; it gets its name only if the block succeeds.

    At no time may anybody else read it, and no file is ever replaced.

    Raises UsageError if there is a file of that name, or it cannot be written.
    """
    try:
        if file.is_symlink() or file.exists():
            raise UsageError(f"{file} already exists and is not overwritten; name another file")
        descriptor, name = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
        temporary = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as opened:
                yield opened
                opened.flush()
                os.fsync(opened.fileno())
            _give_name(temporary, file)
        finally:
            temporary.unlink(missing_ok=True)
    except FileExistsError:
        raise UsageError(
            f"{file} was created in the meantime and is not overwritten; name another"
        ) from None
    except OSError as error:
        raise UsageError(
            f"{file} cannot be written ({error.strerror}); name an existing folder that you may"
            " write to, with room on its disk"
        ) from None


def _give_name(temporary: Path, file: Path) -> None:
    """Give the file its name. Raises FileExistsError if there is one of that name."""
    try:
        os.link(temporary, file)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        if file.exists():
            raise FileExistsError(file) from None
        temporary.rename(file)


def read_if_there(file: Path) -> bytes | None:
    """Return the content of the file; None if it does not exist.

    Raises UsageError if it cannot be read, or if a symbolic link on the way to it is broken: a
    file on a drive that is not connected is not a missing file.
    """
    try:
        return file.read_bytes()
    except FileNotFoundError:
        for link in (file, *file.parents):
            if link.is_symlink() and not link.exists():
                raise UsageError(
                    f"{link} is a link to {link.readlink()}, which is not there; bring that back, "
                    "or remove the link"
                ) from None
        return None
    except OSError as error:
        raise UsageError(
            f"{file} cannot be read ({error.strerror}); check its permissions"
        ) from None


def is_private(file: Path) -> bool:
    """Whether only the owner may read or write the file; always true on Windows.

    There, the folders of a user's applications are private. Raises OSError if it does not exist.
    """
    return os.name == "nt" or not stat.S_IMODE(file.stat().st_mode) & _OTHERS


def keep_private(state: Path) -> None:
    """Remove all permissions of others from a vault's state folder and everything in it.

    Older versions, or a copy of the folder, may have granted some. Its parent, which holds the
    state of all vaults, is included. Symbolic links and files of other owners are left as they are.
    """
    if os.name == "nt":
        return  # see is_private
    within = (Path(above, name) for above, dirs, files in os.walk(state) for name in dirs + files)
    for path in (state.parent, state, *within):
        with suppress(OSError):
            mode = path.lstat().st_mode
            if mode & _OTHERS and (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                path.chmod(stat.S_IMODE(mode) & ~_OTHERS)
