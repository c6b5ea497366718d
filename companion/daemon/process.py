"""`companion serve`: the daemon's process, from start to end."""

from __future__ import annotations

import gc
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from types import FrameType

from companion import __version__
from companion.app.runtime_file import (
    PluginRuntimeFile,
    RuntimeFile,
    find_daemon,
    remove_runtime_file,
    write_runtime_file,
)
from companion.app.tokens import ensure_token
from companion.config import config_file, state_folder
from companion.config.load import describe_gone_settings, vault_file
from companion.daemon.access import Access
from companion.daemon.app import make_app
from companion.daemon.daemon import Daemon
from companion.daemon.http_server import Server, bind_port
from companion.daemon.log import open_log
from companion.daemon.service import find_service
from companion.enrich.checks import find_unchecked
from companion.enrich.model import open_spending
from companion.enrich.workspace import open_workspace
from companion.errors import UsageError, VaultLocked

_SERVER_ENDS = 1.0  # seconds that the server's thread has to end
_SIGNAL_CHECK = 1.0  # seconds between two checks for a signal
_RELEASED = 3.0  # seconds that another process has to take the vault, and between two looks after
_NEW_OBJECTS = 10_000  # between two looks for cycles of garbage; Python's own figure is 700
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
_log = logging.getLogger(__name__)


def serve(root: Path, port: int, ready: Callable[[Daemon, int], None]) -> None:
    """Serve the vault at root until a signal arrives; then finish writes in progress.

    port: 0 for any free port. ready: called with the daemon and its port once it answers. Where
    another process of Companion has asked for the vault, it gets it, and is waited for.

    Raises VaultLocked if another process works on this vault; PortInUse, UsageError, JournalError.
    """
    signals = _take_signals()
    # What is imported stays, and what is known of a large vault is many objects without cycles: to
    # look through them as often as Python does without being told takes a fifth of the start.
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)
    released = _serve_once(root, port, ready, signals)
    while released is not None and not _is_signalled(signals, _RELEASED):
        try:
            released = _serve_once(root, released, None, signals)
        except VaultLocked:
            pass  # the other process is not done yet
        except UsageError as error:
            _log.warning("not started again: %s", error)
    _log.info("stopped")


def _serve_once(
    root: Path,
    port: int,
    ready: Callable[[Daemon, int], None] | None,
    signals: SimpleQueue[int],
) -> int | None:
    """Serve until a signal arrives, and return None, or until released, and return the port.

    ready: None where the daemon starts again, which nobody is told.
    """
    stopped = threading.Event()
    with (
        open_workspace(None, root) as space,
        open_spending(space.config, root, space=space) as spending,
        bind_port(port) as listener,
    ):
        if ready:
            open_log(space.state)
        recovered = (f"{each.path}: {each.reason}" for each in space.recovered)
        gone = describe_gone_settings(config_file(), vault_file(root))
        for remark in filter(None, (*recovered, *gone, find_unchecked())):
            _log.warning("%s", remark)
        ensure_token()
        daemon, bound = Daemon(space, spending), int(listener.getsockname()[1])
        plugin_file = PluginRuntimeFile(root, bound)
        server = Server(make_app(daemon, Access(root, bound, plugin_file.id), stopped), listener)
        answering = threading.Thread(target=server.run, name="http", daemon=True)
        answering.start()
        place = RuntimeFile(bound, os.getpid(), __version__, daemon.started_at)
        write_runtime_file(space.state, place)
        try:
            plugin_file.start()
            daemon.start()
            if ready:
                ready(daemon, bound)
            _log.info("serving %s on port %d", root.name, bound)
            is_over = _wait_for(signals, daemon.released)
        finally:
            stopped.set()
            plugin_file.stop()
            remove_runtime_file(space.state)
            server.stop()
            daemon.stop()
            answering.join(_SERVER_ENDS)
    return None if is_over else bound


def require_no_daemon(root: Path) -> None:
    """Raise VaultLocked, with where it is and what to do, if a daemon serves the vault already."""
    daemon = find_daemon(state_folder(root))
    if daemon is None:
        return
    stop = (
        "companion service install restarts it"
        if find_service(root)
        else "to restart it, end it first, by Ctrl-C in its terminal"
    )
    raise VaultLocked(
        f"a daemon serves this vault already, on http://127.0.0.1:{daemon.port} (pid {daemon.pid});"
        f" companion status says what it does, companion open shows its page, and {stop}"
    )


def _take_signals() -> SimpleQueue[int]:
    """Handle the signals that end the daemon from now on; return the queue that gets them.

    A handler interrupts the main thread, so it must not take a lock that this thread may hold:
    Event.set in a handler deadlocks if the thread is just entering Event.wait.
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


def _wait_for(signals: SimpleQueue[int], released: threading.Event) -> bool:
    """Return once a signal has arrived, True, or once another process is to have the vault."""
    while not released.is_set():
        if _is_signalled(signals, _SIGNAL_CHECK):
            return True
    _log.info("another process of Companion gets the vault; this one waits for it")
    return False


def _is_signalled(signals: SimpleQueue[int], seconds: float) -> bool:
    """Return whether a signal arrives within `seconds` seconds.

    Windows runs handlers only between two waits.
    """
    until = time.monotonic() + seconds
    while (remaining := until - time.monotonic()) > 0:
        with suppress(Empty):
            signals.get(timeout=min(remaining, _SIGNAL_CHECK))
            return True
    return False
