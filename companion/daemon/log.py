"""The daemon's log: a line an event, never a note's text or a secret; old lines are dropped."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path

_BYTES, _FILES = 1_000_000, 3
_FORMAT = "%(asctime)s %(levelname)s %(message)s"


def log_file(state: Path) -> Path:
    """Return where the log of the vault's daemon lies."""
    return state / "daemon.log"


def open_log(state: Path, *, to_terminal: bool) -> None:
    """Log into the state folder from now on, and to the standard error if wanted."""
    log = logging.getLogger("companion")
    log.setLevel(logging.INFO)
    file = log_file(state)
    file.touch(mode=0o600)
    handler = RotatingFileHandler(file, maxBytes=_BYTES, backupCount=_FILES, encoding="utf-8")
    handlers: list[logging.Handler] = [handler]
    if to_terminal:
        handlers.append(logging.StreamHandler())
    for each in handlers:
        each.setFormatter(logging.Formatter(_FORMAT))
        log.addHandler(each)
