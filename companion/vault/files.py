"""Note files of the vault: their fingerprints, and reasons to leave one out unread."""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple, Self

from companion.vault.ignore import OWN_FOLDER, IgnoreRules

# Apple's SF_DATALESS, and Windows' OFFLINE, RECALL_ON_OPEN and RECALL_ON_DATA_ACCESS: only the name
# is on this machine, and reading would download the content.
_DATALESS = 0x4000_0000
_RECALL = 0x0000_1000 | 0x0004_0000 | 0x0040_0000
# Whether this system tells of placeholders at all: Linux does not.
HAS_PLACEHOLDERS = not {"st_flags", "st_file_attributes"}.isdisjoint(dir(os.stat_result))
INT64 = (1 << 63) - 1  # as large a number as SQLite can store
_JUNCTION = 0xA000_0003  # Windows' IO_REPARSE_TAG_MOUNT_POINT, which is_symlink does not count
_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
_DRAWING = ".excalidraw.md"
IN_CLOUD = "its content is not on this machine yet; open it once in Obsidian"
LINK = "a symbolic link; only files in the vault itself are worked on"
PRIVATE_FOLDER = "in a private folder"
BAD_NAME = "its name is not valid UTF-8; rename it to have it enriched"

# Git's rule for "racily clean" entries: a note written less than this ago may be written again
# without getting a new time, since file systems count in steps of up to two seconds (FAT).
_SETTLED_NS = 2_000_000_000


class NoteFile(NamedTuple):
    """A note that may be read.

    path: vault-relative, with `/`, spelled as on the disk. size: bytes. mtime_ns, ctime_ns: Unix
    time, nanoseconds. ino: the inode; 0 if the file system has none. No number is larger than
    SQLite can store.
    """

    path: str
    size: int
    mtime_ns: int
    ctime_ns: int
    ino: int

    @classmethod
    def of(cls, path: str, status: os.stat_result) -> Self:
        """Return the note at path with that status. A time before 1678 or after 2261 is cut."""
        times = (status.st_mtime_ns, status.st_ctime_ns)
        mtime, ctime = (max(-INT64, min(time, INT64)) for time in times)
        return cls(path, status.st_size, mtime, ctime, status.st_ino & INT64)

    def is_settled(self, now_ns: int) -> bool:
        """Return whether the note's times will show if it is written again; now_ns: Unix time."""
        return max(self.mtime_ns, self.ctime_ns) < now_ns - _SETTLED_NS


IndexedNote = tuple[NoteFile, str]
"""A note that was read before, and a text that was kept of it."""


class SkippedFile(NamedTuple):
    """A note, or a whole folder, that is left out without being read.

    path: vault-relative, as printable_path returns it. reason: why, in the user's words.
    """

    path: str
    reason: str


def is_in(path: str, folder: str) -> bool:
    """Return whether the note at path is the one at folder, or within it; `""`: the vault."""
    return not folder or f"{path}/".startswith(f"{folder}/")


def is_in_any(path: str, folders: Collection[str]) -> bool:
    """Return whether the note at path is in one of the folders, as is_in does."""
    return any(is_in(path, folder) for folder in folders)


def skip_reason(root: Path, path: str, rules: IgnoreRules) -> str | None:
    """Return why the note that the user named is left out; None if it is not.

    The reasons are those of walk_notes, and those for which a path is not part of the vault at all.
    """
    above, _, name = path.rpartition("/")
    try:
        if above and (reason := folder_reason(root, above, rules)):
            return reason
        if not is_note_name(name) or name.startswith("."):
            return "not a Markdown note (.md)"
        file = root / path
        return refuse_name(path, name, rules) or refuse_stat(file.lstat(), rules)
    except (OSError, ValueError) as error:
        return describe_read_error(error)


def attachment_reason(root: Path, path: str, rules: IgnoreRules) -> str | None:
    """Return why a file that is not a note is left out or private; None if it may be read."""
    above, _, name = path.rpartition("/")
    try:
        if above and (reason := folder_reason(root, above, rules)):
            return reason
        if is_hidden(name) or not is_utf8(path):
            return "not part of the vault"
        if not stat.S_ISREG((status := (root / path).lstat()).st_mode):
            return "not a file"
    except (OSError, ValueError) as error:
        return describe_read_error(error)
    if HAS_PLACEHOLDERS and is_placeholder(status):
        return IN_CLOUD
    return rules.note_reason(path) or (PRIVATE_FOLDER if rules.is_private(path) else None)


def folder_reason(root: Path, path: str, rules: IgnoreRules) -> str | None:
    """Return why all notes in the folder at path, or in one above it, are left out; None if not.

    Raises OSError or ValueError if the folder cannot be examined.
    """
    for folder in [path[:end] for end, sign in enumerate(path + "/") if sign == "/"]:
        part = folder.rpartition("/")[2]
        if is_hidden(part):
            return f"in {printable_path(part)}, which holds no notes of the vault"
        if is_link((root / folder).lstat()):
            return f"in {printable_path(folder)}, {LINK}"
        if reason := rules.folder_reason(folder):
            return reason
    return None


