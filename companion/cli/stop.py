"""Ctrl-C: the first one ends a run in good order, a second one ends the program."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType

from companion.cli.show import Show


@contextmanager
def stop_on_ctrl_c(show: Show, cancelled: Event, stop: Callable[[], object]) -> Iterator[None]:
    """Set the event and call stop at the first Ctrl-C."""

    def handle(number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, before)
        show.warn(
            "Stopping: what is being written is finished first. Ctrl-C again to quit at once."
        )
        cancelled.set()
        stop()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
