"""How signals end a run: the first waits for calls in progress, a second gives them up."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from companion.cli.output import Output

# by name, since no system has all of them
_STOP_SIGNALS = ("SIGINT", "SIGTERM", "SIGBREAK")
_EXIT_SIGNALS = ("SIGTERM", "SIGHUP", "SIGBREAK")
_WRITES = "what is being written is finished first."
_SIGNAL_STATUS = 128  # shells add the signal's number to it for the exit status


class StopSignals:
    """Calls cancel at the first Ctrl-C, SIGTERM or SIGBREAK of its block, give_up at the second.

    cancel: begins no further note, and returns what is finished first; None: current writes.
    give_up: breaks off the calls that were to be finished, and returns their number, since the
    endpoint may charge for them. Afterwards the earlier handlers are back, so one more signal ends
    the program.

    exit_status: of a program that a signal ended, as shells expect it; 0 while there was none.
    """

    def __init__(
        self,
        output: Output,
        cancel: Callable[[], str | None],
        give_up: Callable[[], int] | None = None,
    ) -> None:
        self._output, self._cancel, self._give_up = output, cancel, give_up
        self.exit_status = 0
        self._pending: list[int] = []
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> StopSignals:
        numbers = [getattr(signal, name) for name in _STOP_SIGNALS if hasattr(signal, name)]
        self._previous = {number: signal.signal(number, self._take) for number in numbers}
        return self

    def __exit__(self, *error: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    def _take(self, number: int, frame: FrameType | None) -> None:
        """Handle one signal after the other, since a stream cannot print inside a print."""
        self._pending.append(number)
        if len(self._pending) > 1:
            return
        while self._pending:
            self._handle(self._pending[0])
            self._pending.pop(0)

    def _handle(self, number: int) -> None:
        is_first, self.exit_status = not self.exit_status, _SIGNAL_STATUS + number
        if not is_first or self._give_up is None:
            self.__exit__()
        if is_first:
            again = " Ctrl-C again to quit at once." if number == signal.SIGINT else ""
            self._output.warn(f"Stopping: {self._cancel() or _WRITES}{again}")
        elif self._give_up and (calls := self._give_up()):
            named = "1 call" if calls == 1 else f"{calls} calls"
            self._output.warn(f"Gave up {named}, for which the endpoint may charge.")


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
