"""What companion doctor looks at of the daemon: its token, whether it runs, and where."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from companion import __version__
from companion.config import Config
from companion.config.private import is_private
from companion.daemon.client import DaemonClient, DaemonGone, DaemonRefused
from companion.daemon.place import find_daemon
from companion.daemon.token import has_token, read_token, token_file
from companion.enrich.check import Check

_PATIENCE = 2.0  # seconds


def check_token() -> Check:
    """Return whether the token is there, for its owner alone. Raises UsageError."""
    file = token_file()
    if not has_token():
        mend = "companion init or companion serve makes one"
        return Check("token", "hint", "there is none yet", mend)
    read_token()
    if not is_private(file):
        mend = f"companion token rotate, since they may have seen it; or chmod 600 {file}"
        return Check("token", "problem", f"others may read {file}", mend)
    return Check("token", "ok", str(file))


def check_daemon(config: Config, state: Path) -> Check:
    """Return whether the vault's daemon runs, and is of our version; if none, whether it could."""
    place = find_daemon(state)
    if place is None:
        return _check_port(config.server.port)
    where = f"http://127.0.0.1:{place.port}, process {place.pid}"
    if place.version != __version__:
        said = f"it runs version {place.version}, and this is {__version__} ({where})"
        return Check("daemon", "problem", said, "stop it, and start it again: companion serve")
    try:
        DaemonClient(place.port, read_token()).status(_PATIENCE)
    except (DaemonGone, DaemonRefused) as error:
        return Check("daemon", "problem", f"{error} ({where})")
    return Check("daemon", "ok", f"it runs: {where}")


def _check_port(port: int) -> Check:
    start = "companion serve starts it"
    if not port or _is_free(port):
        return Check("daemon", "ok", f"it does not run; {start} on port {port or 'any'}")
    said = f"it does not run, and another program answers on port {port}"
    return Check("daemon", "problem", said, "choose another port in [server], or stop that program")


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        if os.name != "nt":  # a port whose last connections only linger is free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
