"""The reservation of one call: of tokens and money under the caps of a day, and its turn."""

from __future__ import annotations

from collections.abc import Callable

from companion.llm.rate_limiter import Turn
from companion.llm.response import Usage


class Reservation:
    """The estimated cost of one call, counted as spent until settled or released.

    A context manager, which releases it at the end unless it was settled, or `sent` is set: then
    the call may be billed, and the estimate stays. None of this raises: the answer matters more.
    turn: the call's turn at the endpoint, which ends with it. tier: the service tier at whose price
    it is paid; None: the usual one.
    """

    def __init__(self, settle: Callable[[Usage | None], None] | None = None) -> None:
        self.sent = False
        self.turn: Turn | None = None
        self.tier: str | None = None
        self._settle = settle

    def settle(self, usage: Usage | None) -> None:
        """Replace the estimate by the usage; it stays where the endpoint counts 0 tokens, or None.

        Only the first call has an effect.
        """
        settle, self._settle = self._settle, None
        if settle:
            settle(usage)
        turn, self.turn = self.turn, None
        if turn:
            turn.end(usage, sent=self.sent)

    def release(self) -> None:
        """Remove the estimate: nothing was paid."""
        self.settle(Usage())

    def __enter__(self) -> Reservation:
        return self

    def __exit__(self, *_: object) -> None:
        self.settle(None if self.sent else Usage())
