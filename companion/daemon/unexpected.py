"""Faults in the log, without a word that may be a note's."""

from __future__ import annotations

import logging
import traceback
from pathlib import PurePath

from companion.errors import CompanionError

_log = logging.getLogger(__name__)


def log_fault(doing: str, error: Exception) -> None:
    """Log what went wrong: a fault of ours by its kind and place, for it may quote a note."""
    if isinstance(error, CompanionError | OSError):
        _log.warning("%s: %s", doing, error)
        return
    places = traceback.extract_tb(error.__traceback__)
    where = " > ".join(f"{PurePath(place.filename).name}:{place.lineno}" for place in places)
    _log.error("%s: unexpected %s; please report it (%s)", doing, type(error).__name__, where)
