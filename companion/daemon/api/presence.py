"""Which notes are open in an editor."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from companion.daemon.api.route import Noun, the_daemon
from companion.daemon.api.shapes import NotePath, Sent, Shape

presence = Noun("presence")

_LASTS = 30  # seconds that a report is believed, as companion.daemon.presence has it


class Report(Sent):
    """All the notes that this client has open now. client: a name that it keeps."""

    client: Annotated[str, Field(min_length=1, max_length=64)]
    open: Annotated[list[NotePath], Field(max_length=1000)]


class AskedShape(Shape):
    """An open note that a user asked to change, and that waits for this client to do it.

    run: its edits are at `POST /runs/{run}/edits`. change: it is to be taken back, by
    `POST /changes/{change}/undo` with `apply: client`. One of the two is null. Both are confirmed
    as ever; within 30 seconds, else nobody waits for them any more.
    """

    path: str
    run: str | None
    change: int | None


class ReportTaken(Shape):
    """expires_in: seconds until it must be said again. to_do: open notes that wait for edits.

    asked: those among the open notes that a user asked for, by whatever way.
    """

    expires_in: int
    to_do: list[str]
    asked: list[AskedShape]


@presence.does("/presence")
def report_presence(body: Report) -> ReportTaken:
    """Say which notes are open: they are changed in their editor, and nowhere else."""
    to_do = the_daemon().report_presence(body.client, body.open)
    asked = [AskedShape(**each._asdict()) for each in the_daemon().asked_in(body.open)]
    return ReportTaken(expires_in=_LASTS, to_do=to_do, asked=asked)
