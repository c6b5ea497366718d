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

RejectionKind = Literal[
    "unfit", "nothing", "no choices", "too little", "no completion", "no answer", "asked"
]
"""Why a need has no value:

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

NOT_ASKED: tuple[RejectionKind, ...] = ("no choices", "too little")


class Filling(NamedTuple):
    """The value that a need is filled with, sanitized; a list holds items, or a callout's lines.

    remark: what the history says about it beside the value.
    """

    need: Need
    value: str | list[str]
    remark: str = ""


class Rejected(NamedTuple):
    """A need without a value. reason: for the user.

    new_values: values in the answer that the vault does not use yet. answer: the model's answer,
    unchanged. fault: the fault that a check found in it. endpoint_fault: what went wrong, such as
    `cut off`, if the note is hardly the cause; else empty. by_model: whether a model was asked.
    """

    need: Need
    reason: str
    kind: RejectionKind
    new_values: tuple[str, ...] = ()
    answer: object = None
    fault: Fault | None = None
    endpoint_fault: str = ""
    by_model: bool = True

    @property
    def proposal(self) -> str:
        """The values that the answer proposed, in words; empty if none."""
        if not self.new_values:
            return ""
        named = ", ".join(self.new_values)
        return f"proposed {self.need.kind}: {named} (not used in this vault yet)"

    def to_proposal(self, path: str, *, is_list: bool) -> Proposal | None:
        """Return the proposal for the note at path; None if there is no answer to remember.

        Values that are new to the vault make an open one.
        """
        if self.kind in ("no completion", *NOT_ASKED):
            return None
        if self.kind == "asked":
            return Proposal(path, self.need, None, "asked", reason=self.reason, answer=self.answer)
        if self.new_values and checks_are_on():
            value = list(self.new_values) if is_list else self.new_values[0]
            return Proposal(path, self.need, value, "open", ("new-value",), remark=self.proposal)
        return Proposal(path, self.need, None, "rejected", reason=self.proposal or self.reason)


class Accepted(NamedTuple):
    """A value that may go into the note.

    by_model: whether a model was asked. flags: why somebody should look at it before it is written.
    """

    filling: Filling
    by_model: bool = True
    flags: tuple[Flag, ...] = ()

    @property
    def need(self) -> Need:
        """What the value fills."""
        return self.filling.need

    def to_proposal(self, path: str, *, is_list: bool) -> Proposal | None:
        """Return the proposal for the note at path."""
        _, value, remark = self.filling
        flags = self.flags if checks_are_on() else ()
        return Proposal(path, self.need, value, "open", flags, remark=remark)


class NoteAnswers(NamedTuple):
    """The outcomes for the needs of a note, and the tokens they took."""

    outcomes: tuple[Accepted | Rejected, ...]
    usage: Usage

    @property
    def accepted(self) -> list[Accepted]:
        """What may go into the note."""
        return [each for each in self.outcomes if isinstance(each, Accepted)]

    @property
    def rejected(self) -> list[Rejected]:
        """The needs without a value."""
        return [each for each in self.outcomes if isinstance(each, Rejected)]

    def merge(self, second: NoteAnswers) -> NoteAnswers:
        """Return these answers with those to the second questions in their places.

        A need keeps its last reason, unless the model had nothing to say to the second question.
        """
        accepted = {each.need: each for each in second.accepted}
        rejected = {each.need: each for each in second.rejected if each.kind != "nothing"}
        merged: list[Accepted | Rejected] = []
        for each in self.outcomes:
            if isinstance(each, Rejected) and (last := rejected.get(each.need)):
                each = last._replace(new_values=last.new_values or each.new_values)
            if each.need not in accepted:
                merged.append(each)
        return NoteAnswers((*merged, *accepted.values()), self.usage + second.usage)


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
        is_answered = any(each.by_model for each in answers.accepted)
        rejected = [each for each in answers.rejected if each.by_model]
        with self._lock:
            if is_answered or any(each.kind in ("unfit", "nothing") for each in rejected):
                self._notes, self._limit = 0, _LIMIT_LATER  # the model answered, be it badly
                return
            first = next((each for each in rejected if each.endpoint_fault), None)
            if first is None:
                return
            self._notes = self._notes + 1 if first.endpoint_fault == self._fault else 1
            self._fault = first.endpoint_fault
            if self._notes >= self._limit:
                raise ModelUnfit(
                    f"{self._limit} notes in a row got no answer, for the same reason:"
                    f" {first.reason}"
                )
