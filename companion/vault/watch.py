"""Hints of what changes in a vault, from the operating system's events by way of watchdog."""

from __future__ import annotations

import errno
import logging
import os
import re
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

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
from companion.vault.ignore import OWN_FOLDER
from companion.vault.mounts import find_mount_without_events
from companion.vault.obsidian import SETTINGS

if sys.platform == "linux":
    from companion.vault.inotify import InotifyObserver
else:
    from watchdog.observers import Observer

Changed = Callable[[str | None], None]
Moved = Callable[[str, str], None]
_log = logging.getLogger(__name__)

# No event of an open or a read file: what Companion reads itself must not wake it.
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
_HIDDEN = re.compile(rf"(?:\A|/)(?:\.|{OWN_FOLDER}(?:/|\Z))", re.IGNORECASE)
_SETTINGS = frozenset(  # what obsidian.read_obsidian_settings reads, with the folders on the way
    f"{SETTINGS}{below}"
    for below in (
        "",
        "/app.json",
        "/templates.json",
        "/plugins",
        "/plugins/templater-obsidian",
        "/plugins/templater-obsidian/data.json",
    )
)


class WatchUnavailable(CompanionError):
    """Events do not tell what changes in the vault; look from time to time instead.

    `reason` says why, and what to do about it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Watch:
    """Tells of changes in the vault at root (a real path), once started, until it is stopped.

    changed(path) is called from a thread of watchdog's, with the vault-relative path of a note
    that may be new, changed or gone (both ends of a move), or with None when anything may have
    changed: a folder, Obsidian's settings of what to leave alone, or events that were lost. It
    may be told twice, or of nothing new; what it raises is logged. Hidden folders and Companion's
    own are left out. It must not call stop().

    moved(old path, new path) is called before, for a note or a folder that was moved within the
    vault, where the system tells of it.
    """

    def __init__(self, root: Path, changed: Changed, moved: Moved | None = None) -> None:
        self._root = root
        self._changed = changed
        self._moved = moved
        self._observer: BaseObserver | None = None
        self._seen: tuple[int, int] | None = None

    def start(self) -> None:
        """Begin to watch, or begin anew. Raises WatchUnavailable; nothing is watched then."""
        self.stop()
        if silent := find_mount_without_events(self._root):
            raise WatchUnavailable(
                f"{silent.folder} is a network or shared drive ({silent.kind}), which does not "
                "tell what other machines change"
            )
        self._seen = _identity(self._root)
        if self._seen is None:
            raise WatchUnavailable(f"there is no folder {self._root}; is its drive connected?")
        try:
            self._observer = self._observe()
        except OSError as error:
            raise WatchUnavailable(_explain(error, self._root)) from error

    def stop(self) -> None:
        """Stop watching; no call of changed follows. A second time does nothing."""
        observer, self._observer = self._observer, None
        if observer:
            _stop(observer)

    @property
    def is_alive(self) -> bool:
        """Whether it still tells of every change: not when root is gone or another folder.

        Costs one os.stat; a new Watch says at start() what is wrong.
        """
        observer = self._observer
        return (
            observer is not None
            and observer.is_alive()
            and all(emitter.is_alive() for emitter in observer.emitters)
            and _is_complete(observer)
            and _identity(self._root) == self._seen
        )

    def _observe(self) -> BaseObserver:
        """Return an observer at work. Raises OSError when it cannot see the whole vault."""
        hints = _Hints(self._root, self._changed, self._moved)
        if sys.platform == "linux":
            observer: BaseObserver = InotifyObserver(hints.concerns, lambda: hints.tell(None))
        else:
            observer = Observer()
        try:
            observer.schedule(hints, str(self._root), recursive=True, event_filter=_EVENTS)
            observer.start()
        except BaseException:
            _stop(observer)
            raise
        return observer


class _Hints(FileSystemEventHandler):
    """Makes hints of watchdog's events."""

    def __init__(self, root: Path, changed: Changed, moved: Moved | None) -> None:
        self._root = str(root)
        self._prefix = self._root.rstrip(os.sep) + os.sep
        self._changed = changed
        self._moved = moved

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.is_synthetic:  # one for each file of a folder that has told of itself
            return
        if isinstance(event, FileMovedEvent | DirMovedEvent):
            self._tell_move(event)
        ends = {os.fsdecode(end) for end in (event.src_path, event.dest_path) if end}
        for hint in {hint for end in ends for hint in self._hints(event, end)}:
            self.tell(hint)

    def tell(self, hint: str | None) -> None:
        """Pass the hint on; whatever goes wrong there, watchdog goes on."""
        try:
            self._changed(hint)
        except Exception:
            _log.exception("a change in the vault could not be noted")

    def _tell_move(self, event: FileMovedEvent | DirMovedEvent) -> None:
        old, new = (self._below(os.fsdecode(end)) for end in (event.src_path, event.dest_path))
        if not self._moved or not old or not new or _HIDDEN.search(new):
            return
        if event.is_directory or (_is_note(old) and _is_note(new)):
            try:
                self._moved(old, new)
            except Exception:
                _log.exception("a move in the vault could not be noted")

    def concerns(self, path: str) -> bool:
        """Whether the absolute path is of the vault: not hidden, or Obsidian's settings."""
        below = self._below(path)
        return below is None or below in _SETTINGS or not _HIDDEN.search(below)

    def _hints(self, event: FileSystemEvent, end: str) -> list[str | None]:
        path = self._below(end)
        if path is None or path in _SETTINGS:
            return [None]
        if _HIDDEN.search(path):
            return []
        if event.is_directory or _may_be_folder(event, path):
            return [None]
        return [path] if _is_note(path) else []

    def _below(self, path: str) -> str | None:
        """Return the vault-relative path with `/`; None for one that is spelled otherwise."""
        if path.startswith(self._prefix):
            return path[len(self._prefix) :].replace(os.sep, "/")
        return "" if path == self._root else None


