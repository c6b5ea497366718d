"""Progress in words, for a log, where no bar can be drawn: dots, and the progress of a download."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import Self

_SECONDS = 4.0  # of silence, after which something is written
_STEP = 0.05  # of a download between two words; a dot in between
_WIDTH = 90  # characters of a line

Write = Callable[[str], object]


class Pulse:
    """Writes a word whenever nothing was written for some seconds, to show that work continues.

    write: takes text, and shows it at once. word: returns what to write.
    """

    def __init__(self, write: Write, word: Callable[[], str] = lambda: ".") -> None:
        self._write = write
        self._word = word
        self._lock = Lock()
        self._is_over = Event()
        self._written_at = time.monotonic()
        self._thread = Thread(target=self._beat, name="pulse", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    def write(self, text: str) -> None:
        """Write text, between two words."""
        with self._lock:
            self._write(text)
            self._written_at = time.monotonic()

    def _beat(self) -> None:
        while not self._is_over.wait(max(0.1, self._written_at + _SECONDS - time.monotonic())):
            if time.monotonic() - self._written_at >= _SECONDS:
                self.write(self._word())


class DownloadWords:
    """Reports a download: `12%, 9.1 MB/s, 1:46 left`, then dots until 5% more have arrived."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._done = self._total = 0
        self._start: tuple[float, int] | None = None  # when, and how many bytes were there
        self._told = -1.0
        self._column = 0

    def update(self, done: int, total: int) -> None:
        """Take the bytes so far and the total; the total is 0 while unknown."""
        self._start = self._start or (self._clock(), done)
        self._done, self._total = done, total

    def __call__(self) -> str:
        """Return the next word, after a line end if the line is full."""
        share = self._done / self._total if self._total else 0.0
        word = "."
        if self._start and share >= self._told + _STEP:
            self._told = share
            word = f" {share:.0%}{self._speed(*self._start)} "
        is_full = self._column + len(word) > _WIDTH
        self._column = len(word) + (0 if is_full else self._column)
        return f"\n{word}" if is_full else word

    def _speed(self, begun: float, before: int) -> str:
        speed = (self._done - before) / max(self._clock() - begun, 0.001)
        if not speed:
            return ""
        minutes, seconds = divmod(round((self._total - self._done) / speed), 60)
        return f", {speed / 1e6:.1f} MB/s, {minutes}:{seconds:02} left"
