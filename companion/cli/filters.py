"""The options with which commands choose notes and changes, and times as people type them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from datetime import time as time_of_day
from typing import TYPE_CHECKING, Any, TypeVar

import click

from companion.errors import UsageError

if TYPE_CHECKING:
    from companion.app.types.changes import ChangeQuery

F = TypeVar("F", bound=Callable[..., Any])

_AGO = re.compile(r"(\d{1,6})\s*(m|h|d|w|min|minutes?|hours?|days?|weeks?)(?:\s+ago)?", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_CLOCK = re.compile(r"\d{1,2}:\d\d(:\d\d)?", re.ASCII)
_FORMATS = "2026-11-25, 2026-11-25 14:30, 14:30, yesterday, 36h or 7d"


def join_options(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Return a decorator that adds these options and arguments to a command, in this order."""

    def add(command: F) -> F:
        for option in reversed(options):
            command = option(command)
        return command

    return add


def filter_option(name: str, metavar: str, text: str) -> Callable[[F], F]:
    """Return the decorator that adds an option which may be typed once; the last of two would win,
    without a word.
    """

    def read_one(_: click.Context, __: click.Parameter, typed: Sequence[str]) -> str | None:
        if len(typed) > 1:
            raise UsageError(f"{name} was given twice; run the command once for each")
        return typed[0] if typed else None

    return click.option(name, metavar=metavar, help=text, multiple=True, callback=read_one)


filter_options = join_options(
    filter_option("--field", "NAME", "Only this field, such as description or callout."),
    filter_option("--tag", "TAG", "Only notes with this tag, or one nested in it."),
    filter_option("--property", "NAME[=VALUE]", "Only notes that have it."),
    filter_option("--modified-since", "WHEN", f"Only notes edited since then: {_FORMATS}."),
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
    filter_option("--since", "WHEN", f"All changes since then: {_FORMATS}."),
    filter_option("--until", "WHEN", "Only changes until then."),
    filter_option("--field", "NAME", "Only changes that filled this field."),
    filter_option("--model", "NAME", "Only what this model wrote."),
)
"""Adds the options that read_change_query takes; the command gets them as keyword arguments."""


def read_change_query(typed: Mapping[str, str | None], **more: Any) -> ChangeQuery:
    """Return the changes that the options stand for. Raises UsageError if one names nothing."""
    from companion.app.types.changes import ChangeQuery

    since, until = parse_time(typed["since"]), parse_time(typed["until"])
    if since is not None and until is not None and until < since:
        raise UsageError(f"--until {typed['until']} is before --since {typed['since']}")
    values = {"since": since, "until": until, "field": typed["field"], "model": typed["model"]}
    return ChangeQuery.of(**values, **more)


def parse_time(typed: str | None, now: datetime | None = None) -> float | None:
    """Return the Unix time of what the user typed, in local time if it names no zone.

    Raises UsageError if it is not a day, time of day or time ago, or is in the future.
    """
    if typed is None:
        return None
    now, text = now or datetime.now(), typed.strip().casefold()
    days_ago = {"today": 0, "yesterday": 1}
    try:
        if text in days_ago:
            day = now.date() - timedelta(days=days_ago[text])
            moment = datetime.combine(day, time_of_day.min)
        elif ago := _AGO.fullmatch(text):
            unit = _UNITS[ago[2][0]]
            # an hour ago is one also where the clock was put forward; a day ago is that time of day
            start = now.astimezone() if unit in ("minutes", "hours") else now
            moment = start - timedelta(**{unit: int(ago[1])})
        elif _CLOCK.fullmatch(text):
            clock = time_of_day.fromisoformat(text.rjust(len("00:00"), "0"))
            moment = datetime.combine(now.date(), clock)
        else:
            moment = datetime.fromisoformat(text.upper())
        seconds = moment.timestamp()
    except (ValueError, OverflowError, OSError):
        raise UsageError(f"{typed} is not a time; write one like {_FORMATS}") from None
    if seconds > now.timestamp():
        raise UsageError(f"{typed} is in the future; write a time in the past, like {_FORMATS}")
    return seconds
