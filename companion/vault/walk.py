"""Walk the vault's folder for notes."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from operator import attrgetter
from pathlib import Path

from companion.vault.files import (
    BAD_NAME,
    HAS_PLACEHOLDERS,
    IN_CLOUD,
    INT64,
    LINK,
    IndexedNote,
    NoteFile,
    SkippedFile,
    describe_read_error,
    is_hidden,
    is_link,
    is_note_name,
    is_placeholder,
    is_utf8,
    printable_path,
    refuse_name,
    refuse_stat,
)
from companion.vault.ignore import IgnoreRules

_BY_NAME = attrgetter("name")
_ICLOUD = re.compile(r"\.(.+\.md)\.icloud", re.IGNORECASE)


def walk_notes(root: Path, rules: IgnoreRules) -> Iterator[NoteFile | SkippedFile]:
    """Yield the notes in the vault at root, those of a folder before those of its subfolders.

    They are sorted by name, so that two walks of the same vault agree. Hidden folders and
    Companion's own are not part of the vault; every other note that is left out is yielded as a
    SkippedFile.
    """
    for file in walk_indexed(root, rules, {}):
        if isinstance(file, NoteFile | SkippedFile):
            yield file


def walk_files(root: Path, rules: IgnoreRules, ending: str) -> Iterator[str]:
    """Yield the paths of the files with this ending, such as `.pdf`, in folders not ignored.

    Hidden folders, links and folders that cannot be listed are left out.
    """
    for folder, folders, names in os.walk(root):
        above = Path(folder).relative_to(root).as_posix()
        above = "" if above == "." else f"{above}/"
        folders[:] = sorted(
            name
            for name in folders
            if not is_hidden(name) and is_utf8(name) and not rules.folder_reason(above + name)
        )
        yield from (above + name for name in sorted(names) if name.lower().endswith(ending))


def walk_indexed(
    root: Path, rules: IgnoreRules, previous: Mapping[str, IndexedNote]
) -> Iterator[NoteFile | SkippedFile | IndexedNote]:
    """Yield what walk_notes does; for an unchanged note, what was kept of it.

    previous: notes that a walk with the same rules found before, by path. Their names need not be
    checked again.
    """
    pending: list[tuple[str, str | None]] = [("", None)]
    while pending:
        folder, reason = pending.pop()
        folders: list[str] = []
        try:
            with os.scandir(f"{root}/{folder}") as listing:
                for entry in sorted(listing, key=_BY_NAME):
                    path = folder + entry.name
                    if (before := previous.get(path)) and _is_unchanged(entry, before[0]):
                        yield before
                    elif entry.is_dir(follow_symlinks=False) and (
                        os.name != "nt" or not is_link(entry.stat(follow_symlinks=False))
                    ):  # no junction of Windows
                        folders.append(path)
                    elif note := _examine_entry(entry, path, rules, reason):
                        yield note
        except OSError as error:
            yield SkippedFile(folder.rstrip("/") or ".", describe_read_error(error))
            continue
        for path in reversed(folders):
            if not is_utf8(path):
                yield SkippedFile(printable_path(path), BAD_NAME)
            elif not is_hidden(path.rpartition("/")[2]):
                pending.append((path + "/", reason or rules.folder_reason(path)))


def _is_unchanged(entry: os.DirEntry[str], before: NoteFile) -> bool:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return False
    return (
        status.st_mtime_ns == before.mtime_ns
        and status.st_ctime_ns == before.ctime_ns
        and status.st_size == before.size
        and status.st_ino & INT64 == before.ino
        and stat.S_ISREG(status.st_mode)
        and not (HAS_PLACEHOLDERS and is_placeholder(status))
    )


def _examine_entry(
    entry: os.DirEntry[str], path: str, rules: IgnoreRules, reason: str | None
) -> NoteFile | SkippedFile | None:
    """Return the note that the file or link is; None if it is none. reason: its folder's.

    The placeholder of a note in iCloud stands for the note. A link to a folder is reported, too.
    """
    name = entry.name
    if not is_note_name(name) or name[0] == ".":
        if placeholder := _ICLOUD.fullmatch(name):
            note = printable_path(path[: -len(name)] + placeholder.group(1))
            return SkippedFile(note, IN_CLOUD)
        with suppress(OSError):  # a link that leads to itself
            if not is_hidden(name) and entry.is_dir():
                return SkippedFile(printable_path(path), LINK)
        return None
    if reason := reason or refuse_name(path, name, rules):
        return SkippedFile(printable_path(path), reason)
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError as error:
        return SkippedFile(path, describe_read_error(error))
    if reason := refuse_stat(status, rules):
        return SkippedFile(path, reason)
    return NoteFile.of(path, status)
