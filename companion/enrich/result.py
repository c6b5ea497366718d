"""What became of a note that a run worked on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from typing import Literal, NamedTuple

from companion.enrich.outcome import NoteAnswers
from companion.enrich.plan import Filling
from companion.enrich.task import Job, Task
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
        """Whether the model gave nothing of it: all that was filled is a fallback."""
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
    """What a model gave for a note and is not written yet. left: what is not asked for or given."""

    job: Job
    task: Task
    answers: NoteAnswers
    left: tuple[str, ...]

    @property
    def usage(self) -> Usage:
        """The tokens that asking took."""
        return self.answers.usage

    @property
    def fillings(self) -> list[Filling]:
        """The values that may go into the note."""
        return [each.filling for each in self.answers.accepted]

    def still_needed(self, task: Task) -> list[Filling]:
        """Return the fillings whose need the task's note still has, with the need as it is now."""
        needs = {need.key: need for need in task.needs}
        return [
            filling._replace(need=needs[filling.need.key])
            for filling in self.fillings
            if filling.need.key in needs
        ]

    def only(self, numbers: Collection[int]) -> Answered:
        """Return the same with no more than these of its fillings, counted from 0."""
        return replace(self, answers=self.answers.only(numbers))


class PlannedChange(NamedTuple):
    """What would become of a note: the result, and the edits of its text that make it so."""

    result: Result
    edits: list[Edit]
