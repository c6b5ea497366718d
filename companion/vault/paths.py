"""Find the vault, and turn what a user typed into paths within it."""

from __future__ import annotations

import os
import unicodedata
from contextlib import suppress
from pathlib import Path

from companion.errors import UsageError
from companion.vault.files import is_utf8
from companion.vault.ignore import folder_key
from companion.vault.obsidian import SETTINGS


class OutsideVault(UsageError):
    """The path that the user typed exists, but outside the vault."""


class PathNotFound(UsageError):
    """The path that the user typed does not exist in the vault at root."""

    def __init__(self, message: str, typed: str, root: Path) -> None:
        super().__init__(message)
        self.typed = typed
        self.root = root


def find_vault(start: Path) -> Path | None:
    """Return the nearest folder with Obsidian's settings, start or one above it; None if none."""
    here = start.resolve()
    for folder in (here, *here.parents):
        with suppress(OSError):
            if (folder / SETTINGS).is_dir():
                return folder
    return None


def resolve_vault(path: Path) -> Path:
    """Return the real path of the vault at path, which may lack Obsidian's settings.

    Raises UsageError if it does not exist, is not a folder, cannot be read, or is the folder that
    Obsidian keeps a vault's settings in.
    """
    try:
        root = path.expanduser().resolve(strict=True)
        next(root.iterdir(), None)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise UsageError(f"there is no folder {path}; name the folder of your vault") from None
    except (OSError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(
            f"the vault {path} cannot be read ({why}); check its permissions"
        ) from None
    if root.name == SETTINGS and not (root / SETTINGS).is_dir():
        raise UsageError(f"{path} holds Obsidian's settings; name the folder it is in")
    return root


def has_folder(root: Path, path: str) -> bool:
    """Whether the vault has the folder; case and Unicode normalisation do not matter.

    The ignore rules compare folders in the same way. path: vault-relative, with `/`.
    """
    folders = [root]
    try:
        for key in map(folder_key, path.split("/")):
            within = [each for folder in folders for each in folder.iterdir() if each.is_dir()]
            folders = [each for each in within if folder_key(each.name) == key]
    except OSError:
        return False
    return bool(folders)


def is_in_vault(root: Path, path: Path) -> bool:
    """Whether the absolute path is the vault at root, or in it."""
    return _below(root, path) is not None


def relative_path(root: Path, path: str | Path, cwd: Path) -> str:
    """Return the vault-relative path, with `/`, of the note or folder that a user typed.

    path is absolute, relative to cwd, or to the vault at root (a real path), tried in that order;
    `.md` may be left out. Names are spelled as on the disk. The vault itself is `""`.

    Raises UsageError if the path is empty or no valid name, PathNotFound if it does not exist,
    OutsideVault if it is not in the vault, or behind a symbolic link out of it.
    """
    typed = str(path)
    if not typed.strip() or "\0" in typed:
        raise UsageError("the path is empty; name a note or a folder in the vault")
    if not is_utf8(typed):
        shown = os.fsencode(typed).decode(errors="backslashreplace")
        raise UsageError(f"the name {shown} is not valid UTF-8; rename it to have it enriched")
    for base in (cwd, root):
        inside = _below(root, Path(os.path.normpath(base / typed)))
        for name in (inside, f"{inside}.md") if inside else (inside,):
            if name is None or (relative := _as_on_disk(root, name)) is None:
                continue
            if not _is_real_path_in(root, root / relative):
                raise OutsideVault(f"{typed} leads out of the vault {root}, by a symbolic link")
            return relative
        if inside is None and any(os.path.lexists(base / f"{typed}{end}") for end in ("", ".md")):
            raise OutsideVault(
                f"{typed} is outside the vault {root}; name a note or folder in it, or say --vault"
                " to work on another vault"
            )
    raise PathNotFound(f"there is no {typed} in the vault {root}", typed, root)


def spelled_path(root: Path, path: str) -> str:
    """Return the vault-relative path as it is spelled on the disk; empty for the vault itself.

    Raises as relative_path does.
    """
    return relative_path(root, path, root) if path else ""


def fold_path(path: str) -> str:
    """Return the path in a form that is equal for all spellings that match without case.

    By Unicode's canonical caseless matching (D145): macOS decomposes names, Obsidian composes them.
    """
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold())


def _below(root: Path, path: Path) -> str | None:
    """Return the absolute path, without `..`, relative to root; None if it is outside.

    Folders are compared as files, as links and case may give a parent of the vault other names.
    The outermost that is the vault counts, since a link within may lead back to it.
    """
    for folder in (*reversed(path.parents), path):
        try:
            if folder.samefile(root):
                below = path.relative_to(folder).as_posix()
                return "" if below == "." else below
        except OSError:
            return None
    return None


def _as_on_disk(root: Path, path: str) -> str | None:
    """Return the path with each name spelled as its folder lists it; None if one does not exist.

    It stops at a symbolic link that leads out of the vault, and reads nothing beyond.
    """
    here = root
    for part in path.split("/") if path else []:
        name = _name_on_disk(here, part)
        if name is None:
            return None
        here /= name
        if here.is_symlink() and not _is_real_path_in(root, here):
            break
    below = here.relative_to(root).as_posix()
    return "" if below == "." else below


def _is_real_path_in(root: Path, path: Path) -> bool:
    return Path(os.path.realpath(path)).is_relative_to(root)


def _name_on_disk(folder: Path, name: str) -> str | None:
    """Return the name in the folder that name stands for: the same, else one spelled alike."""
    try:
        names = [file.name for file in folder.iterdir()]
    except OSError:
        return name if os.path.lexists(folder / name) else None
    if name in names:
        return name
    composed = unicodedata.normalize("NFC", name)
    alike = [other for other in names if unicodedata.normalize("NFC", other) == composed]
    if not alike and os.path.lexists(folder / name):  # the file system itself ignores case
        folded = composed.casefold()
        alike = [n for n in names if unicodedata.normalize("NFC", n).casefold() == folded]
    return alike[0] if alike else None
