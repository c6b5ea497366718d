"""Scan hints: which notes to scan soon, and whether to scan the whole vault."""

from __future__ import annotations

import threading
import time

_GATHER = 0.2  # seconds in which further hints are gathered before a scan
_MAX_GATHER = 5.0  # seconds, if a scan of the whole vault takes long


class ScanHints:
    """The hints that the reconciler has not taken yet. Safe to use from any thread."""

    def __init__(self) -> None:
        self.is_stopped = False
        self._changed = threading.Condition()
        self._hints: dict[str, float] = {}  # time of the last event, by path
        self._moves: list[tuple[str, str]] = []  # old and new path, in order
        self._whole = True
        self._requested, self._done = 1, 0  # scans of the whole vault, by number

    def add(self, path: str | None) -> None:
        """Have the note scanned soon; None: the whole vault."""
        with self._changed:
            if path is None:
                self._whole = True
            else:
                self._hints[path] = time.monotonic()
            self._changed.notify_all()

    def add_move(self, old: str, new: str) -> None:
        """Record that a note or a folder was moved; the watcher also adds hints of both paths."""
        with self._changed:
            self._moves.append((old, new))

    def request_scan(self, timeout: float) -> None:
        """Return once the whole vault has been scanned again, or after `timeout` seconds."""
        with self._changed:
            self._whole = True
            self._requested += 1
            number = self._requested
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._done >= number or self.is_stopped, timeout)

    def take(self, until: float, scan_seconds: float) -> tuple[dict[str, float], bool, int]:
        """Wait for hints, at most until then (monotonic clock), and take them.

        scan_seconds: how long a scan of the whole vault takes; if it is long, hints are gathered
        for longer. Returns the time of the last event by path, whether to scan the whole vault, and
        the number of that scan.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._hints or self._whole or self.is_stopped,
                max(0.0, until - time.monotonic()),
            )
            gather = _GATHER
            if self._whole:
                gather = max(_GATHER, min(scan_seconds * 10, _MAX_GATHER))
            if self._hints or self._whole:
                self._changed.wait_for(
                    lambda: self.is_stopped or self._requested > self._done, gather
                )
            taken = self._hints, self._whole, self._requested
            self._hints, self._whole = {}, False
            return taken

    def take_moves(self) -> list[tuple[str, str]]:
        """Take the moves since the last call: pairs of an old and a new path, in order."""
        with self._changed:
            moves, self._moves = self._moves, []
            return moves

    def count(self) -> int:
        """Return how many notes have a hint that has not been taken yet."""
        with self._changed:
            return len(self._hints)

    def finish_scan(self, number: int) -> None:
        """Wake the callers that wait for the scan of the whole vault of this number."""
        with self._changed:
            self._done = number
            self._changed.notify_all()

    def stop(self) -> None:
        """Wake all threads that wait, for the last time."""
        with self._changed:
            self.is_stopped = True
            self._changed.notify_all()
