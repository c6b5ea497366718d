"""Walk the vault's folder for notes, and say why one is left out without being read."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from companion.vault.conflict_copies import find_copied_note, is_conflict_copy
from companion.vault.ignore import OWN_FOLDER, IgnoreRules

# Apple's SF_DATALESS, and Windows' OFFLINE, RECALL_ON_OPEN and RECALL_ON_DATA_ACCESS: only the name
# is on this machine, and reading would download the content.
_DATALESS = 0x4000_0000
_RECALL = 0x0000_1000 | 0x0004_0000 | 0x0040_0000
_PLAIN_STAT = not {"st_flags", "st_file_attributes"} & set(dir(os.stat_result))  # as on Linux
_INT64 = (1 << 63) - 1  # as much of an inode as SQLite can store
_JUNCTION = 0xA000_0003  # Windows' IO_REPARSE_TAG_MOUNT_POINT, which is_symlink does not count
_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
_ICLOUD = re.compile(r"\.(.+\.md)\.icloud", re.IGNORECASE)
_DRAWING = ".excalidraw.md"
_IN_CLOUD = "its content is not on this machine yet; open it once in Obsidian"
_LINK = "a symbolic link; only files that lie in the vault themselves are worked on"

_BAD_NAME = "its name is not valid UTF-8; rename it to have it enriched"


# Git's rule for "racily clean" entries: a note written less than this ago may be written again
# without getting a new time, since file systems count in steps of up to two seconds (FAT).
_SETTLED_NS = 2_000_000_000


class NoteFile(NamedTuple):
    """A note that may be read.

    path: vault-relative, with `/`, spelled as on the disk. size: bytes. mtime_ns, ctime_ns: Unix
    time, nanoseconds. ino: the inode; 0 if the file system has none.
    """

    path: str
    size: int
    mtime_ns: int
    ctime_ns: int
    ino: int

    def is_settled(self, now_ns: int) -> bool:
        """Return whether the note's times will tell if it is written again; now_ns: Unix time."""
        return max(self.mtime_ns, self.ctime_ns) < now_ns - _SETTLED_NS


class SkippedFile(NamedTuple):
    """A note, or a whole folder, that is left out without being read.

    path: vault-relative, as printable_path returns it. reason: why, in the user's words.
    """

    path: str
    reason: str


KnownNote = tuple[str, int, int, int, int, str]
"""The fields of NoteFile, of a note that was read before, and a text that was kept of it."""


def walk_notes(
    root: Path, rules: IgnoreRules, only: Iterable[str] | None = None
) -> Iterator[NoteFile | SkippedFile]:
    """Yield the notes in the vault at root, those of a folder before those of its subfolders.

    They are sorted by name, so that two walks of the same vault agree. Hidden folders and
    Companion's own are not part of the vault; every other note that is left out is yielded as a
    SkippedFile.

    only: yield only these paths, and the folders on the way to them. Those folders are listed
    and the paths looked up in the lists: on drives that ignore case, a stat of an old name would
    find the file under its new spelling.
    """
    for found in _walk(root, rules, {}, None if only is None else _names_by_folder(only)):
        if isinstance(found, NoteFile | SkippedFile):
            yield found


def walk_known(
    root: Path, rules: IgnoreRules, known: Mapping[str, KnownNote]
) -> Iterator[NoteFile | SkippedFile | KnownNote]:
    """Yield what walk_notes does; of a note that did not change, what is known of it.

    known: notes that a walk with the same rules found before, by path. Their names need not be
    looked at again.
    """
    return _walk(root, rules, known, None)


