"""The rate limiter: lets this process's calls go at the rate a minute that an endpoint allows.

The limits are the one in the settings and those that the endpoint reports with its replies, in the
headers that OpenAI introduced (platform.openai.com/docs/guides/rate-limits). What other processes
use shows in what it reports as remaining, and in a 429 with Retry-After.

No library does this: pyrate-limiter keeps fixed limits, and counts a call's estimate, not its
actual usage.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from itertools import count, takewhile
from typing import Literal, NamedTuple

from companion.llm.endpoint import Endpoint
from companion.llm.response import Usage, read_duration

Kind = Literal["requests", "tokens"]

_KINDS: tuple[Kind, ...] = ("requests", "tokens")
_AT_MISTRAL: dict[Kind, str] = {"requests": "req-minute", "tokens": "tokens-minute"}
_WINDOW = 60.0  # seconds that a call counts from when it arrives
_ARRIVES = 0.5  # seconds until what was sent has surely arrived
_SENT = 10.0  # seconds until a call that was let go has surely been sent: it connects first
_POLL = 0.2  # seconds between two looks of a call that waits
_LEAST_TOLD = 5  # checks that a call waits through before that is shown: the first waits are short
_BELIEVED = 600.0  # seconds that a reported limit holds without being reported again
_NO_LIMIT = 2**62
_MAX_TOKENS = 10**9  # of one call, whatever an endpoint claims
_COUNT = re.compile(r"\d{1,12}")


class Report(NamedTuple):
    """What an endpoint reports about a limit. reset: seconds until all of it is available again."""

    limit: int | None = None
    remaining: int | None = None
    reset: float | None = None


class _Limit(NamedTuple):
    """A limit that was reported. most: how much of the kind may be in the window until then."""

    at: float
    a_minute: int = _NO_LIMIT
    most: int = _NO_LIMIT
    until: float = 0.0


class Turn:
    """The turn of a call that may use these tokens; later, the tokens it used.

    can_wait: nobody waits for this answer alone. looks: how often it was asked for. reason: why it
    waits. granted: how much had been let go with it. counts_until: until when it counts. sent_at:
    when its request had been sent, by the limiter's clock.
    """

    _numbers = count()

    def __init__(self, limiter: RateLimiter, tokens: int, *, can_wait: bool = False) -> None:
        self.tokens = min(tokens, _MAX_TOKENS)
        self.place = can_wait, next(Turn._numbers)
        self.looks = 0
        self.reason = ""
        self.granted: Mapping[Kind, int] = {}
        self.counts_until = 0.0
        self.sent_at: float | None = None
        self._limiter = limiter

    def amount(self, kind: Kind) -> int:
        """Return how much of a limit it uses."""
        return 1 if kind == "requests" else self.tokens

    def take(self) -> float:
        """Return 0 if the call may go now; else the seconds after which to ask again."""
        self.looks += 1
        return self._limiter.take(self)

    def record(self, headers: Mapping[str, str]) -> None:
        """Record the limits that the headers of the call's reply report."""
        self._limiter.record(headers, self)

    def end(self, usage: Usage | None, *, sent: bool) -> None:
        """End the turn. usage: what the call used; None: unknown. sent: it may have arrived."""
        self._limiter.end(self, usage, sent=sent)


