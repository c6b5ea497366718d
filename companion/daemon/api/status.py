"""How things stand; pause and resume."""

from __future__ import annotations

from companion.daemon.api.route import Noun, the_daemon
from companion.daemon.api.shapes import Nothing
from companion.daemon.api.status_shape import StatusShape

status = Noun("status")


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
