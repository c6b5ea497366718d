"""The switch for background work, and its daily quota of notes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, time, timedelta
from pathlib import Path

from companion.config import Config
from companion.daemon.work_queue import Priority, WorkQueue
from companion.enrich.enricher import Enricher
from companion.enrich.result import Answered, Result
from companion.enrich.task import Job
from companion.llm.budget import Budget, LimitReached
from companion.llm.catalog import model_path

_log = logging.getLogger(__name__)


class BackgroundSwitch:
    """Holds background work while it is paused, disabled, without a model, or at a daily limit.

    state: the vault's state folder; the file `paused` in it keeps a pause across restarts.
    """

    def __init__(self, config: Config, state: Path, queue: WorkQueue[Job]) -> None:
        self._config = config
        self._queue = queue
        self._file = state / "paused"
        self._lock = threading.Lock()
        self._exhausted: tuple[date, str] | None = None  # the day, and the reason
        self._logged = ""
        self.is_paused = self._file.exists()

    def reason_off(self) -> str:
        """Return why background work is held, in words; empty if it is not."""
        if self.is_paused:
            return "paused; companion resume lets it go on"
        if self._config.background.enabled is False:
            return "switched off in the configuration (background.enabled)"
        model = self._config.endpoint.model
        if self._config.is_embedded and model_path(model) is None:
            return (
                f"the model {model} is not on this machine: companion model pull fetches it, "
                "companion init names another one"
            )
        if self._exhausted and self._exhausted[0] == date.today():
            return self._exhausted[1]
        return ""

    def update(self) -> None:
        """Hold or release the background work in the queue, and log it when that changes."""
        with self._lock:
            reason = self.reason_off()
            self._queue.hold(Priority.BACKGROUND, bool(reason))
            if reason != self._logged:
                _log.info("background work: %s", reason or "on")
            self._logged = reason

    def pause(self) -> None:
        """Hold background work until resume(), also after a restart."""
        self.is_paused = True
        with suppress(OSError):  # on a full disk the pause ends with this process
            self._file.touch(mode=0o600)
        self.update()

    def resume(self) -> None:
        """End the pause."""
        self.is_paused = False
        self._file.unlink(missing_ok=True)
        self.update()

    def hold_until_tomorrow(self, reason: str) -> None:
        """Hold background work until midnight, local time, for this reason."""
        self._exhausted = date.today(), reason
        self.update()


_QUOTA_REACHED = "the notes of a day are used up (background.notes_a_day)"


class DailyQuota:
    """The number of notes a day that a model may be asked about. Safe to use from any thread.

    exhaust: called with the reason when a limit of the day is reached.
    """

    def __init__(self, spending: Budget, exhaust: Callable[[str], None]) -> None:
        self.exhaust = exhaust
        self._spending = spending

    def ask(self, enricher: Enricher, job: Job, text: str | None = None) -> Answered | Result:
        """Return enricher.ask(job, text); a note for which no model was asked is not counted.

        Raises LimitReached when the quota is reached, and what enricher.ask raises.
        """
        if not self._spending.reserve_note():
            self.exhaust(_QUOTA_REACHED)
            now = datetime.now()
            midnight = datetime.combine(now + timedelta(days=1), time.min)
            raise LimitReached(_QUOTA_REACHED, (midnight - now).total_seconds())
        used = False
        try:
            answer = enricher.ask(job, text)
            used = used_model(answer)
            return answer
        finally:
            if not used:
                self._spending.release_note()


def used_model(answer: Answered | Result) -> bool:
    """Return whether a model was asked for this answer."""
    is_fault = isinstance(answer, Result) and answer.status == "failed"
    return is_fault or answer.usage.calls > 0
