"""The processes of worker.py, seen from their parent: started with low priority, and ended."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

_STOP_TIMEOUT = 5.0  # seconds

WorkerProcess = subprocess.Popen[bytes]


def start_worker(what: str, niceness: int, *, is_low: bool, **environment: str) -> WorkerProcess:
    """Start a worker, in a process group of its own: Ctrl-C is the parent's to handle.

    what: the model that it runs, as worker.py calls it. is_low: its priority on Windows is below
    normal, where there is no niceness. environment: added to our own. Raises OSError.
    """
    group: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        group = {"creationflags": flags | (subprocess.BELOW_NORMAL_PRIORITY_CLASS if is_low else 0)}
    return subprocess.Popen(
        [sys.executable, "-P", str(Path(__file__).with_name("worker.py")), what, str(niceness)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **environment},
        **group,
    )


def pid_of(worker: WorkerProcess | None) -> int | None:
    """Return the process id of a worker; None where there is none, or it has ended."""
    return worker.pid if worker and worker.poll() is None else None


def end_worker(worker: WorkerProcess) -> None:
    """End the worker by closing its standard input; kill it when it does not end in time."""
    for pipe in (worker.stdin, worker.stdout):
        if pipe:
            with suppress(OSError):
                pipe.close()
    try:
        worker.wait(_STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
