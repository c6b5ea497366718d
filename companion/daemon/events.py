"""Events: what changes in a vault, sent to clients over HTTP (server-sent events).

One thread writes to all streams, so none of them occupies a thread; it sleeps while nobody listens.
"""

from __future__ import annotations

import secrets
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from threading import Condition, Thread
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, Field

from companion import __version__
from companion.app.run import log_fault
from companion.app.types.base import Sent, Shape, YesOrNo
from companion.app.types.runs import RunList, RunShape
from companion.app.types.status import Status

if TYPE_CHECKING:
    from companion.daemon.http_server import Stream


class EventQuery(Sent):
    """Which events. after: those after this one; the `Last-Event-ID` header can say it, too. once:
    end with the next event, or after 25 seconds, for clients that cannot read an answer before it
    is complete.
    """

    after: Annotated[str, Field(pattern=r"^[0-9a-f]{8}-[0-9]{1,16}$")] | None = None
    once: YesOrNo = False


class ProposalsChanged(Shape):
    """The event `proposals`: some are new or decided on. ids: which; null: many. open: how many
    wait now.
    """

    ids: list[int] | None
    open: int


class ChangesChanged(Shape):
    """The event `changes`: some were made or taken back. ids: which; null: many."""

    ids: list[int] | None


class OutboxChanged(Shape):
    """The event `outbox`: edits of open notes wait for their editors, or no longer do. ids: which;
    null: many. `POST /presence` returns them.
    """

    ids: list[int] | None


class Restarted(Shape):
    """The event `reset`: earlier events are no longer known, so read everything again."""

    version: str


STREAMS = 64  # that stay open; each further one ends with its first event
LONGEST_WAIT = 25  # seconds that an answer may be delayed until there is something to tell
_KEPT = 1000  # events that a client can still get after it was away
_MOST_IDS = 200  # that an event names
_GATHER = 0.05  # seconds in which changes are sent together
_LOOK = 1.0  # seconds between two checks of the status, not all of whose changes are reported
_PING = 15.0  # seconds without an event, after which a stream is written to anyway
_VOLATILE = {"retry_in"}  # of the status: it counts down
_UNKNOWN = "00000000-0"  # the id of an event after which a client needs a reset


class _Listener:
    """A stream, when it began, and when it was last written to; by the monotonic clock.

    after: the last event that its client has. is_new: it was sent nothing yet.
    """

    def __init__(self, stream: Stream, after: str | None) -> None:
        self.stream, self.after = stream, after
        self.is_new = True
        self.began = self.written = time.monotonic()

    def write(self, data: bytes) -> bool:
        self.written = time.monotonic()
        return self.stream.write(data)


