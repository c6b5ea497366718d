"""Folders of the vault as the configuration names them."""

from __future__ import annotations

import posixpath
import re
from typing import Annotated

from pydantic import AfterValidator

from companion.note.tags import is_tag

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


def read_tag(written: str) -> str:
    """Return the tag without `#`, and without blanks and slashes around it.

    Raises ValueError, saying what to write instead: a glob, or what Obsidian takes for no tag.
    What matches nothing would keep no note back.
    """
    tag = written.strip().removeprefix("#").strip("/")
    if "*" in tag or "?" in tag:
        plain = tag.rstrip("/*")
        instead = f'write "{plain}"' if is_tag(plain) else "name each tag"
        raise ValueError(
            f"{written!r} is a glob, and a tag stands for all that are nested in it; {instead}"
        )
    if not is_tag(tag):
        raise ValueError(
            f"{written!r} is no tag; one has letters, digits, _, - and /, and not digits alone"
        )
    return tag


def read_values(written: dict[str, str]) -> dict[str, str]:
    """Return the properties, each with its value, without blanks around them.

    Raises ValueError, saying what to write instead: nothing, or a glob.
    """
    return {_read(name, name): _read(name, value) for name, value in written.items()}


def _read(name: str, part: str) -> str:
    """Return the part of a property, its name or its value, as it is compared."""
    if not part.strip():
        raise ValueError(
            f'{name!r} lacks its name or its value, so no note has it; write {{ name = "value" }}'
        )
    if "*" in part:
        raise ValueError(
            f"{part!r} is a glob, and names and values are compared as they stand; name each"
        )
    return part.strip()


TagName = Annotated[str, AfterValidator(read_tag)]
"""a tag, without `#`"""
PropertyValues = Annotated[dict[str, str], AfterValidator(read_values)]
"""properties, each with its value"""


def read_pattern(written: str) -> str:
    """Return the glob as it is.

    Raises ValueError, saying what to write instead, where it cannot match what it is meant to:
    it begins with `./`, or is empty.
    """
    if not written.strip():
        raise ValueError("an empty glob; name notes, as Journal/**, or leave it out")
    if written.startswith(("./", ".\\")):
        plain = written[2:].lstrip("/\\")
        raise ValueError(f'{written!r} begins with "./"; write it from the vault on, as "{plain}"')
    return written


Pattern = Annotated[str, AfterValidator(read_pattern)]
"""a glob of notes in the vault"""
