"""Files that only their owner may read, written whole or not at all."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from companion.errors import UsageError
from companion.vault.private_files import make_private_folder

_OTHERS = 0o077  # everything that the group and all others may do


def write_private(file: Path, data: bytes) -> None:
    """Write data to file, which nobody else may read from its first byte on, atomically.

    A link stays a link: the file it leads to is written. The folder is made if need be.

    Raises UsageError when it cannot be written; what was there stays.
    """
    target = Path(os.path.realpath(file))
    try:
        make_private_folder(target.parent)
        descriptor, name = tempfile.mkstemp(prefix=f".{target.name}-", dir=target.parent)
        try:
            with os.fdopen(descriptor, "wb") as temporary:
                temporary.write(data)
                temporary.flush()
                os.fsync(temporary.fileno())
            Path(name).replace(target)
        except BaseException:
            with suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise UsageError(
            f"{file} cannot be written ({error.strerror}); make its folder writable, with room on"
            " its disk"
        ) from None


def read_if_there(file: Path) -> bytes | None:
    """Return what is in file; None when there is none.

    Raises UsageError: it cannot be read, or a link on the way to it leads to nothing. What lies
    elsewhere, as on a drive that is not mounted, is not the same as no file.
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
        raise UsageError(f"{file} cannot be read ({error.strerror}); allow it") from None


def is_private(file: Path) -> bool:
    """Whether only the owner may read or write the file. Windows' folders see to that themselves.

    Raises OSError when the file is not there.
    """
    return os.name == "nt" or not stat.S_IMODE(file.stat().st_mode) & _OTHERS
