"""Folders of the vault as the configuration names them."""

from __future__ import annotations

import posixpath
import re
from typing import Annotated

from pydantic import AfterValidator

_ABSOLUTE = re.compile(r"[/~]|[A-Za-z]:")
_ALL_IN_IT = re.compile(r"(/\*+)+$")


def read_folder(written: str) -> str:
    """Return the folder's vault-relative path, with `/` and none at its end.

    Blanks around it, `./`, and the backslash of Windows are taken for what they mean.

    Raises ValueError, saying what to write instead: a glob, an absolute path, no folder in the
    vault. A name that matches nothing would keep no note back.
    """
    folder = posixpath.normpath(written.strip().replace("\\", "/"))
    if _ABSOLUTE.match(folder):
        raise ValueError(f"{written!r} is an absolute path; write it from the vault on, as A/B")
    if "*" in folder or "?" in folder:
        plain = _ALL_IN_IT.sub("", folder)
        instead = f'write "{plain}"' if not {"*", "?"} & set(plain) else "name each folder"
        raise ValueError(
            f"{written!r} is a glob, and a folder is left with all that is in it; {instead}"
        )
    if folder == "." or folder.split("/")[0] == "..":
        raise ValueError(f"{written!r} names no folder in the vault")
    return folder


FolderName = Annotated[str, AfterValidator(read_folder)]
"""a folder of the vault"""
