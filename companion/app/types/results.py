"""What became of notes that were worked on."""

from __future__ import annotations

from typing import Self

from pydantic import Field

from companion.app.types.base import OrNull, Shape
from companion.app.types.changes import Undone
from companion.enrich.plan import Filling
from companion.enrich.result import NoteStatus, Result
from companion.store.proposal import ProposalState


class Usage(Shape):
    """Tokens read and written, and calls made. cached_tokens: of those read, the cached ones."""

    input_tokens: int = 0
    output_tokens: int = 0
    calls: int = 0
    cached_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(**{name: getattr(self, name) + getattr(other, name) for name in vars(self)})


class Filled(Shape):
    """What was filled: a property's value or values, or the lines of a callout."""

    kind: str
    heading: str | None
    reason: str
    text: str | list[str]
    remark: str

    @classmethod
    def of(cls, filling: Filling) -> Self:
        """Return what a filling fills."""
        need, value, remark = filling
        return cls(
            kind=need.kind, heading=need.heading, reason=need.reason, text=value, remark=remark
        )


class Decided(Shape):
    """What became of a proposal. state: null if there is none of that id.

    reason: why it is not as it was wanted; null: it is.
    """

    id: int
    state: ProposalState | None
    reason: OrNull


class NoteResult(Shape):
    """What became of a note. change: its id in the journal. left: what was not filled, and why.

    counted: whether it is one of the run's notes; others were named, and skipped at the start.
    diff: if it was asked for and the note changed, or would. fallback: the kinds of changes that
    are a sentence of the note, as no answer could be used. proposals: the ids of the proposals:
    first those of `changes`, in that order, then those that wait. ends_run: whether the reason
    holds for every note. lacks_heading: whether it does not have the heading of the section asked
    for just once. decided: what became of each proposal that was decided on. undone: of the change
    that was to be taken back.
    """

    path: str
    status: NoteStatus
    reason: OrNull = None
    changes: list[Filled] = Field(default_factory=list)
    left: list[str] = Field(default_factory=list)
    usage: Usage = Field(default_factory=Usage)
    change: int | None = None
    ends_run: bool = False
    lacks_heading: bool = False
    fallback: list[str] = Field(default_factory=list)
    proposals: list[int] = Field(default_factory=list)
    diff: str | None = None
    counted: bool = True
    decided: list[Decided] = Field(default_factory=list)
    undone: Undone | None = None

    @classmethod
    def of(cls, result: Result, **more: object) -> Self:
        """Return the result of a note that this process worked on. more: other members."""
        own = {"changes": list(map(Filled.of, result.filled)), "left": result.unfilled}
        return cls.model_validate(vars(result) | own | more)

    @classmethod
    def of_undone(cls, undone: Undone) -> Self:
        """Return the result for the note of a change that was to be taken back."""
        status: NoteStatus = "failed" if undone.undone_by is None else "undone"
        return cls(
            path=undone.path,
            status="proposed" if undone.waits else status,
            reason=undone.reason,
            left=undone.left,
            change=undone.undone_by,
            undone=undone,
        )

    @property
    def is_unanswered(self) -> bool:
        """Whether a model was asked and gave nothing: what was filled or waits is a fallback."""
        number = len(self.changes or self.proposals)
        return self.usage.calls > 0 and 0 < len(self.fallback) == number
