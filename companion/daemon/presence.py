"""Presence: which notes are open in an editor, as clients report it.

Background work leaves these notes alone.
"""

from __future__ import annotations

import threading
import time
import unicodedata
from collections.abc import Callable, Iterable
from itertools import islice
from typing import NamedTuple

_MAX_CLIENTS = 32  # of more, the one that has not reported for longest is forgotten
_MAX_PATHS = 1000  # of one client; the rest of its report is ignored


class Presence:
    """The notes that clients have open. Each report is valid for `lasts` seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, lasts: float = 30.0) -> None:
        self._clock = clock
        self._lasts = lasts
        self._lock = threading.Lock()
        self._reports: dict[str, _Report] = {}  # by client, the latest last

    def report(self, client: str, paths: Iterable[str]) -> None:
        """Replace the client's report: these vault-relative paths are all that it has open now."""
        opened = {fold_path(path): path for path in islice(paths, _MAX_PATHS)}
        with self._lock:
            self._reports.pop(client, None)
            if opened:
                self._reports[client] = _Report(opened, self._clock() + self._lasts)
            if len(self._reports) > _MAX_CLIENTS:
                del self._reports[next(iter(self._reports))]

    def is_open(self, path: str) -> bool:
        """Return whether a client has the note open; case and Unicode form of its path are ignored.

        macOS and Windows find a note under several spellings. Two notes whose paths differ only
        in these both count as open, and their background work waits.
        """
        folded = fold_path(path)
        return any(folded in report.paths for report in self._valid_reports())

    def open_paths(self) -> frozenset[str]:
        """Return the paths of the open notes, spelled as they were reported."""
        reports = self._valid_reports()
        return frozenset(path for report in reports for path in report.paths.values())

    def _valid_reports(self) -> list[_Report]:
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
    """Return the path in a form that is equal for all spellings that match without case.

    This is Unicode's canonical caseless matching (definition D145). It compares the path of a
    client with the one on the disk: macOS decomposes names (NFD), Obsidian composes them (NFC).
    """
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold())
