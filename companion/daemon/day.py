"""The notes that the background may ask for in a day, counted where it asks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta

from companion.enrich.answered import Answered
from companion.enrich.draft import Job
from companion.enrich.enricher import Enricher
from companion.enrich.result import Result
from companion.llm.spending import LimitReached, Spending

_USED_UP = "the notes of a day are used up (background.notes_a_day)"


class DaysNotes:
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
            used = was_asked(answer)
            return answer
        finally:
            if not used:
                self._spending.give_note_back()


def was_asked(answer: Answered | Result) -> bool:
    """Return whether a model was asked to get here."""
    if isinstance(answer, Answered):
        return True
    return answer.status == "failed" or answer.usage.calls > 0


def _seconds_to_midnight() -> float:
    now = datetime.now()
    return (datetime.combine(now + timedelta(days=1), time.min) - now).total_seconds()
