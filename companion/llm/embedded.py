"""The embedded model: llama.cpp in a child process, one for all processes of a user.

The first process that needs it starts it, and leaves its address and a random key in a private
file, where others find them. It ends by itself: see worker.py.
"""

from __future__ import annotations

import json
import math
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

from pydantic import SecretStr

from companion.llm import worker
from companion.llm.catalog import models_folder
from companion.llm.endpoint import Endpoint
from companion.llm.errors import EndpointDown
from companion.private_files import make_private_folder, write_private

_ANSWER_TIMEOUT = 900.0  # seconds; calls wait for a slot, on slow machines for long
_MEASURED = 0.25  # seconds
_NEARLY = 0.3  # of a core: one that is less busy counts as free


class ModelNotStarted(EndpointDown):
    """llama.cpp cannot load the model: the file is not a model, or too large for the memory."""


class EmbeddedEndpoint(Endpoint):
    """An endpoint whose server is ours, started on this machine."""

    embedded: ClassVar[bool] = True


class EmbeddedServer(AbstractContextManager["EmbeddedServer"]):
    """Lends the endpoint of a local model. Safe to use from any thread; close() it at the end.

    The server starts on the first lease, unless another process of the user has started one for
    the same model, and again if it died. It stops after `idle` seconds without a lease, since it
    holds the model in memory (1.3 GB for the default one), and with the last process that uses it.

    slots: calls served at once, each with `context_tokens`; on two cores, two slots do a quarter
    more notes a minute than one. threads: None for as many as there are free cores when it starts.
    If one of two cores has other work, one thread is three times as fast as two, which wait for
    each other.
    """

    def __init__(
        self,
        model_path: Path,
        name: str = "",
        context_tokens: int = 4096,
        slots: int = 2,
        threads: int | None = None,
        idle: float = 300.0,
    ) -> None:
        self.settings = EmbeddedEndpoint(
            base_url="http://127.0.0.1/v1",
            model=name or model_path.stem,
            timeout=_ANSWER_TIMEOUT,
            json_mode="schema",
            context_tokens=context_tokens,
        )
        self._model_path, self._slots, self._idle = model_path, slots, idle
        self._threads = threads
        key = f"{model_path.absolute()} {self.settings.model} {context_tokens} {slots} {threads}"
        self._folder = models_folder().parent / "running" / sha256(key.encode()).hexdigest()[:16]
        # how many calls this object makes now; the child looks at it and at its time
        self._own_file = self._folder / "users" / f"{os.getpid()}.{secrets.token_hex(4)}"
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None  # if this object started it
        self._leases = 0

    @property
    def pid(self) -> int | None:
        """The process id of the server; None while none is running."""
        import psutil

        if self._child and self._child.poll() is not None:  # else its zombie would count
            self._child = None
        pid = self._read_state().get("pid")
        with suppress(psutil.Error):  # it has ended
            if pid and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                return int(pid)
        return None

    @contextmanager
    def lease(self) -> Iterator[Endpoint]:
        """Lend the endpoint for one call; until then the server is not idle.

        Raises ModelNotStarted when the server cannot be started.
        """
        with self._lock:
            endpoint = self._find_or_start()
            self._count_lease(1)
        try:
            yield endpoint
        finally:
            with self._lock:
                self._count_lease(-1)

    def close(self) -> None:
        """Stop using the server; it stops, even during a call, if nobody else uses it."""
        with self._lock:
            if self._own_file.exists():
                self._own_file.unlink()
                self._stop_unless_shared()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _find_or_start(self) -> Endpoint:
        """Return the running server's endpoint, after starting it if necessary."""
        from filelock import FileLock

        make_private_folder(self._own_file.parent)
        with FileLock(self._folder / "lock"):
            self._count_lease(0)
            if self.pid is None:
                self._start()
        state = self._read_state()
        own = {"base_url": f"{state['url']}/v1", "api_key": SecretStr(state["key"])}
        return self.settings.model_copy(update=own)

    def _start(self) -> None:
        """Start the server with a new key. Raises ModelNotStarted when it does not start."""
        options = {
            "model": str(self._model_path),
            "alias": self.settings.model,
            "key": secrets.token_urlsafe(32),
            "context_tokens": self.settings.context_tokens,
            "slots": self._slots,
            "threads": self._threads or count_free_cores(),
            "users": str(self._own_file.parent),
            "idle": self._idle,
        }
        child = _start_worker()
        answer = _tell(child, options)
        if "url" not in answer:
            child.kill()
            child.wait()
            reason = answer.get("error", "it ended without a message")
            how = (
                "sudo apt install libgomp1, or what your system calls it"
                if "libgomp" in reason
                else "see that the file is a whole GGUF model and that there is enough free memory,"
                " or choose a smaller model"
            )
            raise ModelNotStarted(
                f"The embedded model {self.settings.model} cannot be started ({reason}); {how}"
            )
        self._child = child
        state = {"url": answer["url"], "key": options["key"], "pid": child.pid}
        write_private(self._folder / "server.json", json.dumps(state).encode())

    def _read_state(self) -> dict[str, Any]:
        """Return what the running server's file says; empty if there is none."""
        with suppress(OSError, ValueError):
            return dict(json.loads((self._folder / "server.json").read_bytes()))
        return {}

    def _count_lease(self, change: int) -> None:
        self._leases += change
        self._own_file.write_text(str(self._leases), "ascii")

    def _stop_unless_shared(self) -> None:
        """Stop the server, and wait for its end, if nobody else uses it."""
        import psutil

        pid = self.pid
        if pid is None or worker.is_in_use(self._own_file.parent):
            return
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            process.kill()
            process.wait(5)
        if self._child:
            self._child.wait()
        (self._folder / "server.json").unlink(missing_ok=True)


def _start_worker() -> subprocess.Popen[bytes]:
    """Start worker.py, in its own process group: the parent handles Ctrl-C."""
    group: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        group = {"creationflags": flags | subprocess.BELOW_NORMAL_PRIORITY_CLASS}
    return subprocess.Popen(
        [sys.executable, "-P", worker.__file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        **group,
    )


def _tell(child: subprocess.Popen[bytes], options: dict[str, Any]) -> dict[str, str]:
    """Send the options to the worker; return its answer, empty when it ends without one."""
    assert child.stdin and child.stdout
    with child.stdout, suppress(OSError, ValueError):
        with child.stdin:
            child.stdin.write(json.dumps(options).encode() + b"\n")
        return dict(json.loads(child.stdout.readline()))
    return {}


def count_free_cores() -> int | None:
    """Return how many cores other programs leave free, at least one; None if all.

    A thread that shares a core with other work holds up all the others, which wait for it. On an
    idle machine llama.cpp itself knows best which of its cores are fast ones.
    """
    import psutil

    cores: int = psutil.cpu_count(logical=False) or psutil.cpu_count() or 1
    busy: float = psutil.cpu_percent(_MEASURED) * cores / 100
    free = max(1, math.floor(cores - busy + _NEARLY))
    return free if free < cores else None
