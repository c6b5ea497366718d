"""The calls of the last minute, and what endpoints report of their limits, in the budget's file.

Times are those of time.monotonic, which all processes share and no change of the clock touches. It
begins anew with the machine: a time that cannot be yet is from before that, and counts for nothing.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal, NamedTuple

from companion.llm.budget_store import BudgetFile

Kind = Literal["requests", "tokens"]
Bound = Literal["setting", "reported", "remaining"]
"""What a call waits for: a limit of the settings, one that the endpoint reports, or what the
endpoint reports to be left for now."""

_WINDOW = 60.0  # seconds, in which calls count
POLL = 1.0  # seconds at most between two looks of a call that waits
_SENT = 10.0  # seconds until a call that was let go has surely been sent: it connects first
_ARRIVES = 0.5  # seconds until what was sent has surely arrived
_GONE = 5.0  # seconds without a look, after which nobody waits any more: a kill
_BELIEVED = 600.0  # seconds that a reported limit holds without being reported again
_NO_LIMIT = 2**62
_LAST = 2**62  # stands for the id of a turn that comes after all others
_GRANTED, _WAITING, _CAN_WAIT = 1, 0, -1  # the column `granted`; of those that wait, 0 goes first


class Report(NamedTuple):
    """What an endpoint reports of a limit. reset: seconds until all of it is there again."""

    limit: int | None = None
    remaining: int | None = None
    reset: float | None = None


class Taken(NamedTuple):
    """A turn that was asked for. wait: seconds until it is looked at again; 0: it is granted.

    kind, bound: what it waits for.
    """

    id: int
    at: float
    wait: float = 0.0
    kind: Kind = "requests"
    bound: Bound = "setting"


class Ended(NamedTuple):
    """A turn whose call was answered. tokens: that it took; None: as estimated."""

    id: int
    tokens: int | None
    sent_at: float | None


class _Limit(NamedTuple):
    """A limit of one kind. most: how much there may be in the window until then."""

    a_minute: int = _NO_LIMIT
    bound: Bound = "setting"
    most: int = _NO_LIMIT
    until: float = 0.0


class RateLimitStore:
    """The turns at one endpoint: those granted in the last minute, and those waited for.

    For one thread at a time, and any number of processes. All methods but close() raise
    BudgetFileUnusable.
    """

    def __init__(self, file: Path, endpoint: str, clock: Callable[[], float]) -> None:
        self._file = BudgetFile(file)
        self._endpoint = endpoint
        self._clock = clock
        self._forgot_at = -_GONE

    def take(
        self,
        turn: int | None,
        tokens: int,
        settings: Mapping[Kind, int | None],
        *,
        can_wait: bool = False,
    ) -> Taken:
        """Return the turn, granted if it fits under the limits beside all that go before it.

        turn: its id, None on the first call, which puts it at the end of the line. tokens: that the
        call may take; where the limit is lower, it goes out once there is no other in the window.
        settings: the limits a minute, beside those that the endpoint reports. can_wait: those that
        cannot wait go before it.
        """
        waiting = _CAN_WAIT if can_wait else _WAITING

        def work(db: sqlite3.Connection) -> Taken:
            with _transaction(db):
                now = self._clock()
                self._forget(db, now)
                taken = Taken(turn or _LAST, now)
                limits = self._find_limits(db, settings, now)
                if any(limit != _Limit() for limit in limits.values()):
                    taken = self._look(db, taken, tokens, limits, waiting)
                return taken._replace(id=self._keep(db, turn, tokens, taken, waiting))

        return self._file.use(work)

    def take_free(self, tokens: Sequence[int]) -> list[Taken] | None:
        """Return the turns of calls that may take these tokens, if the endpoint has no limit.

        None where it reported one: then each has to take its turn.
        """

        def work(db: sqlite3.Connection) -> list[Taken] | None:
            with _transaction(db):
                now = self._clock()  # in the transaction, so that times are in the order of the ids
                self._forget(db, now)
                values = {"endpoint": self._endpoint, "at": now + _SENT, "now": now}
                values |= {"since": now - _BELIEVED, "tokens": json.dumps(tokens)}
                added = db.execute(_ADD_FREE, values)
            if added.rowcount < 1:
                return None
            last = added.lastrowid
            assert last is not None
            return [Taken(id_, now) for id_ in range(last - len(tokens) + 1, last + 1)]

        return self._file.use(work)

    def end(self, ended: Sequence[Ended]) -> None:
        """Record that calls were answered.

        Until then they counted as sent `_SENT` after they were let go, which is late rather than
        early.
        """
        now = self._clock()
        rows = [
            (id_, tokens, now if sent_at is None else min(now, sent_at + _ARRIVES))
            for id_, tokens, sent_at in ended
        ]
        self._file.use(lambda db: db.execute(_END, (json.dumps(rows),)))

    def remove(self, turn: int) -> None:
        """Remove the turn of a call that did not go out."""
        self._file.use(lambda db: db.execute("DELETE FROM turns WHERE id = ?", (turn,)))

    def record(self, kind: Kind, report: Report, turn: int, let_go: float) -> None:
        """Record what the reply to a call reports. let_go: when its turn was granted.

        What is left then is on top of what had been let go until then; it holds until all of the
        limit is there again, but no longer than the window.
        """
        now = self._clock()
        values = {"endpoint": self._endpoint, "kind": kind, "at": now, "limit": report.limit}
        since = {**self._since(let_go), "id": turn}

        def work(db: sqlite3.Connection) -> None:
            with _transaction(db):
                until = now + min(report.reset or 0.0, _WINDOW)
                used = _sum(db, _USED_UNTIL, since)
                most = None if report.remaining is None else used[kind] + report.remaining
                db.execute(_RECORD, {**values, "most": most, "until": until})

        self._file.use(work)

    def close(self) -> None:
        """Close the file; it is opened again when it is needed."""
        self._file.close()

    def _since(self, now: float) -> dict[str, object]:
        """Return which turns are in the window; those of the future are from before a restart."""
        window = {"since": now - _WINDOW, "future": now + _SENT}
        return {"endpoint": self._endpoint, **window}

    def _forget(self, db: sqlite3.Connection, now: float) -> None:
        """Delete, now and then, what is long over, what nobody waits for, and what cannot be yet.

        Replies may come late, and what they report is of when their calls were let go.
        """
        if 0 <= now - self._forgot_at < _GONE:
            return
        self._forgot_at = now
        values = {"endpoint": self._endpoint, "future": now + _SENT}
        gone = now - _GONE
        for granted, since in (
            (_GRANTED, now - 2 * _WINDOW),
            (_WAITING, gone),
            (_CAN_WAIT, gone),
        ):
            db.execute(_FORGET, {**values, "granted": granted, "since": since})

    def _keep(
        self, db: sqlite3.Connection, turn: int | None, tokens: int, taken: Taken, waiting: int
    ) -> int:
        """Store that the turn is granted or waits, as a new one if there is none; return its id."""
        granted, at = (waiting, taken.at) if taken.wait else (_GRANTED, taken.at + _SENT)
        if turn is not None and db.execute(_RENEW, (granted, at, turn)).rowcount:
            return turn
        added = db.execute(_ADD, (self._endpoint, granted, at, tokens))
        assert added.lastrowid is not None
        return added.lastrowid

    def _find_limits(
        self, db: sqlite3.Connection, settings: Mapping[Kind, int | None], now: float
    ) -> dict[Kind, _Limit]:
        limits = {kind: _Limit(most or _NO_LIMIT) for kind, most in settings.items()}
        values = self._endpoint, now - _BELIEVED, now
        for kind, limit, most, until in db.execute(_READ, values):
            if limit is not None and limit < limits[kind].a_minute:
                limits[kind] = _Limit(limit, "reported")
            if most is not None and now < until <= now + _WINDOW:
                limits[kind] = limits[kind]._replace(most=most, until=until)
        return limits

    def _look(
        self,
        db: sqlite3.Connection,
        taken: Taken,
        tokens: int,
        limits: Mapping[Kind, _Limit],
        waiting: int,
    ) -> Taken:
        """Return the turn with what it waits for, if the call does not fit under the limits now."""
        since = self._since(taken.at)
        used = _sum(db, _USED, since)
        cap = limits["tokens"].a_minute
        waits = {**since, "id": taken.id, "cap": cap, "since": taken.at - _GONE, "waiting": waiting}
        ahead = _sum(db, _AHEAD, waits)
        excess: dict[str, int] = {}
        ends = []
        for kind, limit in limits.items():
            asked = 1 if kind == "requests" else min(tokens, limit.a_minute)
            total = used[kind] + ahead[kind] + asked
            excess[kind] = max(0, total - min(limit.a_minute, limit.most))
            if excess[kind]:
                bound: Bound = limit.bound if total > limit.a_minute else "remaining"
                taken = taken._replace(wait=POLL, kind=kind, bound=bound)
                ends += [limit.until - taken.at] if bound == "remaining" else []
        if not taken.wait:
            return taken
        [freed] = db.execute(_FREED, since | excess).fetchone()
        if freed is not None:
            ends.append(freed + _WINDOW - taken.at)
        return taken._replace(wait=min(POLL, max(0.01, min(ends, default=POLL))))


def _sum(db: sqlite3.Connection, query: str, values: Mapping[str, object]) -> dict[Kind, int]:
    """Return how many requests, of how many tokens, the turns of the query are."""
    requests, tokens = db.execute(query, values).fetchone()
    return {"requests": requests, "tokens": tokens}


@contextmanager
def _transaction(db: sqlite3.Connection) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with suppress(sqlite3.Error):
            db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


_FORGET = """DELETE FROM turns
    WHERE endpoint = :endpoint AND granted = :granted AND (at <= :since OR at > :future)"""
_RENEW = "UPDATE turns SET granted = ?, at = ? WHERE id = ? AND granted < 1"
_ADD = "INSERT INTO turns (endpoint, granted, at, tokens) VALUES (?, ?, ?, ?)"
_ADD_FREE = """INSERT INTO turns (endpoint, granted, at, tokens)
    SELECT :endpoint, 1, :at, value FROM json_each(:tokens)
    WHERE NOT EXISTS (SELECT 1 FROM reported_limits
        WHERE endpoint = :endpoint AND at BETWEEN :since AND :now) ORDER BY key"""
_END = """UPDATE turns
    SET tokens = coalesce(json_extract(ended.value, '$[1]'), tokens),
        at = json_extract(ended.value, '$[2]')
    FROM json_each(?) AS ended WHERE turns.id = json_extract(ended.value, '$[0]')"""
_USED = """SELECT count(*), coalesce(sum(tokens), 0) FROM turns
    WHERE endpoint = :endpoint AND granted = 1 AND at > :since AND at <= :future"""
_USED_UNTIL = f"{_USED} AND id <= :id"
_AHEAD = """SELECT count(*), coalesce(sum(min(tokens, :cap)), 0) FROM turns
    WHERE endpoint = :endpoint AND granted IN (0, -1) AND at > :since AND at <= :future
    AND (granted > :waiting OR (granted = :waiting AND id < :id))"""
_FREED = """SELECT min(at) FROM (
        SELECT at, row_number() OVER oldest AS requests, sum(tokens) OVER oldest AS tokens
        FROM turns WHERE endpoint = :endpoint AND granted = 1 AND at > :since AND at <= :future
        WINDOW oldest AS (ORDER BY at, id)
    ) WHERE requests >= :requests AND tokens >= :tokens"""
_RECORD = (
    "INSERT OR REPLACE INTO reported_limits VALUES (:endpoint, :kind, :at, :limit, :most, :until)"
)
_READ = """SELECT kind, a_minute, most, until FROM reported_limits
    WHERE endpoint = ? AND at BETWEEN ? AND ?"""
