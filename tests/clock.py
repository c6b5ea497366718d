"""A clock that a test sets."""


class Clock:
    """Says the same time until a test sets `now`."""

    def __init__(self, now: float = 100.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
