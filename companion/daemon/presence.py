"""The notes that are open in editors, as their plugins report."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from itertools import islice
from typing import NamedTuple

from companion.daemon.fingerprints import put_latest
from companion.vault.paths import fold_path

REPORT_LASTS = 45  # seconds that a client's report of its open notes is valid

_MAX_CLIENTS = 32  # of more, the one that has not reported for longest is forgotten
_MAX_PATHS = 1000  # of one client; the rest of its report is ignored


class Presence:
    """The notes that clients have open, as each reports them regularly."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._reports: dict[str, _OpenPaths] = {}  # by client, the latest last

    def report(self, client: str, paths: Iterable[str]) -> None:
        """Replace the client's report: these vault-relative paths are all that it has open now."""
        opened = {fold_path(path): path for path in islice(paths, _MAX_PATHS)}
        with self._lock:
            self._reports.pop(client, None)
            if opened:
                report = _OpenPaths(opened, self._clock() + REPORT_LASTS)
                put_latest(self._reports, client, report, _MAX_CLIENTS)

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

    def _valid_reports(self) -> list[_OpenPaths]:
        with self._lock:
            now = self._clock()
            self._reports = {
                client: report for client, report in self._reports.items() if now < report.until
            }
            return list(self._reports.values())


class _OpenPaths(NamedTuple):
    paths: dict[str, str]  # as reported, by their folded form
    until: float
