"""The rate limiter: lets the calls of this process go as an endpoint takes them a minute.

The limits are the one of the settings and those that the endpoint reports with its replies, in the
headers that OpenAI began with (platform.openai.com/docs/guides/rate-limits). What other processes
take of them shows in what it reports to be left, and in a 429 with Retry-After.

No library does this: pyrate-limiter keeps fixed limits, and counts what a call was estimated to
take, not what it took.
"""

from __future__ import annotations

import heapq
import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import Literal, NamedTuple

from companion.llm.endpoint import Endpoint
from companion.llm.response import Usage

Kind = Literal["requests", "tokens"]
Bound = Literal["setting", "reported", "remaining"]
"""What a call waits for: the limit of the settings, one that the endpoint reports, or what the
endpoint reports to be left for now."""

_KINDS: tuple[Kind, ...] = ("requests", "tokens")
_WINDOW = 60.0  # seconds, in which calls count
_POLL = 1.0  # seconds at most between two looks of a call that waits
_SENT = 10.0  # seconds until a call that was let go has surely been sent: it connects first
_ARRIVES = 0.5  # seconds until what was sent has surely arrived
_BELIEVED = 600.0  # seconds that a reported limit holds without being reported again
_NO_LIMIT = 2**62
_MAX_TOKENS = 10**9  # of one call, whatever an endpoint claims
_LEAST_TOLD = 2  # looks that a call waits through before that is told: the first is soon over
_COUNT = re.compile(r"\d{1,12}")
_PART = r"(\d{1,12}(?:\.\d{1,9})?)(h|ms|m|s|us|µs|ns)"  # as Go writes a duration
_DURATION = re.compile(rf"(?:{_PART})+")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_WHY: dict[Bound, str] = {  # calls wait
    "setting": "at most {most:,} {what} a minute (requests_a_minute)",
    "reported": "the endpoint limits the {kind} a minute",
    "remaining": "the endpoint has no {kind} left for now",
}


class Report(NamedTuple):
    """What an endpoint reports of a limit. reset: seconds until all of it is there again."""

    limit: int | None = None
    remaining: int | None = None
    reset: float | None = None


class _Reported(NamedTuple):
    """A report as it holds later. most: how much there may be in the window until then."""

    at: float
    limit: int | None = None
    most: int | None = None
    until: float = 0.0


class _Limit(NamedTuple):
    a_minute: int = _NO_LIMIT
    bound: Bound = "setting"
    most: int = _NO_LIMIT
    until: float = 0.0


class _Obstacle(NamedTuple):
    """What a call waits for. wait: seconds until it is looked at again."""

    kind: Kind
    bound: Bound
    wait: float


class _RecentCalls:
    """The calls that an endpoint may have got within the last minute; for one thread at a time."""

    def __init__(self) -> None:
        self.used: dict[Kind, int] = dict.fromkeys(_KINDS, 0)
        self._calls: dict[Turn, float] = {}  # when each counts no more
        self._ends: list[tuple[float, int, Turn]] = []  # a heap; some of it no longer holds
        self._number = 0

    def __contains__(self, turn: Turn) -> bool:
        return turn in self._calls

    def put(self, turn: Turn, tokens: int, end: float) -> None:
        """Count the call with its tokens until the end, however it was counted before."""
        self.remove(turn)
        turn.tokens = tokens
        self._calls[turn] = end
        self._number += 1
        heapq.heappush(self._ends, (end, self._number, turn))
        self.used["requests"] += 1
        self.used["tokens"] += tokens

    def remove(self, turn: Turn) -> None:
        """Count the call no more."""
        if self._calls.pop(turn, None) is not None:
            self.used["requests"] -= 1
            self.used["tokens"] -= turn.tokens

    def forget(self, now: float) -> None:
        """Stop counting the calls that have ended."""
        while self._ends and self._ends[0][0] <= now:
            end, _, turn = heapq.heappop(self._ends)
            if self._calls.get(turn) == end:
                self.remove(turn)

    def find_room(self, excess: Mapping[Kind, int]) -> float | None:
        """Return when so much less of each kind counts; None: never, without further calls."""
        requests = tokens = 0
        for turn, end in sorted(self._calls.items(), key=lambda call: call[1]):
            requests, tokens = requests + 1, tokens + turn.tokens
            if requests >= excess["requests"] and tokens >= excess["tokens"]:
                return end
        return None


