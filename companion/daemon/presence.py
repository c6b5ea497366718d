"""Which notes are open in an editor, as its plugin reports; background work leaves them alone."""

from __future__ import annotations

import threading
import time
import unicodedata
from collections.abc import Callable, Iterable
from itertools import islice
from typing import NamedTuple

_CLIENTS = 32  # side by side; when one more reports, the one silent for longest is forgotten
_PATHS = 1000  # of one client; the rest of its report is ignored


class Presence:
    """The notes that clients have open; each report is believed for `lasts` seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, lasts: float = 30.0) -> None:
        self._clock = clock
        self._lasts = lasts
        self._lock = threading.Lock()
        self._reports: dict[str, _Report] = {}  # by client, the latest last

    def report(self, client: str, paths: Iterable[str]) -> None:
        """Take these vault-relative paths for all that the client has open now; none: nothing."""
        opened = {fold_path(path): path for path in islice(paths, _PATHS)}
        with self._lock:
            self._reports.pop(client, None)
            if opened:
                self._reports[client] = _Report(opened, self._clock() + self._lasts)
            if len(self._reports) > _CLIENTS:
                del self._reports[next(iter(self._reports))]

    def is_open(self, path: str) -> bool:
        """Return whether some client has the note open, by its path in any case and composition.

        macOS and Windows give one note under several spellings. Where two notes differ in no
        more than that, both count as open: their background work waits, nothing worse.
        """
        wanted = fold_path(path)
        return any(wanted in report.paths for report in self._believed())

    def open_paths(self) -> frozenset[str]:
        """Return the paths of the open notes as they were reported; compare with `is_open`."""
        reports = self._believed()
        return frozenset(path for report in reports for path in report.paths.values())

    def _believed(self) -> list[_Report]:
        with self._lock:
            now = self._clock()
            self._reports = {
                client: report for client, report in self._reports.items() if now < report.until
            }
            return list(self._reports.values())


class _Report(NamedTuple):
    paths: dict[str, str]  # as reported, by their folded form
    until: float


def fold_path(path: str) -> str:
    """Return what all spellings of a path share (Unicode's canonical caseless match, D145)."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold())
