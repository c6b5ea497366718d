"""Report changes in a vault through watchdog, from the operating system's events.

Events only wake the daemon: a scan every few minutes finds what no event told, as on network drives
or after an overflow.
"""

from __future__ import annotations

import errno
import logging
import os
import re
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
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from companion.vault.files import is_note_name
from companion.vault.ignore import OWN_FOLDER
from companion.vault.obsidian import SETTINGS, SETTINGS_FILES

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
_RETRY_SECONDS = 300.0  # an attempt goes through all folders
_HIDDEN = re.compile(rf"(?:\A|/)(?:\.|{OWN_FOLDER}(?:/|\Z))", re.IGNORECASE)
_SETTINGS = frozenset(  # the files of settings, and the folders on the way
    str(path)
    for file in (PurePosixPath(SETTINGS, name) for name in SETTINGS_FILES)
    for path in (file, *file.parents)
)


class Watch:
    """Calls changed for changes in the vault at root (a real path), between ensure and stop.

    changed(path) is called from watchdog's thread, with the path of a note that may be new, changed
    or deleted, or None if anything may have changed; perhaps twice, or not at all. It must not call
    stop(). Hidden folders and Companion's own are left out. moved(old path, new path) is called
    before that for a move within the vault. polls: after ensure(), why the vault cannot be watched;
    empty if it can.
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
        self.stop()
        observer = Observer()
        try:
            self._root_id = _identify(self._root)
            root = str(self._root)
            observer.schedule(self._handler, root, recursive=True, event_filter=_EVENTS)
            observer.start()
        except OSError as error:
            _stop(observer)
            reason = f"{self._root} cannot be watched ({error.strerror or error})"
            if error.errno in (errno.ENOSPC, errno.EMFILE):
                reason += "; docs/background.md says how to raise the system's limit"
            if self.polls != reason:
                _log.warning("the vault is scanned regularly instead: %s", reason)
            self.polls, self._next_try = reason, time.monotonic() + _RETRY_SECONDS
        else:
            self.polls, self._observer = "", observer

    def stop(self) -> None:
        """Stop watching; changed is not called any more. A second call does nothing."""
        observer, self._observer = self._observer, None
        if observer:
            _stop(observer)

    @property
    def is_alive(self) -> bool:
        """Whether changes are still reported; false if root was deleted or replaced, too."""
        if self._observer is None or not self._observer.is_alive():
            return False
        if not all(emitter.is_alive() for emitter in self._observer.emitters):
            return False
        with suppress(OSError):
            return _identify(self._root) == self._root_id
        return False

    @property
    def is_lost(self) -> bool:
        """Whether the vault was watched, and the watch no longer works."""
        return self._observer is not None and not self.is_alive


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
        try:
            if isinstance(event, FileMovedEvent | DirMovedEvent):
                self._report_move(event)
            paths = {os.fsdecode(path) for path in (event.src_path, event.dest_path) if path}
            for path in {changed for each in paths for changed in self._find_changed(event, each)}:
                self._changed(path)
        except Exception:  # it would end watchdog's thread
            _log.exception("a change in the vault could not be recorded")

    def _report_move(self, event: FileMovedEvent | DirMovedEvent) -> None:
        old, new = (self._below(os.fsdecode(path)) for path in (event.src_path, event.dest_path))
        if not old or not new or _HIDDEN.search(new):
            return
        if event.is_directory or (is_note_name(old) and is_note_name(new)):
            self._moved(old, new)

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


def _identify(folder: Path) -> tuple[int, int]:
    """Return the device and inode of the folder. Raises OSError."""
    status = folder.stat()
    return status.st_dev, status.st_ino


def _stop(observer: BaseObserver) -> None:
    observer.stop()
    with suppress(RuntimeError):  # it was never started
        observer.join()
