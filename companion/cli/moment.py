"""Moments as people type them: a day, a time, or how long ago."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

from companion.errors import UsageError

_AGO = re.compile(r"(\d{1,6})\s*(m|h|d|w|min|minutes?|hours?|days?|weeks?)(?:\s+ago)?", re.ASCII)
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_CLOCK = re.compile(r"\d{1,2}:\d\d(:\d\d)?", re.ASCII)
HOW = "as 2026-11-25, 2026-11-25 14:30, 14:30, yesterday, 36h or 7d"


def read_moment(typed: str, now: datetime | None = None) -> float:
    """Return the Unix time of what was typed, on the local calendar where it names no zone.

    Raises UsageError: it is no moment, or lies in the future.
    """
    now = now or datetime.now()
    try:
        moment = _read(typed.strip().casefold(), now)
        seconds = moment.timestamp()
    except (ValueError, OverflowError, OSError):
        raise UsageError(f"{typed} is no moment; write it {HOW}") from None
    if seconds > now.timestamp():
        raise UsageError(f"{typed} lies in the future; write a moment that has been, {HOW}")
    return seconds


def _read(typed: str, now: datetime) -> datetime:
    days = {"today": 0, "yesterday": 1}
    if typed in days:
        return _midnight(now.date() - timedelta(days=days[typed]))
    if ago := _AGO.fullmatch(typed):
        return now - timedelta(**{_UNITS[ago[2][0]]: int(ago[1])})
    if _CLOCK.fullmatch(typed):
        return datetime.combine(now.date(), time.fromisoformat(typed.rjust(len("00:00"), "0")))
    return datetime.fromisoformat(typed.upper())


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min)
