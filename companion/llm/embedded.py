"""The embedded model: llama.cpp in a child process, one for all processes of a user.

The first process that needs it starts it, and leaves its address and a random key in a private
file, where others find them. It ends by itself: see worker.py.
"""

from __future__ import annotations

import json
import math
import os
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

from pydantic import SecretStr

from companion.llm.catalog import models_folder
from companion.llm.endpoint import Endpoint
from companion.llm.errors import EndpointDown
from companion.llm.worker import (
    WorkerProcess,
    end_worker,
    is_in_use,
    send_options,
    start_worker,
)
from companion.private_files import make_private_folder, write_private

_START_TIMEOUT = 180.0  # seconds to load a model; a cold disk reads 1 GB in some 10
_ANSWER_TIMEOUT = 900.0  # seconds; calls wait for a slot, on slow machines for long
_NICENESS = 5  # leaves a quarter of a core beside one other program; 10 leaves a tenth
_NEARLY = 0.3  # of a core: one that is less busy counts as free


class ModelNotStarted(EndpointDown):
    """llama.cpp cannot load the model: the file is not a model, or too large for the memory."""


class EmbeddedEndpoint(Endpoint):
    """An endpoint whose server is ours, started on this machine."""

    embedded: ClassVar[bool] = True


class EmbeddedServer:
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
        self._child: WorkerProcess | None = None  # if this object started it
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

    def __enter__(self) -> EmbeddedServer:
        return self

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
        cores, key = count_all_cores(), secrets.token_urlsafe(32)
        threads = self._threads or choose_threads(count_free_cores(), cores)
        child = start_worker(_NICENESS)
        options = {
            "model": str(self._model_path),
            "alias": self.settings.model,
            "key": key,
            "context_tokens": self.settings.context_tokens,
            "slots": self._slots,
            # on a machine that is idle llama.cpp knows best which of its cores are fast ones
            "threads": self._threads or (threads if threads < cores else None),
            "users": str(self._own_file.parent),
            "idle": self._idle,
        }
        answer = send_options(child, options, _START_TIMEOUT)
        if "url" not in answer:
            end_worker(child)
            reason = answer.get("error", "it ended without a message")
            raise ModelNotStarted(
                f"The embedded model {self.settings.model} cannot be started ({reason});"
                " see that the file is a whole GGUF model and that there is enough free memory, or"
                " choose a smaller model; if libgomp is missing: sudo apt install libgomp1"
            )
        self._child = child
        state = {"url": answer["url"], "key": key, "pid": child.pid}
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
        if pid is None or is_in_use(self._own_file.parent):
            return
        with suppress(psutil.Error):
            psutil.Process(pid).kill()
        if self._child:
            end_worker(self._child)
        with suppress(psutil.Error):
            psutil.wait_procs([psutil.Process(pid)], 5)
        (self._folder / "server.json").unlink(missing_ok=True)


def count_free_cores(seconds: float = 0.25) -> float:
    """Return how many cores other programs leave free, measured over this many seconds.

    If cores have two hardware threads, each counts half: llama.cpp gains nothing from both.
    """
    import psutil

    usable = _usable_cores()
    shares = psutil.cpu_percent(seconds, percpu=True)
    busy = sum(share for number, share in enumerate(shares) if number in usable)
    return max(0.0, len(usable) - float(busy) / 100) * _physical_share()


def count_all_cores() -> int:
    """Return how many cores there are for this process, busy or not."""
    return max(1, math.floor(len(_usable_cores()) * _physical_share()))


def choose_threads(free: float, cores: int) -> int:
    """Return how many threads to run when `free` of all cores are free; at least one.

    A thread that shares a core with other work holds up all the others, which wait for it.
    """
    return min(cores, max(1, math.floor(free + _NEARLY)))


def _usable_cores() -> frozenset[int]:
    """Return the numbers of the logical cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


def _physical_share() -> float:
    """Return how many physical cores there are for each logical one."""
    import psutil

    logical: int = psutil.cpu_count() or 1
    return (psutil.cpu_count(logical=False) or logical) / logical
