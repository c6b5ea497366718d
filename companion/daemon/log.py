"""The daemon's log file: one line per event, without any note's text or secrets, and rotated."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from companion.app.run import log_fault
from companion.enrich.job import Result
from companion.errors import UsageError
from companion.note.text import show_hidden

_BYTES, _FILES = 1_000_000, 3
_FORMAT = "%(asctime)s %(levelname)s %(message)s"
_TIME = "%Y-%m-%d %H:%M:%S %z"  # local, with its offset


def log_file(state: Path) -> Path:
    """Return the path of the log of the vault's daemon. state: the vault's state folder."""
    return state / "daemon.log"


def open_log(state: Path) -> None:
    """Start to log to the file in the state folder, and to the standard error.

    Raises UsageError if the file cannot be written.
    """
    log = logging.getLogger("companion")
    if log.getEffectiveLevel() > logging.INFO:
        log.setLevel(logging.INFO)
    path = log_file(state)
    try:
        file = _open_file(path)
    except OSError as error:
        raise UsageError(
            f"the log {path} cannot be written ({error.strerror}); check its permissions"
        ) from None
    file.setLevel(logging.INFO)  # what --debug adds may hold anything
    handlers: list[logging.Handler] = [file]
    if not logging.getLogger().handlers:  # --debug logs to it already
        handlers.append(logging.StreamHandler())
    for each in handlers:
        each.setFormatter(_OneLine(_FORMAT, _TIME))
        log.addHandler(each)


def _open_file(path: Path) -> RotatingFileHandler:
    return _PrivateFile(
        path, maxBytes=_BYTES, backupCount=_FILES, encoding="utf-8", errors="replace"
    )


class _PrivateFile(RotatingFileHandler):
    """A log file that only the user may read, also after rotation.

    On a full disk its lines are lost; they still go to the standard error.
    """

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # logging's name
        """Do nothing; logging would print a traceback for each line."""

    def close(self) -> None:
        """Close the file; anything not on the disk by then is lost, too."""
        with suppress(OSError):
            super().close()

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        return os.fdopen(descriptor, "a", encoding=self.encoding, errors=self.errors)


class _OneLine(logging.Formatter):
    """Formats each event as one line; hidden characters, as in a note's name, are shown."""

    def format(self, record: logging.LogRecord) -> str:
        return show_hidden(super().format(record)).replace("\n", "<U+000A>")


_log = logging.getLogger(__name__)


def log_failed_start(state: Path, error: Exception) -> None:
    """Log why the daemon did not start: a service has no terminal to say so on.

    state: the vault's state folder; if it does not exist, nothing is logged.
    """
    log = logging.getLogger("companion")
    file: logging.Handler = logging.NullHandler()
    if state.is_dir() and not any(isinstance(handler, _PrivateFile) for handler in log.handlers):
        with suppress(OSError):
            file = _open_file(log_file(state))
            file.setFormatter(_OneLine(_FORMAT, _TIME))
    log.addHandler(file)
    log_fault("the daemon did not start", error)
    log.removeHandler(file)
    file.close()


def log_result(result: Result) -> None:
    """Log the result for a note in one line, without the text of the note or of the model."""
    if result.change is not None:
        kinds = ", ".join(dict.fromkeys(filling.need.kind for filling in result.filled))
        _log.info("%s: filled %s (change %d)", result.path, kinds, result.change)
    elif result.status == "proposed":
        _log.info("%s: proposed; companion review shows it", result.path)
    elif result.status == "enriched":
        _log.info("%s: ready, and not written here", result.path)
    else:
        _log.info("%s: %s; companion scan says why", result.path, result.status)
