"""How a run ends early: the first signal ends it in good order, a second one the program, too."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from types import FrameType

from companion.cli import INTERRUPTED
from companion.cli.show import Show

_STOPPING = ("SIGINT", "SIGTERM", "SIGBREAK")
_ENDING = ("SIGTERM", "SIGHUP", "SIGBREAK")
_SIGNALLED = 128  # a shell's exit status of what a signal ended begins there


@dataclass
class Ending:
    """How a run ended. status: the exit status, where a signal ended it."""

    status: int = INTERRUPTED


@contextmanager
def stop_on_signals(show: Show, cancelled: Event, stop: Callable[[], object]) -> Iterator[Ending]:
    """Set the event and call stop at the first Ctrl-C, or another signal to end."""
    ending = Ending()

    def handle(number: int, frame: FrameType | None) -> None:
        restore()
        ending.status = _SIGNALLED + number
        again = " Ctrl-C again to quit at once." if number == signal.SIGINT else ""
        show.warn(f"Stopping: what is being written is finished first.{again}")
        cancelled.set()
        stop()

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    numbers = [found for name in _STOPPING if (found := getattr(signal, name, None)) is not None]
    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield ending
    finally:
        restore()


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
