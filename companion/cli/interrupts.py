"""How signals end a run: the first one waits for calls under way, a second one gives them up."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

from companion.cli.output import Output

# by name, for no system has them all
_STOP_SIGNALS = ("SIGINT", "SIGTERM", "SIGBREAK")
_EXIT_SIGNALS = ("SIGTERM", "SIGHUP", "SIGBREAK")
_WRITES = "what is being written is finished first."
_SIGNAL_STATUS = 128  # shells add the signal's number to it for the exit status


@dataclass
class Interruption:
    """The signal that ended a run, as the exit status that shells expect; 0 if none did."""

    exit_status: int = 0


@contextmanager
def stop_on_signals(
    output: Output,
    cancel: Callable[[], str | None],
    give_up: Callable[[], int] | None = None,
) -> Iterator[Interruption]:
    """Call cancel at the first Ctrl-C, SIGTERM or SIGBREAK, and give_up at the second one.

    cancel: begins no further note, and says what is finished first; None: the writes in progress.
    give_up: breaks off the calls that were to be finished, and returns their number, since the
    endpoint may charge for them. Afterwards the earlier handlers are back, so that one more signal
    ends the program.
    """
    interruption = Interruption()
    pending: list[int] = []

    def take(number: int, frame: FrameType | None) -> None:
        """Handle one signal after the other: a stream cannot print inside a print."""
        pending.append(number)
        if len(pending) > 1:
            return
        while pending:
            handle(pending[0])
            pending.pop(0)

    def handle(number: int) -> None:
        is_first, interruption.exit_status = not interruption.exit_status, _SIGNAL_STATUS + number
        if is_first:
            if give_up is None:
                restore()
            again = " Ctrl-C again to quit at once." if number == signal.SIGINT else ""
            output.warn(f"Stopping: {cancel() or _WRITES}{again}")
            return
        restore()
        if give_up and (calls := give_up()):
            named = "1 call" if calls == 1 else f"{calls} calls"
            output.warn(f"Gave up {named}, for which the endpoint may charge.")

    def restore() -> None:
        for number, handler in previous.items():
            signal.signal(number, handler)

    numbers = [getattr(signal, name) for name in _STOP_SIGNALS if hasattr(signal, name)]
    previous = {number: signal.signal(number, take) for number in numbers}
    try:
        yield interruption
    finally:
        restore()


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
