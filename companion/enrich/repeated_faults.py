"""Ends a run in which the model gives note after note nothing, for the same fault."""

from __future__ import annotations

from threading import Lock

from companion.enrich.accept import Outcome
from companion.enrich.parse_answer import NothingToOffer, NothingToSay
from companion.enrich.retry import AnswerUnfit
from companion.errors import AnswerError
from companion.llm.endpoint_errors import ModelUnfit, RequestRejected
from companion.llm.response import NoAnswer

_AT_FIRST = 3  # notes in a row, while the model answered for none yet
_LATER = 10  # the same, once it answered for some: then it may be the notes


class RepeatedFaults:
    """Counts the notes in a row that the same fault left without an answer. From any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._fault = ""
        self._notes = 0
        self._most = _AT_FIRST

    def count(self, outcome: Outcome) -> None:
        """Take down what came of a note. Raises ModelUnfit when it was the same once too often.

        A refusal is about the note, and counts neither way.
        """
        errors = [*outcome.refused.values(), *outcome.fallbacks.values()]
        with self._lock:
            if _is_answered(outcome, errors):
                self._notes, self._most = 0, _LATER
                return
            found = [(fault, error) for error in errors if (fault := _fault_of(error))]
            if not found:
                return
            fault, error = found[0]
            self._notes = self._notes + 1 if fault == self._fault else 1
            self._fault = fault
            if self._notes >= self._most:
                raise ModelUnfit(
                    f"{self._notes} notes in a row got no answer, for the same reason: {error}"
                )


def _is_answered(outcome: Outcome, errors: list[AnswerError]) -> bool:
    """Return whether the model answered, be it with what cannot be used."""
    if len(outcome.fillings) > len(outcome.fallbacks):
        return True
    answers = (error for error in errors if not isinstance(error, NothingToOffer))
    return any(isinstance(error, AnswerUnfit | NothingToSay) for error in answers)


def _fault_of(error: AnswerError) -> str:
    if isinstance(error, RequestRejected):
        return "request rejected"
    return error.fault if isinstance(error, NoAnswer) else ""
