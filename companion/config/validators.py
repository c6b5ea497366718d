"""Checks of settings: folders, tags, properties and globs of the vault, and paths.

Settings that exclude notes refuse a value that would silently match none, and say what to write
instead.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from companion.note.tags import is_tag

_ABSOLUTE = re.compile(r"[/~]|[A-Za-z]:")
_TRAILING_GLOB = re.compile(r"(/\*+)+$")


def normalize_folder(value: str) -> str:
    """Return the vault-relative path of a folder, with `/` between its parts and none at the end.

    Raises ValueError for a glob, an absolute path, or anything but a folder in the vault.
    """
    folder = posixpath.normpath(value.strip().replace("\\", "/"))
    if _ABSOLUTE.match(folder):
        raise ValueError(
            f"{value!r} is an absolute path; write it relative to the vault, such as A/B"
        )
    if "*" in folder or "?" in folder:
        plain = _TRAILING_GLOB.sub("", folder)
        instead = f'write "{plain}"' if not {"*", "?"} & set(plain) else "name each folder"
        raise ValueError(
            f"{value!r} is a glob; a folder is left out with everything in it; {instead}"
        )
    if folder == "." or folder.split("/")[0] == "..":
        raise ValueError(f"{value!r} names no folder in the vault")
    return folder


def normalize_tag(value: str) -> str:
    """Return the tag without `#`, and without blanks and slashes around it.

    Raises ValueError for a glob, or anything that is not a tag in Obsidian.
    """
    tag = value.strip().removeprefix("#").strip("/")
    if "*" in tag or "?" in tag:
        plain = tag.rstrip("/*")
        instead = f'write "{plain}"' if is_tag(plain) else "name each tag"
        raise ValueError(
            f"{value!r} is a glob; a tag includes all that are nested in it; {instead}"
        )
    if not is_tag(tag):
        raise ValueError(
            f"{value!r} is not a tag; a tag has letters, digits, _, - and /, and not only digits"
        )
    return tag


def normalize_properties(value: dict[str, str]) -> dict[str, str]:
    """Return the properties with their values, without blanks around either.

    Raises ValueError if a name or value is empty or a glob.
    """
    normalized = {}
    for name, text in value.items():
        for part in (name, text):
            if not part.strip():
                raise ValueError(
                    f"{name!r} has no name or no value, so no note has it;"
                    ' write { name = "value" }'
                )
            if "*" in part:
                raise ValueError(
                    f"{part!r} is a glob; names and values are compared literally; name each"
                )
        normalized[name.strip()] = text.strip()
    return normalized


def check_glob(value: str) -> str:
    """Return the glob unchanged. Raises ValueError if it is empty, or begins with `./`."""
    if not value.strip():
        raise ValueError("the glob is empty; name notes, such as Journal/**, or leave it out")
    if value.startswith(("./", ".\\")):
        plain = value[2:].lstrip("/\\")
        raise ValueError(
            f'{value!r} begins with "./"; write it relative to the vault, as "{plain}"'
        )
    return value


def _check_afterwards(value: str) -> str:
    if value not in ("keep", "remove") and not (value.startswith("#") and is_tag(value[1:])):
        raise ValueError('write "keep", "remove" or a tag like "#status/done"')
    return value


def _check_path(value: object) -> object:
    if value == "":  # pathlib takes it for the current folder
        raise ValueError("the path is empty; name the vault's folder, or leave this out")
    return value


FolderName = Annotated[str, AfterValidator(normalize_folder)]
"""a folder of the vault"""
TagName = Annotated[str, AfterValidator(normalize_tag)]
"""a tag, without `#`"""
PropertyValues = Annotated[dict[str, str], AfterValidator(normalize_properties)]
"""properties, each with its value"""
Pattern = Annotated[str, AfterValidator(check_glob)]
"""a glob of notes in the vault"""
PostponedAfterwards = Annotated[str, AfterValidator(_check_afterwards)]
"""what happens to the mark of a stub: `keep`, `remove`, or a tag with `#`"""
NamedPath = Annotated[Path, BeforeValidator(_check_path)]
"""the path of a folder, not an empty one"""
