"""Encodes the vault's notes in the background, so that similar notes are found at once."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from companion.app.run import log_fault
from companion.enrich.context.similar import FEWEST, SimilarNotes
from companion.errors import AnswerError, EndpointError
from companion.llm.endpoint_errors import Cancelled
from companion.vault.notes import Scan

_PROGRESS = 30.0  # seconds between two lines of the log
_STOP = 1.0  # seconds that a batch of notes has to finish
_UNUSED = 60.0  # seconds after which the memory of vectors that nobody compares is freed
_log = logging.getLogger(__name__)


class NoteComparer:
    """Keeps the vectors of all notes up to date, in its own thread.

    scan: returns the last scan.
    """

    def __init__(self, similar: SimilarNotes, scan: Callable[[], Scan]) -> None:
        self._similar = similar
        self._scan = scan
        self._due = threading.Event()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="comparer", daemon=True)
        self._logged_at = 0.0

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def wake(self) -> None:
        """Check for new and changed notes: the vault was scanned."""
        self._due.set()

    def stop(self) -> None:
        """Stop the thread, once the notes in progress are encoded."""
        self._stopped.set()
        self._due.set()
        if self._thread.ident is not None:
            self._thread.join(_STOP)

    def _run(self) -> None:
        while True:
            while not self._due.wait(_UNUSED):
                self._similar.vectors.free()
            self._due.clear()
            if self._stopped.is_set():
                return
            try:
                self._update()
            except Cancelled:
                return
            except (EndpointError, AnswerError) as error:
                _log.warning("notes are not compared: %s", error)
            except Exception as error:
                log_fault("comparing notes", error)

    def _update(self) -> None:
        scan = self._scan()
        if len(scan.notes) >= FEWEST:
            update = self._similar.vectors.update
            update(scan, stopped=self._stopped, progress=self._log_progress)

    def _log_progress(self, done: int, total: int) -> None:
        if done == total or time.monotonic() - self._logged_at > _PROGRESS:
            self._logged_at = time.monotonic()
            _log.info("compared %s of %s notes that are new or changed", f"{done:,}", f"{total:,}")