class RateLimiter:
    """Lets calls to an endpoint go within its limits a minute. Safe for threads.

    waits: why calls wait now, in words; empty if none does. tell: called with it at each look of a
    call that waits, and once none does any more; it must not come back here.
    """

    def __init__(self, endpoint: Endpoint, clock: Callable[[], float] = time.monotonic) -> None:
        self.waits = ""
        self.tell: Callable[[str], object] = bool
        self._clock = clock
        self._setting = endpoint.requests_a_minute
        self._lock = threading.RLock()
        self._recent = _RecentCalls()
        self._granted: dict[Kind, int] = dict.fromkeys(_KINDS, 0)  # so far
        self._line: list[Turn] = []
        self._reported: dict[Kind, _Reported] = {}
        self._held_until = 0.0
        self._reasons: dict[Turn, str] = {}

    def line_up(self, tokens: int, *, can_wait: bool = False) -> Turn:
        """Return the turn of a call that may take these tokens.

        can_wait: nobody waits for its answer alone; calls for which somebody does go first.
        """
        return Turn(self, tokens, can_wait=can_wait)

    def hold(self, seconds: float) -> None:
        """Let no call go for so long: the endpoint asked for that."""
        with self._lock:
            until = self._clock() + min(seconds, _WINDOW)
            self._held_until = max(self._held_until, until)

    def take(self, turn: Turn) -> float:
        """Return 0 if the call may go now, beside all that go before it; else seconds to wait."""
        with self._lock:
            now = self._clock()
            self._recent.forget(now)
            obstacle = self._find_obstacle(turn, now)
            if turn in self._line:
                self._line.remove(turn)
            if obstacle is None:
                self._recent.put(turn, turn.tokens, now + _SENT + _WINDOW)
                self._granted["requests"] += 1
                self._granted["tokens"] += turn.tokens
                turn.granted = dict(self._granted)
            else:
                self._line.append(turn)
                self._line.sort(key=lambda each: (each.can_wait, each.number))
            self._tell(turn, obstacle)
            return obstacle.wait if obstacle else 0.0

    def end(self, turn: Turn, tokens: int, sent_at: float | None) -> None:
        """Count what a call took, from when it arrived: until now it counted later than that."""
        with self._lock:
            now = self._clock()
            if turn in self._recent:
                arrived = now if sent_at is None else min(now, sent_at + _ARRIVES)
                self._recent.put(turn, tokens, arrived + _WINDOW)

    def remove(self, turn: Turn) -> None:
        """Remove the turn of a call that does not go out."""
        with self._lock:
            self._recent.remove(turn)
            if turn in self._line:
                self._line.remove(turn)
            self._tell(turn, None)

    def record(self, headers: Mapping[str, str], turn: Turn) -> None:
        """Record the limits that the headers of the reply to a call report.

        What is left then is on top of what had been let go until that call; it holds until all of
        the limit is there again, but no longer than the window.
        """
        for kind in _KINDS:
            report = read_report(headers, kind)
            if report == Report():
                continue
            with self._lock:
                now = self._clock()
                self._recent.forget(now)
                most = None
                if report.remaining is not None:
                    later = self._granted[kind] - turn.granted.get(kind, self._granted[kind])
                    most = max(0, self._recent.used[kind] - later) + report.remaining
                until = now + min(report.reset or 0.0, _WINDOW)
                self._reported[kind] = _Reported(now, report.limit, most, until)

    def _find_obstacle(self, turn: Turn, now: float) -> _Obstacle | None:
        """Return the limit that the call waits for; None if it fits under all."""
        if now < self._held_until:
            return _Obstacle("requests", "remaining", min(_POLL, self._held_until - now))
        limits = {kind: self._find_limit(kind, now) for kind in _KINDS}
        if all(limit == _Limit() for limit in limits.values()):
            return None
        cap = limits["tokens"].a_minute  # a call over the whole limit goes once there is no other
        ahead = [each for each in self._line if each.goes_before(turn)]
        first: tuple[Kind, Bound] | None = None
        excess: dict[Kind, int] = {}
        ends = []
        for kind, limit in limits.items():
            calls = [1 if kind == "requests" else min(each.tokens, cap) for each in (*ahead, turn)]
            total = self._recent.used[kind] + sum(calls)
            excess[kind] = max(0, total - min(limit.a_minute, limit.most))
            if excess[kind]:
                first = kind, limit.bound if total > limit.a_minute else "remaining"
                ends += [limit.until] if first[1] == "remaining" else []
        if first is None:
            return None
        room = self._recent.find_room(excess)
        ends += [] if room is None else [room]
        wait = min(ends, default=now + _POLL) - now
        return _Obstacle(*first, min(_POLL, max(0.01, wait)))

    def _find_limit(self, kind: Kind, now: float) -> _Limit:
        """Return the smaller one of the limits of the setting and of the endpoint."""
        limit = _Limit((kind == "requests" and self._setting) or _NO_LIMIT)
        reported = self._reported.get(kind)
        if reported is None or reported.at < now - _BELIEVED:
            return limit
        if reported.limit is not None and reported.limit < limit.a_minute:
            limit = _Limit(reported.limit, "reported")
        if reported.most is not None and now < reported.until:
            limit = limit._replace(most=reported.most, until=reported.until)
        return limit

    def _tell(self, turn: Turn, obstacle: _Obstacle | None) -> None:
        """Keep why calls wait, in words: the reason of the one that waits longest."""
        if obstacle is None:
            self._reasons.pop(turn, None)
        elif turn.looks >= _LEAST_TOLD:
            most = self._setting or 0
            what = "requests" if most > 1 else "request"
            why = _WHY[obstacle.bound].format(kind=obstacle.kind, most=most, what=what)
            self._reasons[turn] = why
        before, self.waits = self.waits, next(iter(self._reasons.values()), "")
        if before or self.waits:
            self.tell(self.waits)


