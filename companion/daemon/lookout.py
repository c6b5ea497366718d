"""The watch over a vault, set up again whenever it is lost; where there can be none, why."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

from companion.vault.watch import Watch, WatchUnavailable

_TRY_AGAIN = 300.0  # seconds: a try goes through all folders
_log = logging.getLogger(__name__)


class Lookout:
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