def _walk(
    root: Path,
    rules: IgnoreRules,
    known: Mapping[str, KnownNote],
    wanted: Mapping[str, set[str]] | None,
) -> Iterator[NoteFile | SkippedFile | KnownNote]:
    """Yield what is in the vault. wanted: the names to look at, by folder; None: all."""
    pending: list[tuple[str, str | None]] = [("", None)]
    while pending:
        folder, reason = pending.pop()
        folders: list[str] = []
        try:
            here = None if wanted is None else wanted[folder.rstrip("/")]
            with _listed(f"{root}/{folder}") as entries:
                names = {entry.name for entry in entries}
                new = {name for name in names if _is_note(name) and folder + name not in known}
                for entry in entries if here is None else _named(entries, here):
                    path = folder + entry.name
                    if (before := known.get(path)) and _is_unchanged(entry, before):
                        # beside what was there at the last walk, it was looked at then
                        yield (new and _refuse_copy(root, path, new.__contains__)) or before
                    elif _is_folder(entry):
                        folders.append(path)
                    elif note := _examine_entry(entry, path, rules, reason):
                        copied = isinstance(note, NoteFile)
                        yield (copied and _refuse_copy(root, path, names.__contains__)) or note
        except OSError as error:
            yield SkippedFile(folder.rstrip("/") or ".", describe_read_error(error))
            continue
        for path in reversed(folders):
            if not is_utf8(path):
                yield SkippedFile(printable_path(path), _BAD_NAME)
            elif _is_walked(path, wanted):
                pending.append((path + "/", reason or rules.folder_reason(path)))


def _named(entries: Iterable[os.DirEntry[str]], names: set[str]) -> list[os.DirEntry[str]]:
    return [entry for entry in entries if entry.name in names]


def _is_walked(path: str, wanted: Mapping[str, set[str]] | None) -> bool:
    return not _is_hidden(path.rpartition("/")[2]) and (wanted is None or path in wanted)


@contextmanager
def _listed(folder: str) -> Iterator[list[os.DirEntry[str]]]:
    """Give what is in the folder, sorted by name. Raises OSError if it cannot be listed.

    The folder stays open, so that each file in it is looked up in it and not from the root, which
    takes a sixth of the time less.
    """
    by_name = attrgetter("name")
    if os.scandir not in os.supports_fd:
        with os.scandir(folder) as found:
            yield sorted(found, key=by_name)
        return
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with os.scandir(fd) as found:
            entries = sorted(found, key=by_name)
        yield entries
    finally:
        os.close(fd)


def _is_unchanged(entry: os.DirEntry[str], before: KnownNote) -> bool:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return False
    return (
        status.st_mtime_ns == before[2]
        and status.st_ctime_ns == before[3]
        and status.st_size == before[1]
        and status.st_ino & _INT64 == before[4]
        and stat.S_ISREG(status.st_mode)
        and (_PLAIN_STAT or not is_placeholder(status))
    )


def with_parent_folders(paths: Iterable[str]) -> set[str]:
    """Return the paths, and the folders on the way to them."""
    return {
        path[:end]
        for path in paths
        for end in (*(place for place, sign in enumerate(path) if sign == "/"), len(path))
    }


def skip_reason(root: Path, path: str, rules: IgnoreRules) -> str | None:
    """Return why the note that the user named is left out; None if it is not.

    These are the reasons of walk_notes, and those why a path is not part of the vault at all.
    """
    above, _, name = path.rpartition("/")
    try:
        if above and (reason := folder_reason(root, above, rules)):
            return reason
        if not _is_note(name) or name.startswith("."):
            return "not a Markdown note (.md)"
        file = root / path
        if reason := _refuse_name(path, name, rules) or _refuse_stat(file.lstat(), rules):
            return reason
        copy = _refuse_copy(root, path, lambda other: (file.parent / other).is_file())
        return copy and copy.reason
    except (OSError, ValueError) as error:
        return describe_read_error(error)


def folder_reason(root: Path, path: str, rules: IgnoreRules) -> str | None:
    """Return why all notes in the folder at path, or in one above it, are left out; None if not.

    Raises OSError or ValueError if the folder cannot be looked at.
    """
    for folder in [path[:end] for end, sign in enumerate(path + "/") if sign == "/"]:
        part = folder.rpartition("/")[2]
        if _is_hidden(part):
            return f"in {printable_path(part)}, which holds no notes of the vault"
        if _is_link((root / folder).lstat()):
            return f"in {printable_path(folder)}, {_LINK}"
        if reason := rules.folder_reason(folder):
            return reason
    return None


def is_gone(root: Path, path: str) -> bool:
    """Return whether there is no file at path. Raises OSError if that cannot be told now."""
    try:
        (root / path).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    return False


def read_file(file: str, size: int) -> bytes | None:
    """Return the bytes of the file; None if it does not have that size, in bytes, any more.

    Another program is writing it then. Raises OSError.
    """
    fd = os.open(file, _READ)
    try:
        data = os.read(fd, size + 1)
        while 0 < len(data) < size and (more := os.read(fd, size + 1 - len(data))):
            data += more
    finally:
        os.close(fd)
    return data if len(data) == size else None


