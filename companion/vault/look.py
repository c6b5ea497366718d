"""Some paths of a vault, seen as a walk over all of it would see them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from companion.vault.files import (
    _BAD_NAME,
    NoteFile,
    SkippedFile,
    _is_folder,
    _is_hidden,
    _look,
    _shown,
    explain,
    is_utf8,
)
from companion.vault.ignore import IgnoreRules


def look_at(
    root: Path, rules: IgnoreRules, paths: Iterable[str]
) -> Iterator[NoteFile | SkippedFile]:
    """Yield what walk_notes does, of these paths and of the folders on the way to them only.

    A folder is listed rather than a path asked about: on drives that ignore case, a name that is
    gone would still be found under its new spelling.
    """
    wanted = _names_by_folder(paths)
    pending: list[tuple[str, str | None]] = [("", None)]
    while pending:
        folder, reason = pending.pop()
        names = wanted[folder.rstrip("/")]
        try:
            with os.scandir(f"{root}/{folder}") as found:
                entries = [entry for entry in found if entry.name in names]
        except OSError as error:
            yield SkippedFile(folder.rstrip("/") or ".", explain(error))
            continue
        for entry in entries:
            path = folder + entry.name
            if not _is_folder(entry):
                if looked := _look(entry, path, rules, reason):
                    yield looked
            elif not is_utf8(path):
                yield SkippedFile(_shown(path), _BAD_NAME)
            elif path in wanted and not _is_hidden(entry.name):
                pending.append((path + "/", reason or rules.folder_reason(path)))


def with_folders(paths: Iterable[str]) -> set[str]:
    """Return the paths, and the folders on the way to them."""
    return {path[:end] for path in paths for end in (*_slashes(path), len(path))}


def shown_path(path: str) -> str:
    """Return the path as the walk names it: U+FFFD stands for bytes that are not valid UTF-8."""
    return _shown(path)


def _names_by_folder(paths: Iterable[str]) -> dict[str, set[str]]:
    wanted: dict[str, set[str]] = {"": set()}
    for path in with_folders(paths):
        folder, _, name = path.rpartition("/")
        wanted.setdefault(folder, set()).update((name, f".{name}.icloud"))
    return wanted


def _slashes(path: str) -> list[int]:
    return [place for place, sign in enumerate(path) if sign == "/"]