class Turn:
    """One call's turn. looks: how often it was asked for. sent_at: when the call was sent.

    tokens: that it may take, later that it took. granted: how much had been let go with it.
    """

    _numbers = iter(range(2**62))

    def __init__(self, limiter: RateLimiter, tokens: int, *, can_wait: bool) -> None:
        self.tokens = min(tokens, _MAX_TOKENS)
        self.can_wait = can_wait
        self.number = next(Turn._numbers)
        self.looks = 0
        self.sent_at: float | None = None
        self.granted: Mapping[Kind, int] = {}
        self._limiter = limiter

    def goes_before(self, other: Turn) -> bool:
        """Return whether it stands before the other one in the line."""
        return (self.can_wait, self.number) < (other.can_wait, other.number)

    def take(self) -> float:
        """Return 0 if the call may go now; else the seconds after which to ask again."""
        wait = self._limiter.take(self)
        self.looks += 1
        return wait

    def record(self, headers: Mapping[str, str]) -> None:
        """Record the limits that the headers of the call's reply report."""
        self._limiter.record(headers, self)

    def end(self, usage: Usage | None, *, sent: bool) -> None:
        """End the turn. usage: what the call took; None: not known. sent: it may have arrived."""
        if not sent:
            self._limiter.remove(self)
        elif usage is not None:
            is_told = (usage.input_tokens and usage.output_tokens) or not usage.calls
            tokens = min(usage.input_tokens + usage.output_tokens, _MAX_TOKENS)
            self._limiter.end(self, tokens if is_told else self.tokens, self.sent_at)


def read_report(headers: Mapping[str, str], kind: Kind) -> Report:
    """Return the limit in the headers of a reply; values that make no sense are ignored."""
    limit, remaining, reset = (
        headers.get(f"x-ratelimit-{name}-{kind}", "").strip()
        for name in ("limit", "remaining", "reset")
    )
    seconds = _read_duration(reset)
    amount = int(remaining) if _COUNT.fullmatch(remaining) else None
    return Report(
        int(limit) or None if _COUNT.fullmatch(limit) else None,
        amount if seconds is not None else None,
        seconds if amount is not None else None,
    )


def _read_duration(text: str) -> float | None:
    """Return the seconds of a duration such as `6m0s`, `120ms` or `1.5`; None where it is none."""
    if re.fullmatch(r"\d{1,12}(\.\d{1,9})?", text):
        return float(text)
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in re.findall(_PART, text))
