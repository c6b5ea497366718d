"""`companion serve`: the daemon's process, from start to end."""

from __future__ import annotations

import gc
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from logging.handlers import RotatingFileHandler
from pathlib import Path
from pkgutil import walk_packages
from queue import Empty, SimpleQueue
from types import FrameType

from companion import __path__ as package_path
from companion import __version__
from companion.app.open_vault import (
    RuntimeFile,
    find_daemon,
    remove_runtime_file,
    write_runtime_file,
)
from companion.config import state_folder
from companion.daemon.access import Access, ensure_token
from companion.daemon.app import make_app
from companion.daemon.daemon import Daemon
from companion.daemon.server import Server, bind_port
from companion.daemon.service import service_file
from companion.enrich.checks import find_unchecked
from companion.enrich.configured_model import open_spending
from companion.enrich.workspace import open_workspace
from companion.errors import UsageError, VaultLocked
from companion.note.text import show_hidden
from companion.store.database import set_older_aside
from companion.vault.lock import daemon_lock

_LOG_BYTES, _LOG_FILES = 1_000_000, 3
_SERVER_ENDS = 1.0  # seconds that the server's thread has to end
_SIGNAL_CHECK = 1.0  # seconds between two checks for a signal
_OTHER_PROCESSES = {"__main__", "cli", "mcp_server"}
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
_log = logging.getLogger(__name__)


def serve(root: Path, port: int, ready: Callable[[Daemon, int], None]) -> None:
    """Serve the vault at root until a signal arrives; then finish writes in progress.

    port: 0 for any free port. ready: called with the daemon and its port once it answers.

    Raises VaultLocked if a daemon serves this vault already; CompanionError if the port is in use,
    UsageError, JournalError.
    """
    signals = _take_signals()
    gc.freeze()  # imported modules stay
    aside = set_older_aside(state_folder(root))
    with (
        daemon_lock(state_folder(root)),
        open_workspace(None, root) as space,
        open_spending(space, root) as spending,
        bind_port(port) as listener,
    ):
        open_log(space.state)
        recovered = (f"{each.path}: {each.reason}" for each in space.recovered)
        for remark in filter(None, (aside, *recovered, find_unchecked())):
            _log.warning("%s", remark)
        ensure_token()
        daemon = Daemon(space, spending)
        with _answering(daemon, listener) as bound:
            ready(daemon, bound)
            threading.Thread(target=load_modules, name="imports", daemon=True).start()
            _log.info("serving %s on port %d", root.name, bound)
            _wait_for(signals)
    _log.info("stopped")


@contextmanager
def _answering(daemon: Daemon, listener: socket.socket) -> Iterator[int]:
    """Run the daemon and its HTTP server in the block, which gets the port; others can find it."""
    state, bound = daemon.state, int(listener.getsockname()[1])
    server = Server(make_app(daemon, Access(bound)), listener)
    answering = threading.Thread(target=server.run, name="http", daemon=True)
    answering.start()
    write_runtime_file(state, RuntimeFile(bound, os.getpid(), __version__, daemon.started_at))
    try:
        daemon.start()
        yield bound
    finally:
        remove_runtime_file(state)
        daemon.feed.close()
        server.stop()
        daemon.stop()
        answering.join(_SERVER_ENDS)


def require_no_daemon(root: Path) -> None:
    """Raise VaultLocked, with where it is and what to do, if a daemon serves the vault already."""
    daemon = find_daemon(state_folder(root))
    if daemon is None:
        return
    stop = (
        "companion service install restarts it"
        if service_file(root).exists()
        else "to restart it, end it first, with Ctrl-C in its terminal"
    )
    raise VaultLocked(
        f"a daemon serves this vault already, on http://127.0.0.1:{daemon.port} (pid {daemon.pid});"
        f" companion status says what it does, companion open shows its page, and {stop}"
    )


def load_modules() -> None:
    """Import our modules that are otherwise imported on first use.

    An upgrade may replace their files by then.
    """
    for module in walk_packages(package_path, "companion."):
        package = module.name.split(".")[1]
        if package not in _OTHER_PROCESSES:
            with suppress(Exception):  # of another platform; its first use says what is wrong
                import_module(module.name)


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
        file = RotatingFileHandler(path, "a", _LOG_BYTES, _LOG_FILES, "utf-8", errors="replace")
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


def _take_signals() -> SimpleQueue[int]:
    """Handle the signals that end the daemon from now on; return the queue that gets them.

    A handler takes no lock, which this thread may hold: Event.set may deadlock.
    """
    signals = SimpleQueue[int]()

    def handle(number: int, frame: FrameType | None) -> None:
        signals.put(number)

    for name in _SIGNALS:
        number = getattr(signal, name, None)
        # stay with a signal that the parent process ignores: nohup, or a shell's background job
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handle)
    return signals


def _wait_for(signals: SimpleQueue[int]) -> None:
    """Wait until a signal has arrived. Windows runs handlers between waits."""
    while True:
        with suppress(Empty):
            signals.get(timeout=_SIGNAL_CHECK)
            return
