"""Fetching a model of the catalogue for a client, one at a time, with its progress."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from companion.app.run import log_fault
from companion.app.types.status import FetchShape
from companion.errors import CompanionError, NotThere, UsageError
from companion.llm import catalog

if TYPE_CHECKING:  # it is slow to import, and seldom needed
    from companion.llm.download import DownloadProgress

_log = logging.getLogger(__name__)


class ModelFetch:
    """Fetches models in its own thread. Safe to use from any thread.

    pull: like companion.llm.download.pull_model. after: called when a model has been fetched.
    """

    def __init__(
        self,
        after: Callable[[], object],
        pull: Callable[[str, DownloadProgress], Path] | None = None,
    ) -> None:
        self._after = after
        self._pull = pull or _pull
        self._lock = threading.Lock()
        self._progress: FetchShape | None = None
        self._stopped = threading.Event()

    @property
    def progress(self) -> FetchShape | None:
        """The progress of the fetch, or how the last one ended; None if there was none."""
        return self._progress

    def start(self, name: str) -> FetchShape:
        """Start to fetch a model of the catalogue, unless it is already being fetched.

        Raises NotThere if there is none of that name, UsageError while another is fetched.
        """
        size = next((model.size or 0 for model in catalog.CATALOG if model.name == name), None)
        if size is None:
            raise NotThere(f"The catalogue has no model {name[:100]}.")
        with self._lock:
            current = self._progress
            if current and current.state == "fetching":
                if current.name != name:
                    raise UsageError(f"The model {current.name} is being fetched; wait for it.")
                return current
            begun = self._progress = FetchShape(
                name=name, state="fetching", done=0, of=size, reason=""
            )
        threading.Thread(target=self._fetch, args=(begun,), name="fetch", daemon=True).start()
        return begun

    def stop(self) -> None:
        """End a fetch at its next step. The bytes so far are kept for the next one."""
        self._stopped.set()

    def _fetch(self, begun: FetchShape) -> None:
        def report(done: int, of: int) -> None:
            if self._stopped.is_set():
                raise _Stopped
            self._progress = begun.model_copy(update={"done": done, "of": of or begun.of})

        try:
            self._pull(begun.name, report)
        except _Stopped:
            return
        except Exception as error:
            reason = str(error) if isinstance(error, CompanionError) else _UNEXPECTED
            failed = {"state": "failed", "reason": reason}
            self._progress = (self._progress or begun).model_copy(update=failed)
            log_fault(f"fetching the model {begun.name}", error)
            return
        self._progress = begun.model_copy(update={"state": "done", "done": begun.of})
        _log.info("fetched the model %s", begun.name)
        self._after()


class _Stopped(BaseException):
    """The daemon ends. Not an Exception, since the next source would be tried after one."""


_UNEXPECTED = "The model cannot be fetched: unexpected; the log of the daemon says more."


def _pull(name: str, progress: DownloadProgress) -> Path:
    from companion.llm.download import pull_model

    return pull_model(name, progress)
