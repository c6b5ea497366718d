"""How signals end a run: the first one waits for calls under way, a second one gives them up."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from types import FrameType

from companion.cli.output import Output

# by name, for no system has them all
_STOP_SIGNALS = ("SIGINT", "SIGTERM", "SIGBREAK")
_EXIT_SIGNALS = ("SIGTERM", "SIGHUP", "SIGBREAK")
_SIGNAL_STATUS = 128  # shells add the signal's number to it for the exit status


@dataclass
class Interruption:
    """The signal that ended a run, as the exit status that shells expect of it; 0 if none did."""

    exit_status: int = 0


@contextmanager
def stop_on_signals(
    output: Output,
    cancelled: Event,
    stop: Callable[[], object],
    count_calls: Callable[[], int] | None = None,
    finished: str = "what is being written is finished first.",
) -> Iterator[Interruption]:
    """Set cancelled and call stop at the first Ctrl-C, SIGTERM or SIGBREAK.

    count_calls: returns how many calls are under way, for which the endpoint may charge; then
    stop, which breaks them off, is only called at the second signal. After that the handlers from
    before are restored, so that one more signal ends the program. finished: what goes on, in words.
    """
    interruption = Interruption()
    pending: list[int] = []

    def take(number: int, frame: FrameType | None) -> None:
        """Handle a signal once the one before it is handled: a stream cannot print in a print."""
        pending.append(number)
        if len(pending) > 1:
            return
        while pending:
            handle(pending[0])
            pending.pop(0)

    def handle(number: int) -> None:
        again = " Ctrl-C again to quit at once." if number == signal.SIGINT else ""
        interruption.exit_status = _SIGNAL_STATUS + number
        calls = count_calls() if count_calls else 0
        if count_calls and not cancelled.is_set():
            cancelled.set()
            wait = f"waiting for {_name_calls(calls)} under way; what is answered is kept."
            output.warn(f"Stopping: {wait if calls else finished}{again}")
            return
        restore()
        if calls:
            output.warn(f"Gave up {_name_calls(calls)}, for which the endpoint may charge.")
        elif not count_calls:
            output.warn(f"Stopping: {finished}{again}")
        cancelled.set()
        stop()

    def restore() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    numbers = [getattr(signal, name) for name in _STOP_SIGNALS if hasattr(signal, name)]
    previous = {number: signal.signal(number, take) for number in numbers}
    try:
        yield interruption
    finally:
        restore()


def _name_calls(calls: int) -> str:
    return "1 call" if calls == 1 else f"{calls} calls"


@contextmanager
def exit_on_signals() -> Iterator[None]:
    """Raise SystemExit at signals that would end the program without running finally blocks.

    SIGHUP is one: it is sent when the terminal is closed.
    """

    def handle(number: int, frame: FrameType | None) -> None:
        raise SystemExit(_SIGNAL_STATUS + number)

    numbers = [getattr(signal, name) for name in _EXIT_SIGNALS if hasattr(signal, name)]
    numbers = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    for number in numbers:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)
