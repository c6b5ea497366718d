"""What the daemon remembers of notes between two looks: its own writes, and what it tried."""

from __future__ import annotations

import threading
import time
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

V = TypeVar("V")

_KEPT = 10_000  # notes; the oldest are forgotten, which costs a look

Fingerprint = tuple[int, int, int, int]


class Fingerprints:
    """What happened to notes here, for the reconciler to leave them alone. From any thread."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock = threading.Lock()
        self._own: dict[str, str] = {}
        self._tried: dict[str, Fingerprint | None] = {}
        self._after_scan: dict[str, Fingerprint | None] = {}

    def record_write(self, path: str, text: str) -> None:
        """Take down that this text was written into the note here."""
        with self._lock:
            _put(self._own, path, sha256(text.encode("utf-8")).hexdigest())

    def fingerprint(self, path: str) -> Fingerprint | None:
        """Return what is another one once somebody changes the note; None: it is not there."""
        return _read_fingerprint(self.root / path)

    def record_attempt(self, path: str, signature: Fingerprint | None) -> None:
        """Take down that nothing came of the note as it was with that signature."""
        with self._lock:
            _put(self._tried, path, signature)

    def has_changed(self, path: str) -> bool:
        """Whether the note is another than when this was asked before; at first, it is."""
        signature = _read_fingerprint(self.root / path)
        with self._lock:
            before = self._after_scan.get(path)
            _put(self._after_scan, path, signature)
        return signature not in (None, before)

    def is_own_write(self, path: str) -> bool:
        """Whether the note holds what was written into it here, so nobody else changed it."""
        with self._lock:
            digest = self._own.get(path)
        if digest is None:
            return False
        try:
            data = (self.root / path).read_bytes()
        except OSError:
            data = b""
        if sha256(data).hexdigest() == digest:
            return True
        with self._lock:
            self._own.pop(path, None)
        return False

    def is_attempted(self, path: str) -> bool:
        """Whether nothing came of the note, and it has not been changed since."""
        with self._lock:
            if path not in self._tried:
                return False
            signature = self._tried[path]
        if signature == _read_fingerprint(self.root / path):
            return True
        with self._lock:
            self._tried.pop(path, None)
        return False

    def seconds_to_settle(self, path: str, settle: float) -> float:
        """Return the seconds until nobody has changed the note for `settle` seconds.

        A time in the future says nothing; such a note rests from now on.
        """
        try:
            seen = (self.root / path).stat()
        except OSError:
            return settle
        age = time.time() - max(seen.st_mtime, seen.st_ctime)
        return min(settle, max(0.0, settle - age)) if age >= 0 else settle


def _put(known: dict[str, V], path: str, value: V) -> None:
    known.pop(path, None)
    known[path] = value
    if len(known) > _KEPT:
        del known[next(iter(known))]


def _read_fingerprint(file: Path) -> Fingerprint | None:
    try:
        seen = file.stat()
    except OSError:
        return None
    return seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns
