"""The daemon's log file: one line per event, without any note's text or secrets, and rotated."""

from __future__ import annotations

import logging
import os
from logging.handlers import RotatingFileHandler
from pathlib import Path

from companion.enrich.job import Result
from companion.errors import UsageError
from companion.note.text import show_hidden

_BYTES, _FILES = 1_000_000, 3
_log = logging.getLogger(__name__)


class _OneLine(logging.Formatter):
    """Formats each event as one line; hidden characters, as in a note's name, are shown."""

    def format(self, record: logging.LogRecord) -> str:
        return show_hidden(super().format(record)).replace("\n", "<U+000A>")


def log_file(state: Path) -> Path:
    """Return the path of the log of the vault's daemon. state: the vault's state folder."""
    return state / "daemon.log"


def open_log(state: Path) -> None:
    """Start to log to the file in the state folder, and to the standard error.

    From now on, files that this process makes are for the user alone, as those of the log are.

    Raises UsageError if the file cannot be written.
    """
    os.umask(0o077)
    path, log = log_file(state), logging.getLogger("companion")
    try:
        file = RotatingFileHandler(path, "a", _BYTES, _FILES, "utf-8", errors="replace")
    except OSError as error:
        why = f"the log {path} cannot be written ({error.strerror}); check its permissions"
        raise UsageError(why) from None
    file.setLevel(logging.INFO)  # what --debug adds may hold anything
    logging.raiseExceptions = False  # on a full disk, lines are lost without a traceback for each
    log.setLevel(min(log.getEffectiveLevel(), logging.INFO))
    # --debug logs to the standard error already
    stream = logging.NullHandler() if logging.getLogger().handlers else logging.StreamHandler()
    for each in (file, stream):
        each.setFormatter(_OneLine("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S %z"))
        log.addHandler(each)


def log_result(result: Result) -> None:
    """Log the result for a note in one line, without the text of the note or of the model."""
    if result.change is not None:
        kinds = ", ".join(dict.fromkeys(filling.need.kind for filling in result.filled))
        _log.info("%s: filled %s (change %d)", result.path, kinds, result.change)
    else:
        _log.info("%s: %s; companion scan says why", result.path, result.status)
