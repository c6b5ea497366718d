"""Watch folders with Linux' inotify, by classes that watchdog does not document.

Importing this fails on other systems. `pyproject.toml` holds watchdog below the next version whose
internals may differ, and tests/vault/test_inotify.py fails if those used here do.
"""

from __future__ import annotations

import errno
import os
import warnings
from collections.abc import Callable

from watchdog.observers.api import BaseObserver
from watchdog.observers.inotify import InotifyEmitter
from watchdog.observers.inotify_c import (
    CallbackId,
    InotifyEvent,
    InotifyFD,
    Mask,
    WatchCallback,
    WatchDescriptor,
)

IsWatched = Callable[[str], bool]
OnOverflow = Callable[[], None]
_OUT_OF_RESOURCES = (errno.ENOSPC, errno.EMFILE, errno.ENOMEM)


class InotifyObserver(BaseObserver):
    """Watches the folders for which is_watched(absolute path) is true.

    on_overflow is called after events were lost. start() raises OSError if a folder cannot be
    watched because a limit of the system is reached.
    """

    def __init__(self, is_watched: IsWatched, on_overflow: OnOverflow) -> None:
        """Create an inotify instance. Raises OSError (EMFILE) if the system has none left."""
        # watchdog warns so of its own second call for a folder made within another new one
        warnings.filterwarnings("ignore", "Callback with id .* already exists", RuntimeWarning)
        self._inotify = _Inotify(is_watched, on_overflow)
        self._inotify.start()
        super().__init__(InotifyEmitter, inotify_fd=self._inotify)

    @property
    def is_complete(self) -> bool:
        """Whether events are read, and every folder is watched, including those made since."""
        return self._inotify.is_alive() and self._inotify.limit is None

    def on_thread_start(self) -> None:
        """Watch the folders."""
        super().on_thread_start()
        if self._inotify.limit:
            raise self._inotify.limit

    def on_thread_stop(self) -> None:
        """Close the inotify instance."""
        super().on_thread_stop()
        self._inotify.stop()
        self._inotify.join()


class _Inotify(InotifyFD):
    """Watchdog's inotify instance. limit: the error of a folder for which no watch was left."""

    def __init__(self, is_watched: IsWatched, on_overflow: OnOverflow) -> None:
        super().__init__()
        self.limit: OSError | None = None
        self._is_watched = is_watched
        self._on_overflow = on_overflow

    def add_callback(
        self, path: bytes, mask: Mask, callback: WatchCallback, id_: CallbackId
    ) -> WatchDescriptor:
        """Watch one folder. If this raises OSError for a subfolder, watchdog leaves that out."""
        if not self._is_watched(os.fsdecode(path)):
            raise OSError(errno.EPERM, "not to be watched")
        if not os.access(path, os.R_OK):  # watchdog would take the -1 of the failure for a watch
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        try:
            return super().add_callback(path, mask, callback, id_)
        except OSError as error:
            if error.errno in _OUT_OF_RESOURCES:
                self.limit = error
            raise

    def handle_event(self, event: InotifyEvent) -> None:
        super().handle_event(event)
        if event.is_queue_overflow:
            self._on_overflow()  # last: new folders are watched already
