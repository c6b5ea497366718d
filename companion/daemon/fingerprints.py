"""What the daemon remembers of notes between two looks: its own writes, and what it tried."""

from __future__ import annotations

import threading
import time
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

V = TypeVar("V")

_KEPT = 10_000  # notes; the oldest are forgotten, which costs a look

Signature = tuple[int, int, int, int]


class Fingerprints:
    """What happened to notes here, for the reconciler to leave them alone. From any thread."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._lock = threading.Lock()
        self._own: dict[str, str] = {}
        self._tried: dict[str, Signature | None] = {}
        self._looked: dict[str, Signature | None] = {}

    def wrote(self, path: str, text: str) -> None:
        """Take down that this text was written into the note here."""
        with self._lock:
            _put(self._own, path, sha256(text.encode("utf-8")).hexdigest())

    def signature(self, path: str) -> Signature | None:
        """Return what is another one once somebody changes the note; None: it is not there."""
        return _signature(self.root / path)

    def tried(self, path: str, signature: Signature | None) -> None:
        """Take down that nothing came of the note as it was with that signature."""
        with self._lock:
            _put(self._tried, path, signature)

    def has_changed(self, path: str) -> bool:
        """Whether the note is another than when this was asked before; at first, it is."""
        signature = _signature(self.root / path)
        with self._lock:
            before = self._looked.get(path)
            _put(self._looked, path, signature)
        return signature not in (None, before)

    def is_own(self, path: str) -> bool:
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

    def is_tried(self, path: str) -> bool:
        """Whether nothing came of the note, and it has not been changed since."""
        with self._lock:
            if path not in self._tried:
                return False
            signature = self._tried[path]
        if signature == _signature(self.root / path):
            return True
        with self._lock:
            self._tried.pop(path, None)
        return False

    def rests_for(self, path: str, settle: float) -> float:
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


def _signature(file: Path) -> Signature | None:
    try:
        seen = file.stat()
    except OSError:
        return None
    return seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns
