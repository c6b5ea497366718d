"""Fingerprints of notes, to recognise what the daemon wrote, or tried without success."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from companion.enrich.result import Result
from companion.vault.files import FileFingerprint, read_fingerprint

K = TypeVar("K")
V = TypeVar("V")

_MAX_NOTES = 10_000  # of more, the oldest are forgotten, and checked once more


class Fingerprints:
    """Which notes of the vault at root are unchanged since the daemon worked on them.

    Safe to use from any thread; paths are vault-relative.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock = threading.Lock()
        self._written: dict[str, str] = {}  # SHA-256, by path
        self._attempted: dict[str, object] = {}  # its basis
        self._last_checked: dict[str, FileFingerprint | None] = {}

    def record_result(self, result: Result) -> None:
        """Record the text that the daemon wrote to the note, if it wrote any."""
        if result.change is not None and result.new:  # else an editor wrote it
            self.record_write(result.path, result.new.encode("utf-8"))

    def record_write(self, path: str, data: bytes) -> None:
        """Record that the daemon wrote this to the note."""
        with self._lock:
            put_latest(self._written, path, sha256(data).hexdigest(), _MAX_NOTES)

    def fingerprint(self, path: str) -> FileFingerprint | None:
        """Return the fingerprint of the note's file, None if it is missing."""
        return read_fingerprint(self.root / path)

    def record_attempt(self, path: str, basis: object) -> None:
        """Record that an attempt on the note, on this basis, gave no result."""
        with self._lock:
            put_latest(self._attempted, path, basis, _MAX_NOTES)

    def has_changed(self, path: str) -> bool:
        """Return whether the note has changed since the last call; True on the first one."""
        fingerprint = read_fingerprint(self.root / path)
        with self._lock:
            before = self._last_checked.get(path)
            put_latest(self._last_checked, path, fingerprint, _MAX_NOTES)
        return fingerprint not in (None, before)

    def is_own_write(self, path: str) -> bool:
        """Return whether the note still holds the text that the daemon wrote last."""
        with self._lock:
            digest = self._written.get(path)
        if digest is None:
            return False
        try:
            data = (self.root / path).read_bytes()
        except OSError:
            data = b""
        return sha256(data).hexdigest() == digest

    def is_attempted(self, path: str, find_basis: Callable[[str], object]) -> bool:
        """Return whether the last attempt gave no result, and the next one has the same basis.

        find_basis: returns that of an attempt on a note.
        """
        with self._lock:
            basis = self._attempted.get(path)
        return basis is not None and basis == find_basis(path)

    def seconds_to_settle(self, path: str, settle: float) -> float:
        """Return how many more seconds the note must stay unchanged, to reach `settle` seconds.

        A modification time in the future counts as now.
        """
        try:
            stat = (self.root / path).stat()
        except OSError:
            return settle
        age = time.time() - max(stat.st_mtime, stat.st_ctime)
        return min(settle, max(0.0, settle - age)) if age >= 0 else settle


def put_latest(values: dict[K, V], key: K, value: V, most: int) -> None:
    """Set the value as the latest one; if there are too many, drop the oldest."""
    values.pop(key, None)
    values[key] = value
    if len(values) > most:
        del values[next(iter(values))]
