"""The options with which commands choose notes and changes, and times as people type them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click

from companion.errors import UsageError

if TYPE_CHECKING:
    from companion.app.types.changes import ChangeQuery

F = TypeVar("F", bound=Callable[..., Any])

_AGO = re.compile(r"(\d{1,6})(m|h|d|w)", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_FORMATS = "2026-11-25, 2026-11-25 14:30, today, yesterday, 36h or 7d"


def join_options(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Return a decorator that adds these options and arguments to a command, in this order."""

    def add(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return add


field_option = click.option(
    "--field", metavar="NAME", help="Only this field, such as description or callout."
)
filter_options = join_options(
    field_option,
    click.option("--tag", metavar="TAG", help="Only notes with this tag, or one nested in it."),
)
"""Adds the options that choose notes; the command gets them as keyword arguments."""


work_options = join_options(
    click.option("--all", "all", is_flag=True, help="In a folder: every note, not only stubs."),
    click.option("--force", is_flag=True, help="Rewrite what Companion wrote and nobody edited."),
    click.option("--retry", is_flag=True, help="Ask again what was undone, deleted or rejected."),
    click.option(
        "--limit",
        type=click.IntRange(min=1),
        metavar="N",
        help="At most N notes that need something.",
    ),
)
"""Adds the options about what to do with notes; they are fields of RunOptions, except force."""


change_options = join_options(
    click.option("--since", metavar="WHEN", help=f"All changes since then: {_FORMATS}."),
    click.option("--until", metavar="WHEN", help="Only changes until then."),
    click.option("--field", metavar="NAME", help="Only changes that filled this field."),
    click.option("--model", metavar="NAME", help="Only what this model wrote."),
)
"""Adds the options that read_change_query takes; the command gets them as keyword arguments."""


def read_change_query(
    since: str | None, until: str | None, field: str | None, model: str | None, **more: Any
) -> ChangeQuery:
    """Return the changes that the options stand for. Raises UsageError if one names nothing."""
    from companion.app.types.changes import ChangeQuery

    times = {"since": parse_time(since), "until": parse_time(until)}
    return ChangeQuery.of(**times, field=field, model=model, **more)


def parse_time(typed: str | None, now: datetime | None = None) -> float | None:
    """Return the Unix time of what the user typed, in local time if it names no zone.

    Raises UsageError if it is not a day, a time or a time ago, or is in the future.
    """
    if typed is None:
        return None
    now, text = now or datetime.now(), typed.strip().casefold()
    days_ago = {"today": 0, "yesterday": 1}
    try:
        if text in days_ago:
            moment = now.replace(hour=0, minute=0, second=0) - timedelta(days=days_ago[text])
        elif ago := _AGO.fullmatch(text):
            unit = _UNITS[ago[2]]
            # an hour ago is one also where the clock was put forward; a day ago is that time of day
            start = now.astimezone() if unit in ("minutes", "hours") else now
            moment = start - timedelta(**{unit: int(ago[1])})
        else:
            moment = datetime.fromisoformat(text.upper())
        seconds = moment.timestamp()
    except (ValueError, OverflowError, OSError):
        raise UsageError(f"{typed} is not a time; write one like {_FORMATS}") from None
    if seconds > now.timestamp():
        raise UsageError(f"{typed} is in the future; write a time in the past, like {_FORMATS}")
    return seconds