def describe_read_error(error: OSError | ValueError) -> str:
    """Return in the user's words why a note or a folder could not be read."""
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "it is not there; it was moved or deleted"
    return f"it cannot be read ({getattr(error, 'strerror', None) or error})"


def is_placeholder(status: os.stat_result) -> bool:
    """Whether a sync client keeps only the file's name on this machine (macOS, Windows)."""
    dataless = getattr(status, "st_flags", 0) & _DATALESS
    return bool(dataless or getattr(status, "st_file_attributes", 0) & _RECALL)


def is_utf8(text: str) -> bool:
    """Whether text has no lone surrogates, by which Python represents bytes that are not UTF-8."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _examine_entry(
    entry: os.DirEntry[str], path: str, rules: IgnoreRules, reason: str | None
) -> NoteFile | SkippedFile | None:
    """Return the note that the file or link is; None if it is none. reason: its folder's.

    The placeholder of a note in iCloud stands for the note. A link to a folder is told, too.
    """
    name = entry.name
    if not _is_note(name) or name[0] == ".":
        if placeholder := _ICLOUD.fullmatch(name):
            note = printable_path(path[: -len(name)] + placeholder.group(1))
            return SkippedFile(note, _IN_CLOUD)
        with suppress(OSError):  # a link that leads to itself
            if not _is_hidden(name) and entry.is_dir():
                return SkippedFile(printable_path(path), _LINK)
        return None
    if reason := reason or _refuse_name(path, name, rules):
        return SkippedFile(printable_path(path), reason)
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError as error:
        return SkippedFile(path, describe_read_error(error))
    if reason := _refuse_stat(status, rules):
        return SkippedFile(path, reason)
    ino = status.st_ino & _INT64
    return NoteFile(path, status.st_size, status.st_mtime_ns, status.st_ctime_ns, ino)


def _names_by_folder(paths: Iterable[str]) -> dict[str, set[str]]:
    wanted: dict[str, set[str]] = {"": set()}
    for path in with_parent_folders(paths):
        folder, _, name = path.rpartition("/")
        wanted.setdefault(folder, set()).update((name, f".{name}.icloud"))
    return wanted


def _refuse_name(path: str, name: str, rules: IgnoreRules) -> str | None:
    if not is_utf8(path):
        return _BAD_NAME
    if is_conflict_copy(name):
        return "a copy that a sync client made of a conflicting edit"
    if name.lower().endswith(_DRAWING):
        return "an Excalidraw drawing"
    return rules.note_reason(path)


def _refuse_copy(root: Path, path: str, is_there: Callable[[str], bool]) -> SkippedFile | None:
    if copied := find_copied_note(root, path, is_there):
        reason = f"called and titled like a copy that a sync client made of {copied}"
        return SkippedFile(path, f"{reason}; give it a title of its own to have it filled")
    return None


def _refuse_stat(status: os.stat_result, rules: IgnoreRules) -> str | None:
    if not stat.S_ISREG(status.st_mode):
        return _LINK if stat.S_ISLNK(status.st_mode) else "not a file"
    if not _PLAIN_STAT and is_placeholder(status):
        return _IN_CLOUD
    if not status.st_size:
        return "it is empty; it may still be syncing"
    if status.st_size > rules.max_bytes:
        return (
            f"it has {status.st_size:,} bytes, over the limit of {rules.max_bytes:,}"
            " (ignore.max_kilobytes)"
        )
    return None


def _is_note(name: str) -> bool:
    return name[-3:].lower() == ".md"


def _is_hidden(name: str) -> bool:
    return name[0] == "." or name.lower() == OWN_FOLDER


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether the entry is a folder to walk into: no link and, on Windows, no junction."""
    if not entry.is_dir(follow_symlinks=False):
        return False
    return os.name != "nt" or not _is_link(entry.stat(follow_symlinks=False))


def _is_link(status: os.stat_result) -> bool:
    return stat.S_ISLNK(status.st_mode) or getattr(status, "st_reparse_tag", 0) == _JUNCTION


def printable_path(path: str) -> str:
    """Return the path with U+FFFD in place of bytes that are not valid UTF-8."""
    return path if is_utf8(path) else os.fsencode(path).decode(errors="replace")
