"""How a run ends early: the first Ctrl-C ends it in good order, a second one the program, too."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType

from companion.cli.show import Show

_ENDING = ("SIGTERM", "SIGHUP", "SIGBREAK")
_SIGNALLED = 128  # a shell's exit status of what a signal ended begins there


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


@contextmanager
def exit_on_signals() -> Iterator[None]:
    """Leave by SystemExit where the program would end at once, as when its terminal is closed."""

    def handle(number: int, frame: FrameType | None) -> None:
        raise SystemExit(_SIGNALLED + number)

    named = (getattr(signal, name, None) for name in _ENDING)
    numbers = [n for n in named if n is not None and signal.getsignal(n) is signal.SIG_DFL]
    for number in numbers:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)
