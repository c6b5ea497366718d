"""Watch folders with Linux' inotify, by way of classes that watchdog does not document.

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

Wanted = Callable[[str], bool]
Overflowed = Callable[[], None]
_LIMITS = (errno.ENOSPC, errno.EMFILE, errno.ENOMEM)


class InotifyObserver(BaseObserver):
    """Watches the folders that wanted(absolute path) names; says when events were lost.

    start() raises OSError when one of them cannot be watched for want of resources.
    """

    def __init__(self, wanted: Wanted, overflowed: Overflowed) -> None:
        """Take an inotify instance. Raises OSError (EMFILE) when there is none left."""
        # of each folder made within another new one, though the second call is watchdog's own
        warnings.filterwarnings("ignore", "Callback with id .* already exists", RuntimeWarning)
        self._inotify = _Inotify(wanted, overflowed)
        self._inotify.start()
        super().__init__(InotifyEmitter, inotify_fd=self._inotify)

    @property
    def is_complete(self) -> bool:
        """Whether events are read, and every folder has its watch, those made since included."""
        return self._inotify.is_alive() and self._inotify.limit is None

    def on_thread_start(self) -> None:
        """Set the watches."""
        super().on_thread_start()
        if self._inotify.limit:
            raise self._inotify.limit

    def on_thread_stop(self) -> None:
        """Give the instance back."""
        super().on_thread_stop()
        self._inotify.stop()
        self._inotify.join()


class _Inotify(InotifyFD):
    def __init__(self, wanted: Wanted, overflowed: Overflowed) -> None:
        super().__init__()
        self.limit: OSError | None = None
        self._wanted = wanted
        self._overflowed = overflowed

    def add_callback(
        self, path: bytes, mask: Mask, callback: WatchCallback, id_: CallbackId
    ) -> WatchDescriptor:
        """Watch one folder. watchdog leaves a subfolder out for which this raises OSError."""
        if not self._wanted(os.fsdecode(path)):
            raise OSError(errno.EPERM, "not to be watched")
        if not os.access(path, os.R_OK):  # else watchdog takes the failure's -1 for a watch
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        try:
            return super().add_callback(path, mask, callback, id_)
        except OSError as error:
            if error.errno in _LIMITS:
                self.limit = error
            raise

    def handle_event(self, event: InotifyEvent) -> None:
        super().handle_event(event)
        if event.is_queue_overflow:  # once the watches are set anew, so that nothing slips through
            self._overflowed()
