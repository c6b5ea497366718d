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


class ReportTaken(Shape):
    """expires_in: seconds until it must be said again. to_do: open notes that wait for edits."""

    expires_in: int
    to_do: list[str]


@presence.does("/presence")
def report_presence(body: Report) -> ReportTaken:
    """Say which notes are open; background work leaves them alone."""
    to_do = the_daemon().report_presence(body.client, body.open)
    return ReportTaken(expires_in=_LASTS, to_do=to_do)
