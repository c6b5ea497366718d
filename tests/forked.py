"""Processes of companion, forked from one that has its modules loaded: a tenth of the time each.

Only the start differs from `python -m companion`: each is a process of its own, with its own
environment, folder, signals and files. Elsewhere than on Linux, and where a test wants to do
something before the program starts, it is started as usual.
"""

import atexit
import contextlib
import functools
import io
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[1]
CAN_FORK = sys.platform == "linux"
_LOADED = (
    *("companion.cli", "companion.cli.enrich", "companion.cli.scan", "companion.cli.serve"),
    *("companion.cli.history", "companion.cli.batch", "companion.cli.review"),
    *("companion.daemon.process", "companion.daemon.app"),
    "companion.app.vault",
    *("openai", "waitress", "watchdog.observers", "ruamel.yaml", "frontmatter"),
)
_LARGEST = 1 << 20  # bytes of a request: an environment, mostly


class Forked(subprocess.Popen[str]):
    """A process of companion. args: those of its command line, without the program."""

    def _execute_child(self, args: Sequence[str], *given: Any) -> None:
        """Take the place of Popen's, of which these are the arguments, in their order."""
        cwd, env, pipes, session = given[4], given[5], given[9:15], given[20]
        order = {"arguments": [*args], "env": dict(env), "cwd": str(cwd), "session": session}
        self.pid, self._ended = _server().start(order, [pipes[0], pipes[3], pipes[5]])
        self._close_pipe_fds(*pipes)  # type: ignore[attr-defined]

    def _try_wait(self, flags: int) -> tuple[int, int]:
        self._ended.setblocking(not flags)
        try:
            status = int(self._ended.recv(64).decode())
        except BlockingIOError:
            return 0, 0
        self._ended.close()
        return self.pid, status

    def _internal_poll(self, *_: Any, **__: Any) -> int | None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode


class _Server:
    """The process that forks, as this one sees it."""

    def __init__(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for each in (ours, theirs):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _LARGEST)
        command = [sys.executable, "-m", "tests.forked", str(theirs.fileno())]
        environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
        self._process = subprocess.Popen(
            command, env=environment, cwd=REPOSITORY, pass_fds=[theirs.fileno()]
        )
        theirs.close()
        self._socket = ours
        self._lock = threading.Lock()
        atexit.register(self._end)

    def start(self, order: Mapping[str, Any], files: Sequence[int]) -> tuple[int, socket.socket]:
        """Start a process; return its id, and what its exit status can be read from."""
        ours, theirs = socket.socketpair()
        with self._lock:
            socket.send_fds(self._socket, [json.dumps(order).encode()], [*files, theirs.fileno()])
            pid = int(self._socket.recv(64).decode())
        theirs.close()
        return pid, ours

    def _end(self) -> None:
        self._socket.close()
        self._process.wait()


@functools.cache
def _server() -> _Server:
    return _Server()


# The process that forks


def _serve(place: int) -> Mapping[str, Any] | None:
    """Fork for each order; return it in the process forked, None at the end in this one."""
    channel = socket.socket(fileno=place)
    read, write = os.pipe()
    for each in (read, write):
        os.set_blocking(each, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(write)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal in which the tests run
    children: dict[int, int] = {}
    while True:
        ready, _, _ = select.select([place, read], [], [])
        if read in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(read, 4096)
            _tell_ends(children)
        if place not in ready:
            continue
        data, files, _, _ = socket.recv_fds(channel, _LARGEST, 4)
        if not data:
            return None
        if not (pid := os.fork()):
            _become(files, [channel.detach(), read, write, *children.values()])
            return dict(json.loads(data))
        for file in files[:3]:
            os.close(file)
        children[pid] = files[3]
        channel.send(str(pid).encode())


def _tell_ends(children: dict[int, int]) -> None:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if not pid:
            return
        with contextlib.suppress(OSError):
            os.write(children[pid], str(status).encode())
        os.close(children.pop(pid))


def _become(files: Sequence[int], others: Sequence[int]) -> None:
    """Make this the process that was ordered: its files, and signals as a process begins with."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, file in enumerate(files[:3]):
        os.dup2(file, number)
    for file in (*files, *others):
        os.close(file)


def _run(order: Mapping[str, Any]) -> None:
    os.environ.clear()
    os.environ.update(order["env"])
    os.chdir(order["cwd"])
    if order["session"]:
        os.setsid()
    encoding = os.environ.get("PYTHONIOENCODING", "utf-8")
    for name, number in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
        raw = io.FileIO(number, "r" if name == "stdin" else "w", closefd=False)
        buffer: Any = io.BufferedReader(raw) if name == "stdin" else io.BufferedWriter(raw)
        errors = "backslashreplace" if name == "stderr" else "strict"
        lines = name == "stderr" or raw.isatty()
        setattr(sys, name, io.TextIOWrapper(buffer, encoding, errors, line_buffering=lines))
    sys.argv = ["companion", *order["arguments"]]
    runpy.run_module("companion", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    for module in _LOADED:
        __import__(module)
    if ordered := _serve(int(sys.argv[1])):
        _run(ordered)