def is_vault_there(root: Path) -> bool:
    """Return whether the vault's folder is there, and is not empty.

    A drive that is not mounted leaves an empty folder, in which missing notes mean nothing.
    """
    try:
        return any(root.iterdir())
    except OSError:
        return False


def is_gone(root: Path, path: str) -> bool:
    """Return whether there is no file at path. Raises OSError if that is unknown for now."""
    return find_inode(root, path) is None


def find_inode(root: Path, path: str) -> int | None:
    """Return the inode at path; None: there is no file. Raises OSError if that is unknown."""
    try:
        return os.lstat(f"{root}/{path}").st_ino
    except (FileNotFoundError, NotADirectoryError):
        return None


def stat_note(root: Path, path: str) -> NoteFile | None:
    """Return the file at path; None if there is none, or something other than a file."""
    try:
        status = os.lstat(f"{root}/{path}")
    except (OSError, ValueError):
        return None
    if not stat.S_ISREG(status.st_mode):
        return None
    return NoteFile.of(path, status)


def read_file(file: str, size: int) -> bytes | None:
    """Return the bytes of the file; None if its size, in bytes, is no longer that.

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


def refuse_name(path: str, name: str, rules: IgnoreRules) -> str | None:
    """Return why a note of that path and name is left out; None if it is not."""
    if not is_utf8(path):
        return BAD_NAME
    if is_conflict_copy(name):
        return "a copy that a sync client made of a conflicting edit"
    if name.lower().endswith(_DRAWING):
        return "an Excalidraw drawing"
    return rules.note_reason(path)


def refuse_stat(status: os.stat_result, rules: IgnoreRules) -> str | None:
    """Return why a file of that status is left out; None if it is not. Links are not followed."""
    if not stat.S_ISREG(status.st_mode):
        return LINK if stat.S_ISLNK(status.st_mode) else "not a file"
    if HAS_PLACEHOLDERS and is_placeholder(status):
        return IN_CLOUD
    if not status.st_size:
        return "it is empty; it may still be syncing"
    if status.st_size > rules.max_bytes:
        return f"it has {status.st_size:,} bytes, over the limit of {rules.max_bytes:,}"
    return None


def is_note_name(name: str) -> bool:
    """Whether a file of that name is a Markdown note, provided it is in the vault at all."""
    return name[-3:].lower() == ".md"


def is_hidden(name: str) -> bool:
    """Whether a file or folder of that name is hidden or Companion's own: not in the vault."""
    return name[0] == "." or name.lower() == OWN_FOLDER


def is_link(status: os.stat_result) -> bool:
    """Whether it is the status of a symbolic link or, on Windows, of a junction."""
    return stat.S_ISLNK(status.st_mode) or getattr(status, "st_reparse_tag", 0) == _JUNCTION


def printable_path(path: str) -> str:
    """Return the path with U+FFFD in place of bytes that are not valid UTF-8."""
    return path if is_utf8(path) else os.fsencode(path).decode(errors="replace")


# What sync clients write between the brackets, in each language. Dropbox and Nextcloud translate
# the phrase; Obsidian Sync and OpenCloud use Dropbox's English one.
_PHRASES = Path(__file__).with_name("conflict_phrases.txt").read_text(encoding="utf-8").splitlines()

_CONFLICT = re.compile(
    r"""
    (?: \( [^()]* (?: \([^()]*\) [^()]* )? (?:PHRASES) [^()]* (?: \([^()]*\) [^()]* )? \)
      | \( SFConflict \s [^()]* \)                        # Seafile
      | \s [\[(] conflict(?:ed)? (?:\s\d+)? [\])]         # pCloud, old Google Drive
      | \[ conflict (?:\s\d+)? \]
      | \. sync-conflict-\d{8}-\d{6} (?:-\w+)?            # Syncthing
      | \. conflict \d*                                   # Resilio
      | _conflict-\d{8}-\d{6}                             # ownCloud
      | _[^_]+ _ \w{3}-\d\d-\d{4}-\d{4} _ (?:Case)?Conflict  # Synology Drive
    )
    (?: \s \(\d+\) | \s \d+ )? \.md \Z
    """.replace("PHRASES", "|".join(re.escape(phrase) for phrase in _PHRASES)),
    re.IGNORECASE | re.VERBOSE,
)


def is_conflict_copy(name: str) -> bool:
    """Whether a sync client made the file of that name, for a note that it could not merge.

    OneDrive's `-HOSTNAME` and iCloud's ` 2` do not count, since people also name notes like that.
    """
    if not name.isascii():
        name = unicodedata.normalize("NFC", name)
    return _CONFLICT.search(name) is not None