class Events:
    """The events of one daemon. Start it once, and stop it at the end. Safe to use from any thread.

    status, runs: return their current state. count_open: returns how many proposals wait.
    """

    def __init__(
        self,
        status: Callable[[], Status],
        runs: Callable[[], Sequence[RunShape]],
        count_open: Callable[[], int],
    ) -> None:
        self._status, self._runs, self._count_open = status, runs, count_open
        self._name = secrets.token_hex(4)  # of this start of the daemon, or since a fault
        self._changed = Condition()
        self._touched: dict[str, set[int]] = defaultdict(set)
        self._arrived: list[_Listener] = []
        self._listeners: list[_Listener] = []
        self._events: deque[bytes] = deque(maxlen=_KEPT)
        self._number = 0
        self._last_runs: list[RunShape] = []
        self._last_status: object = None
        self._stopped = False
        self._thread = Thread(target=self._serve, name="events", daemon=True)

    def start(self) -> None:
        """Start to send events."""
        self._thread.start()

    def stop(self) -> None:
        """End all streams."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join()

    def touch(self, table: str, id_: int) -> None:
        """Record that a row of a table of the journal has changed; returns at once."""
        with self._changed:
            if len(rows := self._touched[table]) <= _MOST_IDS:
                rows.add(id_)
            self._changed.notify_all()

    def wake(self) -> None:
        """Send runs and status if they have changed; returns at once."""
        self.touch("status", 0)

    def listen(self, stream: Stream, after: str | None) -> None:
        """Write events to the stream from now on, and those after the given one, if it is known."""
        with self._changed:
            count = len(self._listeners) + len(self._arrived)
            stream.once = stream.once or count >= STREAMS
            self._arrived.append(_Listener(stream, after))
            self._changed.notify_all()

    def _serve(self) -> None:
        is_sound = True
        while self._wait():
            try:
                self._send()
                is_sound = True
            except Exception as error:
                if is_sound:  # else it lasts
                    log_fault("sending events", error)
                is_sound = False
                self._begin_again()
        self._end_streams()

    def _send(self) -> None:
        """Write what has changed to all streams, and their first events to new ones."""
        with self._changed:
            self._listeners += self._arrived
            self._arrived = []
        data = b"".join([self._add(name, value) for name, value in self._look()])
        for each in list(self._listeners):
            events = self._greet(each.after) if each.is_new else data
            each.is_new = False
            if not self._tell(each, events):
                self._listeners.remove(each)

    def _begin_again(self) -> None:
        """End all streams after a fault, and wait; clients come back, and read everything again."""
        self._end_streams()
        self._name = secrets.token_hex(4)
        self._events.clear()
        with self._changed:
            self._changed.wait_for(lambda: self._stopped, _LOOK)

    def _end_streams(self) -> None:
        with self._changed:
            listeners = [*self._listeners, *self._arrived]
            self._listeners, self._arrived = [], []
        for each in listeners:
            each.stream.end()

    def _wait(self) -> bool:
        """Wait until there may be something to send; return False once it is stopped."""
        with self._changed:
            is_heard = bool(self._listeners or self._arrived)
            is_due = self._arrived or (is_heard and any(self._touched.values()))
            if not (self._stopped or is_due):
                self._changed.wait(_LOOK if is_heard else None)
            if self._stopped:
                return False
        time.sleep(_GATHER)
        return True

    def _look(self) -> Iterator[tuple[str, BaseModel]]:
        with self._changed:
            touched, self._touched = self._touched, defaultdict(set)
        if rows := touched["proposals"]:
            yield "proposals", ProposalsChanged(ids=_name(rows), open=self._count_open())
        if rows := touched["changes"]:
            yield "changes", ChangesChanged(ids=_name(rows))
        if rows := touched["outbox"]:
            yield "outbox", OutboxChanged(ids=_name(rows))
        before, self._last_runs = self._last_runs, list(self._runs())
        if changed := [run for run in self._last_runs if run not in before]:
            yield "runs", RunList(runs=changed)
        status = self._status()
        if (seen := status.model_dump(exclude=_VOLATILE)) != self._last_status:
            self._last_status = seen
            yield "status", status

    def _add(self, name: str, value: BaseModel) -> bytes:
        """Return an event as it is sent, and keep it for later clients."""
        self._number += 1
        data = self._write(name, value)
        self._events.append(data)
        return data

    def _write(self, name: str, value: BaseModel, id_: str = "") -> bytes:
        """Return an event as it is sent. id_: of the event; else that of the latest."""
        id_ = id_ or f"{self._name}-{self._number}"
        return f"id: {id_}\nevent: {name}\ndata: {value.model_dump_json()}\n\n".encode()

    def _greet(self, after: str | None) -> bytes:
        """Return the events after the given one; if it is not known, the current state of
        everything.
        """
        name, _, number = (after or "").partition("-")
        if name == self._name and self._events:
            missed = int(number) - self._number + len(self._events)
            if 0 <= missed <= len(self._events):
                return b"".join(islice(self._events, missed, None))
        elif name == self._name and int(number) == self._number:
            return b""
        return (  # only who has all three goes on after them
            self._write("reset", Restarted(version=__version__), _UNKNOWN)
            + self._write("runs", RunList(runs=list(self._runs())), _UNKNOWN)
            + self._write("status", self._status())
        )

    def _tell(self, listener: _Listener, data: bytes) -> bool:
        """Write events to a stream; return whether it stays open."""
        stream, now = listener.stream, time.monotonic()
        is_over = stream.once and (bool(data) or now - listener.began > LONGEST_WAIT)
        if not stream.is_allowed():
            is_over, data = True, b""
        elif not data and not is_over and now - listener.written < _PING:
            return True
        is_there = listener.write(data or b":\n\n")
        if is_over:
            stream.end()
        return is_there and not is_over


def _name(rows: set[int]) -> list[int] | None:
    return None if len(rows) > _MOST_IDS else sorted(rows)
