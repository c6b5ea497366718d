"""What became of a note that a run worked on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from companion.enrich.accept import Outcome
from companion.enrich.plan import Filling
from companion.enrich.task import Draft, Job
from companion.errors import NoteError, NoteRefused
from companion.llm.response import Usage
from companion.note.edit import Edit
from companion.note.sections import HeadingNotFound

NoteStatus = Literal["enriched", "unchanged", "skipped", "failed"]


@dataclass(frozen=True)
class Result:
    """What became of a job. filled: what was written; left: what was not, and why.

    proposed: in words, values that the vault does not use yet, of needs that are not filled.
    old, new: the note's text before and after, where it changed or would change.
    change: the id of the change in the journal; None where nothing was written.
    ends_run: the reason holds for every note, so the run ends with it.
    lacks_heading: skipped since it does not have the heading of the section asked for just once.
    fallback: the kinds of filled whose value is the note's own sentence, for want of an answer.
    """

    path: str
    status: NoteStatus
    reason: str = ""
    filled: tuple[Filling, ...] = ()
    left: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)
    old: str = ""
    new: str = ""
    change: int | None = None
    ends_run: bool = False
    lacks_heading: bool = False
    proposed: tuple[str, ...] = ()
    fallback: tuple[str, ...] = ()

    @property
    def is_unanswered(self) -> bool:
        """Whether nothing in it is the model's: all that was filled is a fallback."""
        return bool(self.fallback) and len(self.fallback) == len(self.filled)


def failed_result(path: str, error: NoteError) -> Result:
    """Return the result of a note that could not be worked on, for the reason in error."""
    status: NoteStatus = "skipped" if isinstance(error, NoteRefused) else "failed"
    lacks_heading = isinstance(error, HeadingNotFound)
    return Result(path, status, _in_words(error), lacks_heading=lacks_heading)


def _in_words(error: NoteError) -> str:
    """Return the reason and the line, without the path, which stands beside it already."""
    return f"{error.reason} (line {error.line})" if error.line else error.reason


@dataclass(frozen=True)
class Answered:
    """What a model gave for a note and is not written yet. left: what it did not give, and why."""

    job: Job
    draft: Draft
    outcome: Outcome
    left: tuple[str, ...]

    @property
    def usage(self) -> Usage:
        """What asking took."""
        return self.outcome.usage

    def still_needed(self, draft: Draft) -> list[Filling]:
        """Return the fillings whose need the draft's note still has, with the need as it is now."""
        needs = {need.key: need for need in draft.needs}
        return [
            filling._replace(need=needs[filling.need.key])
            for filling in self.outcome.fillings
            if filling.need.key in needs
        ]

    def only(self, numbers: Collection[int]) -> Answered:
        """Return the same with no more than these of its fillings, counted from 0."""
        kept = [each for number, each in enumerate(self.outcome.fillings) if number in numbers]
        return replace(self, outcome=self.outcome._replace(fillings=kept))


class PlannedChange(NamedTuple):
    """What would become of a note: the result, and the edits of its text that make it so."""

    result: Result
    edits: list[Edit]
