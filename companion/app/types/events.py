"""What the daemon tells those who listen: that something has changed, and what."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from companion.app.types.base import Sent, Shape, YesOrNo


class EventQuery(Sent):
    """Which events. after: those after this one; the `Last-Event-ID` header says it, too. once: end
    with the next event, or after 25 seconds, for clients that cannot read an answer before it is
    whole.
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
    """The event `outbox`: edits of open notes wait for their editors, or do so no more. ids: which;
    null: many. `POST /presence` returns them.
    """

    ids: list[int] | None


class Restarted(Shape):
    """The event `reset`: what was told before is not known any more, so that all is to be read."""

    version: str
