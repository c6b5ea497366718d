"""The folder of what is kept for a vault, with the notes' text in it: for its owner alone."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_OTHERS = 0o077  # everything that the group and all others may do


def make_private_folder(folder: Path) -> None:
    """Make the folder and those above it that are missing, which nobody else may look into.

    As the XDG Base Directory Specification wants it. Raises OSError.
    """
    for missing in [each for each in (*reversed(folder.parents), folder) if not each.exists()]:
        missing.mkdir(mode=0o700, exist_ok=True)


def open_private(file: str | os.PathLike[str], flags: int) -> int:
    """Open a file, as os.open does; a new one nobody else may read."""
    return os.open(file, flags, 0o600)


def keep_private(state: Path) -> None:
    """Take from others what they may do with a vault's state folder, and all that is in it.

    Older versions, or a copy of it, may have let them. The folder that holds those of all vaults
    is shut, too. Links are left as they are, and so is what is not ours to change.
    """
    if os.name == "nt":
        return  # the folders of a user's applications see to that themselves
    for path in (state.parent, state, *_all_in(state)):
        with suppress(OSError):
            mode = path.lstat().st_mode
            if mode & _OTHERS and (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
                path.chmod(stat.S_IMODE(mode) & ~_OTHERS)


def _all_in(folder: Path) -> Iterator[Path]:
    for above, folders, files in os.walk(folder):
        yield from (Path(above, name) for name in (*folders, *files))
