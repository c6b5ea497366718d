"""How things stand; pause and resume."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from companion.daemon.api.route import Noun, the_daemon
from companion.daemon.api.shapes import LARGEST, Nothing, Sent
from companion.daemon.api.status_shape import StatusShape

status = Noun("status")


class BacklogAnswer(Sent):
    """What the user says to the backlog. fill: fill its notes by and by; else leave them alone.

    notes: how many the user was told of; more of them by now are refused.
    """

    fill: bool
    notes: Annotated[int, Field(ge=0, le=LARGEST)] | None = None


@status.reads("/status")
def read_status() -> StatusShape:
    """How the daemon stands."""
    return StatusShape.of(the_daemon().status())


@status.does("/pause")
def pause(body: Nothing) -> StatusShape:
    """Stop background work until resumed, also across restarts."""
    the_daemon().pause()
    return read_status()


@status.does("/resume")
def resume(body: Nothing) -> StatusShape:
    """Let background work go on, and try a failing endpoint again now."""
    the_daemon().resume()
    return read_status()


@status.does("/backlog", conflicts=True)
def answer_backlog(body: BacklogAnswer) -> StatusShape:
    """Say whether the notes that lay there before are filled."""
    the_daemon().answer_backlog(fill=body.fill, notes=body.notes)
    return read_status()
