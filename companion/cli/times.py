"""Times as people type and read them: a day, a time of day, or how long ago."""

from __future__ import annotations

import re
import time
from datetime import datetime, timedelta
from datetime import time as time_of_day

from companion.errors import UsageError

_AGO = re.compile(r"(\d{1,6})\s*(m|h|d|w|min|minutes?|hours?|days?|weeks?)(?:\s+ago)?", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_CLOCK = re.compile(r"\d{1,2}:\d\d(:\d\d)?", re.ASCII)
TIME_FORMATS = "as 2026-11-25, 2026-11-25 14:30, 14:30, yesterday, 36h or 7d"


def parse_time(typed: str, now: datetime | None = None) -> float:
    """Return the Unix time of what the user typed, in local time where it names no zone.

    Raises UsageError if it is not a time, or lies in the future.
    """
    now = now or datetime.now()
    try:
        parsed = _parse(typed.strip().casefold(), now)
        seconds = parsed.timestamp()
    except (ValueError, OverflowError, OSError):
        raise UsageError(f"{typed} is not a time; write it {TIME_FORMATS}") from None
    if seconds > now.timestamp():
        raise UsageError(f"{typed} lies in the future; write a time in the past, {TIME_FORMATS}")
    return seconds


def local_time(seconds: float) -> str:
    """Return the Unix time on the user's clock, with its offset: `2026-11-25 10:44 +0100`."""
    return time.strftime("%Y-%m-%d %H:%M %z", time.localtime(seconds))


def _parse(typed: str, now: datetime) -> datetime:
    days_ago = {"today": 0, "yesterday": 1}
    if typed in days_ago:
        day = now.date() - timedelta(days=days_ago[typed])
        return datetime.combine(day, time_of_day.min)
    if ago := _AGO.fullmatch(typed):
        return now - timedelta(**{_UNITS[ago[2][0]]: int(ago[1])})
    if _CLOCK.fullmatch(typed):
        padded = typed.rjust(len("00:00"), "0")
        return datetime.combine(now.date(), time_of_day.fromisoformat(padded))
    return datetime.fromisoformat(typed.upper())
