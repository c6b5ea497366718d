"""The embedded model: llama.cpp in a child process, one for all processes of a user.

The first process that needs it starts it, and leaves its address and a random key in a private
file, where others find them. It ends by itself: see worker.py. Its number of threads depends on how
much of the processor other programs use.
"""

from __future__ import annotations

import json
import math
import os
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

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

if TYPE_CHECKING:
    import psutil

_START_TIMEOUT = 180.0  # seconds to load a model; a cold disk reads 1 GB in some 10
_ANSWER_TIMEOUT = 900.0  # seconds; calls wait for a slot, on slow machines for long
_FIRST_COUNT = 0.25  # seconds in which free cores are counted before the server starts
_NEXT_COUNT = 10.0  # seconds after which they are counted again, at the end of a call
_NICENESS = 5  # leaves a quarter of a core beside one other program; 10 leaves a tenth
_NEARLY = 0.3  # of a core: one that is less busy counts as free
_SLACK = 0.6  # of a core that a thread may lack before there are too many threads


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
    more notes a minute than one. threads: None for as many as there are free cores. If one of two
    cores has other work, one thread is three times as fast as two, which wait for each other. The
    free cores are counted before each start and after calls; if the number is no longer right, and
    no other process uses the server, it restarts between two calls.
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
        self.threads = threads or 0  # that the server has
        self._model_path, self._slots, self._idle = model_path, slots, idle
        self._fixed_threads = threads
        key = f"{model_path.absolute()} {self.settings.model} {context_tokens} {slots} {threads}"
        self._folder = models_folder().parent / "running" / sha256(key.encode()).hexdigest()[:16]
        # how many calls this object makes now; the child looks at it and at its time
        self._own_file = self._folder / "users" / f"{os.getpid()}.{secrets.token_hex(4)}"
        self._changed = threading.Condition()
        self._child: WorkerProcess | None = None  # if this object started it
        self._leases = 0
        self._free = 0.0  # cores, when they were last counted
        self._counted_at = 0.0
        self._process: psutil.Process | None = None  # which counts from one look to the next

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
        with self._changed:
            while self._leases and self._has_wrong_threads():
                self._changed.wait()  # for the end of the calls under way
            endpoint = self._find_or_start()
            self._leases += 1
            self._tell_leases()
        try:
            yield endpoint
        finally:
            with self._changed:
                self._leases -= 1
                self._tell_leases()
                if time.monotonic() - self._counted_at >= _NEXT_COUNT:
                    self._count_free_cores()
                self._changed.notify_all()

    def close(self) -> None:
        """Stop using the server; it stops, even during a call, if nobody else uses it."""
        with self._changed:
            if self._own_file.exists():
                self._own_file.unlink()
                self._stop_unless_shared()
            self._changed.notify_all()

    def __enter__(self) -> EmbeddedServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _find_or_start(self) -> Endpoint:
        """Return the running server's endpoint, after starting it if necessary."""
        from filelock import FileLock

        make_private_folder(self._own_file.parent)
        with FileLock(self._folder / "lock"):
            if self.pid is not None and self._has_wrong_threads():
                self._own_file.unlink(missing_ok=True)
                self._stop_unless_shared()
            self._tell_leases()
            if self.pid is None:
                self._start()
        state = self._read_state()
        self.threads = state["threads"]
        own = {"base_url": f"{state['url']}/v1", "api_key": SecretStr(state["key"])}
        return self.settings.model_copy(update=own)

    def _start(self) -> None:
        """Start the server with a new key. Raises ModelNotStarted when it does not start."""
        free, cores = count_free_cores(seconds=_FIRST_COUNT), count_all_cores()
        threads = self._fixed_threads or choose_threads(free, cores)
        key = secrets.token_urlsafe(32)
        child = start_worker("llama.cpp", _NICENESS)
        options = {
            "model": str(self._model_path),
            "alias": self.settings.model,
            "key": key,
            "context_tokens": self.settings.context_tokens,
            "slots": self._slots,
            # on a machine that is idle llama.cpp knows best which of its cores are fast ones
            "threads": self._fixed_threads or (threads if threads < cores else None),
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
        state = {"url": answer["url"], "key": key, "pid": child.pid, "threads": threads}
        write_private(self._folder / "server.json", json.dumps(state).encode())
        self._count_free_cores()
        self._free = free  # what the threads were chosen for

    def _read_state(self) -> dict[str, Any]:
        """Return what the running server's file says; empty if there is none."""
        with suppress(OSError, ValueError):
            return dict(json.loads((self._folder / "server.json").read_bytes()))
        return {}

    def _tell_leases(self) -> None:
        self._own_file.write_text(str(self._leases), "ascii")

    def _count_free_cores(self) -> None:
        import psutil

        pid = self.pid
        if self._process is None or self._process.pid != pid:
            with suppress(psutil.Error):
                self._process = psutil.Process(pid) if pid else None
        self._free = count_free_cores(self._process)
        self._counted_at = time.monotonic()

    def _has_wrong_threads(self) -> bool:
        """Whether too many or too few threads run for the cores that were last free."""
        if self._fixed_threads or not self.threads or not self._counted_at:
            return False
        if len(list(self._own_file.parent.iterdir())) > 1:  # others use the server, too
            return False
        return choose_threads(self._free, count_all_cores(), self.threads) != self.threads

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


def count_free_cores(server: psutil.Process | None = None, seconds: float | None = None) -> float:
    """Return how many cores other programs leave free, measured over this many seconds.

    server: our own, which counts as free. seconds: None: since the last call. If
    cores have two hardware threads, each counts half:
    llama.cpp gains nothing from both.
    """
    import psutil

    usable, logical = _usable_cores(), psutil.cpu_count() or 1
    shares = psutil.cpu_percent(seconds, percpu=True)
    busy = sum(share for number, share in enumerate(shares) if number in usable)
    own = 0.0
    with suppress(psutil.Error):  # it has ended
        own = server.cpu_percent() if server else 0.0
    free: float = len(usable) - max(0.0, busy - own) / 100
    physical: int = psutil.cpu_count(logical=False) or logical
    return max(0.0, free) * physical / logical


def count_all_cores() -> int:
    """Return how many cores there are for this process, busy or not."""
    import psutil

    logical = psutil.cpu_count() or 1
    return max(1, len(_usable_cores()) * (psutil.cpu_count(logical=False) or logical) // logical)


def choose_threads(free: float, cores: int, current: int | None = None) -> int:
    """Return how many threads to run when `free` of all cores are free; at least one.

    A thread that shares a core with other work holds up all the others, which wait for it.

    current: how many there are now; the number stays while it is about right.
    """
    if current is not None and current - _SLACK <= free < current + 1 - _NEARLY / 2:
        return current
    return min(cores, max(1, math.floor(free + _NEARLY)))


def _usable_cores() -> frozenset[int]:
    """Return the numbers of the logical cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))