def _may_be_folder(event: FileSystemEvent, path: str) -> bool:
    """Whether a folder may be meant: on Windows watchdog calls all that was deleted a file."""
    return os.name == "nt" and isinstance(event, FileDeletedEvent) and not _is_note(path)


def _is_note(path: str) -> bool:
    return path[-3:].lower() == ".md"


def _is_complete(observer: BaseObserver) -> bool:
    if sys.platform == "linux":
        return not isinstance(observer, InotifyObserver) or observer.is_complete
    return True


def _stop(observer: BaseObserver) -> None:
    observer.stop()
    with suppress(RuntimeError):  # it was never started
        observer.join()


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        seen = folder.stat()
    except OSError:
        return None
    return seen.st_dev, seen.st_ino


def _explain(error: OSError, root: Path) -> str:
    if error.errno == errno.ENOSPC:
        return _limit("watched folders", "max_user_watches", 524288)
    if error.errno == errno.EMFILE:
        return _limit("programs that watch, or of open files", "max_user_instances", 1024)
    return f"{root} cannot be watched ({error.strerror or error})"


def _limit(what: str, setting: str, enough: int) -> str:
    return (
        f"the system's limit of {what} is reached; raise it with "
        f"`sudo sysctl fs.inotify.{setting}={enough}`"
    )


_TRY_AGAIN = 300.0  # seconds: a try goes through all folders


class Watcher:
    """Watches the vault at root, and calls changed and moved as Watch does; for one thread.

    polls: why it cannot, so that the vault must be looked over again and again; else empty.
    """

    def __init__(
        self,
        root: Path,
        changed: Callable[[str | None], None],
        moved: Callable[[str, str], None],
    ) -> None:
        self.polls = ""
        self._root = root
        self._changed = changed
        self._moved = moved
        self._watch: Watch | None = None
        self._next_try = 0.0

    @property
    def is_lost(self) -> bool:
        """Whether the vault is watched no more, though it could be."""
        return self._watch is not None and not self._watch.is_alive

    def watch(self) -> None:
        """Watch the vault, if it is not watched already, and that did not fail just now."""
        if self._watch and self._watch.is_alive:
            return
        if self.polls and time.monotonic() < self._next_try:
            return
        self.stop()
        watch = Watch(self._root, self._changed, self._moved)
        try:
            watch.start()
        except WatchUnavailable as error:
            if self.polls != str(error):
                _log.warning("the vault is looked over again and again instead: %s", error)
            self.polls, self._next_try = str(error), time.monotonic() + _TRY_AGAIN
        else:
            self._watch, self.polls = watch, ""

    def stop(self) -> None:
        """Watch no more, until it is asked for again."""
        watch, self._watch = self._watch, None
        if watch:
            watch.stop()