class RateLimiter:
    """Lets calls to an endpoint go within its limits a minute. Safe to use from any thread.

    waits: why calls wait now, in words; empty if none does. tell: called with it each time a
    waiting call checks, and once none waits any more; it must not call this object.
    """

    def __init__(self, endpoint: Endpoint, clock: Callable[[], float] = time.monotonic) -> None:
        self.waits = ""
        self.tell: Callable[[str], object] = bool
        self._clock = clock
        self._setting = endpoint.requests_a_minute
        self._lock = threading.RLock()
        self._recent: list[Turn] = []  # those that count
        self._counted_at = 0.0  # when these were last determined
        self._used: dict[Kind, int] = dict.fromkeys(_KINDS, 0)  # by these
        self._granted: dict[Kind, int] = dict.fromkeys(_KINDS, 0)  # by all so far
        self._line: list[Turn] = []  # in the order in which they go
        self._reported: dict[Kind, _Limit] = {}
        self._held_until = 0.0

    def line_up(self, tokens: int, *, can_wait: bool = False) -> Turn:
        """Return the turn of a call that may use these tokens.

        can_wait: nobody waits for its answer alone; calls that somebody waits for go first.
        """
        return Turn(self, tokens, can_wait=can_wait)

    def hold(self, seconds: float) -> None:
        """Let no call go for so many seconds, as the endpoint asked."""
        with self._lock:
            until = self._clock() + min(seconds, _WINDOW)
            self._held_until = max(self._held_until, until)

    def take(self, turn: Turn) -> float:
        """Return 0 if the call may go now, after all that go before it; else seconds to wait."""
        with self._lock:
            now = self._clock()
            if turn not in self._line:
                self._line.append(turn)
                self._line.sort(key=lambda each: each.place)
            turn.reason = self._find_obstacle(turn, now)
            if not turn.reason:
                turn.counts_until = now + _SENT + _WINDOW
                self._line.remove(turn)
                self._recent.append(turn)
                for kind in _KINDS:
                    self._used[kind] += turn.amount(kind)
                    self._granted[kind] += turn.amount(kind)
                turn.granted = dict(self._granted)
            self._tell()
            return _POLL if turn.reason else 0.0

    def end(self, turn: Turn, usage: Usage | None, *, sent: bool) -> None:
        """Replace the estimate for a call by what it used, counted from when the call arrived.

        A call that was not sent counts for nothing.
        """
        with self._lock:
            now = self._clock()
            if not sent:
                self._remove(turn)
            elif usage and turn.counts_until > now:
                arrived = now if turn.sent_at is None else min(now, turn.sent_at + _ARRIVES)
                turn.counts_until = arrived + _WINDOW
                if (usage.input_tokens and usage.output_tokens) or not usage.calls:
                    tokens = min(usage.input_tokens + usage.output_tokens, _MAX_TOKENS)
                    self._used["tokens"] += tokens - turn.tokens
                    turn.tokens = tokens

    def _remove(self, turn: Turn) -> None:
        if turn in self._line:
            self._line.remove(turn)
        elif turn in self._recent:
            self._recent.remove(turn)
            for kind in _KINDS:
                self._used[kind] -= turn.amount(kind)
        self._tell()

    def record(self, headers: Mapping[str, str], turn: Turn) -> None:
        """Record the limits that the headers of the reply to a call report.

        What remains then is in addition to what had been let go until that call; it is valid until
        all of the limit is available again, but no longer than the window.
        """
        for kind in _KINDS:
            limit, remaining, reset = report = read_report(headers, kind)
            if report == Report():
                continue
            with self._lock:
                now = self._clock()
                most = _NO_LIMIT
                if remaining is not None:
                    self._count(now)
                    later = self._granted[kind] - turn.granted.get(kind, self._granted[kind])
                    most = max(0, self._used[kind] - later) + remaining
                until = now + min(reset or 0.0, _WINDOW)
                self._reported[kind] = _Limit(now, limit or _NO_LIMIT, most, until)

    def _count(self, now: float) -> None:
        """Find the calls that the endpoint may have got within the last minute."""
        if now < self._counted_at + _POLL:
            return  # of a large limit there are thousands
        self._counted_at = now
        self._recent = [turn for turn in self._recent if turn.counts_until > now]
        for kind in _KINDS:
            self._used[kind] = sum(turn.amount(kind) for turn in self._recent)

    def _find_obstacle(self, turn: Turn, now: float) -> str:
        """Return why the call waits; empty: it fits under all limits."""
        if now < self._held_until:
            return "the endpoint has no requests left for now"
        self._count(now)
        ahead = list(takewhile(lambda each: each is not turn, self._line))
        for kind in _KINDS:
            setting = (kind == "requests" and self._setting) or _NO_LIMIT
            limit = self._reported.get(kind, _Limit(now))
            reported = limit.a_minute if limit.at >= now - _BELIEVED else _NO_LIMIT
            cap = min(setting, reported)
            # a call over the whole limit goes once there is no other
            total = sum(min(each.amount(kind), cap) for each in (*ahead, turn)) + self._used[kind]
            if total > cap:
                what = "request" if setting == 1 else "requests"
                if setting <= reported:
                    return f"at most {setting:,} {what} a minute (requests_a_minute)"
                return f"the endpoint limits the {kind} a minute"
            if now < limit.until and total > limit.most:
                return f"the endpoint has no {kind} left for now"
        return ""

    def _tell(self) -> None:
        """Report why calls wait, in words: the reason of the next one to go."""
        before = self.waits
        reasons = (turn.reason for turn in self._line if turn.looks > _LEAST_TOLD)
        self.waits = next(reasons, "")
        if before or self.waits:
            self.tell(self.waits)


def read_report(headers: Mapping[str, str], kind: Kind) -> Report:
    """Return the limit in the headers of a reply; values that make no sense are ignored."""
    limit, remaining, reset = (
        headers.get(f"x-ratelimit-{name}-{kind}", "").strip()
        for name in ("limit", "remaining", "reset")
    )
    limit = limit or headers.get(f"x-ratelimit-limit-{_AT_MISTRAL[kind]}", "")
    seconds = read_duration(reset)
    amount = int(remaining) if _COUNT.fullmatch(remaining) else None
    return Report(
        int(limit) or None if _COUNT.fullmatch(limit) else None,
        amount if seconds is not None else None,
        seconds if amount is not None else None,
    )
