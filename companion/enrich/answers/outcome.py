"""The outcomes of asking for needs: values, or why there are none."""

from __future__ import annotations

from threading import Lock
from typing import Literal, NamedTuple

from companion.enrich.checks import checks_are_on
from companion.enrich.checks.shape import Fault
from companion.llm.answers import Usage
from companion.llm.errors import ModelUnfit
from companion.note.needs import Need
from companion.store.proposals import Flag, Proposal

OutcomeKind = Literal[
    "value", "unfit", "nothing", "no choices", "too little", "no completion", "no answer", "asked"
]
"""Whether a need has a value, or why not:

- value: it has one.
- unfit: the model answered, and a check found a fault. It can be asked once more.
- nothing: the model answered that there is nothing to say.
- no choices: only values that the vault uses are allowed, and it uses none. The model was not
  asked.
- too little: the note, and those that link to it, say too little about its subject for the model
  to write a callout about it. The model was not asked.
- no completion: the reply is not a chat completion, which says nothing about the note.
- no answer: anything else: the model refused or was cut off, or the need cannot be asked for.
- asked: the question is in a batch, which the reason names; the answer has the id of the question,
  and the key of the value.
"""

NOT_ASKED: tuple[OutcomeKind, ...] = ("no choices", "too little")


class Outcome(NamedTuple):
    """The value for a need, sanitized, or why there is none.

    reason: why there is none, for the user; of a value, what the history says about it. new_values:
    values in the answer that the vault does not use yet. answer: the model's answer, unchanged.
    fault: the fault that a check found in it. endpoint_fault: what went wrong, such as `cut off`,
    if the note is hardly the cause; else empty. by_model: whether a model was asked. value: a text,
    the items of a list, or a callout's lines. flags: why somebody should look at it first.
    """

    need: Need
    reason: str
    kind: OutcomeKind
    new_values: tuple[str, ...] = ()
    answer: object = None
    fault: Fault | None = None
    endpoint_fault: str = ""
    by_model: bool = True
    value: str | list[str] | None = None
    flags: tuple[Flag, ...] = ()

    def to_proposal(self, path: str, *, is_list: bool) -> Proposal | None:
        """Return the proposal for the note at path; None if there is no answer to remember.

        Values that are new to the vault make an open one.
        """
        need, reason = self.need, self.reason
        if self.kind in ("no completion", *NOT_ASKED):
            return None
        if self.value is not None:
            flags = self.flags if checks_are_on() else ()
            return Proposal(path, need, self.value, "open", flags, remark=reason)
        if self.kind == "asked":
            return Proposal(path, need, None, "asked", reason=reason, answer=self.answer)
        if self.new_values:
            named = ", ".join(self.new_values)
            reason = f"proposed {need.kind}: {named} (not used in this vault yet)"
            if checks_are_on():
                value = list(self.new_values) if is_list else self.new_values[0]
                return Proposal(path, need, value, "open", ("new-value",), remark=reason)
        return Proposal(path, need, None, "rejected", reason=reason)


class NoteAnswers(NamedTuple):
    """The outcomes for the needs of a note, and the tokens they took."""

    outcomes: tuple[Outcome, ...]
    usage: Usage

    @property
    def rejected(self) -> list[Outcome]:
        """The needs without a value."""
        return [each for each in self.outcomes if each.value is None]

    def merge(self, second: NoteAnswers) -> NoteAnswers:
        """Return these answers with those to the second questions in their places.

        A need keeps its last reason, unless the model had nothing to say to the second question.
        """
        last = {each.need: each for each in second.outcomes if each.kind != "nothing"}
        merged = [
            again
            if again.value is not None or again.new_values
            else again._replace(new_values=each.new_values)
            for each in self.outcomes
            if (again := last.get(each.need, each))
        ]
        return NoteAnswers(tuple(merged), self.usage + second.usage)


_LIMIT_AT_FIRST = 3  # notes in a row, while the model has answered for none yet
_LIMIT_LATER = 10  # the same, once it has answered for some: then it may be the notes


class RepeatedFaults:
    """Ends a run when the same fault leaves note after note unanswered. From any thread."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._fault = ""
        self._notes = 0
        self._limit = _LIMIT_AT_FIRST

    def count(self, answers: NoteAnswers) -> None:
        """Count the outcomes of a note. Raises ModelUnfit if the same fault occurs too often.

        A refusal by the model is about the note, and does not count either way.
        """
        outcomes = [each for each in answers.outcomes if each.by_model]
        with self._lock:
            if any(each.kind in ("value", "unfit", "nothing") for each in outcomes):
                self._notes, self._limit = 0, _LIMIT_LATER  # the model answered, be it badly
                return
            first = next((each for each in outcomes if each.endpoint_fault), None)
            if first is None:
                return
            self._notes = self._notes + 1 if first.endpoint_fault == self._fault else 1
            self._fault = first.endpoint_fault
            if self._notes >= self._limit:
                raise ModelUnfit(
                    f"{self._limit} notes in a row got no answer, for the same reason:"
                    f" {first.reason}"
                )
