"""The feed: what changed in a vault and its daemon, told to each client that waits for it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from pydantic import Field

from companion.app.types.base import LARGEST, ClientName, Query, Shape
from companion.app.types.proposals import Proposal, ProposalQuery
from companion.app.types.runs import RunShape
from companion.app.types.status import Status
from companion.daemon.notices import Notice
from companion.errors import UsageError
from companion.store.outbox import OutboxRow
from companion.vault.paths import spelled_path

if TYPE_CHECKING:
    from companion.daemon.daemon import Daemon

LONGEST_WAIT = 25  # seconds
CLIENTS = 32  # that wait at a time; a further one is refused
_NOTICES = 200  # that are remembered
_GATHER = 0.05  # seconds in which changes are told together
_LOOK = 1.0  # seconds between two looks at what nobody reports
TABLES = "proposals", "changes", "outbox"
ALL = 0  # in place of the id of a row: any of them


class FeedQuery(Query):
    """What to wait for."""

    after: int = Field(
        0, ge=0, le=LARGEST, description="The `number` of the last answer; 0: tell everything."
    )
    wait: int = Field(
        0, ge=0, le=LONGEST_WAIT, description="Seconds to wait until there is something to tell."
    )
    client: ClientName = Field(
        "", description="The name that it also sends with what it asks for, and `POST /presence`."
    )


class WaitingEdits(Shape):
    """Edits of an open note that a user asked for, and that wait for this client to make them.

    Get the edits with `POST /outbox/{id}/edits`, and confirm them with `applied` there.
    """

    id: int
    path: str
    run: str | None = Field(description="The run that they belong to; null: see `change`.")
    change: int | None = Field(description="The change that they undo; null: see `run`.")

    @classmethod
    def of(cls, row: OutboxRow) -> WaitingEdits:
        """Return what a client is told of a row of the outbox."""
        run = row.run if row.undoes is None else None
        return cls(id=row.id, path=row.path, run=run, change=row.undoes)


class News(Shape):
    """What changed after a number."""

    number: int = Field(description="To be sent as `after` with the next request.")
    is_whole: bool = Field(description="Everything may have changed: read all again.")
    status: Status | None = Field(description="The status, if it changed.")
    runs: list[RunShape] = Field(description="The runs that changed.")
    proposals: list[int] | None = Field(description="The proposals that changed; null: any.")
    changes: list[int] | None = Field(description="The changes that changed; null: any.")
    notices: list[Notice] = Field(
        description="What this client asked for came to, and what background work did."
    )
    open: list[Proposal] | None = Field(
        description="The open proposals of the notes that this client reported; null: as before."
    )
    edits: list[WaitingEdits] = Field(description="The edits that wait for this client.")


class Feed:
    """What changes in one daemon. Safe to use from any thread.

    Numbers grow across restarts: they begin with the time. Nothing is looked at while nobody waits.
    """

    def __init__(self, daemon: Daemon) -> None:
        self._daemon, self._presence = daemon, daemon.presence
        self._looking = threading.Lock()
        self._changed = threading.Condition()  # nothing else is locked while this is held
        self._first = self._newest = int(time.time() * 1000)
        # the numbers at which these changed: rows by table and id, runs, reports by client
        self._rows: dict[tuple[str, int], int] = {}
        self._runs: dict[str, tuple[int, RunShape]] = {}
        self._reports: dict[str, int] = {}
        self._status: tuple[int, Status] | None = None
        self._notices: deque[tuple[str | None, Notice]] = deque(maxlen=_NOTICES)
        self._places = threading.BoundedSemaphore(CLIENTS)
        self._is_closed = False

    def touch(self, table: str, id: int) -> None:
        """Record that a row of a table changed; returns at once."""
        with self._changed:
            self._rows[table, id] = self._next()
            self._changed.notify_all()

    def notify(self, notice: Notice, client: str | None = None) -> None:
        """Tell a client something, or all of them; returns at once. An empty name is nobody's."""
        if client == "":
            return
        with self._changed:
            self._notices.append((client, notice.model_copy(update={"id": self._next()})))
            self._changed.notify_all()

    def wake(self) -> None:
        """Have runs and status looked at now; returns at once."""
        with self._changed:
            self._changed.notify_all()

    def close(self) -> None:
        """Answer all that wait."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def report(self, client: str, paths: Sequence[str]) -> None:
        """Record which notes a client has open: all of them. It holds while the feed is read."""
        is_same = self._presence.reported(client) == sorted(paths)
        self._presence.report(client, paths)
        with self._changed:
            if not (is_same and client in self._reports):
                self._reports[client] = self._next()  # other edits may wait for it
            self._changed.notify_all()

    def read(self, query: FeedQuery, is_gone: Callable[[], bool] = bool) -> News:
        """Return what changed, as soon as there is something, or the time is up.

        is_gone: returns whether the client has disconnected. Raises UsageError if too many wait.
        """
        self._presence.extend(query.client)
        if query.wait:
            if not self._places.acquire(blocking=False):
                raise UsageError(f"{CLIENTS} clients follow the feed already")
            try:
                self._wait(query.after, query.wait, is_gone)
            finally:
                self._places.release()
            self._presence.extend(query.client)
        self._look()
        return self._tell(query.after, query.client)

    def _wait(self, after: int, seconds: float, is_gone: Callable[[], bool]) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not is_gone():
            self._look()
            with self._changed:
                if self._is_closed:
                    return
                if not self._first <= after == self._newest:
                    break
                self._changed.wait(min(left, _LOOK))
        time.sleep(_GATHER)

    def _look(self) -> None:
        """See whether runs or status have changed."""
        with self._looking:
            runs = [RunShape.model_validate(run) for run in [*self._daemon.runs.values()][::-1]]
            status = self._daemon.status()
            with self._changed:
                before = self._runs
                self._runs = {
                    run.id: known
                    if (known := before.get(run.id)) and known[1] == run
                    else (self._next(), run)
                    for run in runs
                }
                if self._status is None or _steady(self._status[1]) != _steady(status):
                    self._status = self._next(), status

    def _tell(self, after: int, client: str) -> News:
        paths = self._presence.reported(client) if client in self._reports else []
        edits = [WaitingEdits.of(row) for row in self._daemon.outbox.rows_of(paths)]
        with self._changed:
            is_whole = not self._first <= after <= self._newest
            notices = [
                each
                for name, each in self._notices
                if each.id > (after or self._newest) and name in (None, client)
            ]
            after = 0 if is_whole else after
            status = self._status
            news = News(
                number=self._newest,
                is_whole=is_whole,
                status=status[1] if status and status[0] > after else None,
                runs=[run for number, run in self._runs.values() if number > after],
                proposals=None if is_whole else self._ids("proposals", after),
                changes=None if is_whole else self._ids("changes", after),
                notices=notices,
                open=None,
                edits=edits,
            )
            report = self._reports.get(client)
        if report is None or (news.proposals == [] and report <= after):
            return news
        return news.model_copy(update={"open": self._open_proposals(paths)})

    def _open_proposals(self, paths: Sequence[str]) -> list[Proposal]:
        """Return the open proposals of these notes, under the paths by which they are named."""
        proposals, root = list[Proposal](), self._daemon.root
        for path in paths:
            with suppress(UsageError):
                query = ProposalQuery(path=spelled_path(root, path), limit=1000)
                page = self._daemon.vault.proposals(query).proposals
                proposals += [each.model_copy(update={"path": path}) for each in page]
        return proposals

    def _ids(self, table: str, after: int) -> list[int] | None:
        ids = {id for (each, id), number in self._rows.items() if each == table and number > after}
        return None if ALL in ids else sorted(ids)

    def _next(self) -> int:
        self._newest += 1
        return self._newest


def _steady(status: Status) -> object:
    """Return the status without what counts down."""
    return status.model_dump(exclude={"retry_in"})
