"""The part of a day's spending that is set aside for one call."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from companion.llm.answer import Usage


class Reservation:
    """The estimate of one call, counted as spent until settled or released.

    As a context it is released at the end, unless it was settled, or `sent` is set: then the
    call may be billed, so its estimate stays. No end of it raises: the answer matters more.
    """

    def __init__(self, end: Callable[[Usage | None], None] | None = None) -> None:
        self.sent = False
        self._end = end

    def settle(self, usage: Usage) -> None:
        """Put what the call took in place of the estimate; a count of 0 was not told: it stays."""
        self._finish(usage)

    def release(self) -> None:
        """Take the estimate back: nothing was paid."""
        self._finish(Usage())

    def keep(self) -> None:
        """Leave the estimate as what was spent."""
        self._finish(None)

    def __enter__(self) -> Reservation:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.sent:
            self.keep()
        else:
            self.release()

    def _finish(self, usage: Usage | None) -> None:
        end, self._end = self._end, None
        if end:
            end(usage)
