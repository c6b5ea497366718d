"""Write files whole, in folders that only their owner may look into, and read them."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from companion.errors import UsageError

_OWNER = 0o600  # the permissions of a file that its owner alone may read


def make_private_folder(folder: Path) -> None:
    """Create the folder and its missing parents, for their owner alone. Raises OSError.

    The mode is that of the XDG Base Directory Specification.
    """
    for missing in [each for each in (*reversed(folder.parents), folder) if not each.exists()]:
        missing.mkdir(mode=0o700, exist_ok=True)


def keep_private(state: Path) -> None:
    """Let only its owner look into a vault's state folder, if it exists.

    So the files in it need no permissions of their own. On Windows, the folders of a user's
    applications are private.
    """
    if os.name != "nt":
        with suppress(OSError):
            state.chmod(0o700)


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
