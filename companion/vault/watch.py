"""Report changes in a vault through watchdog, from the operating system's events."""

from __future__ import annotations

import errno
import logging
import os
import re
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path, PurePosixPath

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileClosedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers.api import BaseObserver

from companion.errors import CompanionError
from companion.sqlite import identify_file
from companion.vault.files import is_note_name
from companion.vault.ignore import OWN_FOLDER
from companion.vault.obsidian import SETTINGS, SETTINGS_FILES

if sys.platform == "linux":
    from companion.vault.inotify import InotifyObserver
else:
    from watchdog.observers import Observer

Changed = Callable[[str | None], None]
Moved = Callable[[str, str], None]
_log = logging.getLogger(__name__)

# Without the events of opening and reading: what Companion itself reads is no change.
_EVENTS: list[type[FileSystemEvent]] = [
    FileCreatedEvent,
    FileModifiedEvent,
    FileClosedEvent,
    FileMovedEvent,
    FileDeletedEvent,
    DirCreatedEvent,
    DirMovedEvent,
    DirDeletedEvent,
]
_LIMITS = {
    errno.ENOSPC: ("watched folders", "max_user_watches", 524288),
    errno.EMFILE: ("programs that watch, or of open files", "max_user_instances", 1024),
}
_RETRY_SECONDS = 300.0  # an attempt goes through all folders
_HIDDEN = re.compile(rf"(?:\A|/)(?:\.|{OWN_FOLDER}(?:/|\Z))", re.IGNORECASE)
_SETTINGS = frozenset(  # the files of settings, and the folders on the way
    str(path)
    for file in (PurePosixPath(SETTINGS, name) for name in SETTINGS_FILES)
    for path in (file, *file.parents)
)
# Linux' names first; those of FUSE follow `fuse.`. Local ones (ext4, fuseblk, gocryptfs, ...) are
# left out: the kernel reports what goes through it.
_KINDS_WITHOUT_EVENTS = re.compile(
    "9p|afs|beegfs|ceph|cifs|coda|davfs|gpfs|lustre|ncpfs|nfs4?|prl_fs|smb3|smbfs|vboxsf|virtiofs"
    "|vmhgfs"
    r"|fuse\.(?:sshfs|davfs.*|rclone|s3fs|gcsfuse|goofys|mount-s3|blobfuse.*|google-drive.*"
    "|onedrive.*|glusterfs|ceph.*|gvfsd-fuse|kio-fuse|curlftpfs|smbnetfs|vmhgfs.*|prl_fsd"
    "|grpcfuse|osxfs|juicefs|seaweedfs|httpfs.*)"
    "|afpfs|ftp|webdav|(?:macfuse|osxfuse)_.*"  # macOS' names
)
_DRIVE_REMOTE = 4  # Windows' GetDriveTypeW


class WatchUnavailable(CompanionError):
    """The vault cannot be watched by events, and must be scanned from time to time instead."""


class Watch:
    """Calls changed for changes in the vault at root (a real path), between start and stop.

    changed(path) is called from watchdog's thread, with the path of a note that may be new, changed
    or deleted, or None if anything may have changed, or events were lost; perhaps twice, or not at
    all. It must not call stop(). Hidden folders and Companion's own are left out. moved(old path,
    new path) is called before that for a move within the vault. polls: after ensure(), why the
    vault cannot be watched and must be scanned from time to time; empty if it can.
    """

    def __init__(self, root: Path, changed: Changed, moved: Moved = lambda *_: None) -> None:
        self.polls = ""
        self._root = root
        self._handler = _EventHandler(root, changed, moved)
        self._observer: BaseObserver | None = None
        self._root_id: tuple[int, int] | None = None
        self._next_try = 0.0

    def ensure(self) -> None:
        """Start watching, unless the vault is already watched or an attempt failed recently."""
        if self.is_alive or (self.polls and time.monotonic() < self._next_try):
            return
        try:
            self.start()
        except WatchUnavailable as error:
            if self.polls != str(error):
                _log.warning("the vault is scanned regularly instead: %s", error)
            self.polls, self._next_try = str(error), time.monotonic() + _RETRY_SECONDS
        else:
            self.polls = ""

    def start(self) -> None:
        """Start watching, or start again. Raises WatchUnavailable; nothing is watched then."""
        self.stop()
        if mount := _find_mount_without_events(self._root):
            folder, kind = mount
            raise WatchUnavailable(
                f"{folder} is a network or shared drive ({kind}), which does not"
                " report what other machines change"
            )
        self._root_id = identify_file(self._root)
        if self._root_id is None:
            raise WatchUnavailable(f"there is no folder {self._root}; is its drive connected?")
        try:
            self._observer = self._observe()
        except OSError as error:
            reason = f"{self._root} cannot be watched ({error.strerror or error})"
            if error.errno in _LIMITS:
                what, setting, enough = _LIMITS[error.errno]
                reason = (
                    f"the system's limit of {what} is reached; raise it with "
                    f"`sudo sysctl fs.inotify.{setting}={enough}`"
                )
            raise WatchUnavailable(reason) from error

    def stop(self) -> None:
        """Stop watching; changed is not called any more. A second call does nothing."""
        observer, self._observer = self._observer, None
        if observer:
            _stop(observer)

    @property
    def is_alive(self) -> bool:
        """Whether every change is still reported; false if root was deleted or replaced, too."""
        observer = self._observer
        return (
            observer is not None
            and observer.is_alive()
            and all(emitter.is_alive() for emitter in observer.emitters)
            and getattr(observer, "is_complete", True)  # of an InotifyObserver
            and identify_file(self._root) == self._root_id
        )

    @property
    def is_lost(self) -> bool:
        """Whether the vault was watched, and the watch no longer works."""
        return self._observer is not None and not self.is_alive

    def _observe(self) -> BaseObserver:
        """Return a started observer. Raises OSError if it cannot watch the whole vault."""
        handler = self._handler
        observer: BaseObserver
        if sys.platform == "linux":
            observer = InotifyObserver(handler.is_watched, lambda: handler.report(None))
        else:
            observer = Observer()
        try:
            observer.schedule(handler, str(self._root), recursive=True, event_filter=_EVENTS)
            observer.start()
        except BaseException:
            _stop(observer)
            raise
        return observer


