"""Answers that are held back until there is news, without using up the server's threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from flask import current_app, request

from companion.daemon.runs import Run

EXTENSION = "companion-waiters"
WAITERS = 4  # of the server's threads may wait; whoever comes then is answered at once

_LOOKS = 0.5  # seconds between two looks whether the client is gone or the daemon stops


class Waiters:
    """The requests that wait. Once closing is set, none waits any more."""

    def __init__(self, closing: threading.Event, most: int = WAITERS) -> None:
        self._closing = closing
        self._places = threading.BoundedSemaphore(most)

    def wait(self, run: Run, number: int, seconds: float, is_gone: Callable[[], bool]) -> None:
        """Return once the run has a result after that number or is over, or the time is up.

        At once when all places are taken. is_gone: whether nobody waits for the answer any more.
        """
        if not self._places.acquire(blocking=False):
            return
        try:
            ends = time.monotonic() + seconds
            while (left := ends - time.monotonic()) > 0 and not self._closing.is_set():
                run.wait(number, min(left, _LOOKS))
                if run.is_over or run.since(number) or is_gone():
                    return
        finally:
            self._places.release()


def wait_for_result(run: Run, number: int, seconds: float) -> None:
    """Wait for a result of the run, as the current request asks."""
    waiters: Waiters = current_app.extensions[EXTENSION]
    is_gone = request.environ.get("waitress.client_disconnected", lambda: False)
    waiters.wait(run, number, seconds, is_gone)
