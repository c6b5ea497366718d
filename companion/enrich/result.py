"""What became of a note that a run worked on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from companion.enrich.plan import Filling
from companion.errors import NoteError, NoteRefused
from companion.llm.answer import Usage

Status = Literal["enriched", "unchanged", "skipped", "failed"]


@dataclass(frozen=True)
class Result:
    """What became of a job. filled: what was written; left: what was not, and why.

    proposed: in words, values that the vault does not use yet, of needs that are not filled.
    old, new: the note's text before and after, where it changed or would change.
    change: the id of the change in the journal; None where nothing was written.
    ends_run: the reason holds for every note, so the run ends with it.
    fallback: the kinds of filled whose value is the note's own sentence, for want of an answer.
    """

    path: str
    status: Status
    reason: str = ""
    filled: tuple[Filling, ...] = ()
    left: tuple[str, ...] = ()
    usage: Usage = field(default_factory=Usage)
    old: str = ""
    new: str = ""
    change: int | None = None
    ends_run: bool = False
    proposed: tuple[str, ...] = ()
    fallback: tuple[str, ...] = ()

    @property
    def is_unanswered(self) -> bool:
        """Whether nothing in it is the model's: all that was filled is a fallback."""
        return bool(self.fallback) and len(self.fallback) == len(self.filled)


def failed_result(path: str, error: NoteError) -> Result:
    """Return the result of a note that could not be worked on, for the reason in error."""
    status: Status = "skipped" if isinstance(error, NoteRefused) else "failed"
    return Result(path, status, _in_words(error))


def _in_words(error: NoteError) -> str:
    """Return the reason and the line, without the path, which stands beside it already."""
    return f"{error.reason} (line {error.line})" if error.line else error.reason