class _EventHandler(FileSystemEventHandler):
    """Turns watchdog's events into calls of changed and moved."""

    def __init__(self, root: Path, changed: Changed, moved: Moved) -> None:
        self._root = str(root)
        self._prefix = self._root.rstrip(os.sep) + os.sep
        self._changed = changed
        self._moved = moved

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.is_synthetic:  # made by watchdog for each file of a folder that has an event
            return
        if isinstance(event, FileMovedEvent | DirMovedEvent):
            self._report_move(event)
        paths = {os.fsdecode(path) for path in (event.src_path, event.dest_path) if path}
        for changed in {changed for path in paths for changed in self._find_changed(event, path)}:
            self.report(changed)

    def report(self, path: str | None) -> None:
        """Call changed, and log its exceptions, which would end watchdog's thread."""
        try:
            self._changed(path)
        except Exception:
            _log.exception("a change in the vault could not be recorded")

    def _report_move(self, event: FileMovedEvent | DirMovedEvent) -> None:
        old, new = (self._below(os.fsdecode(path)) for path in (event.src_path, event.dest_path))
        if not old or not new or _HIDDEN.search(new):
            return
        if event.is_directory or (is_note_name(old) and is_note_name(new)):
            try:
                self._moved(old, new)
            except Exception:
                _log.exception("a move in the vault could not be recorded")

    def is_watched(self, path: str) -> bool:
        """Whether to watch the absolute path: it is not hidden, or has settings of Obsidian's."""
        below = self._below(path)
        return below is None or below in _SETTINGS or not _HIDDEN.search(below)

    def _find_changed(self, event: FileSystemEvent, absolute: str) -> list[str | None]:
        """Return what the event means for one of its paths, to call changed with."""
        path = self._below(absolute)
        if path is None or path in _SETTINGS:
            return [None]
        if _HIDDEN.search(path):
            return []
        if is_note_name(path) and not event.is_directory:
            return [path]
        # on Windows, watchdog reports deleted folders as files
        may_be_folder = os.name == "nt" and isinstance(event, FileDeletedEvent)
        return [None] if event.is_directory or may_be_folder else []

    def _below(self, path: str) -> str | None:
        """Return the vault-relative path with `/`; None if it does not begin with the root."""
        if path.startswith(self._prefix):
            return path[len(self._prefix) :].replace(os.sep, "/")
        return "" if path == self._root else None


def _stop(observer: BaseObserver) -> None:
    observer.stop()
    with suppress(RuntimeError):  # it was never started
        observer.join()


def _find_mount_without_events(root: Path) -> tuple[str, str] | None:
    """Return the folder and kind of a mount, around or in root, that reports no changes.

    None if there is none, or they cannot be listed: rescans find what no event reports.
    """
    if sys.platform == "win32":
        import ctypes

        # a share, or a letter for one
        is_remote = ctypes.windll.kernel32.GetDriveTypeW(root.anchor) == _DRIVE_REMOTE
        return (root.anchor, "network drive") if is_remote else None
    import psutil

    try:
        mounts = psutil.disk_partitions(all=True)
    except OSError:
        return None
    # in the order in which they were made, as a later one on the same folder hides others
    kinds = {mount.mountpoint: mount.fstype for mount in mounts}
    around = (str(folder) for folder in (root, *root.parents))
    outer = next((folder for folder in around if folder in kinds), "")
    inner = (folder for folder in kinds if Path(folder).is_relative_to(root))
    return next(
        (
            (folder, kinds[folder])
            for folder in (outer, *inner)
            if _KINDS_WITHOUT_EVENTS.fullmatch(kinds.get(folder, ""))
        ),
        None,
    )
