"""The route of events: an answer that goes on, and tells what changes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from flask import Response, request

from companion.app.types.events import (
    ChangesChanged,
    EventQuery,
    OutboxChanged,
    ProposalsChanged,
    Restarted,
)
from companion.app.types.runs import RunList
from companion.app.types.status import Status
from companion.daemon.api.routing import Resource, the_access, the_daemon
from companion.daemon.http_server import HAND_OVER

events = Resource("events")

_EVENT_ID = re.compile(r"[0-9a-f]{8}-[0-9]{1,16}")


@events.reads(
    "/events",
    events={
        "reset": Restarted,
        "proposals": ProposalsChanged,
        "changes": ChangesChanged,
        "outbox": OutboxChanged,
        "runs": RunList,
        "status": Status,
    },
)
def follow_events(query: EventQuery) -> Response:
    """Server-sent events: what has changed, as it changes.

    Each has an id; whoever sends the last one as `Last-Event-ID` gets what came after it. The first
    event is else `reset`, and then `runs` and `status` as they are. Only so many streams stay open
    at a time; a further one ends with its first event, and the client asks again.
    """
    last = request.headers.get("Last-Event-ID", "")
    after = query.after or (last if _EVENT_ID.fullmatch(last) else None)
    daemon, access = the_daemon(), the_access()
    bearer = request.headers["Authorization"].split(" ", 1)[1].strip()
    if request.method == "GET":
        stream = request.environ[HAND_OVER](lambda: access.tokens.find(bearer) is not None)
        stream.once = query.once
        stream.begin = lambda: daemon.events.listen(stream, after)
    return Response(_nothing(), content_type="text/event-stream")


def _nothing() -> Iterator[bytes]:
    """Yield no body: the stream has it; and so that nobody counts its length."""
    yield from ()
