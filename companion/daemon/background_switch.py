"""Whether background work may be done now; if not, why."""

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
from companion.llm.budget import LimitReached, Spending
from companion.llm.catalog import model_path

_log = logging.getLogger(__name__)


class BackgroundSwitch:
    """Holds background work back while it is paused, switched off, or used up for today.

    state: the vault's state folder, where a pause is kept across restarts.
    """

    def __init__(self, config: Config, state: Path, queue: WorkQueue[Job]) -> None:
        self._config = config
        self._queue = queue
        self._file = state / "paused"
        self._lock = threading.Lock()
        self._spent: tuple[date, str] | None = None
        self._said = ""
        self.is_paused = self._file.exists()

    def reason_off(self) -> str:
        """Return why no background work is done; empty when it is."""
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
        if self._spent and self._spent[0] == date.today():
            return self._spent[1]
        return ""

    def update(self) -> None:
        """Hold background work back, or let it go on, as things stand now."""
        with self._lock:
            why = self.reason_off()
            self._queue.hold(Priority.BACKGROUND, bool(why))
            if why != self._said:
                _log.info("background work: %s", why or "on")
            self._said = why

    def pause(self) -> None:
        """Hold it back until resume(), also after a restart."""
        self.is_paused = True
        with suppress(OSError):  # on a full disk it holds until the next start
            self._file.touch(mode=0o600)
        self.update()

    def resume(self) -> None:
        """End a pause."""
        self.is_paused = False
        self._file.unlink(missing_ok=True)
        self.update()

    def hold_until_tomorrow(self, reason: str) -> None:
        """Hold it back until tomorrow."""
        self._spent = date.today(), reason
        self.update()


_USED_UP = "the notes of a day are used up (background.notes_a_day)"


class DailyQuota:
    """Asks in the background, at most so many times a day. From any thread.

    spent: called with the reason when nothing more may be asked today.
    """

    def __init__(self, spending: Spending, spent: Callable[[str], None]) -> None:
        self._spending = spending
        self._spent = spent

    def ask(self, enricher: Enricher, job: Job, text: str | None = None) -> Answered | Result:
        """Return what enricher.ask does; what asked no model is not counted.

        Raises LimitReached when the day's notes are used up, and as enricher.ask.
        """
        if not self._spending.reserve_note():
            self._spent(_USED_UP)
            raise LimitReached(_USED_UP, _seconds_to_midnight())
        used = False
        try:
            answer = enricher.ask(job, text)
            used = used_model(answer)
            return answer
        finally:
            if not used:
                self._spending.give_note_back()


def used_model(answer: Answered | Result) -> bool:
    """Return whether a model was asked to get here."""
    if isinstance(answer, Answered):
        return True
    return answer.status == "failed" or answer.usage.calls > 0


def _seconds_to_midnight() -> float:
    now = datetime.now()
    return (datetime.combine(now + timedelta(days=1), time.min) - now).total_seconds()
