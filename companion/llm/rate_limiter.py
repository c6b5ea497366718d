"""The rate limiter: lets calls go as an endpoint takes them a minute, of all processes together.

The limits are those of the settings and those that the endpoint reports with its replies, in the
headers that OpenAI began with (platform.openai.com/docs/guides/rate-limits). A call waits in line.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from companion.llm.budget_store import BudgetFileUnusable
from companion.llm.endpoint import Endpoint
from companion.llm.rate_limit_store import Bound, Ended, Kind, RateLimitStore, Report, Taken
from companion.llm.response import Usage
from companion.sqlite import GroupCommit

T = TypeVar("T")

_KINDS: tuple[Kind, ...] = ("requests", "tokens")
_MAX_TOKENS = 10**9  # of one call; whatever an endpoint claims, the sums fit SQLite's integers
_LEAST_TOLD = 2  # looks that a call waits through before that is told: the first is soon over
_COUNT = re.compile(r"\d{1,12}")
_PART = r"(\d{1,12}(?:\.\d{1,9})?)(h|ms|m|s|us|µs|ns)"  # as Go writes a duration
_DURATION = re.compile(rf"(?:{_PART})+")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_WHY: dict[Bound, str] = {  # calls wait
    "setting": "at most {most:,} {what} a minute ({kind}_a_minute)",
    "reported": "the endpoint limits the {kind} a minute",
    "remaining": "the endpoint has no {kind} left for now",
}
_log = logging.getLogger(__name__)


class RateLimiter:
    """Lets calls to an endpoint go within its limits a minute. Safe for threads; close() it.

    file: that of the budget. waits: why calls of this process wait now, in words; empty if none
    does. tell: called with it at each look of a call that waits, and once none does any more; it
    must not come back here.

    Nothing here raises: where the file is unusable, calls go at once, after a warning, and the
    endpoint has to refuse what is too much.
    """

    def __init__(
        self, file: Path, endpoint: Endpoint, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.waits = ""
        self.tell: Callable[[str], object] = bool
        self._store = RateLimitStore(file, f"{endpoint.model} at {endpoint.address}", clock)
        self._settings: dict[Kind, int | None] = {
            "requests": endpoint.requests_a_minute,
            "tokens": endpoint.tokens_a_minute,
        }
        self._lock = threading.RLock()
        self._taken = GroupCommit(self._take_free, self._lock)
        self._ended = GroupCommit(self._end_all, self._lock)
        self._waiting: dict[Turn, str] = {}
        self._warned = False

    def line_up(self, tokens: int, *, can_wait: bool = False) -> Turn:
        """Return the turn of a call that may take these tokens.

        can_wait: nobody waits for its answer alone; calls for which somebody does go first.
        """
        return Turn(self, tokens, can_wait=can_wait)

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        with self._lock:
            self._store.close()

    def take(self, turn: Turn) -> Taken | None:
        """Return the turn as it stands now; None: nothing can be kept."""
        is_free = turn.id is None and all(most is None for most in self._settings.values())
        if is_free and (taken := self._taken.write(turn.tokens)):
            return taken
        mine = turn.id, turn.tokens, self._settings
        taken = self._use(lambda store: store.take(*mine, can_wait=turn.can_wait))
        self._tell(turn, taken)
        return taken

    def end(self, ended: Ended) -> None:
        """Record what a call took, and when it was sent."""
        self._ended.write(ended)

    def remove(self, turn: Turn, id_: int) -> None:
        """Remove the turn of a call that did not go out."""
        self._use(lambda store: store.remove(id_))
        self._tell(turn, None)

    def record(self, headers: Mapping[str, str], turn: int, let_go: float) -> None:
        """Record the limits that the headers of a reply report. let_go: when its call was."""
        for kind in _KINDS:
            if (report := read_report(headers, kind)) != Report():
                record = partial(
                    RateLimitStore.record, kind=kind, report=report, turn=turn, let_go=let_go
                )
                self._use(record)

    def _take_free(self, tokens: Sequence[int]) -> Sequence[Taken | None]:
        taken: Sequence[Taken] | None = self._use(lambda store: store.take_free(tokens))
        return taken or [None] * len(tokens)

    def _end_all(self, ended: Sequence[Ended]) -> Sequence[None]:
        self._use(lambda store: store.end(ended))
        return [None] * len(ended)

    def _use(self, work: Callable[[RateLimitStore], T]) -> T | None:
        with self._lock:
            try:
                return work(self._store)
            except BudgetFileUnusable as error:
                if not self._warned:
                    _log.warning("Limits a minute are not kept: %s", error)
                self._warned = True
                return None

    def _tell(self, turn: Turn, taken: Taken | None) -> None:
        """Keep why calls wait, in words: the reason of the one that waits longest."""
        with self._lock:
            if not (taken and taken.wait):
                self._waiting.pop(turn, None)
            elif turn.looks >= _LEAST_TOLD:
                kind, most = taken.kind, self._settings[taken.kind] or 0
                what = kind if most > 1 else kind.removesuffix("s")
                self._waiting[turn] = _WHY[taken.bound].format(kind=kind, most=most, what=what)
            before, self.waits = self.waits, next(iter(self._waiting.values()), "")
            if before or self.waits:
                self.tell(self.waits)


class Turn:
    """One call's turn. looks: how often it was asked for. sent_at: when the call was sent."""

    def __init__(self, limiter: RateLimiter, tokens: int, *, can_wait: bool) -> None:
        self.tokens = min(tokens, _MAX_TOKENS)
        self.can_wait = can_wait
        self.id: int | None = None
        self.looks = 0
        self.sent_at: float | None = None
        self._let_go = 0.0
        self._limiter = limiter

    def take(self) -> float:
        """Return 0 if the call may go now; else the seconds after which to ask again."""
        taken = self._limiter.take(self)
        if taken is None:
            return 0.0
        self.id, self._let_go = taken.id, taken.at
        self.looks += 1
        return taken.wait

    def record(self, headers: Mapping[str, str]) -> None:
        """Record the limits that the headers of the call's reply report."""
        if self.id is not None:
            self._limiter.record(headers, self.id, self._let_go)

    def end(self, usage: Usage | None, *, sent: bool) -> None:
        """End the turn. usage: what the call took; None: not known. sent: it may have arrived."""
        if self.id is None:
            return
        if not sent:
            self._limiter.remove(self, self.id)
        elif usage is not None:
            is_told = (usage.input_tokens and usage.output_tokens) or not usage.calls
            tokens = min(usage.input_tokens + usage.output_tokens, _MAX_TOKENS)
            self._limiter.end(Ended(self.id, tokens if is_told else None, self.sent_at))


def read_report(headers: Mapping[str, str], kind: Kind) -> Report:
    """Return what the headers of a reply say of a limit; what makes no sense is left out."""
    limit, remaining, reset = (
        headers.get(f"x-ratelimit-{name}-{kind}", "").strip()
        for name in ("limit", "remaining", "reset")
    )
    seconds = _read_duration(reset)
    left = int(remaining) if _COUNT.fullmatch(remaining) else None
    return Report(
        int(limit) or None if _COUNT.fullmatch(limit) else None,
        left if seconds is not None else None,
        seconds if left is not None else None,
    )


def _read_duration(text: str) -> float | None:
    """Return the seconds of a duration such as `6m0s`, `120ms` or `1.5`; None where it is none."""
    if re.fullmatch(r"\d{1,12}(\.\d{1,9})?", text):
        return float(text)
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in re.findall(_PART, text))
